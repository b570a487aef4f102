extension JID {
    /// Why a text is no JID: the part, the rule it breaks, what stood there, and the whole text.
    public enum Failure: Error, Equatable, Sendable {
        /// The part before `@` (RFC 7622 3.3).
        case local(Rule, value: String, of: String)
        /// The domain (RFC 7622 3.2).
        case domain(Rule, value: String, of: String)
        /// The part behind `/` (RFC 7622 3.4).
        case resource(Rule, value: String, of: String)

        /// The rule that is broken.
        public var rule: Rule {
            switch self {
            case .local(let rule, _, _), .domain(let rule, _, _), .resource(let rule, _, _): rule
            }
        }
    }

    /// A rule of RFC 7622, or of what it refers to, that a part breaks.
    public enum Rule: Error, Equatable, Sendable {
        /// Nothing is left of the part (3.1).
        case empty
        /// The part has more than ``JID/partBytesMax`` bytes (3.1).
        case tooLong(bytes: Int)
        /// This character may not stand in that part (3.3.1, RFC 8264 8, RFC 5890 2.3.1).
        case forbidden(Unicode.Scalar)
        /// This code point is not assigned in the Unicode version in use (RFC 8264 8).
        case unassigned(Unicode.Scalar)
        /// This character may stand only beside certain others (RFC 5892 appendix A).
        case outOfContext(Unicode.Scalar)
        /// Left-to-right and right-to-left characters are mixed in a way the Bidi Rule forbids (RFC 5893 2).
        case mixedDirections
        /// Preparing it again and again gives something else each time (RFC 8264 7).
        case unstable
        /// A label of the domain name is broken (RFC 5890 2.3.1).
        case label(String, LabelRule)
        /// The domain name is refused by IDNA2008; the library's words.
        case internationalized(String)
        /// What stands in brackets is no IPv6 address.
        case noAddress
    }

    /// What a label of a domain name may break (RFC 5890 2.3.1, RFC 1035 2.3.4).
    public enum LabelRule: Equatable, Sendable {
        /// Two dots follow each other, or the name begins with one.
        case empty
        /// More than 63 bytes in its ASCII form.
        case tooLong
        /// It begins or ends with a hyphen.
        case hyphenAtEnd
        /// Hyphens in the third and fourth place are kept for `xn--`.
        case reserved
    }
}

extension JID.Failure: CustomStringConvertible {
    /// One line that says what stood where, and what is wrong with it.
    public var description: String {
        switch self {
        case .local(.empty, _, let text):
            "nothing stands before the \"@\" of \(quoted(text)): a local part belongs there, or no \"@\""
        case .domain(.empty, _, let text):
            text.isEmpty ? "an empty text is no address" : "\(quoted(text)) names no domain"
        case .resource(.empty, _, let text):
            "nothing stands behind the \"/\" of \(quoted(text)): a resource belongs there, or no \"/\""
        case .local(let rule, let value, let text):
            "the local part \(quoted(value)) of \(quoted(text)) \(rule)"
        case .domain(let rule, let value, let text):
            value == text
                ? "the domain \(quoted(value)) \(rule)" : "the domain \(quoted(value)) of \(quoted(text)) \(rule)"
        case .resource(let rule, let value, let text):
            "the resource \(quoted(value)) of \(quoted(text)) \(rule)"
        }
    }
}

extension JID.Rule: CustomStringConvertible {
    /// The end of a sentence that begins with the part.
    public var description: String {
        switch self {
        case .empty: "is empty"
        case .tooLong(let bytes): "has \(bytes) bytes; RFC 7622 allows \(JID.partBytesMax)"
        case .forbidden(let scalar): "holds \(named(scalar)), which RFC 7622 does not allow"
        case .unassigned(let scalar): "holds \(hexadecimal(scalar)), which this program's Unicode does not know"
        case .outOfContext(let scalar): "holds \(named(scalar)) where RFC 5892 does not allow it"
        case .mixedDirections: "mixes writing directions in a way that RFC 5893 does not allow"
        case .unstable: "has no stable prepared form (RFC 8264)"
        case .label(let label, let rule): "\(rule.words(quoted(label)))"
        case .internationalized(let words): "is no internationalized domain name (IDNA2008): \(words)"
        case .noAddress: "holds no IPv6 address between its brackets"
        }
    }
}

extension JID.LabelRule {
    fileprivate func words(_ label: String) -> String {
        switch self {
        case .empty: "has an empty label: a dot too many"
        case .tooLong: "has the label \(label), which is longer than 63 bytes"
        case .hyphenAtEnd: "has the label \(label), which begins or ends with a hyphen"
        case .reserved: "has the label \(label), whose third and fourth characters may not both be hyphens"
        }
    }
}

/// In quotes, on one line, and not longer than a person reads.
private func quoted(_ text: String) -> String { "\"\(ShownText.escaped(text, charactersMax: 80))\"" }

private func named(_ scalar: Unicode.Scalar) -> String {
    if scalar == " " { return "a space (U+0020)" }
    if ShownText.isHidden(scalar) { return hexadecimal(scalar) }
    return "\(scalar == "\"" ? "a quotation mark" : "\"\(scalar)\"") (\(hexadecimal(scalar)))"
}

private func hexadecimal(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

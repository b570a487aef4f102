public import Stanza

/// A pattern over bare addresses, as standing policies name them: `ops@example.org`, `*@example.org`, `bot-*@*`, `*`.
///
/// `*` stands for any run of characters, within the local part or within the domain; alone it is everybody. What
/// stands without a `*` is prepared as an address is (RFC 7622), so the case of letters does not matter.
public struct JIDGlob: Hashable, Sendable {
    /// As it was written.
    public let source: String
    private let local: [UInt8]?
    private let domain: [UInt8]
    private let isEverybody: Bool

    /// Parses a pattern.
    /// - Throws: ``EndpointProblem`` that says what was expected.
    public init(parsing text: String) throws(EndpointProblem) {
        source = text
        isEverybody = text == "*"
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        // With a letter in the place of each star the rest must be an address.
        let example = text.replacing("*", with: "x")
        do {
            let jid = try JID(example)
            guard jid.isBare else {
                throw EndpointProblem(
                    what: "\(Wording.quote(text)) has a resource",
                    hint: "expected an address without one, or a pattern such as *@example.org")
            }
        } catch let problem as EndpointProblem { throw problem } catch {
            throw EndpointProblem(
                what: "\(Wording.quote(text)) is no address",
                hint: "expected for example ops@example.org or *@example.org")
        }
        local = parts.count == 2 ? Self.prepared(parts[0]) { try? JID($0 + "@example.org").local } : nil
        domain = Self.prepared(parts[parts.count - 1]) { try? JID($0).domain }
    }

    /// A pattern without a star is prepared whole; of one with stars the letters are folded.
    private static func prepared(_ part: String, _ prepare: (String) -> String?) -> [UInt8] {
        if !part.contains("*"), let whole = prepare(part) { return Array(whole.utf8) }
        return Array(part.lowercased().utf8)
    }

    /// Whether the address, without its resource, is meant.
    public func matches(_ jid: JID) -> Bool {
        if isEverybody { return true }
        guard Self.fits(Array(jid.domain.utf8), domain) else { return false }
        guard let local else { return jid.local == nil }
        return jid.local.map { Self.fits(Array($0.utf8), local) } ?? false
    }

    /// Text against a pattern of literals and stars, in one pass: each star takes as little as it can, and more only
    /// where what follows it did not fit.
    private static func fits(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (at, of) = (0, 0)
        var retry: (at: Int, of: Int)?
        while at < text.count {
            if of < pattern.count, pattern[of] == UInt8(ascii: "*") {
                retry = (at, of + 1)
                of += 1
            } else if of < pattern.count, pattern[of] == text[at] {
                at += 1
                of += 1
            } else if let last = retry {
                retry = (last.at + 1, last.of)
                (at, of) = (last.at + 1, last.of)
            } else {
                return false
            }
        }
        return pattern[of...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension JIDGlob: CustomStringConvertible {
    /// As it was written.
    public var description: String { source }
}

/// What may stand before the stream header: white space and one XML declaration (RFC 6120 11.5, 11.6).
///
/// It is read here and the library never sees it: the library would act on its encoding, or on a byte order mark.
struct StreamPrologue {
    /// The longest XML declaration, in bytes.
    static let declarationBytesMax = 200

    private(set) var isRootReached = false
    private(set) var failure: StreamParser.Failure?
    private var isAtStart = true

    /// Reads on, and says how many bytes are done with; the rest must come again with more behind it.
    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var position = 0
        while failure == nil {
            while position < bytes.count, Self.isSpace(bytes[position]) {
                position += 1
                isAtStart = false
            }
            if position == bytes.count { return position }
            guard bytes[position] == UInt8(ascii: "<") else {
                fail("not-well-formed", "something other than XML before the stream header")
                return position
            }
            if position + 1 == bytes.count { return position }
            switch bytes[position + 1] {
            case UInt8(ascii: "!"):
                fail("restricted-xml", "a DTD or a comment before the stream header")
            case UInt8(ascii: "?"):
                guard let end = declaration(bytes, at: position) else { return position }
                position = end
            case _:
                isRootReached = true
                return position
            }
        }
        return position
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private mutating func fail(_ condition: String, _ text: String) {
        failure = .init(condition: condition, text: text)
    }

    /// Where the declaration at `start` ends; nil where that is not to be seen yet, or it is refused.
    private mutating func declaration(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Int? {
        guard isAtStart else {
            fail("restricted-xml", "a processing instruction before the stream header")
            return nil
        }
        var end = start + 2
        while end < bytes.count, end - start < Self.declarationBytesMax {
            if bytes[end] == UInt8(ascii: ">"), end > start + 2, bytes[end - 1] == UInt8(ascii: "?") {
                judge(String(decoding: bytes[(start + 2)..<(end - 1)], as: UTF8.self))
                isAtStart = false
                return end + 1
            }
            end += 1
        }
        if end - start >= Self.declarationBytesMax { fail("restricted-xml", "a processing instruction") }
        return nil
    }

    /// XML 1.0, production 23, between `<?` and `?>`.
    private mutating func judge(_ content: String) {
        var rest = Substring(content)
        guard rest.hasPrefix("xml"), rest.dropFirst(3).unicodeScalars.first.map(Self.isSpace) ?? false else {
            return fail("restricted-xml", "a processing instruction before the stream header")
        }
        rest = rest.dropFirst(3)
        var pairs: [(String, String)] = []
        while let pair = Self.pair(&rest) { pairs.append(pair) }
        let names = pairs.map(\.0)
        let isOrdered = [
            ["version"], ["version", "encoding"], ["version", "standalone"], ["version", "encoding", "standalone"],
        ].contains(names)
        guard rest.unicodeScalars.allSatisfy(Self.isSpace), isOrdered else {
            return fail("not-well-formed", "a broken XML declaration")
        }
        for (name, value) in pairs {
            if name == "version", value != "1.0" { return fail("not-well-formed", "an XML version other than 1.0") }
            if name == "encoding", value.lowercased() != "utf-8" {
                return fail("unsupported-encoding", "an encoding other than UTF-8")
            }
            if name == "standalone", value != "yes", value != "no" {
                return fail("not-well-formed", "a broken XML declaration")
            }
        }
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.isASCII && isSpace(UInt8(scalar.value)) }

    /// Takes ` name="value"` from the front.
    private static func pair(_ rest: inout Substring) -> (String, String)? {
        var scalars = rest.unicodeScalars
        guard let first = scalars.first, isSpace(first) else { return nil }
        scalars = scalars.drop(while: isSpace)
        let name = scalars.prefix { ("a"..."z").contains($0) }
        scalars = scalars[name.endIndex...].drop(while: isSpace)
        guard !name.isEmpty, scalars.popFirst() == "=" else { return nil }
        scalars = scalars.drop(while: isSpace)
        guard let quote = scalars.popFirst(), quote == "'" || quote == "\"" else { return nil }
        let value = scalars.prefix { $0 != quote }
        guard value.endIndex < scalars.endIndex else { return nil }
        rest = Substring(scalars[value.endIndex...].dropFirst())
        return (String(Substring(name)), String(Substring(value)))
    }
}

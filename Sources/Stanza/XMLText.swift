/// What XML 1.0 says of each character (section 2.2, production 2), for bytes of UTF-8.
public enum XMLText {
    /// What stands at a position.
    public enum Kind: Equatable, Sendable {
        /// A legal character of that many bytes that stands as it is.
        case plain(Int)
        /// One byte that must be written as this entity.
        case escaped(StaticString)
        /// That many bytes that are broken UTF-8 or a character that XML 1.0 forbids.
        case illegal(Int)

        public static func == (a: Kind, b: Kind) -> Bool {
            switch (a, b) {
            case (.plain(let x), .plain(let y)), (.illegal(let x), .illegal(let y)): x == y
            case (.escaped(let x), .escaped(let y)): x.description == y.description
            case (.plain, _), (.escaped, _), (.illegal, _): false
            }
        }
    }

    /// Classifies what stands at `position`; runs of plain ASCII are taken whole.
    @inline(__always)
    public static func classify(_ content: UnsafeBufferPointer<UInt8>, at position: Int) -> Kind {
        let byte = content[position]
        if byte < 0x80 {
            switch byte {
            case UInt8(ascii: "<"): return .escaped("&lt;")
            case UInt8(ascii: ">"): return .escaped("&gt;")
            case UInt8(ascii: "&"): return .escaped("&amp;")
            case UInt8(ascii: "'"): return .escaped("&apos;")
            case UInt8(ascii: "\""): return .escaped("&quot;")
            case 0x09, 0x0A: return .plain(1)
            case 0x0D: return .escaped("&#13;")
            case 0..<0x20: return .illegal(1)
            case _: return .plain(plainRun(content, from: position))
            }
        }
        return multibyte(content, at: position)
    }

    /// The length of the well-formed UTF-8 sequence at `position`, or nil; RFC 3629 section 4.
    public static func sequenceLength(_ content: UnsafeBufferPointer<UInt8>, at position: Int) -> Int? {
        let first = content[position]
        func tail(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            position + offset < content.count && range.contains(content[position + offset])
        }
        switch first {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: return tail(1) ? 2 : nil
        case 0xE0: return tail(1, 0xA0...0xBF) && tail(2) ? 3 : nil
        case 0xED: return tail(1, 0x80...0x9F) && tail(2) ? 3 : nil
        case 0xE1...0xEF: return tail(1) && tail(2) ? 3 : nil
        case 0xF0: return tail(1, 0x90...0xBF) && tail(2) && tail(3) ? 4 : nil
        case 0xF4: return tail(1, 0x80...0x8F) && tail(2) && tail(3) ? 4 : nil
        case 0xF1...0xF3: return tail(1) && tail(2) && tail(3) ? 4 : nil
        case _: return nil
        }
    }

    /// The end of the run of printable ASCII that needs no escape; ``classify(_:at:)`` knows what follows.
    static func endOfPlain(_ content: UnsafeBufferPointer<UInt8>, from start: Int, isAttribute: Bool) -> Int {
        guard let base = UnsafeRawPointer(content.baseAddress) else { return start }
        var position = start
        while position + 8 <= content.count {
            let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            // A byte's top bit is set where it is below 0x20, above 0x7F, or one that is escaped.
            var special = word | ((word &- 0x2020_2020_2020_2020) & ~word)
            // "<" and ">" differ in one bit.
            special |= matches(word | 0x0202_0202_0202_0202, UInt8(ascii: ">")) | matches(word, UInt8(ascii: "&"))
            if isAttribute { special |= matches(word, UInt8(ascii: "'")) | matches(word, UInt8(ascii: "\"")) }
            if special & 0x8080_8080_8080_8080 != 0 { break }
            position += 8
        }
        while position < content.count, isPlain(content[position], isAttribute: isAttribute) { position += 1 }
        return position
    }

    /// A word whose lowest byte with the top bit set is the first that equals `byte`; none where there is no such.
    @inline(__always)
    private static func matches(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (UInt64(byte) &* 0x0101_0101_0101_0101)
        return (difference &- 0x0101_0101_0101_0101) & ~difference
    }

    private static func isPlain(_ byte: UInt8, isAttribute: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): false
        case UInt8(ascii: "'"), UInt8(ascii: "\""): !isAttribute
        case _: byte >= 0x20 && byte < 0x80
        }
    }

    static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") }

    /// How many bytes one byte of legal text takes as character data.
    @inline(__always)
    public static func contentCount(of byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "<"), UInt8(ascii: ">"): 4
        case UInt8(ascii: "&"), 0x0D: 5
        case _: 1
        }
    }

    /// How many bytes a legal text takes as character data.
    public static func contentCount(_ content: UnsafeBufferPointer<UInt8>) -> Int {
        var count = 0
        for byte in content { count += contentCount(of: byte) }
        return count
    }

    private static func plainRun(_ content: UnsafeBufferPointer<UInt8>, from position: Int) -> Int {
        var end = position + 1
        while end < content.count {
            let byte = content[end]
            if byte < 0x20 || byte >= 0x80 { break }
            if byte == 0x3C || byte == 0x3E || byte == 0x26 || byte == 0x27 || byte == 0x22 { break }
            end += 1
        }
        return end - position
    }

    private static func multibyte(_ content: UnsafeBufferPointer<UInt8>, at position: Int) -> Kind {
        guard let length = sequenceLength(content, at: position) else { return .illegal(1) }
        // U+FFFE and U+FFFF are the only well-formed three-byte sequences that production 2 leaves out.
        if length == 3, content[position] == 0xEF, content[position + 1] == 0xBF, content[position + 2] >= 0xBE {
            return .illegal(3)
        }
        return .plain(length)
    }
}

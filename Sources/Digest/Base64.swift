/// Base64 (RFC 4648 4), strict: padded, without white space.
public enum Base64 {
    /// The text of some bytes, padded.
    public static func encode(_ bytes: [UInt8]) -> String {
        String(decoding: encoded(bytes), as: UTF8.self)
    }

    /// The text of some bytes as ASCII, padded.
    public static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var position = 0
        while position < bytes.count {
            let left = bytes.count - position
            let first = bytes[position]
            let second = left > 1 ? bytes[position + 1] : 0
            let third = left > 2 ? bytes[position + 2] : 0
            text.append(letter(first >> 2))
            text.append(letter((first & 0x03) << 4 | second >> 4))
            text.append(left > 1 ? letter((second & 0x0F) << 2 | third >> 6) : padding)
            text.append(left > 2 ? letter(third & 0x3F) : padding)
            position += 3
        }
        return text
    }

    /// The bytes of a text; nil where it is not exactly what ``encode(_:)`` writes: wrong letters, missing or misplaced
    /// padding, bits set behind the last byte (RFC 4648 3.5).
    public static func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)) }

    /// The bytes of an ASCII text, as ``decode(_:)-(String)``.
    public static func decode(_ text: some RandomAccessCollection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let letters = text.dropLast(text.suffix(2).reversed().prefix { $0 == padding }.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var bitCount = 0
        for byte in letters {
            guard let value = value(byte) else { return nil }
            bits = (bits & 0x3F) << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        // Of the last letter, only bits that belong to no byte are left; six of them would be a letter too many.
        return bitCount < 6 && bits & (1 << UInt32(bitCount) - 1) == 0 ? bytes : nil
    }

    private static let padding = UInt8(ascii: "=")

    private static func letter(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: UInt8(ascii: "+")
        case _: UInt8(ascii: "/")
        }
    }

    private static func value(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): letter - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): letter - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): letter - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        case _: nil
        }
    }
}

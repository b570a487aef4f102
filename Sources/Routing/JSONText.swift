import Stanza

/// Writes pieces of a JSON text into memory that is large enough: no growth, no checks of room.
public struct JSONText {
    /// The bytes that one byte of a text takes at most: as `\u001f`.
    public static let escapedBytesMax = 6

    private let base: UnsafeMutablePointer<UInt8>
    /// The bytes written.
    public private(set) var count = 0

    /// Begins at `base`.
    /// - Precondition: `base` has room for all that is written.
    public init(writingTo base: UnsafeMutablePointer<UInt8>) { self.base = base }

    /// Bytes as they are.
    public mutating func raw(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let start = bytes.baseAddress { (base + count).update(from: start, count: bytes.count) }
        count &+= bytes.count
    }

    /// Text as it is.
    public mutating func raw(_ text: StaticString) {
        raw(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A name or a number that needs no escape.
    public mutating func raw(_ text: String) { Self.withBytes(of: text) { raw($0) } }

    /// A comma and the name of a member, which needs no escape, with its quotes and colon.
    public mutating func nextMember(_ name: String) {
        raw(",\"")
        raw(name)
        raw("\":")
    }

    /// A string with its quotes.
    public mutating func string(_ text: String) { Self.withBytes(of: text) { string($0) } }

    /// A string with its quotes (RFC 8259 section 7); broken UTF-8 becomes U+FFFD for each maximal subpart.
    public mutating func string(_ bytes: UnsafeBufferPointer<UInt8>) {
        raw("\"")
        var position = 0
        while position < bytes.count {
            let end = Self.plainEnd(bytes, from: position)
            raw(UnsafeBufferPointer(rebasing: bytes[position..<end]))
            position = end
            if position < bytes.count { position += special(bytes, at: position) }
        }
        raw("\"")
    }

    /// What does not belong to a plain run; returns the bytes it took.
    private mutating func special(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case 0x0A: raw("\\n")
        case 0x0D: raw("\\r")
        case 0x09: raw("\\t")
        case 0x08: raw("\\b")
        case 0x0C: raw("\\f")
        case 0..<0x20:
            raw(byte < 0x10 ? "\\u000" : "\\u001")
            raw(String(byte & 0x0F, radix: 16))
        case _:
            switch UTF8Sequence(bytes, at: position) {
            case .whole(2) where byte == 0xC2 && bytes[position + 1] < 0xA0:
                // C1 controls: legal, but a terminal may obey them.
                raw("\\u00")
                raw(String(bytes[position + 1], radix: 16))
                return 2
            case .whole(let length):
                raw(UnsafeBufferPointer(rebasing: bytes[position..<position + length]))
                return length
            case .broken(let length):
                raw("\u{FFFD}")
                return length
            case .cut:
                raw("\u{FFFD}")
                return bytes.count - position
            }
        }
        return 1
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The end of the run of ASCII that stands for itself in a string.
    static func plainEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var position = start
        let raw = UnsafeRawBufferPointer(bytes)
        while position &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            if (word | (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones)) & highs != 0 { break }
            position &+= 8
        }
        while position < bytes.count {
            let byte = bytes[position]
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
            position &+= 1
        }
        return position
    }

    private static func withBytes(of text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        if text.utf8.withContiguousStorageIfAvailable(body) == nil { Array(text.utf8).withUnsafeBufferPointer(body) }
    }
}

/// What stands at a place in bytes that should be UTF-8 (RFC 3629 section 4, Unicode 3.9).
@frozen public enum UTF8Sequence: Equatable, Sendable {
    /// A well-formed sequence of that many bytes.
    case whole(Int)
    /// The maximal subpart, of that many bytes, of a sequence that breaks.
    case broken(Int)
    /// The beginning of a sequence that the end of the bytes cuts.
    case cut

    /// Reads the sequence that begins at `position`, which must be inside of the bytes.
    @inlinable
    public init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) {
        let first = bytes[position]
        let length = Self.length(first)
        if length == 0 {
            self = .broken(1)
            return
        }
        var count = 1
        while count < length {
            if position + count == bytes.count {
                self = .cut
                return
            }
            if !Self.continues(first, count, bytes[position + count]) {
                self = .broken(count)
                return
            }
            count += 1
        }
        self = .whole(length)
    }

    /// The length of a whole sequence; nil for what breaks or is cut.
    @inlinable public var wholeLength: Int? {
        switch self {
        case .whole(let length): length
        case .broken, .cut: nil
        }
    }

    /// How long a sequence with that first byte is; 0 for a byte that begins none.
    @inlinable
    public static func length(_ first: UInt8) -> Int {
        switch first {
        case 0x00...0x7F: 1
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        case _: 0
        }
    }

    /// Whether `byte` may be the one with that index in a sequence that begins with `first` (Unicode 3.9, table 3-7).
    @inlinable
    public static func continues(_ first: UInt8, _ index: Int, _ byte: UInt8) -> Bool {
        if index > 1 { return byte & 0xC0 == 0x80 }
        switch first {
        case 0xE0: return (0xA0...0xBF).contains(byte)
        case 0xED: return (0x80...0x9F).contains(byte)
        case 0xF0: return (0x90...0xBF).contains(byte)
        case 0xF4: return (0x80...0x8F).contains(byte)
        case _: return byte & 0xC0 == 0x80
        }
    }
}

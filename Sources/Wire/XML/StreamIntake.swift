/// Looks at raw bytes before the library sees them: they must be UTF-8 without NUL, whole characters at a time.
///
/// The library's answer to the same bytes would depend on where the chunks are split.
struct StreamIntake {
    /// How many bytes from the beginning may be parsed now.
    var usable: Int
    /// What is wrong behind them; nil where they end well or must wait for more.
    var failure: StreamParser.Failure?

    static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> StreamIntake {
        var position = 0
        let end = bytes.count
        while position < end {
            position += plainRun(bytes, from: position)
            if position == end { break }
            if bytes[position] == 0 {
                return StreamIntake(usable: position, failure: .init(condition: "not-well-formed", text: "a NUL byte"))
            }
            switch sequence(bytes, at: position) {
            case .whole(let length): position += length
            case .cut: return StreamIntake(usable: waiting(bytes, before: position), failure: nil)
            case .broken:
                return StreamIntake(
                    usable: position,
                    failure: .init(condition: "unsupported-encoding", text: "bytes that are not UTF-8"))
            }
        }
        return StreamIntake(usable: waiting(bytes, before: end), failure: nil)
    }

    /// `]]>` and CR LF are judged whole, so their beginnings wait.
    private static func waiting(_ bytes: UnsafeBufferPointer<UInt8>, before end: Int) -> Int {
        guard end > 0 else { return 0 }
        if bytes[end - 1] == UInt8(ascii: "\r") { return end - 1 }
        guard bytes[end - 1] == UInt8(ascii: "]") else { return end }
        return end > 1 && bytes[end - 2] == UInt8(ascii: "]") ? end - 2 : end - 1
    }

    /// The length of the run of ASCII without NUL, eight bytes at a time.
    private static func plainRun(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let raw = UnsafeRawBufferPointer(bytes)
        var position = start
        while position + 8 <= raw.count {
            let word = raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            // Some byte is zero or has its top bit set; the subtraction may borrow, but only past a zero byte.
            if (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 != 0 { break }
            position += 8
        }
        while position < raw.count, raw[position] != 0, raw[position] < 0x80 { position += 1 }
        return position - start
    }

    private enum Sequence {
        case whole(Int)
        case cut
        case broken
    }

    /// RFC 3629 4, for a byte of 0x80 and above.
    private static func sequence(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Sequence {
        let first = bytes[position]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        case _: return .broken
        }
        for offset in 1..<length {
            guard position + offset < bytes.count else { return .cut }
            let range = offset == 1 ? second : 0x80...0xBF
            guard range.contains(bytes[position + offset]) else { return .broken }
        }
        return .whole(length)
    }
}

/// Counts the attributes of a start tag that has not ended yet.
struct PendingTag {
    /// The offset in the stream where it begins.
    private var start = -1
    private var position = 0
    private var quote: UInt8 = 0
    private(set) var attributes = 0

    /// Looks through what the library has not parsed yet: when it is the tag of the last time, goes on where it left.
    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) {
        if start != self.start {
            self = PendingTag()
            self.start = start
        }
        guard bytes.count > 1, bytes[0] == UInt8(ascii: "<"), bytes[1] != UInt8(ascii: "!"),
            bytes[1] != UInt8(ascii: "?")
        else { return }
        while position < bytes.count {
            let byte = bytes[position]
            if quote != 0 {
                if byte == quote { quote = 0 }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                attributes += 1
            }
            position += 1
        }
    }
}

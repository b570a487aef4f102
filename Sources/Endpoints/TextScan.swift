/// Looks at bytes of text eight at a time, for what cannot stay in a line as it is.
enum TextScan {
    /// What ends a run of clean text.
    enum Stop: Equatable {
        /// The end of the bytes.
        case end
        /// A C0 control that XML 1.0 forbids (section 2.2): any but TAB, LF and CR.
        case control
        /// A maximal subpart of broken UTF-8 of that many bytes (Unicode 3.9, table 3-7).
        case broken(Int)
        /// U+FFFE or U+FFFF: well-formed, three bytes, forbidden by XML 1.0.
        case forbidden
        /// The beginning of a sequence that the end of the bytes cuts.
        case cut
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The first LF at or behind `start`, or the count, and whether all bytes before it are plainly clean: printable
    /// ASCII, DEL, TAB or CR.
    static func lineEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> (end: Int, clean: Bool) {
        var position = start
        var clean = true
        let raw = UnsafeRawBufferPointer(bytes)
        while position &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let other = word ^ (ones &* 0x0A)
            if (other &- ones) & ~other & highs != 0 { break }
            if isSuspect(word) { clean = clean && isPlain(word) }
            position &+= 8
        }
        while position < bytes.count {
            let byte = bytes[position]
            if byte == 0x0A { break }
            if !isPlain(byte) { clean = false }
            position &+= 1
        }
        return (position, clean)
    }

    /// The end of the run of clean text from `start`, and what ends it. LF counts as clean: the caller has cut lines.
    static func cleanRun(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> (end: Int, stop: Stop) {
        var position = start
        let raw = UnsafeRawBufferPointer(bytes)
        while position < bytes.count {
            while position &+ 8 <= bytes.count {
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                if isSuspect(word) { break }
                position &+= 8
            }
            if position == bytes.count { break }
            let byte = bytes[position]
            if byte < 0x80 {
                if !isPlain(byte) && byte != 0x0A { return (position, .control) }
                position &+= 1
                continue
            }
            let length = sequence(bytes, at: position)
            switch length {
            case .whole(3) where byte == 0xEF && bytes[position + 1] == 0xBF && bytes[position + 2] >= 0xBE:
                return (position, .forbidden)
            case .whole(let count): position &+= count
            case .broken(let count): return (position, .broken(count))
            case .cut: return (position, .cut)
            }
        }
        return (position, .end)
    }

    /// What stands at a byte of 0x80 or more.
    enum Sequence: Equatable {
        case whole(Int)
        case broken(Int)
        case cut
    }

    /// The well-formed sequence at `position`, its maximal subpart where it breaks, or `cut` where the bytes end in it.
    static func sequence(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Sequence {
        let first = bytes[position]
        let length = sequenceLength(first)
        if length == 0 { return .broken(1) }
        var count = 1
        while count < length {
            if position + count == bytes.count { return .cut }
            if !continues(first, count, bytes[position + count]) { return .broken(count) }
            count += 1
        }
        return .whole(length)
    }

    /// How long a sequence with that first byte is; 0 for a byte that begins none (RFC 3629 section 4).
    static func sequenceLength(_ first: UInt8) -> Int {
        switch first {
        case 0x00...0x7F: 1
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        case _: 0
        }
    }

    /// Whether `byte` may be the one with that index in a sequence that begins with `first`.
    static func continues(_ first: UInt8, _ index: Int, _ byte: UInt8) -> Bool {
        if index > 1 { return byte & 0xC0 == 0x80 }
        switch first {
        case 0xE0: return (0xA0...0xBF).contains(byte)
        case 0xED: return (0x80...0x9F).contains(byte)
        case 0xF0: return (0x90...0xBF).contains(byte)
        case 0xF4: return (0x80...0x8F).contains(byte)
        case _: return byte & 0xC0 == 0x80
        }
    }

    /// Whether some byte of the word may be a control or not ASCII; a borrow can call a clean one suspect, never the
    /// other way round.
    @inline(__always)
    private static func isSuspect(_ word: UInt64) -> Bool { (word | (word &- ones &* 0x20)) & highs != 0 }

    private static func isPlain(_ word: UInt64) -> Bool {
        for shift in 0..<8 where !isPlain(UInt8(truncatingIfNeeded: word >> UInt64(shift * 8))) { return false }
        return true
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte &- 0x20 < 0x60 || byte == 0x09 || byte == 0x0D
    }
}

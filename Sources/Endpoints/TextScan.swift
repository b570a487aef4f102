import Stanza

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
            switch UTF8Sequence(bytes, at: position) {
            case .whole(3) where byte == 0xEF && bytes[position + 1] == 0xBF && bytes[position + 2] >= 0xBE:
                return (position, .forbidden)
            case .whole(let count): position &+= count
            case .broken(let count): return (position, .broken(count))
            case .cut: return (position, .cut)
            }
        }
        return (position, .end)
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

import Glibc

extension [UInt8] {
    /// Where a text, which is not empty, stands first, from an offset on. The generic search would be most of a run.
    func find(_ text: [UInt8], from start: Int = 0) -> Range<Int>? {
        withUnsafeBytes { all in
            text.withUnsafeBytes { wanted in
                var offset = start
                while all.count - offset >= wanted.count, let base = all.baseAddress, let word = wanted.baseAddress,
                    let next = memchr(base + offset, Int32(wanted[0]), all.count - offset - wanted.count + 1)
                {
                    offset = base.distance(to: UnsafeRawPointer(next))
                    if memcmp(next, word, wanted.count) == 0 { return offset..<offset + wanted.count }
                    offset += 1
                }
                return nil
            }
        }
    }
}

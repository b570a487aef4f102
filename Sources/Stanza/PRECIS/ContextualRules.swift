import CUnistring

extension PRECIS {
    /// The rules under which CONTEXTJ and CONTEXTO code points may stand (RFC 5892 appendix A).
    enum ContextualRules {
        static func holds(for position: Int, in points: [UInt32]) -> Bool {
            let before = position > 0 ? points[position - 1] : nil
            let after = position + 1 < points.count ? points[position + 1] : nil
            switch points[position] {
            case 0x200C: return isVirama(before) || joins(at: position, in: points)
            case 0x200D: return isVirama(before)
            case 0xB7: return before == 0x6C && after == 0x6C
            case 0x375: return after.map { unistring_has_script($0, "Greek") } ?? false
            case 0x5F3, 0x5F4: return before.map { unistring_has_script($0, "Hebrew") } ?? false
            case 0x30FB: return points.contains(where: isJapanese)
            case 0x660...0x669: return !points.contains { (0x6F0...0x6F9).contains($0) }
            case 0x6F0...0x6F9: return !points.contains { (0x660...0x669).contains($0) }
            case _: return false
            }
        }

        private static func isVirama(_ point: UInt32?) -> Bool {
            point.map { uc_combining_class($0) == Int32(UC_CCC_VR) } ?? false
        }

        private static func isJapanese(_ point: UInt32) -> Bool {
            unistring_has_script(point, "Hiragana") || unistring_has_script(point, "Katakana")
                || unistring_has_script(point, "Han")
        }

        /// RFC 5892 A.1: (L or D) T* here T* (R or D).
        private static func joins(at position: Int, in points: [UInt32]) -> Bool {
            func type(_ point: UInt32) -> Int { Int(uc_joining_type(point)) }
            func isTransparent(_ point: UInt32) -> Bool { type(point) == UC_JOINING_TYPE_T }
            guard let left = points[..<position].last(where: { !isTransparent($0) }),
                let right = points[(position + 1)...].first(where: { !isTransparent($0) })
            else { return false }
            let both = UC_JOINING_TYPE_D
            return (type(left) == UC_JOINING_TYPE_L || type(left) == both)
                && (type(right) == UC_JOINING_TYPE_R || type(right) == both)
        }
    }
}

import CUnistring

extension PRECIS {
    /// The rules under which CONTEXTJ and CONTEXTO code points may stand (RFC 5892 appendix A).
    enum ContextRule {
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

    /// The Bidi Rule (RFC 5893 2) over a whole string, where it holds anything that runs from right to left.
    enum BidiRule {
        static func holds(for points: [UInt32]) -> Bool {
            if points.allSatisfy({ $0 < 0x590 }) { return true }
            let classes = points.map { Int(uc_bidi_class($0)) }
            guard classes.contains(where: { isIn($0, [UC_BIDI_R, UC_BIDI_AL, UC_BIDI_AN]) }) else { return true }
            // Condition 1; a string that starts with L and holds R, AL or AN breaks condition 5.
            guard let first = classes.first, isIn(first, [UC_BIDI_R, UC_BIDI_AL]) else { return false }
            // Condition 2.
            guard classes.allSatisfy({ isIn($0, inside) }) else { return false }
            // Condition 3.
            guard let last = classes.last(where: { !isIn($0, [UC_BIDI_NSM]) }),
                isIn(last, [UC_BIDI_R, UC_BIDI_AL, UC_BIDI_EN, UC_BIDI_AN])
            else { return false }
            // Condition 4.
            return !(classes.contains { isIn($0, [UC_BIDI_EN]) } && classes.contains { isIn($0, [UC_BIDI_AN]) })
        }

        private static let inside = [
            UC_BIDI_R, UC_BIDI_AL, UC_BIDI_AN, UC_BIDI_EN, UC_BIDI_ES, UC_BIDI_CS, UC_BIDI_ET, UC_BIDI_ON, UC_BIDI_BN,
            UC_BIDI_NSM,
        ]

        private static func isIn(_ value: Int, _ names: [Int]) -> Bool { names.contains(value) }
    }
}

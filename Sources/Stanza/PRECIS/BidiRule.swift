import CUnistring

extension PRECIS {
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

/// Where an overlong line may be cut.
enum PartCut {
    /// How many characters a cut moves back, at most, to keep marks with their base.
    private static let marksMax = 16

    /// The last good place for a cut at or before `limit`, never 0: between characters of UTF-8, and not before a
    /// combining mark or beside a joiner where few characters stand in the way.
    /// - Precondition: the bytes are UTF-8 (but perhaps for NDJSON), with a character behind `limit`; `limit` is at
    ///   least 4.
    static func before(_ limit: Int, in bytes: [UInt8]) -> Int {
        let plain = boundary(limit, bytes)
        var cut = plain
        for _ in 0..<marksMax {
            if cut <= 4 { return plain }
            let previous = boundary(cut - 1, bytes)
            if !joins(scalar(bytes, at: previous), scalar(bytes, at: cut)) { return cut }
            cut = previous
        }
        return plain
    }

    /// The last boundary at or before `position`; where no sequence is that long, the bytes are no UTF-8 and
    /// `position` is as good as any.
    private static func boundary(_ position: Int, _ bytes: [UInt8]) -> Int {
        for step in 0..<4 where position - step > 0 && bytes[position - step] & 0xC0 != 0x80 { return position - step }
        return position
    }

    private static func scalar(_ bytes: [UInt8], at position: Int) -> Unicode.Scalar? {
        if bytes[position] < 0x80 { return Unicode.Scalar(bytes[position]) }
        var decoder = UTF8()
        var rest = bytes[position...].makeIterator()
        switch decoder.decode(&rest) {
        case .scalarValue(let scalar): return scalar
        case .emptyInput, .error: return nil
        }
    }

    private static func joins(_ a: Unicode.Scalar?, _ b: Unicode.Scalar?) -> Bool {
        guard let a, let b, a.value >= 0x80 || b.value >= 0x80 else { return false }
        if a.value == 0x200D || b.value == 0x200D { return true }
        switch b.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return true
        case _: return false
        }
    }
}

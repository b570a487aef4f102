import CUnistring

/// The two profiles of PRECIS (RFC 8264, 8265) that addresses use, over code points.
enum PRECIS {
    /// RFC 8264 7: what does not come to rest after that many further rounds is refused.
    private static let roundsMax = 3

    /// UsernameCaseMapped (RFC 8265 3.3): width, lower case, NFC, bidi rule, IdentifierClass.
    static func usernameCaseMapped(_ text: String) throws(JID.Rule) -> String {
        let wide = widthMapped(text.unicodeScalars.map(\.value))
        // RFC 8265 3.3.1 asks for the class before case is mapped too: U+212A must not pass as a "k".
        try check(wide, identifier: true, contexts: false)
        let result = try settled(wide) { normalized(lowercased(widthMapped($0))) }
        try checkDirection(result)
        try check(result, identifier: true, contexts: true)
        return string(result)
    }

    /// OpaqueString (RFC 8265 4.2): every space becomes U+0020, NFC, FreeformClass.
    static func opaqueString(_ text: String) throws(JID.Rule) -> String {
        let result = try settled(text.unicodeScalars.map(\.value)) { normalized(spaceMapped($0)) }
        try check(result, identifier: false, contexts: true)
        return string(result)
    }

    /// The mappings that RFC 7622 3.2 allows before a domain name meets IDNA2008: width, lower case, NFC.
    static func domainMapped(_ text: String) -> String {
        string(normalized(lowercased(widthMapped(text.unicodeScalars.map(\.value)))))
    }

    private static func settled(_ points: [UInt32], _ round: ([UInt32]) -> [UInt32]) throws(JID.Rule) -> [UInt32] {
        var result = round(points)
        for _ in 0..<roundsMax {
            let next = round(result)
            if next == result { return result }
            result = next
        }
        throw .unstable
    }

    private static func check(_ points: [UInt32], identifier: Bool, contexts: Bool) throws(JID.Rule) {
        for (position, point) in points.enumerated() {
            let scalar = Self.scalar(point)
            switch DerivedProperty(of: point) {
            case .valid: continue
            case .freeformOnly: if identifier { throw .forbidden(scalar) }
            case .contextual:
                if contexts && !ContextualRules.holds(for: position, in: points) { throw .outOfContext(scalar) }
            case .unassigned: throw .unassigned(scalar)
            case .disallowed: throw .forbidden(scalar)
            }
        }
    }

    private static func checkDirection(_ points: [UInt32]) throws(JID.Rule) {
        if !BidiRule.holds(for: points) { throw .mixedDirections }
    }

    // MARK: - Mappings

    /// RFC 8264 5.2.1: fullwidth and halfwidth forms become what they decompose to.
    private static func widthMapped(_ points: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(points.count)
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Int(UC_DECOMPOSITION_MAX_LENGTH)) { space in
            for point in points {
                var tag: Int32 = 0
                let count = point < 0x80 ? -1 : Int(uc_decomposition(point, &tag, space.baseAddress))
                if count > 0 && (tag == Int32(UC_DECOMP_WIDE) || tag == Int32(UC_DECOMP_NARROW)) {
                    result.append(contentsOf: space[0..<count])
                } else {
                    result.append(point)
                }
            }
        }
        return result
    }

    /// RFC 8264 5.2.3, without regard to context: U+03A3 is always U+03C3 (RFC 7622 3.5, examples 9 to 11).
    private static func lowercased(_ points: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(points.count)
        for point in points {
            if point == 0x130 {
                // The one letter whose lower case is two code points.
                result.append(contentsOf: [0x69, 0x307])
            } else {
                result.append(uc_tolower(point))
            }
        }
        return result
    }

    private static func spaceMapped(_ points: [UInt32]) -> [UInt32] {
        points.map { $0 >= 0x80 && Int(unistring_category($0)) & UC_CATEGORY_MASK_Zs != 0 ? 0x20 : $0 }
    }

    private static func normalized(_ points: [UInt32]) -> [UInt32] {
        var length = 0
        guard let found = unistring_nfc(points, points.count, &length) else { return points }
        defer { unistring_free(found) }
        return Array(UnsafeBufferPointer(start: found, count: length))
    }

    private static func scalar(_ point: UInt32) -> Unicode.Scalar {
        // Mappings and normal forms of scalar values are scalar values; U+FFFD only satisfies the type.
        Unicode.Scalar(point) ?? "\u{FFFD}"
    }

    private static func string(_ points: [UInt32]) -> String {
        var result = ""
        for point in points { result.unicodeScalars.append(scalar(point)) }
        return result
    }
}

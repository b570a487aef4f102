import CUnistring

extension PRECIS {
    /// What PRECIS says of a code point (RFC 8264 8): the algorithm, not a table, so it follows the library's Unicode.
    enum DerivedProperty: Equatable {
        /// PVALID: allowed in both classes.
        case valid
        /// ID_DIS or FREE_PVAL: allowed in the FreeformClass alone.
        case freeformOnly
        /// CONTEXTJ or CONTEXTO: allowed where its rule holds.
        case contextual
        case unassigned
        case disallowed

        init(of point: UInt32) {
            if (0x21...0x7E).contains(point) {
                self = .valid
            } else if let exception = Self.exception(point) {
                self = exception
            } else {
                self = Self.derived(point, category: unistring_category(point))
            }
        }

        private static func derived(_ point: UInt32, category: UInt32) -> Self {
            if isIn(category, UC_CATEGORY_MASK_Cn) && !uc_is_property_not_a_character(point) { return .unassigned }
            if point == 0x200C || point == 0x200D { return .contextual }
            if isOldHangulJamo(point) { return .disallowed }
            if uc_is_property_default_ignorable_code_point(point) { return .disallowed }
            if uc_is_property_not_a_character(point) || isIn(category, UC_CATEGORY_MASK_Cc) { return .disallowed }
            if hasCompatibilityForm(point) { return .freeformOnly }
            if letterDigits.contains(where: { isIn(category, $0) }) { return .valid }
            if freeform.contains(where: { isIn(category, $0) }) { return .freeformOnly }
            return .disallowed
        }

        /// RFC 8264 9.1.
        private static let letterDigits = [
            UC_CATEGORY_MASK_Ll, UC_CATEGORY_MASK_Lu, UC_CATEGORY_MASK_Lo, UC_CATEGORY_MASK_Nd, UC_CATEGORY_MASK_Lm,
            UC_CATEGORY_MASK_Mn, UC_CATEGORY_MASK_Mc,
        ]

        /// RFC 8264 9.14 to 9.18: other letters and digits, spaces, symbols, punctuation.
        private static let freeform = [
            UC_CATEGORY_MASK_Lt, UC_CATEGORY_MASK_Nl, UC_CATEGORY_MASK_No, UC_CATEGORY_MASK_Me, UC_CATEGORY_MASK_Zs,
            UC_CATEGORY_MASK_S, UC_CATEGORY_MASK_P,
        ]

        /// RFC 5892 2.6, which RFC 8264 9.6 takes over.
        private static func exception(_ point: UInt32) -> Self? {
            switch point {
            case 0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007: .valid
            case 0xB7, 0x375, 0x5F3, 0x5F4, 0x30FB, 0x660...0x669, 0x6F0...0x6F9: .contextual
            case 0x640, 0x7FA, 0x302E, 0x302F, 0x3031...0x3035, 0x303B: .disallowed
            case _: nil
            }
        }

        /// RFC 8264 9.9: Hangul_Syllable_Type is L, V or T.
        private static func isOldHangulJamo(_ point: UInt32) -> Bool {
            switch point {
            case 0x1100...0x11FF, 0xA960...0xA97C, 0xD7B0...0xD7C6, 0xD7CB...0xD7FB: true
            case _: false
            }
        }

        /// RFC 8264 9.17: NFKC changes it.
        private static func hasCompatibilityForm(_ point: UInt32) -> Bool {
            var one = point
            var length = 0
            guard let found = unistring_nfkc(&one, 1, &length) else { return false }
            defer { unistring_free(found) }
            return length != 1 || found[0] != point
        }

        private static func isIn(_ category: UInt32, _ mask: Int) -> Bool { Int(category) & mask != 0 }
    }
}

import CIDN2

/// The domain of an address (RFC 7622 3.2): a name in U-labels, an IPv4 address or an IPv6 address in brackets.
enum DomainName {
    /// The longest name of the DNS in its ASCII form, in bytes (RFC 1035 2.3.4, without the root's label).
    static let nameBytesMax = 253
    /// The longest label in its ASCII form, in bytes (RFC 1035 2.3.4).
    static let labelBytesMax = 63

    /// The prepared form.
    static func prepare(_ domain: String) throws(JID.Rule) -> String {
        let count = domain.utf8.count
        if count > 4 * JID.partBytesMax { throw .tooLong(bytes: count) }
        if domain.utf8.first == UInt8(ascii: "[") { return try literal(domain) }
        let isASCII = domain.utf8.allSatisfy { $0 < 0x80 }
        var name = isASCII ? domain.lowercased() : dotted(PRECIS.domainMapped(domain))
        // RFC 7622 3.2: one final dot is stripped.
        if name.utf8.last == UInt8(ascii: ".") { name.unicodeScalars.removeLast() }
        if name.utf8.isEmpty { throw .empty }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        var isInternational = false
        for label in labels {
            let text = String(Substring(label))
            for scalar in text.unicodeScalars where scalar.isASCII && !isLetterDigitHyphen(UInt8(scalar.value)) {
                throw .forbidden(scalar)
            }
            if text.utf8.allSatisfy({ $0 < 0x80 }) && !text.hasPrefix("xn--") {
                try check(label: text)
            } else {
                if text.utf8.isEmpty { throw .label("", .empty) }
                isInternational = true
            }
        }
        if isInternational { name = try unicode(name) }
        if name.utf8.count > (isInternational ? JID.partBytesMax : nameBytesMax) {
            throw .tooLong(bytes: name.utf8.count)
        }
        return name
    }

    /// The A-label form of a prepared domain.
    static func ascii(_ domain: String) -> String {
        if domain.utf8.allSatisfy({ $0 < 0x80 }) { return domain }
        // A prepared domain has come through the same look-up, so it does not fail; if it did, the name itself
        // would be looked up and not be found.
        return (try? lookup(domain)) ?? domain
    }

    static func isAddress(_ domain: String) -> Bool {
        if domain.utf8.first == UInt8(ascii: "[") { return true }
        let numbers = domain.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers.allSatisfy { IPv6Text.isDecimalOctet($0) }
    }

    /// Whether these bytes are a name that is prepared as it stands.
    static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard (1...nameBytesMax).contains(bytes.count) else { return false }
        var start = 0
        for position in 0...bytes.count {
            if position < bytes.count && bytes[position] != UInt8(ascii: ".") {
                guard isLetterDigitHyphen(bytes[position]) else { return false }
                continue
            }
            guard (1...labelBytesMax).contains(position - start) else { return false }
            guard bytes[start] != UInt8(ascii: "-"), bytes[position - 1] != UInt8(ascii: "-") else { return false }
            if position - start >= 4 && bytes[start + 2] == UInt8(ascii: "-") && bytes[start + 3] == UInt8(ascii: "-") {
                return false
            }
            start = position + 1
        }
        return true
    }

    /// Whether letters, digits and hyphens in lower case are an NR-LDH label (RFC 5890 2.3.1).
    private static func check(label: String) throws(JID.Rule) {
        let bytes = Array(label.utf8)
        if bytes.isEmpty { throw .label(label, .empty) }
        if bytes.count > labelBytesMax { throw .label(label, .tooLong) }
        let hyphen = UInt8(ascii: "-")
        if bytes.first == hyphen || bytes.last == hyphen { throw .label(label, .hyphenAtEnd) }
        if bytes.count >= 4 && bytes[2] == hyphen && bytes[3] == hyphen { throw .label(label, .reserved) }
    }

    private static func isLetterDigitHyphen(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        case _: false
        }
    }

    /// RFC 5895 2.4: the ideographic full stop separates labels too.
    private static func dotted(_ name: String) -> String {
        var result = ""
        for scalar in name.unicodeScalars { result.unicodeScalars.append(scalar == "\u{3002}" ? "." : scalar) }
        return result
    }

    // MARK: - IDNA2008

    /// A-labels become U-labels, and every label must survive the way there and back (RFC 5891 5).
    private static func unicode(_ name: String) throws(JID.Rule) -> String {
        let ascii = try lookup(name)
        var output: UnsafeMutablePointer<CChar>?
        let status = idn2_to_unicode_8z8z(ascii, &output, 0)
        defer { idn2_free(output) }
        guard status == IDN2_OK.rawValue, let output else { throw .internationalized(words(status)) }
        let result = String(cString: output)
        guard try lookup(result) == ascii else {
            throw .internationalized(words(IDN2_ALABEL_ROUNDTRIP_FAILED.rawValue))
        }
        return result
    }

    private static func lookup(_ name: String) throws(JID.Rule) -> String {
        // No UTS 46: the mappings that RFC 7622 permits have been made, and what else it maps is not allowed.
        var output: UnsafeMutablePointer<UInt8>?
        let flags = Int32(IDN2_NO_TR46.rawValue | IDN2_NFC_INPUT.rawValue)
        let status = Array(name.utf8 + [0]).withUnsafeBufferPointer { idn2_lookup_u8($0.baseAddress, &output, flags) }
        defer { idn2_free(output) }
        guard status == IDN2_OK.rawValue, let output else { throw .internationalized(words(status)) }
        return String(cString: output)
    }

    private static func words(_ status: Int32) -> String { String(cString: idn2_strerror(status)) }

    // MARK: - Literals

    private static func literal(_ domain: String) throws(JID.Rule) -> String {
        let bytes = Array(domain.lowercased().utf8)
        guard bytes.last == UInt8(ascii: "]"), IPv6Text.isAddress(bytes[1..<(bytes.count - 1)]) else {
            throw .noAddress
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The text forms of IP addresses (RFC 3986 3.2.2).
enum IPv6Text {
    /// Whether these bytes are an IPv6 address: eight groups, `::` once for what is left out, an IPv4 tail allowed.
    static func isAddress(_ bytes: ArraySlice<UInt8>) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count >= 3, parts.count <= 9 else { return false }
        var groups = 0
        var gaps = 0
        for (position, part) in parts.enumerated() {
            let isEdge = position == 0 || position == parts.count - 1
            if part.isEmpty {
                // At an edge only as half of "::", whose other half is the empty part beside it.
                if isEdge {
                    let neighbour = position == 0 ? parts[1] : parts[position - 1]
                    guard neighbour.isEmpty else { return false }
                } else {
                    gaps += 1
                }
            } else if position == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                let numbers = part.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
                guard numbers.count == 4, numbers.allSatisfy({ isDecimalOctet($0) }) else { return false }
                groups += 2
            } else {
                guard part.count <= 4, part.allSatisfy(isHexadecimal) else { return false }
                groups += 1
            }
        }
        return gaps == 0 ? groups == 8 : gaps == 1 && groups <= 7
    }

    /// 0 to 255 without leading zeros.
    static func isDecimalOctet(_ digits: some Collection<UInt8>) -> Bool {
        guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
        if digits.count > 1 && digits.first == UInt8(ascii: "0") { return false }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}

/// The text forms of IP addresses (RFC 3986 3.2.2).
public enum IPv6Text {
    /// Whether these bytes are an IPv6 address: eight groups, `::` once for what is left out, an IPv4 tail allowed,
    /// letters in either case; no brackets and no zone.
    public static func isAddress(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
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
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }
}

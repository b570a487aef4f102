/// Addresses of plain ASCII that are prepared as they stand: nearly all, so no library is asked about them.
enum PlainAddress {
    /// The ends of the local part (0 where there is none) and of the domain, or nil where there is work to do.
    static func ends(_ bytes: UnsafeBufferPointer<UInt8>) -> (local: Int, domain: Int)? {
        var at: Int?
        var slash = bytes.count
        for (position, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "/") {
                slash = position
                break
            }
            if byte == UInt8(ascii: "@") && at == nil { at = position }
        }
        if let at {
            guard isPartLength(at), bytes[..<at].allSatisfy(isLocal) else { return nil }
        }
        guard DomainName.isPlain(UnsafeBufferPointer(rebasing: bytes[(at.map { $0 + 1 } ?? 0)..<slash])) else {
            return nil
        }
        if slash < bytes.count {
            let resource = bytes[(slash + 1)...]
            guard isPartLength(resource.count), resource.allSatisfy(isResource) else { return nil }
        }
        return (at ?? 0, slash)
    }

    /// Whether an ASCII byte stands in a prepared local part (RFC 7622 3.3.1).
    static func isLocal(_ byte: UInt8) -> Bool {
        guard (0x21...0x7E).contains(byte) else { return false }
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return false
        case UInt8(ascii: "\""), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "/"): return false
        case UInt8(ascii: ":"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "@"): return false
        case _: return true
        }
    }

    static func isLocal(_ scalar: Unicode.Scalar) -> Bool { scalar.isASCII && isLocal(UInt8(scalar.value)) }

    /// Whether an ASCII byte stands in a prepared resource (RFC 7622 3.4).
    static func isResource(_ byte: UInt8) -> Bool { (0x20...0x7E).contains(byte) }

    private static func isPartLength(_ count: Int) -> Bool { (1...JID.partBytesMax).contains(count) }
}

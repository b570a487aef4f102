/// The names in a certificate that may stand for an XMPP server (RFC 6120 13.7.1.2), as they were written.
struct PresentedNames: Equatable {
    /// dNSName: A-labels, perhaps with a wildcard.
    var dns: [[UInt8]] = []
    /// SRVName (RFC 4985): `_service.domain`.
    var srv: [[UInt8]] = []
    /// XmppAddr (RFC 6120 13.7.1.4): a JID.
    var xmpp: [[UInt8]] = []
    /// iPAddress: 4 or 16 bytes.
    var addresses: [[UInt8]] = []
    /// The subject's common name, where there is exactly one.
    var commonName: [UInt8]?
    /// The extension is there but cannot be read: nothing in the certificate may stand for a domain.
    var isDamaged = false

    /// Whether any name stands there that keeps the common name from being looked at (RFC 6125 6.4.4).
    var holdsAny: Bool { isDamaged || !(dns.isEmpty && srv.isEmpty && xmpp.isEmpty && addresses.isEmpty) }
}

/// Whom we mean to reach: the domain of the JID, never the host that an SRV record named (RFC 6120 13.7.2.1).
struct ReferenceIdentity: Equatable, Sendable {
    /// The domain in A-labels, lowercase, without a root dot.
    let ascii: [UInt8]
    /// The domain in U-labels, lowercase.
    let unicode: String
    /// The bytes of the address, where the domain is an IP address.
    let address: [UInt8]?

    /// - Parameters:
    ///   - domain: in A-labels; an IPv6 address in brackets.
    ///   - unicodeDomain: the same in U-labels.
    init(domain: String, unicodeDomain: String, parseAddress: (String) -> [UInt8]?) {
        var bytes = lowercased(domain.utf8)
        if bytes.count > 1, bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        ascii = bytes
        unicode = unicodeDomain.lowercased()
        let bracketed = bytes.first == UInt8(ascii: "[") && bytes.last == UInt8(ascii: "]")
        address = parseAddress(String(decoding: bracketed ? bytes.dropFirst().dropLast() : bytes[...], as: UTF8.self))
    }

    /// Whether a certificate with these names is for us (RFC 6125 6, RFC 6120 13.7.2.1).
    func accepts(_ names: PresentedNames) -> Bool {
        if names.isDamaged { return false }
        if names.xmpp.contains(where: isOurDomain) || names.srv.contains(where: isOurService) { return true }
        if let address { return names.addresses.contains(address) }
        if names.dns.contains(where: { isOurDomain($0) || covers($0) }) { return true }
        guard !names.holdsAny, let name = names.commonName else { return false }
        return isOurDomain(name) || covers(name)
    }

    private func isOurDomain(_ name: [UInt8]) -> Bool {
        if lowercased(name) == ascii { return true }
        return name.contains { $0 >= 0x80 } && String(decoding: name, as: UTF8.self).lowercased() == unicode
    }

    /// RFC 6120 13.7.1.2.1 knows no wildcard here; XEP-0368 validates direct TLS by the same service.
    private func isOurService(_ name: [UInt8]) -> Bool {
        let service = Array("_xmpp-client.".utf8)
        return lowercased(name.prefix(service.count)) == service && isOurDomain(Array(name.dropFirst(service.count)))
    }

    /// A wildcard stands for exactly one label, the left-most, as a whole (RFC 6125 6.4.3), over two labels at least.
    private func covers(_ pattern: [UInt8]) -> Bool {
        let dot = UInt8(ascii: ".")
        guard pattern.starts(with: "*.".utf8) else { return false }
        let suffix = lowercased(pattern.dropFirst())
        guard suffix.dropFirst().contains(dot), !suffix.contains(UInt8(ascii: "*")),
            let end = ascii.firstIndex(of: dot), end > 0
        else { return false }
        return ascii[end...].elementsEqual(suffix)
    }
}

private func lowercased(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
}

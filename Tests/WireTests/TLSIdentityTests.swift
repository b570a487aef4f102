import Testing

@testable import Wire

/// RFC 6125 6 and RFC 6120 13.7 as a table: names in a certificate against the domain of a JID.
@Suite struct TLSIdentityTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var domain: String
        var unicode: String?
        var dns: [String] = []
        var srv: [String] = []
        var xmpp: [String] = []
        var addresses: [[UInt8]] = []
        var commonName: String?
        var isDamaged = false
        var accepted: Bool

        var testDescription: String { "\(domain) by \(dns) \(srv) \(xmpp) \(addresses) \(commonName ?? "-")" }
    }

    static let rows: [Row] = [
        // dNSName
        Row(domain: "example.org", dns: ["example.org"], accepted: true),
        Row(domain: "example.org", dns: ["EXAMPLE.Org"], accepted: true),
        Row(domain: "Example.ORG", dns: ["example.org"], accepted: true),
        Row(domain: "example.org.", dns: ["example.org"], accepted: true),
        Row(domain: "example.org", dns: ["other.example", "example.org"], accepted: true),
        Row(domain: "example.org", dns: ["example.com"], accepted: false),
        Row(domain: "example.org", dns: ["sub.example.org"], accepted: false),
        Row(domain: "example.org", dns: ["xexample.org"], accepted: false),
        Row(domain: "example.org", dns: ["example.org\u{0}.evil.example"], accepted: false),
        Row(domain: "example.org", dns: [""], accepted: false),
        // wildcards: the left-most label, whole, and one only
        Row(domain: "a.example.org", dns: ["*.example.org"], accepted: true),
        Row(domain: "A.EXAMPLE.org", dns: ["*.Example.ORG"], accepted: true),
        Row(domain: "example.org", dns: ["*.example.org"], accepted: false),
        Row(domain: "a.b.example.org", dns: ["*.example.org"], accepted: false),
        Row(domain: "a.b.example.org", dns: ["*.*.example.org"], accepted: false),
        Row(domain: "a.b.example.org", dns: ["a.*.example.org"], accepted: false),
        Row(domain: "abc.example.org", dns: ["a*.example.org"], accepted: false),
        Row(domain: "abc.example.org", dns: ["*c.example.org"], accepted: false),
        Row(domain: "example.org", dns: ["*.org"], accepted: false),
        Row(domain: "example.org", dns: ["*"], accepted: false),
        Row(domain: ".example.org", dns: ["*.example.org"], accepted: false),
        Row(domain: "xn--bcher-kva.example.org", dns: ["*.example.org"], accepted: true),
        // SRVName: the service, no wildcard
        Row(domain: "example.org", srv: ["_xmpp-client.example.org"], accepted: true),
        Row(domain: "example.org", srv: ["_XMPP-Client.Example.org"], accepted: true),
        Row(domain: "example.org", srv: ["_xmpp-server.example.org"], accepted: false),
        Row(domain: "example.org", srv: ["_xmpp-client.example.com"], accepted: false),
        Row(domain: "example.org", srv: ["example.org"], accepted: false),
        Row(domain: "a.example.org", srv: ["_xmpp-client.*.example.org"], accepted: false),
        // XmppAddr: a JID that is a domain, no wildcard
        Row(domain: "example.org", xmpp: ["example.org"], accepted: true),
        Row(domain: "example.org", xmpp: ["user@example.org"], accepted: false),
        Row(domain: "a.example.org", xmpp: ["*.example.org"], accepted: false),
        // IDN, both forms
        Row(domain: "xn--bcher-kva.example", unicode: "bücher.example", dns: ["xn--bcher-kva.example"], accepted: true),
        Row(domain: "xn--bcher-kva.example", unicode: "bücher.example", dns: ["XN--BCHER-KVA.example"], accepted: true),
        Row(domain: "xn--bcher-kva.example", unicode: "bücher.example", xmpp: ["bücher.example"], accepted: true),
        Row(domain: "xn--bcher-kva.example", unicode: "bücher.example", xmpp: ["BÜCHER.example"], accepted: true),
        Row(
            domain: "xn--bcher-kva.example", unicode: "bücher.example", xmpp: ["bu\u{308}cher.example"], accepted: true),
        Row(domain: "xn--bcher-kva.example", unicode: "bücher.example", xmpp: ["bucher.example"], accepted: false),
        // IP addresses
        Row(domain: "127.0.0.1", addresses: [[127, 0, 0, 1]], accepted: true),
        Row(domain: "127.0.0.1", addresses: [[127, 0, 0, 2]], accepted: false),
        Row(domain: "127.0.0.1", dns: ["127.0.0.1"], accepted: false),
        Row(domain: "127.0.0.1", xmpp: ["127.0.0.1"], accepted: true),
        Row(domain: "127.0.0.1", commonName: "127.0.0.1", accepted: false),
        Row(domain: "127.0.0.1", dns: ["*.0.0.1"], accepted: false),
        Row(domain: "[::1]", addresses: [[UInt8](repeating: 0, count: 15) + [1]], accepted: true),
        Row(domain: "[::1]", addresses: [[127, 0, 0, 1]], accepted: false),
        Row(domain: "1.2.3.4.example.org", dns: ["1.2.3.4.example.org"], accepted: true),
        Row(domain: "1.2.3.4.example.org", addresses: [[1, 2, 3, 4]], accepted: false),
        // the common name: only where nothing else stands
        Row(domain: "example.org", commonName: "example.org", accepted: true),
        Row(domain: "a.example.org", commonName: "*.example.org", accepted: true),
        Row(domain: "example.org", commonName: "example.com", accepted: false),
        Row(domain: "example.org", dns: ["example.com"], commonName: "example.org", accepted: false),
        Row(domain: "example.org", srv: ["_xmpp-server.a.example"], commonName: "example.org", accepted: false),
        Row(domain: "example.org", xmpp: ["a.example"], commonName: "example.org", accepted: false),
        Row(domain: "example.org", addresses: [[1, 2, 3, 4]], commonName: "example.org", accepted: false),
        Row(domain: "example.org", commonName: "example.org", isDamaged: true, accepted: false),
        Row(domain: "example.org", accepted: false),
    ]

    @Test(arguments: rows) func aNameIsAcceptedOrNot(_ row: Row) {
        let identity = ReferenceIdentity(
            domain: row.domain, unicodeDomain: row.unicode ?? row.domain, parseAddress: parseIPAddress)
        let names = PresentedNames(
            dns: row.dns.map { Array($0.utf8) }, srv: row.srv.map { Array($0.utf8) },
            xmpp: row.xmpp.map { Array($0.utf8) }, addresses: row.addresses,
            commonName: row.commonName.map { Array($0.utf8) }, isDamaged: row.isDamaged)
        #expect(identity.accepts(names) == row.accepted)
    }

    @Test func brokenUTF8IsNobody() {
        let identity = ReferenceIdentity(
            domain: "example.org", unicodeDomain: "example.org", parseAddress: { _ in nil })
        #expect(!identity.accepts(PresentedNames(xmpp: [Array("example.org".utf8) + [0xFF]])))
    }

    @Test(
        arguments: [
            ("127.0.0.1", [127, 0, 0, 1]), ("::1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ("127.0.0.1.example", nil), ("127.0.0", nil), ("256.0.0.1", nil), ("example.org", nil), ("", nil),
            ("1\u{0}", nil),
        ] as [(String, [UInt8]?)])
    func anAddressIsRead(_ text: String, _ bytes: [UInt8]?) {
        #expect(parseIPAddress(text) == bytes)
    }

    @Test func aFingerprintIsWrittenAsPeopleRead() {
        let text = CertificateFingerprint.text((0..<32).map { UInt8($0 * 8) })
        #expect(text == "sha256:0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8")
    }
}

import Config
import Testing

@Suite struct ServerAddressTests {
    @Test(
        arguments: [
            ("example.org", "example.org", nil, false, "example.org"),
            ("example.org:5223", "example.org", 5_223, false, "example.org:5223"),
            ("tls://example.org", "example.org", nil, true, "tls://example.org"),
            ("tls://[::1]:443", "::1", 443, true, "tls://[::1]:443"),
            ("::1", "::1", nil, false, "[::1]"), ("[fe80::1%lo]", "fe80::1%lo", nil, false, "[fe80::1%lo]"),
            ("127.0.0.1:1", "127.0.0.1", 1, false, "127.0.0.1:1"),
            ("bücher.example", "bücher.example", nil, false, "bücher.example"),
        ] as [(String, String, Int?, Bool, String)])
    func reads(_ text: String, _ host: String, _ port: Int?, _ directTLS: Bool, _ written: String) throws {
        let address = try ServerAddress(parsing: text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.directTLS == directTLS)
        #expect("\(address)" == written)
        #expect(try ServerAddress(parsing: written) == address)
    }

    @Test func usualPorts() throws {
        #expect(try ServerAddress(parsing: "a").portOrUsual == 5_222)
        #expect(try ServerAddress(parsing: "tls://a").portOrUsual == 5_223)
        #expect(try ServerAddress(parsing: "tls://a:1").portOrUsual == 1)
    }

    @Test(arguments: [
        ("", "no host in \"\"; expected HOST, HOST:PORT or tls://HOST:PORT, an IPv6 address in brackets"),
        ("tls://", "no host in \"tls://\"; "), (":5222", "no host in \":5222\"; "),
        ("xmpp://a", "unknown scheme \"xmpp://\"; "), ("[::1", "a [ without its ]; "),
        ("[::1]5222", "\"5222\" behind the address; "), ("a b", "\"a b\" is no host; "),
        ("a/b", "\"a/b\" is no host; "),
        ("me@a", "\"me@a\" is no host; "), ("a:", "\"\" is no port; expected a number from 1 to 65535"),
        ("a:0", "\"0\" is no port; "), ("a:65536", "\"65536\" is no port; "), ("a:+1", "\"+1\" is no port; "),
        ("a:99999999999999999999", "\"99999999999999999999\" is no port; "),
    ])
    func refuses(_ text: String, _ expected: String) {
        #expect {
            _ = try ServerAddress(parsing: text)
        } throws: {
            "\($0)".hasPrefix(expected)
        }
    }

    @Test func fingerprints() throws {
        let digits = (0..<32).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
        let plain = "sha256:" + digits.joined()
        #expect(try Fingerprint(parsing: plain).bytes == Array(0..<32))
        #expect(try Fingerprint(parsing: "SHA256:" + digits.joined(separator: ":").uppercased()).bytes == Array(0..<32))
        #expect("\(try Fingerprint(parsing: plain))" == plain)
        for (text, expected) in [
            ("00", "a fingerprint without sha256: before it; "),
            ("sha1:" + digits.joined(), "a fingerprint without sha256: before it; "),
            ("", "a fingerprint without sha256: before it; "),
            ("sha256:", "a fingerprint of 0 hexadecimal digits; "),
            ("sha256:+f" + digits.dropFirst().joined(), "\"+\" in a fingerprint; "),
            ("sha256:00", "a fingerprint of 2 hexadecimal digits; "),
            ("sha256:0g", "\"g\" in a fingerprint; "), (plain + "00", "a fingerprint of 66 hexadecimal digits; "),
            ("sha256:" + String(repeating: "٣", count: 64), "\"٣\" in a fingerprint; "),
        ] {
            #expect {
                _ = try Fingerprint(parsing: text)
            } throws: {
                "\($0)".hasPrefix(expected)
            }
        }
    }
}

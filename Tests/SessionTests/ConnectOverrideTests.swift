import Testing

@testable import Session

@Suite struct ConnectOverrideTests {
    static let good: [(String, String, Int, Bool)] = [
        ("example.org", "example.org", 5222, false), ("example.org:5269", "example.org", 5269, false),
        ("example.org.", "example.org.", 5222, false), ("localhost:1", "localhost", 1, false),
        ("a_b-c.d:65535", "a_b-c.d", 65_535, false), ("192.0.2.1", "192.0.2.1", 5222, false),
        ("192.0.2.1:80", "192.0.2.1", 80, false), ("b\u{FC}cher.example:80", "b\u{FC}cher.example", 80, false),
        ("tls://example.org", "example.org", 5223, true), ("tls://example.org:443", "example.org", 443, true),
        ("TLS://example.org", "example.org", 5223, true), ("tls://[::1]", "::1", 5223, true),
        ("[::1]", "::1", 5222, false), ("[::1]:5222", "::1", 5222, false), ("::1", "::1", 5222, false),
        ("::", "::", 5222, false), ("2001:db8::5:5223", "2001:db8::5:5223", 5222, false),
        ("tls://2001:db8::5", "2001:db8::5", 5223, true), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 5222, false),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::", 5222, false), ("::ffff:192.0.2.1", "::ffff:192.0.2.1", 5222, false),
        ("[fe80::1%eth0]:5222", "fe80::1%eth0", 5222, false), ("fe80::1%2", "fe80::1%2", 5222, false),
    ]

    @Test(arguments: good) func takes(_ text: String, _ host: String, _ port: Int, _ directTLS: Bool) throws {
        let server = try ServerOverride(text)
        #expect(server.candidate == Candidate(host: host, port: port, directTLS: directTLS))
    }

    static let bad: [(String, ServerOverride.Problem)] = [
        ("", .noHost), ("tls://", .noHost), (":5222", .noHost), ("tls://:5223", .noHost),
        ("xmpp://example.org", .scheme("xmpp")), ("https://example.org/x", .scheme("https")),
        ("://example.org", .scheme("")), ("tls://tls://x", .port("//x")),
        ("example.org:", .port("")), ("example.org:0", .port("0")), ("example.org:65536", .port("65536")),
        ("example.org:99999999999999999999", .port("99999999999999999999")), ("example.org:-1", .port("-1")),
        ("example.org:+80", .port("+80")), ("example.org: 80", .port(" 80")), ("example.org:80 ", .port("80 ")),
        ("example.org:xmpp", .port("xmpp")), ("example.org:\u{661}", .port("\u{661}")), ("[::1]:", .port("")),
        ("[::1]:x", .port("x")), ("me@example.org", .host("me@example.org")), ("a b", .host("a b")),
        ("example.org/x", .host("example.org/x")), (" example.org", .host(" example.org")),
        ("example.org\n", .host("example.org\n")), ("-x", .host("-x")), (".x", .host(".x")),
        ("a\u{0}", .host("a\u{0}")),
        ("[example.org]", .host("example.org")), ("[::1", .host("[::1")), ("[]", .host("")),
        ("[::1]5222", .host("[::1]5222")),
        ("host:52:22", .host("host:52:22")), (":::", .host(":::")), ("1::2::3", .host("1::2::3")),
        ("1:2:3:4:5:6:7", .host("1:2:3:4:5:6:7")), ("1:2:3:4:5:6:7:8:9", .host("1:2:3:4:5:6:7:8:9")),
        ("1:2:3:4:5:6:7:8::", .host("1:2:3:4:5:6:7:8::")), ("12345::", .host("12345::")), ("::g", .host("::g")),
        ("::1.2.3", .host("::1.2.3")), ("::1.2.3.256", .host("::1.2.3.256")), ("1.2.3.4::", .host("1.2.3.4::")),
        ("::1%", .host("::1%")), ("::1% x", .host("::1% x")), ("1:2:3:4:5:6:7:1.2.3.4", .host("1:2:3:4:5:6:7:1.2.3.4")),
    ]

    @Test(arguments: bad) func refuses(_ text: String, _ expected: ServerOverride.Problem) {
        #expect(throws: expected) { try ServerOverride(text) }
    }

    @Test func problemsAreOneLine() {
        let problems: [ServerOverride.Problem] = [.noHost, .scheme("a\nb"), .host("a\u{1B}b"), .port("a\u{0}b")]
        for problem in problems {
            #expect(problem.description.unicodeScalars.allSatisfy { $0.value >= 0x20 })
            #expect(problem.description.contains("HOST[:PORT]") || problem.description.contains("65535"))
        }
    }
}

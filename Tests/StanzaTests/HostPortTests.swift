import Stanza
import Testing

@Suite struct HostPortTests {
    @Test(
        arguments: [
            ("localhost", "localhost", nil), ("a.example:99", "a.example", 99), ("a.example.", "a.example.", nil),
            ("a_b-c.d:65535", "a_b-c.d", 65_535), ("127.0.0.1", "127.0.0.1", nil), ("127.0.0.1:1", "127.0.0.1", 1),
            ("b\u{FC}cher.example:80", "b\u{FC}cher.example", 80), ("[::1]", "::1", nil), ("::1", "::1", nil),
            ("[2001:DB8::1]:9222", "2001:DB8::1", 9_222), ("2001:db8::5:5223", "2001:db8::5:5223", nil),
            ("::", "::", nil), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", nil), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::", nil),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1", nil), ("[fe80::1%eth0]:5222", "fe80::1%eth0", 5_222),
            ("fe80::1%2", "fe80::1%2", nil),
        ] as [(String, String, Int?)])
    func reads(_ text: String, _ host: String, _ port: Int?) throws {
        let place = try HostPort(text)
        #expect(place.host == host && place.port == port)
        #expect(try HostPort("\(place)") == place)
    }

    @Test(
        arguments: [
            ("", .noHost), (":5222", .noHost), ("a:", .port("")), ("a:0", .port("0")), ("a:65536", .port("65536")),
            ("a:99999999999999999999", .port("99999999999999999999")), ("a:-1", .port("-1")), ("a:+80", .port("+80")),
            ("a: 80", .port(" 80")), ("a:80 ", .port("80 ")), ("a:xmpp", .port("xmpp")),
            ("a:\u{661}", .port("\u{661}")),
            ("[::1]:", .port("")), ("[::1]:x", .port("x")), ("me@a", .host("me@a")), ("a b", .host("a b")),
            ("a/x", .host("a/x")), (" a", .host(" a")), ("a\n", .host("a\n")), ("-x", .host("-x")), (".x", .host(".x")),
            ("a\u{0}", .host("a\u{0}")), ("a\u{85}", .host("a\u{85}")), ("[a]", .address("a")), ("[::1", .openBracket),
            ("[]:1", .address("")), ("[::1]5222", .behindBracket("5222")), ("a:52:22", .address("a:52:22")),
            (":::", .address(":::")), ("1::2::3", .address("1::2::3")), ("1:2:3:4:5:6:7", .address("1:2:3:4:5:6:7")),
            ("1:2:3:4:5:6:7:8:9", .address("1:2:3:4:5:6:7:8:9")), ("1:2:3:4:5:6:7:8::", .address("1:2:3:4:5:6:7:8::")),
            ("12345::", .address("12345::")), ("::g", .address("::g")), ("::1.2.3", .address("::1.2.3")),
            ("::1.2.3.256", .address("::1.2.3.256")), ("1.2.3.4::", .address("1.2.3.4::")), ("::1%", .address("::1%")),
            ("::1% x", .address("::1% x")), ("1:2:3:4:5:6:7:1.2.3.4", .address("1:2:3:4:5:6:7:1.2.3.4")),
        ] as [(String, HostPort.Problem)])
    func refuses(_ text: String, _ problem: HostPort.Problem) {
        #expect(throws: problem) { try HostPort(text) }
    }

    @Test func aHostHasAnEnd() throws {
        let most = String(repeating: "a", count: HostPort.hostBytesMax)
        #expect(try HostPort(most + ":1").host == most)
        #expect(throws: HostPort.Problem.host(most + "a")) { try HostPort(most + "a") }
    }
}

import Stanza
import Testing

/// A valid address and its prepared parts.
struct ValidAddress: Sendable, CustomTestStringConvertible {
    var text: String
    var local: String?
    var domain: String
    var resource: String?
    var testDescription: String { text.debugDescription }

    init(_ text: String, _ local: String?, _ domain: String, _ resource: String?) {
        (self.text, self.local, self.domain, self.resource) = (text, local, domain, resource)
    }
}

@Suite struct JIDTests {
    /// RFC 7622 3.5, table 1; and example 18 of table 2, which erratum 4560 calls valid.
    static let examples: [ValidAddress] = [
        .init("juliet@example.com", "juliet", "example.com", nil),
        .init("juliet@example.com/foo", "juliet", "example.com", "foo"),
        .init("juliet@example.com/foo bar", "juliet", "example.com", "foo bar"),
        .init("juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"),
        .init("foo\\20bar@example.com", "foo\\20bar", "example.com", nil),
        .init("fussball@example.com", "fussball", "example.com", nil),
        .init("fu\u{DF}ball@example.com", "fu\u{DF}ball", "example.com", nil),
        .init("\u{3C0}@example.com", "\u{3C0}", "example.com", nil),
        .init("\u{3A3}@example.com/foo", "\u{3C3}", "example.com", "foo"),
        .init("\u{3C3}@example.com/foo", "\u{3C3}", "example.com", "foo"),
        .init("\u{3C2}@example.com/foo", "\u{3C2}", "example.com", "foo"),
        .init("king@example.com/\u{265A}", "king", "example.com", "\u{265A}"),
        .init("example.com", nil, "example.com", nil),
        .init("example.com/foobar", nil, "example.com", "foobar"),
        .init("a.example.com/b@example.net", nil, "a.example.com", "b@example.net"),
        .init("juliet@example.com/ foo", "juliet", "example.com", " foo"),
    ]

    static let prepared: [ValidAddress] = [
        .init("Juliet@Example.COM/Foo", "juliet", "example.com", "Foo"),
        .init("juliet@example.com.", "juliet", "example.com", nil),
        .init("juliet@example.com./x", "juliet", "example.com", "x"),
        .init("e\u{301}@b/e\u{301}", "\u{E9}", "b", "\u{E9}"),
        .init("\u{FF21}\u{FF22}@b/\u{FF21}", "ab", "b", "\u{FF21}"),
        .init("a@b/x\u{A0}y\u{3000}z", "a", "b", "x y z"),
        .init("\u{130}@b", "i\u{307}", "b", nil),
        .init("ΣΑΣ@b", "σασ", "b", nil),
        .init("l\u{B7}l@b", "l\u{B7}l", "b", nil),
        .init("\u{5D0}\u{5D1}1@b", "\u{5D0}\u{5D1}1", "b", nil),
        .init("\u{915}\u{94D}\u{200D}\u{937}@b", "\u{915}\u{94D}\u{200D}\u{937}", "b", nil),
        .init("a@BÜCHER.example", "a", "bücher.example", nil),
        .init("a@xn--bcher-kva.example", "a", "bücher.example", nil),
        .init("a@XN--BCHER-KVA.Example.", "a", "bücher.example", nil),
        .init("a@faß.example", "a", "faß.example", nil),
        .init("a@例え。テスト", "a", "例え.テスト", nil),
        .init("a@\u{FF45}\u{FF58}.example", "a", "ex.example", nil),
        .init("a@127.0.0.1/x", "a", "127.0.0.1", "x"),
        .init("a@[::1]/x", "a", "[::1]", "x"),
        .init("a@[2001:DB8::1:2]", "a", "[2001:db8::1:2]", nil),
        .init("a@[::ffff:192.0.2.1]", "a", "[::ffff:192.0.2.1]", nil),
        .init("a@[1:2:3:4:5:6:7:8]", "a", "[1:2:3:4:5:6:7:8]", nil),
        .init("a@[1:2:3:4:5:6:7::]", "a", "[1:2:3:4:5:6:7::]", nil),
        .init("a@localhost", "a", "localhost", nil),
        .init("a@b//@/", "a", "b", "/@/"),
        .init("a@b/@", "a", "b", "@"),
        .init("a\u{FF10}@b", "a0", "b", nil),
        .init("a@b/\u{30FB}\u{30A2}", "a", "b", "\u{30FB}\u{30A2}"),
        .init("a@b/\u{375}\u{3B1}\u{5D0}\u{5F3}", "a", "b", "\u{375}\u{3B1}\u{5D0}\u{5F3}"),
        .init("a@b/\u{628}\u{200C}\u{628}", "a", "b", "\u{628}\u{200C}\u{628}"),
        .init("a@b/\u{661}\u{662}", "a", "b", "\u{661}\u{662}"),
    ]

    @Test(arguments: examples + prepared)
    func valid(_ address: ValidAddress) throws {
        let jid = try JID(address.text)
        #expect(jid.local == address.local)
        #expect(jid.domain == address.domain)
        #expect(jid.resource == address.resource)
        let bare = (address.local.map { $0 + "@" } ?? "") + address.domain
        #expect(jid.bare.text == bare)
        #expect(jid.text == bare + (address.resource.map { "/" + $0 } ?? ""))
        #expect(jid.isBare == (address.resource == nil))
        #expect(jid.server.text == address.domain)
        #expect(jid.server.local == nil)
        #expect(try JID(jid.text) == jid)
        #expect(try JID(jid.text).local == jid.local)
        #expect(try jid.with(resource: "r\u{A0}").text == bare + "/r ")
    }

    /// Strings compare by canonical equivalence in Swift; the bytes must be the normal form itself.
    @Test func preparedTextIsInNormalFormByteByByte() throws {
        #expect(try Array(JID("e\u{301}@b/e\u{301}").text.utf8) == Array("\u{E9}@b/\u{E9}".utf8))
        #expect(try Array(JID("a@b").with(resource: "e\u{301}").text.utf8) == Array("a@b/\u{E9}".utf8))
    }

    static let asciiDomains: [(String, String)] = [
        ("a@example.com", "example.com"), ("a@bücher.example", "xn--bcher-kva.example"),
        ("a@例え.テスト", "xn--r8jz45g.xn--zckzah"), ("a@faß.example", "xn--fa-hia.example"), ("a@[::1]", "[::1]"),
        ("a@192.0.2.7", "192.0.2.7"),
    ]

    @Test(arguments: asciiDomains)
    func asciiDomain(_ text: String, _ expected: String) throws { #expect(try JID(text).asciiDomain == expected) }

    @Test func knowsAddressLiterals() throws {
        #expect(try JID("a@[::1]").domainIsAddress)
        #expect(try JID("a@192.0.2.7").domainIsAddress)
        #expect(try !JID("a@192.0.2.256").domainIsAddress)
        #expect(try !JID("a@192.0.2.07").domainIsAddress)
        #expect(try !JID("a@example.com").domainIsAddress)
    }

    // MARK: - Refusals

    /// RFC 7622 3.5, table 2.
    static let violations: [(String, JID.Rule)] = [
        ("\"juliet\"@example.com", .forbidden("\"")),
        ("foo bar@example.com", .forbidden(" ")),
        ("@example.com/", .empty),
        ("henry\u{2163}@example.com", .forbidden("\u{2163}")),
        ("\u{265A}@example.com", .forbidden("\u{265A}")),
        ("juliet@", .empty),
        ("/foobar", .empty),
    ]

    static let refusals: [(String, JID.Rule)] = [
        ("", .empty), ("@", .empty), ("/", .empty), ("a@b/", .empty), ("@b", .empty), ("a@/b", .empty), (".", .empty),
        ("a@b..", .label("", .empty)), ("a@.b", .label("", .empty)), ("a@b..c", .label("", .empty)),
        ("a@b@c", .forbidden("@")), ("a@b_c", .forbidden("_")), ("a@b c", .forbidden(" ")),
        ("a@-b", .label("-b", .hyphenAtEnd)), ("a@b-", .label("b-", .hyphenAtEnd)),
        ("a@ab--c", .label("ab--c", .reserved)),
        ("a@\(String(repeating: "b", count: 64))", .label(String(repeating: "b", count: 64), .tooLong)),
        ("a&b@c", .forbidden("&")), ("a'b@c", .forbidden("'")), ("a:b@c", .forbidden(":")), ("a<b@c", .forbidden("<")),
        ("a>b@c", .forbidden(">")), ("a\u{7}b@c", .forbidden("\u{7}")), ("a\u{7F}b@c", .forbidden("\u{7F}")),
        ("a\u{FF20}b@c", .forbidden("@")), ("a\u{FF0F}b@c", .forbidden("/")), ("a\u{3000}b@c", .forbidden(" ")),
        ("\u{212A}@b", .forbidden("\u{212A}")), ("\u{17F}@b", .forbidden("\u{17F}")),
        ("a\u{AD}b@c", .forbidden("\u{AD}")), ("a\u{200B}@c", .forbidden("\u{200B}")),
        ("a\u{200D}b@c", .outOfContext("\u{200D}")), ("a\u{B7}b@c", .outOfContext("\u{B7}")),
        ("\u{661}@c", .mixedDirections), ("\u{627}\u{661}\u{6F1}@c", .mixedDirections),
        ("a@c/\u{661}\u{6F1}", .outOfContext("\u{661}")), ("a@c/\u{30FB}", .outOfContext("\u{30FB}")),
        ("a@c/a\u{375}a", .outOfContext("\u{375}")), ("a@c/a\u{5F3}", .outOfContext("\u{5F3}")),
        ("a\u{5D0}@c", .mixedDirections), ("\u{5D0}a@c", .mixedDirections), ("1\u{5D0}@c", .mixedDirections),
        ("\u{640}a@c", .forbidden("\u{640}")), ("a@c/\u{640}", .forbidden("\u{640}")),
        ("a\u{378}@c", .unassigned("\u{378}")), ("a@c/\u{378}", .unassigned("\u{378}")),
        ("a@c/\u{0}", .forbidden("\u{0}")), ("a@c/x\ny", .forbidden("\n")), ("a@c/\u{1100}", .forbidden("\u{1100}")),
        ("a@c/\u{E000}", .forbidden("\u{E000}")),
        ("a@c/\u{202E}x", .forbidden("\u{202E}")), ("a@c/\u{FEFF}", .forbidden("\u{FEFF}")),
        ("a@[::1", .noAddress), ("a@[]", .noAddress), ("a@[:::]", .noAddress), ("a@[1:2]", .noAddress),
        ("a@[1:2:3:4:5:6:7:8:9]", .noAddress), ("a@[1::2::3]", .noAddress), ("a@[12345::]", .noAddress),
        ("a@[::g]", .noAddress), ("a@[::1.2.3.256]", .noAddress), ("a@[fe80::1%eth0]", .noAddress),
        ("a@[:1::2]", .noAddress), ("a@[1.2.3.4::]", .noAddress), ("a@[", .noAddress),
    ]

    @Test(arguments: violations + refusals)
    func refused(_ text: String, _ rule: JID.Rule) {
        let failure = #expect(throws: JID.Failure.self) { try JID(text) }
        #expect(failure?.rule == rule)
        #expect(failure?.description.contains("\n") == false)
    }

    @Test(arguments: [
        "a@xn--a", "a@xn--", "a@xn--bcher-kva-", "a@xn--fa-xxx-", "a@\u{265A}.example", "a@b\u{200D}c", "a@\u{301}b",
        "a@\u{5D0}a.example", "a@xn--abc", "a@💩.example", "a@b\u{0}ü", "a@ü b", "a@\u{0640}\u{0627}",
        "a@\(String(repeating: "ü", count: 64))", "a@ü..b", "a@ü/", "a@\(String(repeating: "ü.", count: 200))b",
    ])
    func domainsThatIDNARefuses(_ text: String) {
        #expect(throws: JID.Failure.self) { try JID(text) }
    }

    @Test func boundsEachPart() throws {
        let most = String(repeating: "a", count: 1023)
        #expect(try JID("\(most)@b/\(most)").resource == most)
        #expect(throws: JID.Failure.local(.tooLong(bytes: 1024), value: most + "a", of: "\(most)a@b")) {
            try JID("\(most)a@b")
        }
        #expect(throws: JID.Failure.resource(.tooLong(bytes: 1024), value: most + "a", of: "c@b/\(most)a")) {
            try JID("c@b/\(most)a")
        }
        // What counts is the prepared form, in bytes.
        #expect(try JID(String(repeating: "\u{FF41}", count: 1023) + "@b").local == most)
        #expect(throws: JID.Failure.self) { try JID(String(repeating: "é", count: 512) + "@b") }
        #expect(throws: JID.Failure.self) { try JID("a@b/" + String(repeating: "a", count: 100_000)) }
        let domain = Array(repeating: String(repeating: "b", count: 62), count: 4).joined(separator: ".") + ".c"
        #expect(try JID(domain).domain.utf8.count == 253)
        #expect(throws: JID.Failure.self) { try JID(domain + "d") }
    }

    @Test(arguments: [
        ("a b@x", "the local part \"a b\" of \"a b@x\" holds a space (U+0020), which RFC 7622 does not allow"),
        ("@x", "nothing stands before the \"@\" of \"@x\": a local part belongs there, or no \"@\""),
        ("a@", "\"a@\" names no domain"), ("", "an empty text is no address"),
        ("a@b/", "nothing stands behind the \"/\" of \"a@b/\": a resource belongs there, or no \"/\""),
        ("a_b", "the domain \"a_b\" holds \"_\" (U+005F), which RFC 7622 does not allow"),
        ("a@b/\n", "the resource \"\\u{a}\" of \"a@b/\\u{a}\" holds U+000A, which RFC 7622 does not allow"),
        ("a@b..c", "the domain \"b..c\" of \"a@b..c\" has an empty label: a dot too many"),
    ])
    func saysWhatIsWrong(_ text: String, _ words: String) {
        let failure = #expect(throws: JID.Failure.self) { try JID(text) }
        #expect(failure?.description == words)
    }

    /// Swift takes no literal of a noncharacter.
    @Test func noncharactersAreForbidden() throws {
        let scalar = try #require(Unicode.Scalar(0xFDD0))
        let failure = #expect(throws: JID.Failure.self) { try JID("a@b/\(scalar)") }
        #expect(failure?.rule == .forbidden(scalar))
    }

    @Test func aResourceIsPreparedWhereverItComesFrom() throws {
        let jid = try JID("a@b/c")
        #expect(try jid.with(resource: "d/e@f").resource == "d/e@f")
        #expect(throws: JID.Failure.resource(.empty, value: "", of: "a@b/")) { try jid.with(resource: "") }
        #expect(throws: JID.Failure.self) { try jid.with(resource: "\u{7}") }
    }
}

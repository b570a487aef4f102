import Routing
import Testing

@Suite struct FilterTests {
    /// What a template makes of one line.
    static func rendered(_ line: String, _ body: String) throws -> String {
        var router = Router(rules: [try Rule(from: [.stdin], body: body, to: [.stdout])], host: "box")
        var deliveries: [Delivery] = []
        router.route(
            .line(.init(bytes: Array(line.utf8), number: 1)), from: .stdin, at: Deliveries.time, into: &deliveries)
        guard case .text(let text)? = deliveries.first?.content else { return "nothing" }
        return String(decoding: text, as: UTF8.self)
    }

    @Test(arguments: [
        ("{line|trim}", " \t\u{a0}a b\u{2003}\n", "a b"), ("{line|trim}", " ", ""), ("{line|trim}", "", ""),
        ("{line|upper}", "straße é", "STRASSE É"), ("{line|lower}", "ÀB", "àb"),
        ("{line|truncate 3}", "abc", "abc"), ("{line|truncate 3}", "abcd", "ab…"), ("{line|truncate 1}", "ab", "…"),
        ("{line|truncate 2}", "äöü", "ä…"), ("{line|truncate 2}", "e\u{301}e\u{301}", "e\u{301}e\u{301}"),
        ("{line|truncate 2}", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦…"),
        ("{line|shell}", "it's $(a) \"b\"\n\\", #"'it'\''s $(a) "b""# + "\n\\'"), ("{line|shell}", "", "''"),
        ("{line|json}", "a\"\\\n\u{1}", #""a\"\\\n\u0001""#), ("{line|json}", "", #""""#),
        (#"{line|default "-"}"#, "", "-"), (#"{line|default "-"}"#, "a", "a"), ("{line|default '}|{'}", "", "}|{"),
        (#"{line|default "a\"b\\c\n"}"#, "", #"a"b\c\n"#), (#"{line|default ""}"#, "", ""),
        (#"<{json.msg|default "-"}>"#, #"{"msg": null}"#, "<->"), (#"<{json.n|default "-"}>"#, "no JSON", "<->"),
        ("{json.n|json}", #"{"n": 1.50}"#, #""1.50""#),
        (#"{ line}"#, "x", "nothing"),
        ("{line | trim | upper|truncate 2}", " abc ", "A…"), ("{line|trim}{{{line|upper}}}", "a", "a{A}"),
        (#"{line|trim|default "none"}"#, "  ", "none"), ("{line|}", "x", "nothing"),
        ("a|b {line}|", "x", "a|b x|"),
    ])
    func filters(_ body: String, _ line: String, _ expected: String) {
        #expect(((try? Self.rendered(line, body)) ?? "nothing") == expected)
    }

    @Test(arguments: [
        ("{line|trimm}", ["6: unknown filter \"trimm\"; did you mean trim? "]),
        ("ü{line|}", ["7: a | without a filter; "]), ("{line| }", ["5: a | without a filter; "]),
        ("{line|trim|x}", ["11: unknown filter \"x\"; "]),
        ("{line|trim 3}", ["11: \"3\" behind trim; trim takes nothing"]),
        ("{line|json 'x'}", ["11: \"x\" behind json; json takes nothing"]),
        ("{line|truncate}", ["6: truncate without a number; "]), ("{line|truncate 0}", ["15: truncate \"0\"; "]),
        ("{line|truncate 65537}", ["15: truncate \"65537\"; "]), ("{line|truncate 1 2}", ["15: truncate \"1 2\"; "]),
        ("{line|truncate '3'}", ["15: truncate with a text; "]),
        ("{line|default}", ["6: default without a text; "]),
        ("{line|default -}", ["14: default \"-\" without quotes; "]),
        ("{line|default '}", ["14: a text without its closing quote; "]),
        ("{line|default 'a' b}", ["18: \"b\" behind a text in quotes; "]),
        ("{line|default x'a'}", ["14: \"x\" before a text in quotes; "]),
        ("{line|default '\u{1}'}", ["14: a character that XML cannot carry; "]),
        ("{line|trim", ["0: a { without its }; "]), ("{line|trim{line}", ["0: a { without its }; "]),
        ("{|trim}", ["0: an empty placeholder {}; "]),
        ("{lien|trmi} {", ["0: unknown placeholder \"{lien}\"; ", "6: unknown filter \"trmi\"; ", "12: a { without"]),
    ])
    func saysWhatIsWrong(_ body: String, _ expected: [String]) {
        do {
            _ = try Rule(from: [.stdin], body: body, to: [.stdout])
            Issue.record("it is accepted")
        } catch {
            let lines = error.list.map {
                if case .body(let offset) = $0.part { "\(offset): \($0.what); \($0.hint)" } else { "\($0.part)" }
            }
            #expect(lines.count == expected.count)
            for (line, start) in zip(lines, expected) { #expect(line.hasPrefix(start)) }
        }
    }
}

struct Seeded {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }
}

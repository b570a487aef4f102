import Routing
import Stanza
import Testing

@Suite struct TemplateTests {
    static let pattern = #"\[(?<level>\w+)\] (\w+)?(?<time>.*)"#

    struct Mistake: CustomTestStringConvertible, Sendable {
        var from: [Endpoint]
        var match: String?
        var body: String
        var expected: [String]
        var testDescription: String { body }
    }

    static let peer = Endpoint.xmpp(JIDs.ops)

    static let mistakes: [Mistake] = [
        Mistake(
            from: [.stdin], match: pattern, body: "{levle}",
            expected: ["0: unknown placeholder \"{levle}\"; did you mean {level}?"]),
        Mistake(
            from: [.stdin], match: nil, body: "ü {x} {}, {line} } {",
            expected: [
                "3: unknown placeholder \"{x}\"; expected {line}, {source}, {host}, {time} or {json.PATH}",
                "7: an empty placeholder {}; write {{}} for a pair of braces",
                "18: a single } in the text; write }} for a brace",
                "20: a { without its }; write {{ for a brace",
            ]),
        Mistake(
            from: [.stdin], match: nil, body: "{1}",
            expected: ["0: no group {1}; this bridge has no match, whose groups are numbered"]),
        Mistake(
            from: [.stdin], match: "a", body: "{0}{1}",
            expected: ["3: no group {1}; its match has no groups; {0} is all that it matched"]),
        Mistake(
            from: [.stdin], match: "(a)", body: "{2}", expected: ["0: no group {2}; its match has one group, {1}"]),
        Mistake(
            from: [.stdin], match: "(a)(b)", body: "{99999999999999999999}",
            expected: ["0: no group {99999999999999999999}; its match has the groups {1} to {2}"]),
        Mistake(
            from: [.stdin], match: nil, body: "{body}",
            expected: [
                "0: unknown placeholder \"{body}\" for records from stdin; expected {line}, {source}, {host}, {time} or {json.PATH}"
            ]),
        Mistake(
            from: [peer], match: nil, body: "{line}",
            expected: [
                "0: unknown placeholder \"{line}\" for records from xmpp:ops@example.org; "
                    + "expected {from}, {jid}, {to}, {type}, {room}, {nick}, {id}, {body}, {subject}, {thread}, {lang}, "
                    + "{delay}, ... or {json.PATH}"
            ]),
        Mistake(
            from: [.stdin, peer], match: nil, body: "{line}",
            expected: [
                "0: unknown placeholder \"{line}\" for records from stdin, xmpp:ops@example.org; "
                    + "expected {host}, {time} or {json.PATH}"
            ]),
        Mistake(
            from: [peer], match: nil, body: "{nikc}",
            expected: ["0: unknown placeholder \"{nikc}\"; did you mean {nick}?"]),
        Mistake(
            from: [.stdin], match: nil, body: "{json}",
            expected: ["0: unknown placeholder \"{json}\"; expected a path, as in {json.user.name}"]),
        Mistake(
            from: [.stdin], match: nil, body: "{json.a..b}",
            expected: ["0: {json.a..b} has an empty step; expected for example {json.user.name} or {json.tags.0}"]),
        Mistake(
            from: [.stdin], match: nil, body: "a\u{7}b",
            expected: ["1: a character that XML cannot carry; leave it out"]),
        Mistake(
            from: [.stdin], match: nil, body: "{a{line}",
            expected: ["0: a { without its }; write {{ for a brace"]),
        Mistake(
            from: [.stdin], match: nil, body: "",
            expected: ["0: an empty body; leave body out to send the record as it is"]),
    ]

    @Test(arguments: mistakes)
    func saysWhatIsWrong(_ mistake: Mistake) throws {
        let match = try mistake.match.map { try Pattern(compiling: $0) }
        do {
            _ = try Rule(from: mistake.from, match: match, body: mistake.body, to: [.stdout])
            Issue.record("it is accepted")
        } catch {
            let lines = error.list.map {
                if case .body(let offset) = $0.part { "\(offset): \($0.what); \($0.hint)" } else { "\($0.part)" }
            }
            #expect(lines == mistake.expected)
        }
    }

    @Test(arguments: [
        ("{line}", "[error] disk9 full"),
        ("{{line}} {{{line}}}", "{line} {[error] disk9 full}"),
        ("{level} on {host}:{time}|{2}|{0}", "error on box: full|disk9|[error] disk9 full"),
        ("ü{json.a}", "ü"),
    ])
    func renders(_ body: String, _ expected: String) throws {
        let rule = try Rule(from: [.stdin], match: try Pattern(compiling: Self.pattern), body: body, to: [.stdout])
        #expect(Deliveries.of("[error] disk9 full", by: [rule]) == ["0 stdout \"\(expected)\""])
    }

    @Test func writesTheTime() throws {
        let rule = try Rule(from: [.stdin], body: "{time} {line}", to: [.stdout])
        #expect(Deliveries.of("x", by: [rule]) == ["0 stdout \"1970-01-01T00:00:01.500Z x\""])
    }

    @Test func namesWhereALineComesFrom() throws {
        let rule = try Rule(from: [.tail("/l/*.log"), .fifo("/f")], body: "{source}: {line}", to: [.stdout])
        let either = try Rule(from: [.tail("/l/*.log"), .events], body: "{source}!", to: [.stdout])
        var selection = Selection.Draft()
        selection.conditions = [.init(field: "source", tests: [.isOneOf([.init("/l/b.log")])])]
        let chosen = try Rule(from: [.tail("/l/*.log")], to: [.stdout], selection: selection)
        var router = Router(rules: [rule, either, chosen], host: "box")
        func said(_ source: String) -> [String] {
            Deliveries.of(.line(.init(bytes: [120], number: 1, source: source)), from: .local(0), by: &router)
        }
        #expect(said("/l/a.log") == ["0 stdout \"/l/a.log: x\"", "1 stdout \"/l/a.log!\""])
        #expect(said("/l/b.log") == ["0 stdout \"/l/b.log: x\"", "1 stdout \"/l/b.log!\"", "2 stdout \"x\""])
        let event = EventRecord(.error, [.init("source", .string("fifo:/f"))])
        #expect(Deliveries.of(event, by: [either]) == ["0 stdout \"fifo:/f!\""])
    }

    @Test func leavesOutTheGroupThatTookNoPart() throws {
        let rule = try Rule(
            from: [.stdin], match: try Pattern(compiling: "(a)|(?<b>b)"), body: "<{1}{b}>", to: [.stdout])
        #expect(Deliveries.of("b", by: [rule]) == ["0 stdout \"<b>\""])
    }

    @Test(arguments: [
        ("a", "text \"q\" ü\n"), ("n", "1.50e3"), ("t", "true"), ("z", ""), ("o.k.1", "two"), ("o.k.2", ""),
        ("o.k.-1", ""), ("o.k.x", ""), ("a.b", ""), ("missing.deep", ""), ("o.k", #"["one","two"]"#),
        ("o", #"{"k":["one","two"],"e\n\"\u0001":{}}"#), ("l.0.0", "7"), ("5", "digit"),
    ])
    func looksIntoJSON(_ path: String, _ expected: String) throws {
        let line = #"""
            {"a": "text \"q\" \u00fc\n", "n": 1.50e3, "t": true, "z": null, "o": {"k": ["one", "two"], "e\n\"\u0001": {}},
             "l": [[7]], "5": "digit"}
            """#
        let rule = try Rule(from: [.stdin], body: "<{json.\(path)}>", to: [.stdout])
        #expect(Deliveries.of(line, by: [rule]) == ["0 stdout \"<\(expected)>\""])
    }

    @Test func aLineThatIsNoJSONHasNoValues() throws {
        let rule = try Rule(from: [.stdin], body: "<{json.a}>", to: [.stdout])
        #expect(Deliveries.of("{\"a\": ", by: [rule]) == ["0 stdout \"<>\""])
    }
}

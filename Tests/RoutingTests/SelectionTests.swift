import Routing
import Stanza
import Testing

@Suite struct SelectionTests {
    static let ops = Endpoint.xmpp(JIDs.ops)

    /// A rule over lines: its name, its pattern, whether it stops, whether it is a default.
    static func rule(
        _ name: String, _ match: String? = nil, stops: Bool = false, isDefault: Bool = false
    ) throws -> Rule {
        var selection = Selection.Draft()
        selection.stops = stops
        selection.isDefault = isDefault
        return try Rule(
            name: name, from: [.stdin], match: try match.map { try Pattern(compiling: $0) }, to: [.stdout],
            selection: selection)
    }

    static func takers(_ line: String, _ rules: [Rule]) -> [String] {
        var router = Router(rules: rules, host: "box")
        var deliveries: [Delivery] = []
        router.route(
            .line(.init(bytes: Array(line.utf8), number: 1)), from: .stdin, at: Deliveries.time, into: &deliveries)
        return deliveries.map { rules[$0.rule].name ?? "?" }
    }

    @Test(arguments: [
        ("a", ["first", "a-stop"]), ("ab", ["first", "a-stop"]), ("b", ["first", "b", "late"]),
        ("c", ["first", "late"]), ("z", ["first"]),
    ])
    func aRuleThatStopsHidesARecordFromLaterOnes(_ line: String, _ expected: [String]) throws {
        let rules = [
            try Self.rule("default", isDefault: true), try Self.rule("first"),
            try Self.rule("a-stop", "a", stops: true),
            try Self.rule("b", "b"), try Self.rule("late", "[a-c]"),
        ]
        #expect(Self.takers(line, rules) == expected)
    }

    @Test(arguments: [
        ("a", ["a"]), ("b", ["b"]), ("x1", ["digits"]), ("x", ["rest", "rest too"]),
    ])
    func defaultsTakeWhatNoOtherTook(_ line: String, _ expected: [String]) throws {
        let rules = [
            try Self.rule("digits", "\\d", stops: true, isDefault: true), try Self.rule("rest", isDefault: true),
            try Self.rule("a", "a"), try Self.rule("rest too", isDefault: true), try Self.rule("b", "b", stops: true),
        ]
        #expect(Self.takers(line, rules) == expected)
    }

    /// What is taken counts, not what is sent.
    @Test func aRecordOfWhichNothingIsMadeIsTaken() throws {
        let silent = try Rule(from: [.stdin], match: try Pattern(compiling: "a"), body: "{json.x}", to: [Self.ops])
        #expect(Deliveries.of("a", by: [silent, try Self.rule("default", isDefault: true)]) == [])
    }

    @Test func patternsThatGiveUp() throws {
        var selection = Selection.Draft()
        selection.onError = .pass
        let pattern = try Pattern(compiling: "(a+)+$")
        let rules = [
            try Rule(from: [.stdin], match: pattern, body: "<{1}>", to: [.stdout], selection: selection),
            try Rule(from: [.stdin], match: pattern, body: "<{1}>", to: [.stdout]),
        ]
        var router = Router(rules: rules, host: "box")
        let hostile = Record.line(.init(bytes: Array((String(repeating: "a", count: 1_000) + "!").utf8), number: 3))
        #expect(Deliveries.of(hostile, from: .stdin, by: &router) == ["0 stdout \"<>\""])
        #expect(router.givenUp == [1, 1])
        let what = "match limit exceeded"
        #expect(router.takeTroubles() == [.init(rule: 0, what: what, line: 3), .init(rule: 1, what: what, line: 3)])
        let told = router.explain(hostile, from: .stdin, at: Deliveries.time)
        #expect(told.map(\.verdict) == [.took, .gaveUp])
        #expect(told.map(\.trouble) == [what, what])
        #expect(router.givenUp == [1, 1])
        #expect(router.takeTroubles() == [])
    }

    @Test func messagesCarrySubjectThreadAndLanguage() throws {
        var heading = Heading.Draft()
        heading.subject = "{json.level|upper} on {host}"
        heading.thread = "{json.id}"
        heading.lang = "en-GB"
        let room = Endpoint.room(JIDs.bot)
        let rule = try Rule(from: [.stdin], to: [Self.ops, room, .stdout], heading: heading)
        let line = #"{"level": "crit", "id": 7}"#
        let carried = " subject=CRIT on box thread=7 lang=en-GB"
        #expect(
            Deliveries.of(line, by: [rule])
                == ["0 \(Self.ops) \"\(line)\"\(carried)", "0 \(room) \"\(line)\"\(carried)", "0 stdout \"\(line)\""])
        #expect(
            Deliveries.of("x", by: [try Rule(from: [.stdin], to: [Self.ops], heading: heading)])
                == ["0 \(Self.ops) \"x\" subject= on box lang=en-GB"])
    }

    @Test func whatIsShapedKeepsAHeadingThatFollowsNoRecord() throws {
        var heading = Heading.Draft()
        heading.subject = "from {host}"
        heading.lang = "de"
        let rule = try Rule(
            from: [.stdin], to: [Self.ops, .stdout], shaping: Shaping(repetition: .seconds(1)), heading: heading)
        let router = Router(rules: [rule], host: "box")
        let text = Array("x".utf8)
        #expect(
            router.delivery(of: text, by: 0, to: 0)
                == Delivery(rule: 0, destination: Self.ops, content: .text(text), subject: "from box", lang: "de"))
        #expect(
            router.delivery(of: text, by: 0, to: 1) == Delivery(rule: 0, destination: .stdout, content: .text(text)))
    }

    @Test(arguments: [
        ("de", true), ("en-GB", true), ("zh-Hant-TW", true), ("de-1996", true), ("i-klingon", true), ("", false),
        ("de_DE", false), ("1de", false), ("german-very-muchlonger", false), ("de-", false), ("dé", false),
    ])
    func languages(_ tag: String, _ isOne: Bool) {
        var heading = Heading.Draft()
        heading.lang = tag
        #expect(((try? Rule(from: [.stdin], to: [Self.ops], heading: heading)) != nil) == isOne)
    }
}

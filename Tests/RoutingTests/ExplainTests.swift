import Routing
import Stanza
import Testing

@Suite struct ExplainTests {
    static func line(_ text: String) -> Record { .line(.init(bytes: Array(text.utf8), number: 7)) }

    static func conditions(_ field: String, _ value: String) -> Selection.Draft {
        ConditionTests.selection(field, [.isOneOf([.init(value)])])
    }

    @Test func eachRuleSaysWhy() throws {
        var stops = Self.conditions("level", "crit")
        stops.stops = true
        var rest = Selection.Draft()
        rest.isDefault = true
        let levels = try Pattern(compiling: #"\[(?<level>\w+)\] (x)?(.*)"#)
        let rules = [
            try Rule(from: [.events], to: [.stdout]),
            try Rule(from: [.stdin], match: try Pattern(compiling: "nowhere"), to: [.stdout]),
            try Rule(from: [.stdin], match: levels, body: "{3}", to: [.stdout], selection: stops),
            try Rule(from: [.stdin], to: [.stdout], selection: Self.conditions("host", "other")),
            try Rule(from: [.stdin], to: [.stdout]),
            try Rule(from: [.stdin], to: [.stdout], selection: rest),
            try Rule(
                from: [.stdin], to: [.stdout],
                shaping: Shaping(group: .init(.goesOn(try Pattern(compiling: "^ "))))),
        ]
        let router = Router(rules: rules, host: "box")
        func verdicts(_ text: String) -> [Verdict] {
            router.explain(Self.line(text), from: .stdin, at: Deliveries.time).map(\.verdict)
        }
        #expect(
            verdicts("[crit] disk")
                == [
                    .otherSource, .notMatched, .took, .stopped(by: 2), .stopped(by: 2), .taken(by: 2), .joinsLines,
                ])
        #expect(
            verdicts("[info] disk")
                == [
                    .otherSource, .notMatched, .condition("level"), .condition("host"), .took, .taken(by: 4),
                    .joinsLines,
                ])
        let told = router.explain(Self.line("[crit] disk"), from: .stdin, at: Deliveries.time)
        #expect(told.map(\.rule) == Array(rules.indices))
        #expect(
            told[2].captures == [
                .init(number: 0, text: Array("[crit] disk".utf8)),
                .init(number: 1, name: "level", text: Array("crit".utf8)), .init(number: 3, text: Array("disk".utf8)),
            ])
        #expect(told[2].deliveries == [Delivery(rule: 2, destination: .stdout, content: .text(Array("disk".utf8)))])
        // A condition on what is captured shows it.
        let refused = router.explain(Self.line("[info] disk"), from: .stdin, at: Deliveries.time)[2]
        #expect(refused.captures.map(\.number) == [0, 1, 3])
        #expect(refused.deliveries == [])
        let joined = router.explain(Self.line("a\n b"), to: 6, at: Deliveries.time)
        #expect(joined.verdict == .took)
        #expect(joined.deliveries.map(\.content) == [.text(Array("a\n b".utf8))])
    }

    @Test func eventsWithoutABody() throws {
        let rules = [
            try Rule(from: [.events], match: try Pattern(compiling: "a"), to: [.stdout]),
            try Rule(from: [.xmpp(JIDs.ops)], to: [.stdout]),
        ]
        let router = Router(rules: rules, host: "box")
        let presence = Record.event(EventRecord(.presence, [.init("from", .string("ops@example.org/a"))]))
        #expect(
            router.explain(presence, from: .session, at: Deliveries.time).map(\.verdict) == [.noText, .otherSource])
    }

    /// What is explained is what happens: the same rules take a record and make the same of it, whatever else the rules
    /// and the record are; the sieve before them changes nothing.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func agreesWithTheRun(_ seed: UInt64) throws {
        var random = Seeded(seed)
        let words = ["error", "err", "or", "disk", "ü", "x", "crit: ", " ", "7", "(", "[a]", "rror"]
        func text(_ most: Int) -> String {
            (0...random.below(most)).map { _ in words[random.below(words.count)] }.joined()
        }
        let rules = try (0..<random.below(30) + 1).map { _ in
            var pattern: String?
            if random.below(4) > 0 { pattern = Self.pattern(&random, words) }
            var selection = Selection.Draft()
            selection.stops = random.below(8) == 0
            selection.isDefault = random.below(6) == 0
            if random.below(4) == 0 {
                selection.conditions = [.init(field: "line", tests: [.isNoneOf([.init(text(2), isQuoted: true)])])]
            }
            return try Rule(
                from: random.below(3) == 0 ? [.events, .stdin] : [.stdin],
                match: try pattern.map { try Pattern(compiling: $0) }, body: random.below(2) == 0 ? "<{host}>" : nil,
                to: [.stdout], selection: selection)
        }
        var router = Router(rules: rules, host: "box")
        for number in 0..<30 {
            let line = text(6)
            let isEvent = random.below(3) == 0
            let record =
                isEvent ? Record.event(RouterTests.message(from: "ops@example.org/a", body: line)) : Self.line(line)
            let source = isEvent ? Source.session : .stdin
            var deliveries: [Delivery] = []
            router.route(record, from: source, at: Deliveries.time, into: &deliveries)
            let told = router.explain(record, from: source, at: Deliveries.time)
            #expect(told.flatMap(\.deliveries) == deliveries, "record \(number): \(line)")
            for one in told where one.verdict != .took { #expect(one.deliveries == []) }
            // Without a sieve: each rule alone.
            for (index, rule) in rules.enumerated() where told[index].verdict == .notMatched {
                #expect(!rule.matches(line), "\(rule.match?.source ?? "") \(line)")
            }
        }
    }

    static func pattern(_ random: inout Seeded, _ words: [String]) -> String {
        let pieces = [
            "error", "err", "ü", "disk", "[er]", ".", "(?:rr|o)", "x?", "r+", "r{2}", "\\[a\\]", "^", "\\b", "(or)",
        ]
        return (0...random.below(4)).map { _ in pieces[random.below(pieces.count)] }.joined()
    }
}

extension Rule {
    /// Whether its pattern alone matches the text.
    fileprivate func matches(_ text: String) -> Bool {
        guard let match else { return true }
        return PatternTests.match(Matcher(match), text) == .matched
    }
}

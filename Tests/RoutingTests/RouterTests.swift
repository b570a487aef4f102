import Routing
import Stanza
import Testing

@Suite struct RouterTests {
    static let ops = Endpoint.xmpp(JIDs.ops)
    static let desk = Endpoint.xmpp(JIDs.desk)
    static let bot = Endpoint.xmpp(JIDs.bot)

    static func message(
        from: String, type: String = "chat", body: String? = "hello"
    ) -> EventRecord {
        var fields: [EventRecord.Field] = [
            .init("from", .string(from)),
            .init("jid", .string(String(from.split(separator: "/", maxSplits: 1)[0]))),
            .init("to", .string("bridge@example.org/x")), .init("type", .string(type)), .init("id", .string("m1")),
        ]
        if let body { fields.append(.init("body", .bytes(Array(body.utf8)))) }
        return EventRecord(.message, fields)
    }

    @Test func linesGoEverywhere() throws {
        let rules = [
            try Rule(from: [.stdin], to: [Self.ops, .stdout, Self.bot]),
            try Rule(from: [.stdin], match: try Pattern(compiling: "^(\\w+)"), body: "<{1}>", to: [Self.ops]),
            try Rule(from: [.stdin], match: try Pattern(compiling: "nowhere"), to: [.stdout]),
            try Rule(from: [.stdin], to: [.commands]),
            try Rule(from: [.events], to: [.stdout]),
        ]
        #expect(
            Deliveries.of("one two", by: rules) == [
                "0 xmpp:ops@example.org \"one two\"", "0 stdout \"one two\"", "0 xmpp:bot@example.org \"one two\"",
                "1 xmpp:ops@example.org \"<one>\"", "3 commands command 7 one two",
            ])
        #expect(Deliveries.of("", by: rules) == ["0 stdout \"\""])
    }

    @Test func nothingIsSentThatRendersEmpty() throws {
        let rule = try Rule(from: [.stdin], body: "{json.a}", to: [Self.ops, .stdout])
        #expect(Deliveries.of("{}", by: [rule]) == ["0 stdout \"\""])
    }

    /// What is said in a room is for rules of that room, what an occupant says to us alone for rules of people.
    @Test(arguments: [
        ("groupchat", [], ["room", "events"]),
        ("groupchat", [("self", EventRecord.Value.bool(true))], ["events"]),
        ("chat", [("private", .bool(true))], ["occupant", "events"]),
        ("error", [], ["events"]),
    ])
    func messagesOfRoomsGoToTheirRules(
        _ type: String, _ more: [(String, EventRecord.Value)], _ expected: [String]
    ) throws {
        let room = try JID("ops@conference.example.org")
        let rules = [
            try Rule(name: "room", from: [.room(room)], to: [.stdout]),
            try Rule(name: "occupant", from: [.xmpp(room)], to: [.stdout]),
            try Rule(name: "other", from: [.room(try JID("dev@conference.example.org"))], to: [.stdout]),
            try Rule(name: "events", from: [.events], to: [.stdout]),
        ]
        var event = Self.message(from: "\(room)/bob", type: type)
        event.fields.append(.init("room", .string(room.text)))
        event.fields += more.map { .init($0.0, $0.1) }
        #expect(Deliveries.names(of: event, by: rules) == expected)
    }

    @Test(arguments: [
        ("ops@example.org/desk", ["bare", "full", "events"]),
        ("ops@example.org/desktop", ["bare", "events"]),
        ("ops@example.org/DESK", ["bare", "events"]),
        ("ops@example.org", ["bare", "events"]),
        ("ops@example.organic/desk", ["events"]),
        ("xops@example.org/desk", ["events"]),
        ("example.org", ["server", "events"]),
        ("example.org/x", ["server", "events"]),
    ])
    func messagesGoToTheRulesOfTheirSender(_ from: String, _ expected: [String]) throws {
        let rules = [
            try Rule(name: "bare", from: [Self.ops], to: [.stdout]),
            try Rule(name: "full", from: [Self.desk], to: [.stdout]),
            try Rule(name: "server", from: [.xmpp(JIDs.ops.server)], to: [.stdout]),
            try Rule(name: "events", from: [.events], to: [.stdout]),
            try Rule(name: "stdin", from: [.stdin], to: [.stdout]),
        ]
        #expect(Deliveries.names(of: Self.message(from: from), by: rules) == expected)
    }

    @Test func aRuleTakesARecordOnce() throws {
        let rule = try Rule(from: [.events, Self.ops, Self.desk], to: [.stdout])
        #expect(Deliveries.of(Self.message(from: "ops@example.org/desk"), by: [rule]) == ["0 stdout event message"])
    }

    @Test func messagesAreRelayedAndPrinted() throws {
        let rules = [
            try Rule(from: [Self.ops], to: [Self.bot, .stdout]),
            try Rule(from: [Self.ops], body: "<{from}> {body} {id} {type} {to} {jid}", to: [Self.bot, .stdout]),
            try Rule(from: [Self.ops], match: try Pattern(compiling: "^h(.)"), body: "{1}{json.x}", to: [Self.bot]),
            try Rule(from: [Self.ops], match: try Pattern(compiling: "^h"), to: [Self.bot, .stdout]),
        ]
        let text = "<ops@example.org/desk> hello m1 chat bridge@example.org/x ops@example.org"
        #expect(
            Deliveries.of(Self.message(from: "ops@example.org/desk"), by: rules) == [
                "0 xmpp:bot@example.org \"hello\"", "0 stdout event message",
                "1 xmpp:bot@example.org \"\(text)\"", "1 stdout \"\(text)\"",
                "2 xmpp:bot@example.org \"e\"",
                "3 xmpp:bot@example.org \"hello\"", "3 stdout event message",
            ])
        #expect(
            Deliveries.of(Self.message(from: "ops@example.org/desk", body: nil), by: rules)
                == ["0 stdout event message"])
        #expect(
            Deliveries.of(Self.message(from: "ops@example.org/desk", type: "error"), by: rules)
                == ["0 stdout event message", "3 stdout event message"])
        #expect(
            Deliveries.of(EventRecord(.presence, [.init("from", .string("ops@example.org/desk"))]), by: rules) == [])
    }

    @Test func whatIsSaidInARoomHasTheNickOfWhoSaidIt() throws {
        let room = Endpoint.room(JIDs.ops)
        var event = Self.message(from: "ops@example.org/Bob \u{1F408}", type: "groupchat")
        event.fields += [.init("room", .string("ops@example.org")), .init("nick", .string("Bob \u{1F408}"))]
        let rule = try Rule(from: [room], body: "{room} {nick}: {body}", to: [Self.bot, .stdout])
        let text = "\"ops@example.org Bob \u{1F408}: hello\""
        #expect(Deliveries.of(event, by: [rule]) == ["0 xmpp:bot@example.org \(text)", "0 stdout \(text)"])
    }

    @Test func bodiesMayBeStrings() throws {
        let event = EventRecord(.message, [.init("from", .string("ops@example.org/a")), .init("body", .string("hi"))])
        #expect(
            Deliveries.of(event, by: [try Rule(from: [Self.ops], to: [Self.bot])]) == ["0 xmpp:bot@example.org \"hi\""])
    }

    @Test func bodiesMayBeJSON() throws {
        let rule = try Rule(from: [Self.ops], body: "{json.a.0}", to: [.stdout])
        let event = Self.message(from: "ops@example.org/a", body: #"{"a": ["x"]}"#)
        #expect(Deliveries.of(event, by: [rule]) == ["0 stdout \"x\""])
    }

    @Test func eventsSpeakOfLinesByTheirNumber() throws {
        let rule = try Rule(from: [.events], body: "{event} {line}", to: [.stdout])
        #expect(
            Deliveries.of(EventRecord(.result, [.init("line", .int(12))]), by: [rule]) == ["0 stdout \"result 12\""])
        #expect(Deliveries.of(Self.message(from: "a@example.org"), by: [rule]) == ["0 stdout \"message \""])
    }

    @Test func eventsFillTheirFields() throws {
        let rule = try Rule(
            from: [.events], body: "{event} {from} {show}|{priority}|{available}|{groups}|{status}|{json.a}",
            to: [Self.ops, .stdout])
        let event = EventRecord(
            .presence,
            [
                .init("from", .string("bob@example.org/phone")), .init("show", .string("away")),
                .init("priority", .int(-5)), .init("available", .bool(true)), .init("groups", .strings(["a", "b"])),
            ])
        let text = "\"presence bob@example.org/phone away|-5|true|a, b||\""
        #expect(Deliveries.of(event, by: [rule]) == ["0 xmpp:ops@example.org \(text)", "0 stdout \(text)"])
    }

    /// A message about a message that failed could fail in turn, and so on for ever.
    @Test func reportsOnWhatWasSentAreNeverSent() throws {
        let rule = try Rule(from: [.events], body: "{event} {type}", to: [Self.ops, .stdout])
        #expect(Deliveries.of(EventRecord(.delivery), by: [rule]) == ["0 stdout \"delivery \""])
        #expect(Deliveries.of(EventRecord(.receipt), by: [rule]) == ["0 stdout \"receipt \""])
        #expect(
            Deliveries.of(Self.message(from: "bob@example.org", type: "error"), by: [rule])
                == ["0 stdout \"message error\""])
    }

    @Test func eventsMatchByTheirMessagesBody() throws {
        let rule = try Rule(from: [.events], match: try Pattern(compiling: "hel"), to: [Self.ops])
        #expect(
            Deliveries.of(Self.message(from: "bob@example.org"), by: [rule]) == ["0 xmpp:ops@example.org \"hello\""])
        #expect(Deliveries.of(EventRecord(.session, [.init("state", .string("hello"))]), by: [rule]) == [])
    }

    @Test func aPatternThatGivesUpIsToldOnce() throws {
        let rules = [
            try Rule(from: [.stdin], match: try Pattern(compiling: "(a+)+$"), to: [.stdout]),
            try Rule(from: [.stdin], to: [.stdout]),
        ]
        var router = Router(rules: rules, host: "box")
        let hostile = Record.line(.init(bytes: Array((String(repeating: "a", count: 1_000) + "!").utf8), number: 1))
        var deliveries: [Delivery] = []
        for _ in 0..<3 { router.route(hostile, from: .stdin, at: Deliveries.time, into: &deliveries) }
        #expect(deliveries.map(\.rule) == [1, 1, 1])
        #expect(router.givenUp == [3, 0])
        #expect(router.takeTroubles() == [.init(rule: 0, what: "match limit exceeded", line: 1)])
        #expect(router.takeTroubles() == [])
        router.route(hostile, from: .stdin, at: Deliveries.time, into: &deliveries)
        #expect(router.takeTroubles() == [])
        #expect(router.givenUp == [4, 0])
        let fine = Record.line(.init(bytes: Array("aaa".utf8), number: 2))
        #expect(Deliveries.of(fine, from: .stdin, by: &router) == ["0 stdout \"aaa\"", "1 stdout \"aaa\""])
    }

    @Test func saysWhatTheRunMustOpen() throws {
        let router = Router(
            rules: [
                try Rule(from: [.stdin], to: [Self.ops, .stdout]),
                try Rule(from: [Self.desk, Self.ops], to: [Self.ops]),
                try Rule(from: [.stdin], to: [.commands]),
            ], host: "box")
        #expect(router.usesStdin && router.usesStdout && router.usesCommands && router.usesEvents)
        #expect(router.sendsMessages)
        #expect(router.recipients == [JIDs.ops])
        #expect(router.senders == [JIDs.desk, JIDs.ops])
        let none = Router(rules: [], host: "box")
        #expect(!none.usesStdin && !none.usesStdout && !none.usesCommands && !none.usesEvents && !none.sendsMessages)
        let events = Router(rules: [try Rule(from: [.events], to: [.stdout])], host: "box")
        #expect(!events.usesStdin && events.usesStdout && events.usesEvents && !events.sendsMessages)
    }
}

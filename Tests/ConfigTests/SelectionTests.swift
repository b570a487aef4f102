import Config
import Routing
import Stanza
import Testing

@Suite struct SelectionTests {
    static let yaml = #"""
        bridges:
          - name: api
            from: stdin
            match: '(?<level>\w+): '
            where:
              level: [error, "5"]
              json.status: {ge: 500, lt: 600, not: [503, "0"]}
              "json.user.name": {not: ""}
              json.internal: false
            stop: true
            on_error: pass
            to: xmpp:a@b
            subject: '{level|upper} on {host}'
            thread: "{json.id|default \"none\"}"
            lang: en-GB
          - {from: room:r@c, where: {jid: '*@b', nick: bob, from: r@c/bob}, default: true, to: stdout, body: "{body|trim}"}
          - {from: stdin, to: stdout, stop: false, default: false}
        """#

    /// The file's rules, and the same made by hand.
    @Test func everyKey() throws {
        let plan = try Files.load(Self.yaml).get()
        typealias Value = Condition.Draft.Value
        var api = Selection.Draft()
        api.conditions = [
            .init(field: "level", tests: [.isOneOf([Value("error"), Value("5", isQuoted: true)])]),
            .init(
                field: "json.status",
                tests: [
                    .isNoneOf([Value("503"), Value("0", isQuoted: true)]), .compares(.ge, Value("500")),
                    .compares(.lt, Value("600")),
                ]),
            .init(field: "json.user.name", tests: [.isNoneOf([Value("", isQuoted: true)])]),
            .init(field: "json.internal", tests: [.isOneOf([Value("false")])]),
        ]
        api.stops = true
        api.onError = .pass
        var heading = Heading.Draft()
        heading.subject = "{level|upper} on {host}"
        heading.thread = "{json.id|default \"none\"}"
        heading.lang = "en-GB"
        var room = Selection.Draft()
        room.conditions = [
            .init(field: "jid", tests: [.isOneOf([Value("*@b")])]),
            .init(field: "nick", tests: [.isOneOf([Value("bob")])]),
            .init(field: "from", tests: [.isOneOf([Value("r@c/bob")])]),
        ]
        room.isDefault = true
        #expect(
            plan.rules == [
                try Rule(
                    name: "api", from: [.stdin], match: try Pattern(compiling: #"(?<level>\w+): "#),
                    to: [.xmpp(try JID("a@b"))], selection: api, heading: heading),
                try Rule(from: [.room(try JID("r@c"))], body: "{body|trim}", to: [.stdout], selection: room),
                try Rule(from: [.stdin], to: [.stdout]),
            ])
        #expect(plan.warnings.map(\.what) == ["no record from room:r@c has such a jid"])
    }
}

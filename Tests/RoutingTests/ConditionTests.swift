import Routing
import Stanza
import Testing

@Suite struct ConditionTests {
    typealias Value = Condition.Draft.Value

    static func plain(_ text: String) -> Value { Value(text) }
    static func quoted(_ text: String) -> Value { Value(text, isQuoted: true) }

    static func selection(_ field: String, _ tests: [Condition.Draft.Test]) -> Selection.Draft {
        var selection = Selection.Draft()
        selection.conditions = [Condition.Draft(field: field, tests: tests)]
        return selection
    }

    /// Whether a rule takes a line of JSON whose member `v` is that.
    static func takes(_ json: String, _ tests: [Condition.Draft.Test]) throws -> Bool {
        let rule = try Rule(from: [.stdin], to: [.stdout], selection: selection("json.v", tests))
        return !Deliveries.of("{\"v\": \(json)}", by: [rule]).isEmpty
    }

    @Test(arguments: [
        // An unquoted number is a number, however either is written, and a quoted one the text that it is.
        ("5", plain("5"), true), ("5.0", plain("5"), true), ("50e-1", plain("5.00"), true), ("\"5\"", plain("5"), true),
        ("\"05\"", plain("5"), true), ("5.0", quoted("5"), false), ("5", quoted("5"), true), ("6", plain("5"), false),
        ("-0", plain("0"), true), ("9007199254740993", plain("9007199254740992"), false),
        ("\"five\"", plain("5"), false), ("true", plain("1"), false),
        // A truth is none of a number's.
        ("true", plain("true"), true), ("false", plain("true"), false), ("\"true\"", plain("true"), true),
        ("false", plain("false"), true), ("null", plain("false"), false), ("true", quoted("true"), true),
        // Texts are compared byte for byte.
        ("\"error\"", plain("error"), true), ("\"Error\"", plain("error"), false), ("\"\"", quoted(""), true),
        ("null", quoted(""), true), ("\"e\\u0301\"", plain("é"), false), ("0", quoted(""), false),
        // Of a list one is enough.
        ("[\"a\", 5]", plain("5"), true), ("[\"a\", 5]", plain("a"), true), ("[]", plain("a"), false),
        ("[]", quoted(""), true), ("[[\"a\"]]", plain("a"), true), ("{\"a\": 1}", plain("a"), false),
        ("{\"a\": 1}", quoted("{\"a\":1}"), true),
    ])
    func equality(_ json: String, _ value: Value, _ expected: Bool) throws {
        #expect(try Self.takes(json, [.isOneOf([value])]) == expected)
        #expect(try Self.takes(json, [.isNoneOf([value])]) == !expected)
        #expect(try Self.takes(json, [.isOneOf([Self.plain("other"), value])]) == expected)
    }

    @Test(arguments: ["-1e3", "-0.5", "0", "0.1", "1", "007", "9007199254740993", "9223372036854775807", "1e300"])
    func comparisonsAreAnOrder(_ text: String) throws {
        let ordered = ["-1e3", "-0.5", "0", "0.1", "1", "007", "9007199254740993", "9223372036854775807", "1e300"]
        let own = try #require(ordered.firstIndex(of: text))
        for (index, other) in ordered.enumerated() {
            let json = "\"\(other)\""
            #expect(try Self.takes(json, [.compares(.gt, Self.plain(text))]) == (index > own))
            #expect(try Self.takes(json, [.compares(.ge, Self.plain(text))]) == (index >= own))
            #expect(try Self.takes(json, [.compares(.lt, Self.plain(text))]) == (index < own))
            #expect(try Self.takes(json, [.compares(.le, Self.plain(text))]) == (index <= own))
            #expect(try Self.takes(json, [.isOneOf([Self.plain(text)])]) == (index == own))
        }
    }

    @Test func whatIsNoNumberIsNeitherMoreNorLess() throws {
        for json in ["\"x\"", "null", "true", "[1]", "{}", "\"1 \"", "\"0x1\"", "\"inf\"", "\"1_0\"", "\"+1\"", "\"\""]
        {
            for comparison in Condition.Comparison.allCases {
                #expect(try !Self.takes(json, [.compares(comparison, Self.plain("1"))]))
            }
        }
        #expect(try Self.takes("500", [.compares(.ge, Self.plain("500")), .compares(.lt, Self.plain("600"))]))
        #expect(try !Self.takes("600", [.compares(.ge, Self.plain("500")), .compares(.lt, Self.plain("600"))]))
    }

    @Test(arguments: [
        ("from", "ops@example.org", true), ("from", "OPS@Example.org", true), ("from", "*@example.org", true),
        ("from", "ops@example.org/desk", true), ("from", "ops@example.org/Desk", false), ("from", "*", true),
        ("from", "dev@example.org", false), ("jid", "ops@*", true), ("to", "bridge@example.org", true),
        ("room", "", true), ("nick", "", true), ("type", "chat", true), ("type", "normal", false),
        ("body", "hello", true), ("private", "false", true), ("private", "true", false), ("replayed", "false", true),
        ("event", "message", true), ("available", "false", false), ("host", "box", true),
    ])
    func fieldsOfAMessage(_ field: String, _ value: String, _ expected: Bool) throws {
        let written = Self.plain(value)
        let rule = try Rule(from: [.events], to: [.stdout], selection: Self.selection(field, [.isOneOf([written])]))
        let event = RouterTests.message(from: "ops@example.org/desk")
        #expect(Deliveries.of(event, by: [rule]).isEmpty == !expected)
    }

    @Test func listsAndNumbersOfEvents() throws {
        let event = EventRecord(
            .roster,
            [
                .init("jid", .string("bob@example.org")), .init("groups", .strings(["a", "b"])),
                .init("count", .int(12)), .init("initial", .bool(true)),
            ])
        for (field, test, expected) in [
            ("groups", Condition.Draft.Test.isOneOf([Self.plain("b")]), true),
            ("groups", .isNoneOf([Self.plain("b")]), false), ("groups", .isNoneOf([Self.plain("c")]), true),
            ("count", .compares(.ge, Self.plain("12")), true), ("count", .compares(.gt, Self.plain("12")), false),
            ("initial", .isOneOf([Self.plain("false")]), false), ("initial", .isOneOf([Self.plain("true")]), true),
            ("jid", .isOneOf([Self.plain("bob@*")]), true),
        ] {
            let rule = try Rule(from: [.events], to: [.stdout], selection: Self.selection(field, [test]))
            #expect(Deliveries.of(event, by: [rule]).isEmpty == !expected, "\(field) \(test)")
        }
    }

    @Test func capturesAndTheLineAreFields() throws {
        let pattern = try Pattern(compiling: #"^(?<code>\d+) (\w*)"#)
        var selection = Self.selection("code", [.compares(.ge, Self.plain("500"))])
        selection.conditions.append(.init(field: "2", tests: [.isNoneOf([Self.plain("probe")])]))
        selection.conditions.append(.init(field: "line", tests: [.isNoneOf([Self.plain("503 all")])]))
        let rule = try Rule(from: [.stdin], match: pattern, to: [.stdout], selection: selection)
        for (line, isTaken) in [
            ("500 get", true), ("499 get", false), ("502 probe", false), ("503 all", false), ("503 any", true),
            ("get", false),
        ] {
            #expect(Deliveries.of(line, by: [rule]).isEmpty == !isTaken, "\(line)")
        }
    }

    @Test(arguments: [
        ("levle", "0: unknown field \"levle\"; did you mean level?"),
        ("x", "0: unknown field \"x\"; expected level, line, source, host or json.PATH"),
        ("body", "0: unknown field \"body\" for records from stdin; expected level, line, source, host or json.PATH"),
        ("json", "0: unknown field \"json\"; expected a path, as in json.user.name"),
        ("json.a..b", "0: json.a..b has an empty step; expected for example json.user.name or json.tags.0"),
        ("3", "0: no group 3; its match has one group, 1"),
        ("time", "0: time is no field to choose by; every record has its own"),
    ])
    func unknownFields(_ field: String, _ expected: String) throws {
        let match = try Pattern(compiling: "(?<level>a)")
        do {
            _ = try Rule(
                from: [.stdin], match: match, to: [.stdout],
                selection: Self.selection(field, [.isOneOf([Self.plain("a")])]))
            Issue.record("it is accepted")
        } catch {
            let lines = error.list.map {
                if case .place(0, let offset) = $0.part { "\(offset): \($0.what); \($0.hint)" } else { "\($0.part)" }
            }
            #expect(lines == [expected])
        }
    }

    @Test(arguments: [
        "", "-", ".5", "5.", "1e", "1e+", "0x10", "inf", "nan", "1e400", "1 ", "+1", "١", "1_000",
        String(repeating: "1", count: 65),
    ])
    func noNumbers(_ text: String) { #expect(Number(parsing: text) == nil) }
}

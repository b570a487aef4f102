import Routing
import Stanza
import Testing

@Suite struct JIDGlobTests {
    @Test(arguments: [
        ("ops@example.org", "ops@example.org/desk", true), ("OPS@Example.ORG", "ops@example.org", true),
        ("ops@example.org", "dev@example.org", false), ("*@example.org", "ops@example.org", true),
        ("*@example.org", "example.org", false), ("*@example.org", "ops@sub.example.org", false),
        ("*@*.example.org", "ops@sub.example.org", true), ("*@*.example.org", "ops@example.org", false),
        ("bot-*@*", "bot-7@example.net", true), ("bot-*@*", "robot-7@example.net", false),
        ("*-bot@example.org", "a-b-bot@example.org", true), ("*a*b*@example.org", "xaxxbx@example.org", true),
        ("*a*b*@example.org", "xbxxax@example.org", false), ("*", "ops@example.org/x", true),
        ("*", "example.org", true),
        ("example.org", "example.org/x", true), ("example.org", "ops@example.org", false),
        ("münchen@example.org", "MÜNCHEN@example.org", true),
    ])
    func matches(_ pattern: String, _ address: String, _ expected: Bool) throws {
        let glob = try JIDGlob(parsing: pattern)
        #expect(glob.matches(try JID(address)) == expected)
        #expect("\(glob)" == pattern)
    }

    @Test(arguments: ["", "@", "ops@", "a b@example.org", "ops@example.org/desk", "*@example.org/*", "@example.org"])
    func refuses(_ pattern: String) {
        #expect(throws: EndpointProblem.self) { try JIDGlob(parsing: pattern) }
    }

    /// No pattern can hang the bridge.
    @Test func manyStarsCostLittle() throws {
        let glob = try JIDGlob(parsing: String(repeating: "*a", count: 200) + "*b@example.org")
        #expect(!glob.matches(try JID(String(repeating: "a", count: 1_000) + "@example.org")))
    }
}

import Config
import Glibc
import Routing
import Testing

/// The example that users start from is one that works.
@Suite struct ExampleTests {
    static func example() throws -> [UInt8] {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let file = try #require(fopen(root + "/bridges.example.yaml", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1_024)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes[..<count])
    }

    @Test func loads() throws {
        let plan = try Load.plan(yaml: try Self.example(), file: "bridges.example.yaml").get()
        #expect(plan.warnings == [])
        let names = [
            "nginx-errors", "crashes", "deploys", "progress", "failed-logins", "rest", "relay", "room", "room-log",
            "web-errors", "scripts", "answers", "red", "events",
        ]
        #expect(plan.rules.map(\.name) == names)
        #expect(plan.account?.password == .file("/etc/xmpp-bridge/password"))
    }

    /// The keys of each mapping, as a mistake in one lists them, are all there.
    @Test func showsEveryKey() throws {
        let text = String(decoding: try Self.example(), as: UTF8.self)
        let mistakes = [
            "x: 1", "account: {x: 1}", "presence: {x: 1}", "contacts: {x: 1}", "rooms: [{x: 1}]", "receipts: {x: 1}",
            "spool: {x: 1}",
            "bridges: [{x: 1}]", "bridges: [{from: stdin, to: stdout, where: {line: {x: 1}}}]",
            "bridges: [{from: stdin, to: stdout, group: {x: 1}}]",
            "bridges: [{from: stdin, to: stdout, limit: {x: 1}}]",
        ]
        for mistake in mistakes {
            let line = try #require(Files.problems(mistake).first { $0.contains("unknown key \"x\"") })
            let list = try #require(line.split(separator: "; expected ").last)
            for key in list.split(whereSeparator: { $0 == "," || $0 == " " }) where key != "or" {
                let isThere = text.contains("\(key):") || key == "gt" || key == "le"
                #expect(isThere, "\(key) of \(mistake)")
            }
        }
    }

    /// What stands there as a comment works too, once the `#` is taken away.
    @Test func commentedKeysLoad() throws {
        let text = String(decoding: try Self.example(), as: UTF8.self)
        var lines: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isKey = line.wholeMatch(of: /\ \ # ([a-z_]+: \S+|- \{.*\})/) != nil
            // A server that lets everybody in asks for no password.
            lines.append(isKey && !line.contains("anonymous") ? "  " + line.dropFirst(4) : line)
        }
        let plan = try Files.load(lines.joined(separator: "\n")).get()
        #expect(plan.rules.count == 15)
        let account = try #require(plan.account)
        #expect(account.server != nil && account.caFile != nil && account.fingerprint != nil)
        #expect(account.clientKey != nil && account.resource == "bridge")
    }

    @Test func takesALineOfTheLogItSpeaksOf() throws {
        let plan = try Load.plan(yaml: try Self.example(), file: "bridges.example.yaml").get()
        var router = Router(rules: plan.rules, host: "web1")
        var deliveries: [Delivery] = []
        let lines = [
            "2026/11/22 [error] upstream timed out",
            #"{"event": "login_failed", "user": {"name": "bob"}, "attempt": 3}"#,
            #"{"event": "login_failed", "user": {"name": "probe"}, "attempt": 3}"#, "debug: x",
        ]
        for line in lines {
            router.route(
                .line(.init(bytes: Array(line.utf8), number: 1)), from: .stdin, at: .init(milliseconds: 0),
                into: &deliveries)
        }
        let texts = deliveries.map {
            if case .text(let bytes) = $0.content { String(decoding: bytes, as: UTF8.self) } else { "" }
        }
        #expect(
            texts == [
                "error on web1: upstream timed out", "error on web1: upstream timed out",
                "bob failed to log in from somewhere", lines[2],
            ])
        #expect(deliveries[2].subject == "Logins on web1")
        #expect(deliveries[2].thread == "login-bob")
        #expect(deliveries[2].lang == "en")
    }
}

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
            "nginx-errors", "crashes", "deploys", "progress", "failed-logins", "relay", "room", "room-log",
            "web-errors", "scripts", "answers", "red", "events",
        ]
        #expect(plan.rules.map(\.name) == names)
        #expect(plan.account?.password == .file("/etc/xmpp-bridge/password"))
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
        #expect(plan.rules.count == 14)
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
            #"{"event": "login_failed", "user": {"name": "bob"}, "address": "::1"}"#,
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
                "bob failed to log in from ::1",
            ])
    }
}

import Glibc
import Testing

@testable import Bridge

/// The built-in server in a process of its own, and the filter run against it as a shell would.
final class LoopbackStage {
    /// What takes longer has hung.
    static let secondsMax = 40

    let server: Process
    let port: Int
    let directTLSPort: Int
    let fingerprint: String
    private let authority: String
    private let domain: String

    init(_ faults: [String], domain: String = "localhost", rooms: [String] = []) throws {
        self.domain = domain
        server = try Process(
            ["demo", "--serve", "--domain", domain, "--account", "a:secret", "--account", "b:other"]
                + faults.flatMap { ["--fault", $0] } + rooms.flatMap { ["--room", $0] })
        let isThere = server.output.wait(seconds: Self.secondsMax) { $0.hasPrefix("{") }
        try #require(isThere, "the server said: \(server.errors.text)")
        let line = server.output.text
        port = try #require(Int(line.from("\"port\":").upTo(",", keeping: false)))
        directTLSPort = try #require(Int(line.from("\"direct_tls_port\":").upTo(",", keeping: false)))
        fingerprint = line.from("\"fingerprint\":\"").upTo("\"", keeping: false)
        authority = line.from("\"ca_file\":\"").upTo("\"", keeping: false)
    }

    deinit {
        server.kill(SIGTERM)
        _ = server.wait(seconds: Self.secondsMax)
    }

    /// What a program needs to know to be `a` here.
    var environment: [String] {
        [
            "XMPP_BRIDGE_JID=a@\(domain)", "XMPP_BRIDGE_CA_FILE=\(authority)", "XMPP_BRIDGE_PASSWORD=secret",
            "XMPP_BRIDGE_SERVER=127.0.0.1:\(port)",
        ]
    }

    /// Starts the filter with an account of this server's.
    /// - Parameter environment: variables that say where the server is, instead of its port.
    func filter(
        _ arguments: [String], as name: String = "a", password: String? = nil, environment more: [String] = []
    ) throws -> Process {
        try Process(
            arguments + ["--no-state"],
            [
                "XMPP_BRIDGE_JID=\(name)@\(domain)", "XMPP_BRIDGE_CA_FILE=\(authority)",
                "XMPP_BRIDGE_PASSWORD=\(password ?? (name == "a" ? "secret" : "other"))",
            ] + (more.isEmpty ? ["XMPP_BRIDGE_SERVER=127.0.0.1:\(port)"] : more))
    }

    /// `b` listens to `a`, and is online.
    func listener(_ more: [String] = []) throws -> Process {
        let listener = try filter(["--from", "a@\(domain)", "--output", "text", "--log-level", "info"] + more, as: "b")
        let isOnline = listener.errors.wait(seconds: Self.secondsMax) { $0.contains("online as") }
        try #require(isOnline, "the listener said: \(listener.errors.text)")
        return listener
    }

    /// Sends a last line by a run of its own and waits until the listener has it: then it has all before it.
    func awaitAll(_ listener: Process) throws -> [String] {
        let last = try filter(["--to", "b@\(domain)", "--retry", "20s"])
        last.write("the end\n")
        last.closeInput()
        #expect(last.wait(seconds: Self.secondsMax) == 0, "\(last.errors.text)")
        let isThere = listener.output.wait(seconds: Self.secondsMax) { $0 == "the end" }
        #expect(isThere, "the listener has \(listener.output.lines.count) lines; it said: \(listener.errors.text)")
        return listener.output.lines.filter { $0 != "the end" }
    }
}

/// Runs what blocks on a thread of its own, a few at a time: the test library's threads are as few as the cores.
func scenario(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
        startThread(named: "scenario") {
            ScenarioTickets.take()
            let result = Result { try body() }
            ScenarioTickets.giveBack()
            done.resume(with: result)
        }
    }
}

private enum ScenarioTickets {
    private static let atOnceMax = 6
    private static let gate: Gate = {
        let gate = Gate()
        for _ in 0..<atOnceMax { gate.open() }
        return gate
    }()

    static func take() { gate.wait() }
    static func giveBack() { gate.open() }
}

import ArgumentParser
import Digest
import Glibc
import LoopbackServer
import Wire

/// `demo`: the main job on the built-in server; or that server alone, to try things against.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show the main job on a built-in loopback server, or serve one to try things against.",
        discussion: """
            With --serve a server listens on 127.0.0.1 until told to stop; its first line on standard output is a \
            JSON object with the ports, the certificate's fingerprint and the path of its certificate. It is for \
            trying and testing, never for production.
            """)

    @Flag(name: .long, help: "Only serve, until told to stop.")
    var serve = false

    @Option(name: .long, help: ArgumentHelp("The port to listen on; 0 takes a free one.", valueName: "n"))
    var port = 0

    @Option(name: .long, help: ArgumentHelp("The domain it serves.", valueName: "name"))
    var domain = "localhost"

    @Option(name: .long, help: ArgumentHelp("An account; repeatable.", valueName: "name:password"))
    var account: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A room at conference.DOMAIN, owned by the first account; repeatable.", valueName: "name[:password]"))
    var room: [String] = []

    @Option(
        name: .long, help: ArgumentHelp("A fault on order, e.g. 1:messages=100:abort; repeatable.", valueName: "fault"))
    var fault: [String] = []

    mutating func run() throws {
        try ending { () throws(StartFailure) in
            let stage = try DemoStage(
                domain: domain, accounts: try accounts(), rooms: rooms(), faults: try faults(), port: port)
            return try (serve ? stage.serve() : stage.play()).rawValue
        }
    }

    private func accounts() throws(StartFailure) -> [(name: String, password: String)] {
        if account.isEmpty { return [("alerts", Self.password()), ("ops", Self.password())] }
        return try account.map { text throws(StartFailure) in
            guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
                throw StartFailure(.usage, "--account \(text): expected NAME:PASSWORD")
            }
            return (String(text[..<colon]), String(text[text.index(after: colon)...]))
        }
    }

    private func rooms() -> [(name: String, password: String?)] {
        room.map { text in
            guard let colon = text.firstIndex(of: ":") else { return (text, nil) }
            return (String(text[..<colon]), String(text[text.index(after: colon)...]))
        }
    }

    private func faults() throws(StartFailure) -> [Fault] {
        try fault.map { text throws(StartFailure) in
            do { return try Fault(parsing: text) } catch { throw StartFailure(.usage, "--fault \(text): \(error)") }
        }
    }

    private static func password() -> String {
        Hex.encode(Clock.randomBytes(12))
    }
}

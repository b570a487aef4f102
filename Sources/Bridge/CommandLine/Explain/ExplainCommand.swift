import ArgumentParser
import Config
import Endpoints
import Glibc
import Routing
import Stanza

/// `explain`: what the bridges of a file would do with a sample, and why.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what the bridges of a file would do with each line of a sample, and why.",
        discussion: """
            For example:  xmpp-bridge explain bridges.yaml < /var/log/nginx/error.log

            The sample comes on standard input; it stands for what comes from --source. Without that it is the first \
            source of lines that the file's bridges read, or else the session. Recorded events (--source events), as \
            `xmpp-bridge --events` prints them, stand for what happens on the session and come in their own time.

            Nothing is sent, and no secret and no network is opened. Time is simulated: what `group`, `limit` and \
            `repeat` hold back comes out when its time comes. Ids of messages are made up, and limits of a server are \
            not known. The last line counts; the status is 0 though nothing is taken, and 65 where events are broken.
            """)

    @Argument(help: ArgumentHelp("The file; without it the one that a run would use.", valueName: "file"))
    var file: String?

    @Option(
        name: .long,
        help: ArgumentHelp("What the sample stands for.", valueName: "stdin | fifo:path | tail:path | events"))
    var source: String?

    @Option(
        name: .long,
        help: ArgumentHelp("How far its lines are apart, as 100ms (default: they come all at once).", valueName: "time")
    )
    var every: String?

    @Flag(name: .long, help: "At its end send all that is held at once, as a run does at the end of its input.")
    var drain = false

    @Flag(name: .long, help: "Print NDJSON; `xmpp-bridge schema explain` prints its schema.")
    var json = false

    // The parser gives the root's options to a subcommand that has the same group: --config works here too.
    @OptionGroup(visibility: .hidden) var session: SessionOptions

    mutating func run() throws {
        try ending { () throws(StartFailure) in
            let plan = try self.plan()
            let sample = try self.sample(of: plan)
            let stanzas = RehearsedStanzas(asksReceipts: plan.receipts.ask)
            let rehearsal = Rehearsal(
                rules: plan.rules, host: Environment.process.host, source: sample.source, start: Clock.wall())
            if json {
                var reading = SampleReading(sample, rehearsal, RehearsalJSON(stanzas: stanzas), drains: drain)
                return try reading.run().rawValue
            }
            var reading = SampleReading(sample, rehearsal, RehearsalText(stanzas: stanzas), drains: drain)
            return try reading.run().rawValue
        }
    }

    private func plan() throws(StartFailure) -> Plan {
        guard let path = file ?? ConfigurationFile.find(flag: session.config, Environment.process) else {
            throw StartFailure(.configuration, "no configuration file found; name one")
        }
        let plan = try ConfigurationFile.load(path)
        if plan.rules.isEmpty {
            throw StartFailure(.configuration, "there is nothing to explain: \(path) has no bridges")
        }
        return plan
    }

    private func sample(of plan: Plan) throws(StartFailure) -> Sample {
        let sources = plan.rules.flatMap(\.from)
        let chosen = try chosenSource(among: sources)
        let source = chosen ?? sources.first { $0 == .stdin || $0.isFile } ?? .events
        let step = try every.map { text throws(StartFailure) in try duration(text, "--every") }
        let isSession = source == .events
        let readers = plan.rules.map { rule in
            rule.from.contains { isSession ? !($0 == .stdin || $0.isFile) : $0 == source }
        }
        return Sample(
            source: source, every: step ?? (isSession ? nil : .zero), readers: readers)
    }

    private func chosenSource(among sources: [Endpoint]) throws(StartFailure) -> Endpoint? {
        guard let source else { return nil }
        let endpoint: Endpoint
        do throws(EndpointProblem) { endpoint = try Endpoint(parsing: source) } catch {
            throw StartFailure(.usage, "--source \(source): \(error)")
        }
        switch endpoint {
        case .events: return endpoint
        case .stdin, .fifo, .tail:
            if sources.contains(endpoint) { return endpoint }
            var others: [String] = []
            for other in sources where (other == .stdin || other.isFile) && !others.contains("\(other)") {
                others.append("\(other)")
            }
            let hint =
                others.isEmpty
                ? "give recorded events, with --source events" : "they read \(others.joined(separator: ", "))"
            throw StartFailure(.usage, "--source \(source): no bridge of the file reads it; \(hint)")
        case .xmpp, .room:
            throw StartFailure(
                .usage,
                "--source \(source): messages come as recorded events; give --source events, and the events as "
                    + "xmpp-bridge --events prints them")
        case .stdout, .presence, .commands, .file:
            throw StartFailure(.usage, "--source \(source): that is no source; expected \(Endpoint.sources)")
        }
    }
}

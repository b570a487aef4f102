import ArgumentParser
import Config
import Endpoints
import Glibc

/// The root command: the filter itself.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "xmpp-bridge",
        abstract: "A Unix filter that speaks XMPP.",
        usage: """
            PRODUCER | xmpp-bridge --to JID [--to room:JID]  a message a line, then leave
            PRODUCER | xmpp-bridge                           by the rules of bridges.yaml for standard input and output
            xmpp-bridge [--from JID]                         events to standard output, until told to stop
            xmpp-bridge --input ndjson < COMMANDS            commands in, results and events out
            xmpp-bridge --to JID -- COMMAND ARG...           what COMMAND prints to JID, what JID says to its input
            xmpp-bridge run [--config FILE]                  all bridges of the file, until told to stop
            """,
        discussion: """
            For example:  tail -F app.log | xmpp-bridge --to ops@example.org

            The account: --jid or $XMPP_BRIDGE_JID, and $XMPP_BRIDGE_PASSWORD or $XMPP_BRIDGE_PASSWORD_FILE; or \
            `account:` in bridges.yaml, which is looked for at --config, $XMPP_BRIDGE_CONFIG, \
            $XDG_CONFIG_HOME/xmpp-bridge/bridges.yaml and /etc/xmpp-bridge/bridges.yaml. A password never comes from \
            the command line.

            COMMAND stands for standard input and output: with --to alone it hears those it talks to, as lines of text \
            (--output ndjson: as events). Its end ends the bridge once all it printed is delivered, and its status is \
            the bridge's, unless that is itself not 0. SIGTERM and SIGINT are passed on; it is killed 5 s later.

            Exit status: 0 all accepted by the server; 64 usage; 65 input refused; 66 a FIFO cannot be read; \
            69 server unreachable; 70 a bug of this program; 73 the state directory cannot be used; \
            74 input or output failed; 75 undelivered, kept in the spool, or timed out; 76 protocol or TLS failure, or a conflict; 77 credentials refused; \
            78 configuration; 126 COMMAND cannot be run; 127 there is no COMMAND.
            """,
        version: "xmpp-bridge \(ProgramVersion.text)",
        subcommands: [
            RunCommand.self, CheckCommand.self, ExplainCommand.self, RosterCommand.self, SubscriptionCommand.self,
            PresenceCommand.self, BlockCommand.self, RoomCommand.self, SpoolCommand.self, SchemaCommand.self,
            DemoCommand.self,
        ])

    @OptionGroup(title: "What to do") var filter: FilterOptions
    @OptionGroup(title: "The session") var session: SessionOptions

    mutating func run() throws { try run(nil) }

    /// - Parameter command: what stands behind `--`.
    func run(_ command: [String]?) throws {
        try start(Request(kind: .filter, filter: filter, session: session, command: command))
    }
}

/// `run`: the daemon.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run all bridges of the configuration file until told to stop.")

    @OptionGroup(visibility: .hidden) var filter: FilterOptions
    @OptionGroup(title: "The session") var session: SessionOptions

    func validate() throws {
        if !filter.isPlain {
            throw ValidationError(
                "run takes its work from the file; --to, --from, --events and --input are the filter's")
        }
    }

    mutating func run() throws {
        try start(Request(kind: .daemon, filter: FilterOptions.plain, session: session))
    }
}

/// `schema`: the contract of events and commands.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of the events, of the commands, or of explain --json.")

    enum Subject: String, ExpressibleByArgument, CaseIterable { case events, commands, explain }

    @Argument(help: "events, commands or explain.")
    var subject: Subject = .events

    mutating func run() throws {
        let text =
            switch subject {
            case .events: Schema.events
            case .commands: Schema.commands
            case .explain: Schema.explain
            }
        print(text, terminator: "")
    }
}

enum ProgramVersion {
    /// The version that --version, XEP-0092 and the README name.
    static let text = "0.1.0"
}

/// Prepares and runs; ends the process with the run's status.
private func start(_ request: Request) throws {
    try ending { () throws(StartFailure) in try Runner.run(try RunPlan(request, environment: .process)) }
}

/// Ends the command with the status of its work, or with that of its failure and one line for each of its lines.
func ending(_ work: () throws(StartFailure) -> Int32) throws {
    let status: Int32
    do throws(StartFailure) { status = try work() } catch {
        for line in error.lines { Diagnostics.say(line) }
        status = error.status.rawValue
    }
    throw ExitCode(status)
}

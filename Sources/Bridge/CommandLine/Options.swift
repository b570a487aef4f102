import ArgumentParser

/// Options about the account and the session; they stand over the environment, and that over the file.
struct SessionOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The configuration file; $XMPP_BRIDGE_CONFIG.", valueName: "file"))
    var config: String?

    @Option(name: .long, help: ArgumentHelp("The account; $XMPP_BRIDGE_JID.", valueName: "jid"))
    var jid: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The server, instead of asking DNS; $XMPP_BRIDGE_SERVER.", valueName: "host[:port] | tls://host[:port]"))
    var server: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The name of this connection among those of the account (default: xmpp-bridge.HOST-N, the same each time).",
            valueName: "name"))
    var resource: String?

    @Option(
        name: .customLong("ca-file"),
        help: ArgumentHelp("Trust the certificates in this PEM file only; $XMPP_BRIDGE_CA_FILE.", valueName: "file"))
    var caFile: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Trust the server's certificate by its fingerprint only.", valueName: "sha256:hex"))
    var fingerprint: String?

    @Option(
        name: .customLong("client-cert"),
        help: ArgumentHelp("Log in by this certificate (PEM), not by a password.", valueName: "file"))
    var clientCertificate: String?

    @Option(
        name: .customLong("client-key"),
        help: ArgumentHelp("Its key (PEM); without it, in the same file.", valueName: "file"))
    var clientKey: String?

    @Flag(name: .long, help: "Log in without an account; --jid is the server's domain then.")
    var anonymous = false

    @Flag(name: .long, help: "Go without TLS where the server is at a loopback address and offers none.")
    var plaintext = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long to try to come online, or back: 30s, 10m, 1h30m (default 10m; run: forever). fail-fast tries once.",
            valueName: "fail-fast|duration|forever"))
    var retry: String?

    @Option(
        name: .customLong("connect-timeout"),
        help: ArgumentHelp("The deadline of one attempt, from DNS to the login (default 10s).", valueName: "duration"))
    var connectTimeout: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where what is accepted is kept until the server has it (default: under ~/.local/state).",
            valueName: "dir"))
    var state: String?

    @Flag(
        name: .customLong("no-state"),
        help: "Keep nothing on disk: what is not delivered at the end, or at a crash, is lost.")
    var noState = false

    @Option(
        name: .customLong("log-level"), help: ArgumentHelp("How much is said on standard error.", valueName: "level"))
    var logLevel: LogLevel = .warning

    @Flag(name: .long, help: "No progress line and no warnings.")
    var quiet = false
}

/// Options of the filter.
struct FilterOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Send each line of standard input there; repeatable.", valueName: "jid | room:jid"))
    var to: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Print the messages from there, and how the session stands; repeatable.", valueName: "jid | room:jid"))
    var from: [String] = []

    @Option(name: .long, help: ArgumentHelp("Our name in rooms (default: the account's).", valueName: "name"))
    var nick: String?

    @Flag(name: .long, help: "Ask for receipts; they come as delivery events.")
    var receipts = false

    @Flag(name: .long, help: "Print every event of the session: messages, presence, roster, deliveries.")
    var events = false

    @Option(
        name: .long,
        help: ArgumentHelp("Standard input holds messages, one a line, or commands as JSON.", valueName: "form"))
    var input: InputForm = .lines

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Standard output gets events as JSON, or the text of messages (default: ndjson; for a command that talks: text).",
            valueName: "form"))
    var output: OutputForm?

    @Option(name: .long, help: ArgumentHelp("The type of the messages sent.", valueName: "chat|normal|headline"))
    var type: String = "chat"

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A line over 64 KiB, or over the server's limit, goes in numbered parts or is refused.", valueName: "choice"
        ))
    var overlong: OverlongChoice = .split

    @Option(
        name: .customLong("on-eof"),
        help: ArgumentHelp(
            "At the end of input: deliver the rest and leave, or stay (default: drain; with --count or --timeout: stay).",
            valueName: "choice"))
    var onEOF: EndOfInput?

    @Option(name: .long, help: ArgumentHelp("End after so many messages have been printed.", valueName: "n"))
    var count: Int?

    @Option(
        name: .long,
        help: ArgumentHelp("End after that long (30s, 10m) without one; the exit status is 75.", valueName: "duration"))
    var timeout: String?

    /// None of them.
    static var plain: FilterOptions {
        // Every option has a default, so nothing can be wrong with giving none.
        guard let plain = try? FilterOptions.parse([]) else { preconditionFailure("an option has no default") }
        return plain
    }

    /// Whether all of them are as they are where nothing is said.
    var isPlain: Bool {
        !decide && output == nil && type == "chat" && overlong == .split && onEOF == nil && count == nil
            && timeout == nil && nick == nil && !receipts
    }

    /// Whether any of these says what this run is to do.
    var decide: Bool { !to.isEmpty || !from.isEmpty || events || input == .ndjson }
}

enum InputForm: String, ExpressibleByArgument, Sendable, CaseIterable { case lines, ndjson }
enum OutputForm: String, ExpressibleByArgument, Sendable, CaseIterable { case ndjson, text }
enum EndOfInput: String, ExpressibleByArgument, Sendable, CaseIterable { case drain, stay }
enum OverlongChoice: String, ExpressibleByArgument, Sendable, CaseIterable { case split, refuse }

/// How much is said on stderr.
enum LogLevel: String, ExpressibleByArgument, Sendable, CaseIterable, Comparable {
    case debug, info, warning, error

    private var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }

    static func < (a: LogLevel, b: LogLevel) -> Bool { a.rank < b.rank }
}

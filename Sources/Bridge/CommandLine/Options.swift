import ArgumentParser

/// Options about the account and the session; they stand over the environment, and that over the file.
struct SessionOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String?

    @Option(name: .long, help: ArgumentHelp("The account; $XMPP_BRIDGE_JID.", valueName: "jid"))
    var jid: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The server, instead of asking DNS; $XMPP_BRIDGE_SERVER.", valueName: "host[:port] | tls://host[:port]"))
    var server: String?

    @Option(name: .long, help: ArgumentHelp("The resource to bind.", valueName: "name"))
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
        name: .customLong("client-cert"), help: ArgumentHelp("Log in by this certificate (PEM).", valueName: "file"))
    var clientCertificate: String?

    @Option(name: .customLong("client-key"), help: ArgumentHelp("Its key (PEM).", valueName: "file"))
    var clientKey: String?

    @Flag(name: .long, help: "Log in without an account; --jid is the server's domain then.")
    var anonymous = false

    @Flag(name: .long, help: "Go without TLS where the server is at a loopback address and offers none.")
    var plaintext = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long to try to come (back) online (default 10m, run: forever).",
            valueName: "fail-fast|duration|forever"))
    var retry: String?

    @Option(
        name: .customLong("connect-timeout"),
        help: ArgumentHelp("The deadline of one attempt, DNS included (default 10s).", valueName: "duration"))
    var connectTimeout: String?

    @Option(name: .long, help: ArgumentHelp("Where leases and state live.", valueName: "dir"))
    var state: String?

    @Flag(name: .customLong("no-state"), help: "Keep nothing on disk; the resource is a random one.")
    var noState = false

    @Option(name: .customLong("log-level"), help: ArgumentHelp("error, warning, info or debug.", valueName: "level"))
    var logLevel: LogLevel = .warning

    @Flag(name: .long, help: "No progress line and no warnings.")
    var quiet = false
}

/// Options of the filter.
struct FilterOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Send each line of standard input there; repeatable.", valueName: "jid"))
    var to: [String] = []

    @Option(name: .long, help: ArgumentHelp("Print the messages from there; repeatable.", valueName: "jid"))
    var from: [String] = []

    @Flag(name: .long, help: "Print every event of the session.")
    var events = false

    @Option(name: .long, help: ArgumentHelp("What standard input holds.", valueName: "lines|ndjson"))
    var input: InputForm = .lines

    @Option(name: .long, help: ArgumentHelp("What standard output gets.", valueName: "ndjson|text"))
    var output: OutputForm = .ndjson

    @Option(name: .long, help: ArgumentHelp("The type of the messages sent.", valueName: "chat|normal|headline"))
    var type: String = "chat"

    @Option(name: .long, help: ArgumentHelp("What a line over the limit becomes.", valueName: "split|refuse"))
    var overlong: OverlongChoice = .split

    @Option(
        name: .customLong("on-eof"),
        help: ArgumentHelp(
            "At the end of input: send the rest and leave, or stay (default: drain; stay with --count or --timeout).",
            valueName: "drain|stay"))
    var onEOF: EndOfInput?

    @Option(name: .long, help: ArgumentHelp("End after so many messages.", valueName: "n"))
    var count: Int?

    @Option(name: .long, help: ArgumentHelp("End after that long without a message.", valueName: "duration"))
    var timeout: String?

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

import Routing
import Session
import Stanza
import Wire

/// What the command line asked for, before the environment and the configuration file are looked at.
struct Request {
    enum Kind {
        /// Between pipes.
        case filter
        /// `run`.
        case daemon
        /// A subcommand that does something in one session.
        case errand(Errand)
    }

    var kind: Kind
    var isDaemon: Bool { if case .daemon = kind { true } else { false } }
    var errand: Errand? { if case .errand(let errand) = kind { errand } else { nil } }
    var filter: FilterOptions
    var session: SessionOptions
    /// The co-process of a filter; never empty.
    var command: [String]?
}

/// A whole run, checked: nothing in it can turn out to be missing or misspelt later.
struct RunPlan: Sendable {
    var session: Session.Configuration
    var directions: Connector.Directions
    var tls: TLSConfiguration
    var rules: [Rule]
    var options: Pump.Options
    var errand: Errand?
    /// The co-process.
    var command: ChildCommand?
    /// Reads the configuration file again; nil where this run follows none.
    var reload: (@Sendable () throws(StartFailure) -> Reload)?
    /// The durable store; nil where nothing is kept.
    var keeper: StoreKeeper?
    /// What a person should know of it.
    var notes: [String] = []
    var host: String
    /// Random text that no other run uses, for the ids of messages.
    var token: String
    var logLevel: LogLevel
    var quiet: Bool

    var showsProgress: Bool { !quiet && command == nil && options.reads == .lines && ProgressLine.isWanted }
}

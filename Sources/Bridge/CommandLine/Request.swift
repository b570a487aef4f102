import Routing
import Session
import Stanza
import Wire

/// What the command line asked for, before the environment and the configuration file are looked at.
struct Request {
    enum Kind { case filter, daemon }

    var kind: Kind
    var filter: FilterOptions
    var session: SessionOptions
}

/// A whole run, checked: nothing in it can turn out to be missing or misspelt later.
struct RunPlan: Sendable {
    var session: Session.Configuration
    var directions: Connector.Directions
    var tls: TLSConfiguration
    var rules: [Rule]
    var options: Pump.Options
    var host: String
    /// Random text that no other run uses, for the ids of messages.
    var token: String
    var logLevel: LogLevel
    var quiet: Bool

    var showsProgress: Bool { !quiet && options.reads == .lines && ProgressLine.isWanted }
}

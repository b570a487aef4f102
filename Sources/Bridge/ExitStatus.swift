/// The exit statuses of DESIGN 5.1, after sysexits.h.
enum ExitStatus: Int32, Sendable {
    /// All accepted input was accepted by the server.
    case success = 0
    /// The command line is wrong, or input comes that no rule takes.
    case usage = 64
    /// Input data is wrong.
    case badInput = 65
    /// Input cannot be opened.
    case noInput = 66
    /// The server was not reached, or is gone past the deadline.
    case unreachable = 69
    /// Our bug.
    case software = 70
    /// An output cannot be created.
    case cannotCreate = 73
    /// Reading or writing failed.
    case io = 74
    /// Undelivered, kept in the spool, or timed out.
    case undelivered = 75
    /// Protocol or TLS failure, or a conflict.
    case protocolFailure = 76
    /// Authentication refused.
    case refused = 77
    /// The configuration is wrong.
    case configuration = 78
    /// The command behind `--` is there and cannot be run, in a shell's number.
    case commandNotExecutable = 126
    /// The command behind `--` is not there, in a shell's number.
    case commandNotFound = 127
}

/// Why a run cannot begin: one line for a person and the status it ends with.
struct StartFailure: Error, Equatable {
    var status: ExitStatus
    /// One line or, for a configuration's problems, one line each.
    var lines: [String]

    init(_ status: ExitStatus, _ line: String) {
        self.status = status
        lines = [line]
    }

    init(_ status: ExitStatus, lines: [String]) {
        self.status = status
        self.lines = lines
    }

    init(configuration lines: [String]) {
        status = .configuration
        self.lines = lines
    }
}

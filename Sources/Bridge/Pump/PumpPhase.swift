import Stanza

extension Pump {
    /// Where the run stands.
    enum Phase: Equatable, Sendable {
        /// Taking input. May become draining, leaving, flushing.
        case running
        /// Input is over; what was accepted is being delivered, until then if there is a limit. Becomes settling, leaving, flushing.
        case draining(until: Instant?)
        /// All is accepted; what was printed is being written, and queries answered. Becomes leaving, flushing.
        case settling(until: Instant)
        /// The session is ending in good order. Becomes flushing.
        case leaving
        /// The session is over; standard output's reader gets this long. Becomes finished.
        case flushing(ExitStatus, until: Instant)
        /// Nothing more happens.
        case finished
    }

    /// What the progress line and SIGUSR1 show.
    struct Counters: Equatable, Sendable {
        var linesRead: UInt64 = 0
        var bytesRead: UInt64 = 0
        var rowsAppended: UInt64 = 0
        var rowsAccepted: UInt64 = 0
        var messagesReceived: UInt64 = 0
        var isOnline = false
    }
}

import Spool
import Stanza

/// The gate of a room's lane. Only an occupant may speak there, and only our own message, shown to us again, proves that
/// the room has taken it (XEP-0045 7.4): so messages wait until we are in, and each is kept until it comes back.
///
/// They go one after the other: a room that limits how much is said turns one away and may take the next, and the order
/// is kept all the same.
struct RoomGate: Sendable {
    /// Named limits, unit last.
    enum Limits {
        /// From the server's acceptance of a message to its being shown by the room.
        static let reflectionSeconds = 30
        /// How long one message is tried that the room turns away for now.
        static let patienceSeconds = 600
        /// The first pause that a room's limit brings.
        static let pauseFirst: Duration = .milliseconds(500)
        /// The longest.
        static let pauseMax: Duration = .seconds(60)
        /// After so many messages in a row that were taken, the pause between them is halved.
        static let takenForRelief = 5
        /// Before it is tried again where we were not in the room, if that is not told otherwise.
        static let absenceSeconds = 1
    }

    /// A message on its way.
    struct Spoken: Equatable, Sendable {
        let dispatch: UInt64
        let row: UInt64
        /// When it must have been shown; nil until the server has accepted it.
        var until: Instant?
    }

    let lane: Lane
    /// What is spoken and not shown yet.
    private(set) var spoken: Spoken?
    /// When the message that is tried now was tried first.
    private var tried: (row: UInt64, since: Instant)?

    // The room's limit on our rate, as it turned out.
    private var pausedUntil: Instant?
    /// Between two messages; zero where the room bears them as they come.
    private var pause: Duration = .zero
    private var takenInARow = 0

    init(lane: Lane) { self.lane = lane }

    /// Whether the next message may go.
    func state(isJoined: Bool, at now: Instant) -> Backlog.Gate {
        guard isJoined else { return .held }
        if spoken != nil { return .busy }
        if let pausedUntil, now < pausedUntil { return .held }
        return .open
    }

    /// A message goes out.
    mutating func spoke(_ row: UInt64, dispatch: UInt64, at now: Instant) {
        pausedUntil = nil
        spoken = Spoken(dispatch: dispatch, row: row)
        if tried?.row != row { tried = (row, now) }
    }

    // MARK: - Out

    /// The room has shown it.
    /// - Returns: Whether it was on its way.
    mutating func shown(_ row: UInt64, at now: Instant) -> Bool {
        guard drop(row) else { return false }
        takenInARow += 1
        if takenInARow >= Limits.takenForRelief {
            takenInARow = 0
            pause = pause <= Limits.pauseFirst ? .zero : pause / 2
        }
        if pause > .zero { pausedUntil = now + pause }
        return true
    }

    /// It is given up, or comes to its end otherwise.
    /// - Returns: Whether it was on its way.
    @discardableResult
    mutating func drop(_ row: UInt64) -> Bool {
        guard spoken?.row == row else { return false }
        spoken = nil
        return true
    }

    /// Why a message was not taken for now.
    enum Hindrance {
        /// We were not in the room.
        case absent
        /// The room limits how much is said.
        case rate
    }

    /// The room has not taken it, for now: it is spoken again.
    /// - Returns: Whether it has still time; nil for a row that is not on its way here.
    mutating func turnedAway(_ row: UInt64, _ hindrance: Hindrance, at now: Instant) -> Bool? {
        guard spoken?.row == row else { return nil }
        if let tried, tried.since + .seconds(Limits.patienceSeconds) <= now { return false }
        spoken = nil
        takenInARow = 0
        switch hindrance {
        case .absent: pausedUntil = now + .seconds(Limits.absenceSeconds)
        case .rate:
            pause = min(max(pause * 2, Limits.pauseFirst), Limits.pauseMax)
            pausedUntil = now + pause
        }
        return true
    }

    /// The server has accepted it: from now on the room has its time.
    mutating func accepted(_ dispatch: UInt64, at now: Instant) {
        guard spoken?.dispatch == dispatch else { return }
        spoken?.until = now + .seconds(Limits.reflectionSeconds)
    }

    /// We are in the room again: it has no grudge against us.
    mutating func entered() { pausedUntil = nil }

    // MARK: - Time

    /// A pause that is over is no reason to look again: whoever is not in the room has nothing to say yet.
    mutating func expire(at now: Instant) {
        if let until = pausedUntil, until <= now { pausedUntil = nil }
    }

    /// When to look again.
    /// - Parameter waits: whether messages wait.
    func deadline(_ waits: Bool) -> Instant? { spoken == nil ? (waits ? pausedUntil : nil) : spoken?.until }

    /// The row that should have been shown by now.
    func overdue(at now: Instant) -> UInt64? {
        guard let spoken, let until = spoken.until, until <= now else { return nil }
        return spoken.row
    }
}

import Stanza

/// What goes to one room. Only an occupant may speak there, and only our own message, shown to us again, proves that the
/// room has taken it (XEP-0045 7.4): so messages wait until we are in, and each is kept until it comes back.
///
/// They go one after the other: a room that limits how much is said turns one away and may take the next, and the order
/// is kept all the same.
struct RoomOutbox: Sendable {
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

    /// A message for the room.
    struct Message: Sendable {
        var content: MessageStanza.Content
        var ref: String?
        /// When it was tried first.
        var triedSince: Instant?
    }

    private struct Spoken: Sendable {
        var message: Message
        let row: UInt64
        /// When it must have been shown; nil until the server has accepted it.
        var until: Instant?
    }

    /// What waits to be spoken, in its order.
    private var waiting: [Message] = []
    private var waitingFrom = 0
    /// What is spoken and not shown yet.
    private var spoken: Spoken?

    // The room's limit on our rate, as it turned out.
    private var pausedUntil: Instant?
    /// Between two messages; zero where the room bears them as they come.
    private var pause: Duration = .zero
    private var takenInARow = 0

    /// Messages that no row stands for.
    var waitingCount: Int { waiting.count - waitingFrom }

    // MARK: - In

    /// Takes a message; it is spoken by ``next(at:)``.
    mutating func take(_ content: MessageStanza.Content, ref: String?) {
        waiting.append(Message(content: content, ref: ref))
    }

    /// The message to speak now; nil where none waits, one is on its way, or the room wants a pause.
    mutating func next(at now: Instant) -> Message? {
        guard spoken == nil, waitingFrom < waiting.count else { return nil }
        if let pausedUntil, now < pausedUntil { return nil }
        pausedUntil = nil
        var message = waiting[waitingFrom]
        message.triedSince = message.triedSince ?? now
        waitingFrom += 1
        if waitingFrom == waiting.count || waitingFrom > 1_024 {
            waiting.removeFirst(waitingFrom)
            waitingFrom = 0
        }
        return message
    }

    /// That message goes out as this row.
    mutating func spoke(_ message: Message, row: UInt64) { spoken = Spoken(message: message, row: row) }

    // MARK: - Out

    /// The room has shown it.
    mutating func shown(_ row: UInt64, at now: Instant) -> Message? {
        guard let message = drop(row) else { return nil }
        takenInARow += 1
        if takenInARow >= Limits.takenForRelief {
            takenInARow = 0
            pause = pause <= Limits.pauseFirst ? .zero : pause / 2
        }
        if pause > .zero { pausedUntil = now + pause }
        return message
    }

    /// It is given up for good.
    mutating func drop(_ row: UInt64) -> Message? {
        guard let one = spoken, one.row == row else { return nil }
        spoken = nil
        return one.message
    }

    /// Why a message was not taken for now.
    enum Hindrance {
        /// We were not in the room.
        case absent
        /// The room limits how much is said.
        case rate
    }

    /// The room has not taken it, for now: it is spoken again.
    /// - Returns: Whether it has still time; nil for a row that is not of this room.
    mutating func turnedAway(_ row: UInt64, _ hindrance: Hindrance, at now: Instant) -> Bool? {
        guard let one = spoken, one.row == row else { return nil }
        if let since = one.message.triedSince, since + .seconds(Limits.patienceSeconds) <= now { return false }
        _ = putBack(row)
        takenInARow = 0
        switch hindrance {
        case .absent: pausedUntil = now + .seconds(Limits.absenceSeconds)
        case .rate:
            pause = min(max(pause * 2, Limits.pauseFirst), Limits.pauseMax)
            pausedUntil = now + pause
        }
        return true
    }

    /// The stream that it went out on is lost: it is spoken again, unless the room shows it before.
    mutating func putBack(_ row: UInt64) -> Bool {
        guard let one = spoken, one.row == row else { return false }
        spoken = nil
        if waitingFrom > 0 {
            waitingFrom -= 1
            waiting[waitingFrom] = one.message
        } else {
            waiting.insert(one.message, at: 0)
        }
        return true
    }

    /// The room has shown what was put back: only the next can have been spoken.
    mutating func shown(id: String) -> Message? {
        guard spoken == nil, waitingFrom < waiting.count, waiting[waitingFrom].triedSince != nil,
            waiting[waitingFrom].content.id == id
        else { return nil }
        waitingFrom += 1
        return waiting[waitingFrom - 1]
    }

    /// The server has accepted all rows up to this one: from now on the room has its time.
    mutating func accepted(upTo row: UInt64, at now: Instant) {
        guard let one = spoken, one.row <= row, one.until == nil else { return }
        spoken?.until = now + .seconds(Limits.reflectionSeconds)
    }

    /// We are in the room again: it has no grudge against us.
    mutating func entered() { pausedUntil = nil }

    /// Takes everything out, in its order, with the row of what was spoken.
    mutating func abandon() -> [(message: Message, row: UInt64?)] {
        let all = spoken.map { [(message: $0.message, row: UInt64?.some($0.row))] } ?? []
        let rest = waiting[waitingFrom...].map { (message: $0, row: UInt64?.none) }
        spoken = nil
        waiting.removeAll()
        waitingFrom = 0
        return all + rest
    }

    // MARK: - Time

    /// A pause that is over is no reason to look again: whoever is not in the room has nothing to say yet.
    mutating func expire(at now: Instant) {
        if let until = pausedUntil, until <= now { pausedUntil = nil }
    }

    /// When to look again.
    var deadline: Instant? { spoken == nil ? (waitingCount > 0 ? pausedUntil : nil) : spoken?.until }

    /// The row that should have been shown by now.
    func overdue(at now: Instant) -> UInt64? {
        guard let one = spoken, let until = one.until, until <= now else { return nil }
        return one.row
    }
}

import Stanza

/// What goes to one room. Only an occupant may speak there, and only our own message, shown to us again, proves that the
/// room has taken it (XEP-0045 7.4): so messages wait until we are in, and each is kept until it comes back.
struct RoomOutbox: Sendable {
    /// Named limits, unit last.
    enum Limits {
        /// From the server's acceptance of a message to its being shown by the room.
        static let reflectionSeconds = 30
        /// How long one message is tried that the room turns away for now.
        static let patienceSeconds = 600
        /// The longest pause that a room's limit on our rate may bring.
        static let pauseSecondsMax = 60
        /// After so many messages in a row that were taken, the pause between them is halved.
        static let takenForRelief = 5
    }

    /// A message for the room.
    struct Message: Sendable {
        var content: MessageStanza.Content
        var ref: String?
        /// Its place among the messages for this room.
        let order: UInt64
        /// When it was tried first.
        var triedSince: Instant?
    }

    private struct Spoken: Sendable {
        var message: Message
        /// When it must have been shown; nil until the server has accepted it.
        var until: Instant?
    }

    /// What waits to be spoken, in its order.
    private var held: [Message] = []
    private var heldFrom = 0
    /// What is spoken and not shown yet, by its row.
    private var spoken: [UInt64: Spoken] = [:]
    private var nextOrder: UInt64 = 0

    // The room's limit on our rate, as it turned out.
    private var pausedUntil: Instant?
    /// Between two messages; zero where the room bears them as they come.
    private var pause: Duration = .zero
    private var takenInARow = 0

    /// Messages that are neither shown nor refused.
    var count: Int { heldCount + spoken.count }
    /// Messages that no row stands for.
    var heldCount: Int { held.count - heldFrom }

    // MARK: - In

    /// Takes a message; it is spoken by ``next(at:)``.
    mutating func take(_ content: MessageStanza.Content, ref: String?) {
        held.append(Message(content: content, ref: ref, order: nextOrder))
        nextOrder += 1
    }

    /// The message to speak now; nil where none waits or the room wants a pause.
    mutating func next(at now: Instant) -> Message? {
        guard heldFrom < held.count else { return nil }
        if let pausedUntil, now < pausedUntil { return nil }
        // A room that limits our rate gets one after the other.
        if pause > .zero, !spoken.isEmpty { return nil }
        pausedUntil = nil
        var message = held[heldFrom]
        message.triedSince = message.triedSince ?? now
        heldFrom += 1
        if heldFrom == held.count {
            held.removeAll(keepingCapacity: true)
            heldFrom = 0
        } else if heldFrom > 1_024, heldFrom * 2 > held.count {
            held.removeFirst(heldFrom)
            heldFrom = 0
        }
        return message
    }

    /// That message goes out as this row.
    mutating func spoke(_ message: Message, row: UInt64) { spoken[row] = Spoken(message: message) }

    // MARK: - Out

    /// The room has shown it.
    mutating func shown(_ row: UInt64, at now: Instant) -> Message? {
        guard let message = spoken.removeValue(forKey: row)?.message else { return nil }
        takenInARow += 1
        if takenInARow >= Limits.takenForRelief {
            takenInARow = 0
            pause = pause <= .seconds(1) ? .zero : pause / 2
        }
        if pause > .zero { pausedUntil = now + pause }
        return message
    }

    /// It is given up for good.
    mutating func drop(_ row: UInt64) -> Message? { spoken.removeValue(forKey: row)?.message }

    /// Why a message was not taken for now.
    enum Hindrance {
        /// We were not in the room.
        case absent
        /// The room limits how much is said.
        case rate
    }

    /// The room has not taken it, for now: it is spoken again, in its order.
    /// - Returns: Whether it has still time; nil for a row that is not of this room.
    mutating func turnedAway(_ row: UInt64, _ hindrance: Hindrance, at now: Instant) -> Bool? {
        guard let message = spoken[row]?.message else { return nil }
        if let since = message.triedSince, since + .seconds(Limits.patienceSeconds) <= now { return false }
        spoken[row] = nil
        hold(message)
        takenInARow = 0
        switch hindrance {
        case .absent: pausedUntil = now + .seconds(1)
        case .rate:
            pause = min(max(pause * 2, .seconds(1)), .seconds(Limits.pauseSecondsMax))
            pausedUntil = now + pause
        }
        return true
    }

    private mutating func hold(_ message: Message) {
        if heldFrom > 0 {
            held.removeFirst(heldFrom)
            heldFrom = 0
        }
        // Nearly always it is older than all that wait.
        let place = held.firstIndex { $0.order > message.order } ?? held.count
        held.insert(message, at: place)
    }

    /// The server has accepted all rows up to this one: from now on the room has its time.
    mutating func accepted(upTo row: UInt64, at now: Instant) {
        for (number, one) in spoken where number <= row && one.until == nil {
            spoken[number]?.until = now + .seconds(Limits.reflectionSeconds)
        }
    }

    /// We are in the room again: it has no grudge against us.
    mutating func entered() { pausedUntil = nil }

    /// Takes everything out, in its order, with the rows of what was spoken.
    mutating func abandon() -> [(message: Message, row: UInt64?)] {
        let waiting = held[heldFrom...].map { (message: $0, row: UInt64?.none) }
        let all = spoken.map { (message: $0.value.message, row: UInt64?.some($0.key)) } + waiting
        spoken.removeAll()
        held.removeAll()
        heldFrom = 0
        return all.sorted { $0.message.order < $1.message.order }
    }

    // MARK: - Time

    /// When to look again.
    var deadline: Instant? {
        let due = heldCount > 0 ? pausedUntil : nil
        return spoken.values.reduce(due) { first, one in
            guard let until = one.until else { return first }
            return first.map { min($0, until) } ?? until
        }
    }

    /// The rows that should have been shown by now, oldest first.
    func overdue(at now: Instant) -> [UInt64] {
        spoken.filter { $0.value.until.map { $0 <= now } ?? false }.keys.sorted()
    }
}

import Stanza

/// The questions that wait for their answers: each has a number of its own, and the id of the iq that it waits for now.
struct OpenQuestions: Sendable {
    /// Who wants to know.
    enum Asker: Sendable {
        /// The user.
        case user(tag: UInt64)
        /// The login: who is blocked.
        case login
        /// A push of a privacy list that names no change.
        case push
        /// The login: carbons are asked for.
        case carbons
        /// An archive's track.
        case archive(JID, ClientSession.ArchiveStep)
        /// Whether rows have arrived.
        case doubts(queryID: String)
        /// A ping behind our first presence, or behind the answer to that.
        case presence(isSecond: Bool)
    }

    /// Which answer it waits for; most questions have only one.
    enum Step: Sendable {
        /// Its own.
        case whole
        /// The roster, of which something stays as it is.
        case roster
        /// One about privacy lists; nil for its turn to ask about them.
        case privacy(PrivacyStep?)
    }

    struct Open: Sendable {
        let asker: Asker
        let question: Question
        var step = Step.whole
        /// Whom its iq asks; nil for our own account.
        var addressee: JID?
        var id: String?
        /// When its iq was written.
        var askedAt: Instant
    }

    private struct Due: Sendable {
        let number: UInt64
        let at: Instant
    }

    private var open: [UInt64: Open] = [:]
    private var numbers: [String: UInt64] = [:]
    /// In the order of asking, which is that of the deadlines; closed ones stay until they are swept out.
    private var order = FIFO<Due>()
    private var counter: UInt64 = 0
    /// How many of them are the user's.
    private(set) var ofUser = 0

    subscript(_ number: UInt64) -> Open? { open[number] }

    /// The question that waits for an iq of that id.
    func number(of id: String) -> UInt64? { numbers[id] }

    /// When the oldest has waited long enough.
    var deadline: Instant? { order.first?.at }

    mutating func add(_ question: Question, _ asker: Asker, at now: Instant, due: Instant) -> UInt64 {
        counter += 1
        open[counter] = Open(asker: asker, question: question, askedAt: now)
        if case .user = asker { ofUser += 1 }
        order.append(Due(number: counter, at: due))
        return counter
    }

    /// Its iq, or that of its next step, is written.
    mutating func asked(_ number: UInt64, _ step: Step, id: String, to addressee: JID?, at now: Instant) {
        guard var one = open[number] else { return }
        if let id = one.id { numbers[id] = nil }
        one.step = step
        one.id = id
        one.addressee = addressee
        one.askedAt = now
        open[number] = one
        numbers[id] = number
    }

    /// It waits for its turn.
    mutating func queue(_ number: UInt64) {
        guard var one = open[number] else { return }
        if let id = one.id { numbers[id] = nil }
        one.id = nil
        one.step = .privacy(nil)
        open[number] = one
    }

    mutating func close(_ number: UInt64) -> Open? {
        guard let one = open.removeValue(forKey: number) else { return nil }
        if let id = one.id { numbers[id] = nil }
        if case .user = one.asker { ofUser -= 1 }
        sweep()
        return one
    }

    /// Those that have waited long enough, oldest first.
    func overdue(at now: Instant) -> [UInt64] {
        var found: [UInt64] = []
        for offset in 0..<order.count {
            guard order[offset].at <= now else { break }
            if open[order[offset].number] != nil { found.append(order[offset].number) }
        }
        return found
    }

    /// All of them, in the order of asking; none is left.
    mutating func closeAll() -> [Open] {
        var all: [Open] = []
        while let due = order.popFirst() {
            if let one = open[due.number] { all.append(one) }
        }
        open.removeAll()
        numbers.removeAll()
        ofUser = 0
        return all
    }

    /// All of them have their time from now on.
    mutating func extend(to due: Instant) {
        var later = FIFO<Due>()
        while let one = order.popFirst() {
            if open[one.number] != nil { later.append(Due(number: one.number, at: due)) }
        }
        order = later
    }

    /// The front is always open; behind it closed ones may be as many as open ones.
    private mutating func sweep() {
        while let front = order.first, open[front.number] == nil { order.popFirst() }
        guard order.count > 2 * open.count + 64 else { return }
        var kept = FIFO<Due>()
        while let one = order.popFirst() {
            if open[one.number] != nil { kept.append(one) }
        }
        order = kept
    }
}

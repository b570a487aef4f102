import Stanza

/// What the rooms of a session share: time, chance, ids, and the place for what they want done.
struct RoomSurroundings: Sendable {
    let limits: Configuration.Limits
    private let idPrefix: String
    private let random: @Sendable (Int) -> [UInt8]

    var now = Instant(nanoseconds: 0)
    /// Whether a stream is up on which something may be written.
    var isOnline = false
    private(set) var stanzas: [[UInt8]] = []
    private(set) var events: [Event] = []
    /// What the archives must know.
    private(set) var news: [(room: JID, RoomNews)] = []
    private var counter = 0

    init(_ limits: Configuration.Limits, idPrefix: String, random: @escaping @Sendable (Int) -> [UInt8]) {
        self.limits = limits
        self.idPrefix = idPrefix
        self.random = random
    }

    mutating func write(_ stanza: [UInt8]) { stanzas.append(stanza) }

    mutating func tell(_ update: RoomUpdate) { events.append(.room(update)) }

    mutating func tell(_ event: Event) { events.append(event) }

    mutating func takeStanzas() -> [[UInt8]] {
        defer { stanzas = [] }
        return stanzas
    }

    mutating func note(_ news: RoomNews, of room: JID) { self.news.append((room, news)) }

    mutating func takeNews() -> [(room: JID, RoomNews)] {
        defer { news = [] }
        return news
    }

    mutating func takeEvents() -> [Event] {
        defer { events = [] }
        return events
    }

    /// An id nobody can guess, since the prefix is random.
    mutating func id(_ kind: StaticString) -> String {
        counter += 1
        return "\(idPrefix)\(kind)-\(counter)"
    }

    /// How long to wait after so many failures before this one.
    func wait(failures: Int) -> Duration {
        RetrySchedule.wait(
            failures: failures, first: limits.roomBackoffFirst, longest: limits.roomBackoffMax, chance: chance())
    }

    /// The silence to bear before the next self-ping: not the same for all rooms, lest they all ask at once.
    func silence() -> Duration {
        let quarter = limits.roomSilence / 4
        return quarter * 3 + quarter * Int(chance()) / Int(UInt16.max)
    }

    private func chance() -> UInt16 { random(2).reduce(0) { $0 << 8 | UInt16($1) } }
}

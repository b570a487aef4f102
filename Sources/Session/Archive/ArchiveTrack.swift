import Stanza

/// One archive (XEP-0313), of our account or of a room, and how far it has been told; also a room without an archive,
/// whose history is used instead.
///
/// What was missed is told before what comes meanwhile. A message that the archive has is as good as in a spool: it counts
/// as handled (XEP-0198 4) while it is kept back, since whoever comes after us begins at the cursor, which has not passed
/// it.
struct ArchiveTrack: Sendable {
    /// Where it stands; each names what may follow.
    enum State: Equatable, Sendable {
        /// A login, or our coming into the room. → asking, seekingEnd, paging, history, current
        case unknown
        /// What our account can do. → seekingEnd, paging, current, behind, unknown
        case asking
        /// Where the archive ends, as it is new to us. → current, unknown
        case seekingEnd(Page)
        /// The end of a page. → paging, resting, current, behind, unknown
        case paging(Page)
        /// That everything up to this stanza is handled, before the next page is asked for. → paging, unknown
        case resting(until: UInt64)
        /// The end of a room's history. → current, unknown
        case history(until: Instant)
        /// Live messages, which move the cursor. → unknown
        case current
        /// The next login: live messages are told, but what is missing lies before them. → unknown
        case behind
    }

    /// What was asked for, and what has come of it.
    struct Page: Equatable, Sendable {
        /// What each result carries.
        let queryID: String
        /// Results, and those of them that are no repetition.
        var results = 0
        var news = 0
    }

    /// What our clock and a server's may differ by.
    static let slack: Duration = .seconds(300)

    var state = State.unknown
    var cursor: ArchiveCursor?
    /// Whether there is an archive; nil where that is not known.
    var isKept: Bool?
    /// Whether ids that messages carry in its name are believed (XEP-0359 5).
    var isTrusted = false
    var given: GivenIDs
    var kept = KeptBack()

    // Of one catch-up.
    /// The last message that the archive has sent us.
    var after: String?
    /// Where the cursor's message is not there any more: a time before it.
    var start: WallTime?
    /// What was told of what was missed.
    var count = 0
    /// Why more may be missing.
    var gap: String?
    /// Whether the last live message that an archive keeps had no id of it: it keeps not all (XEP-0441).
    var leavesOut = false
    /// Results in a row that were told before.
    var repeated = 0
    /// What a room's history holds of the time before is no news: up to when we were in it last.
    var floor: WallTime?
    /// Whether a room's history has come to a message that was told.
    var hasReached = false
    /// The stanza of the last result.
    var lastResult: UInt64 = 0
    /// The newest message, as a result or a live message says, while the end is being sought.
    var end: ArchiveCursor?
    var liveEnd: ArchiveCursor?

    init(cursor: ArchiveCursor?, idsMax: Int) {
        self.cursor = cursor
        given = GivenIDs(max: idsMax)
    }

    /// Whether what comes live waits for what was missed.
    var isCatchingUp: Bool {
        switch state {
        case .paging, .resting, .history: true
        case .unknown, .asking, .seekingEnd, .current, .behind: false
        }
    }

    /// The page that is on its way.
    var page: Page? {
        get {
            switch state {
            case .seekingEnd(let page), .paging(let page): page
            case .unknown, .asking, .resting, .history, .current, .behind: nil
            }
        }
        set {
            guard let newValue else { return }
            switch state {
            case .seekingEnd: state = .seekingEnd(newValue)
            case .paging: state = .paging(newValue)
            case .unknown, .asking, .resting, .history, .current, .behind: break
            }
        }
    }

    /// What decides about a live message.
    struct Standing: Sendable {
        let state: State
        let isKept: Bool?
        let isTrusted: Bool
        let floor: WallTime?
    }

    var standing: Standing { Standing(state: state, isKept: isKept, isTrusted: isTrusted, floor: floor) }

    /// A catch-up begins at the cursor.
    mutating func begin() {
        count = 0
        gap = nil
        hasReached = false
        repeated = 0
        floor = cursor?.time
        end = nil
        liveEnd = nil
        start = nil
        after = cursor.flatMap { $0.id.isEmpty ? nil : $0.id }
        if after == nil { start = cursor.map { $0.time - Self.slack } }
    }

    /// A room's history has come to a message that was told: what it held before that is no news, whatever clocks say.
    mutating func reached() {
        guard case .history = state else { return }
        hasReached = true
        _ = kept.takeAll()
    }

    /// The archive does not have the cursor's message any more.
    mutating func beginByTime() {
        after = nil
        start = cursor.map { $0.time - Self.slack }
    }
}

/// Ids of messages that were told lately.
struct GivenIDs: Sendable {
    /// How many are remembered; of the others a repetition is not known.
    let max: Int
    private var order = FIFO<String>()
    private var ids: Set<String> = []

    init(max: Int) { self.max = max }

    func contains(_ id: String) -> Bool { ids.contains(id) }

    mutating func insert(_ id: String) {
        guard ids.insert(id).inserted else { return }
        order.append(id)
        if order.count > max, let oldest = order.popFirst() { ids.remove(oldest) }
    }
}

/// Live messages that came while an archive is caught up: they are told behind it. The archive has them as well, so beyond
/// the limits the oldest are let go, and fetched from there.
struct KeptBack: Sendable {
    private struct Kept: Sendable {
        let id: String
        let message: Message
    }

    private var order = FIFO<Kept>()
    private var ids: Set<String> = []
    private(set) var bytes = 0
    /// Whether one was let go since the last page was asked for.
    var hasLetGo = false

    var count: Int { ids.count }

    func contains(_ id: String) -> Bool { ids.contains(id) }

    mutating func append(_ message: Message, id: String, stanzasMax: Int, bytesMax: Int) {
        guard ids.insert(id).inserted else { return }
        order.append(Kept(id: id, message: message))
        bytes += message.stanza.byteCount
        while order.count > stanzasMax || (bytes > bytesMax && order.count > 1), let oldest = order.popFirst() {
            bytes -= oldest.message.stanza.byteCount
            if ids.remove(oldest.id) != nil { hasLetGo = true }
        }
    }

    /// The archive has brought it.
    mutating func drop(_ id: String) { ids.remove(id) }

    /// What the archive has not brought, in the order in which it came.
    mutating func takeAll() -> [Message] {
        var all: [Message] = []
        while let one = order.popFirst() {
            if ids.contains(one.id) { all.append(one.message) }
        }
        ids = []
        bytes = 0
        hasLetGo = false
        return all
    }
}

extension WallTime {
    static func - (a: WallTime, b: Duration) -> WallTime {
        WallTime(milliseconds: a.milliseconds - b.wholeMilliseconds)
    }
}

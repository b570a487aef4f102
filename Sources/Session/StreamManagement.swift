import Stanza

/// What is known of the stream management session that the server keeps for us (XEP-0198 5), over connections.
struct ResumableSession: Equatable, Sendable {
    /// So many resumptions that get no answer in time are enough: another connection may have been dead, the next not.
    static let unansweredMax = 2

    /// The id to resume with.
    let id: String
    /// Where the server wants us to come back.
    let location: HostPort?
    /// How long it keeps the session without a connection; nil where it does not say.
    let kept: Duration?
    /// When the connection was lost; nil while it stands.
    var lostAt: Instant?
    /// How long it had been without a connection before our own clock began.
    private let goneBefore: Duration
    /// Whether another process has begun it, and it was not yet resumed by this one.
    var isRestored = false
    /// What of it can outlive this process.
    var saved: SavedStream?
    /// How many resumptions in a row got no answer in time.
    var unanswered = 0

    /// The session that `<enabled/>` grants; nil where it cannot be resumed.
    init?(_ enabled: Element) {
        guard let id = enabled["id"], !id.isEmpty,
            enabled.attribute("resume", equals: "true") || enabled.attribute("resume", equals: "1")
        else { return nil }
        self.id = id
        location = enabled["location"].flatMap { try? HostPort($0) }
        kept = enabled["max"].flatMap { UInt32($0) }.map { .seconds(Int64($0)) }
        goneBefore = .zero
    }

    /// The session of a process that has been gone at least that long.
    init(_ saved: SavedStream, goneFor: Duration) {
        id = saved.id
        location = saved.location
        kept = saved.kept
        goneBefore = goneFor
        isRestored = true
        self.saved = saved
    }

    /// Whether it is worth asking for.
    func isAlive(at now: Instant) -> Bool {
        guard let kept, let lostAt else { return true }
        return now - lostAt + (isRestored ? goneBefore : .zero) <= kept
    }
}

/// The nonzas of XEP-0198.
enum StreamManagement {
    static func writeEnable(into writer: inout XMLWriter) {
        writer.start("enable", NS.streamManagement)
        writer.attribute("resume", "true" as StaticString)
        writer.endEmpty()
    }

    static func writeResume(id: String, h: UInt32, into writer: inout XMLWriter) {
        writer.start("resume", NS.streamManagement)
        writer.attribute("h", h)
        writer.attribute("previd", id)
        writer.endEmpty()
    }

    static func writeRequest(into writer: inout XMLWriter) { writer.empty("r", NS.streamManagement) }

    static func writeAnswer(h: UInt32, into writer: inout XMLWriter) {
        writer.start("a", NS.streamManagement)
        writer.attribute("h", h)
        writer.endEmpty()
    }

    /// The stream error for an `h` that cannot be (XEP-0198 4).
    static func writeCountError(h: UInt32, sent: UInt32, into writer: inout XMLWriter) {
        writer.raw("<stream:error>")
        writer.empty("undefined-condition", NS.streams)
        writer.start("handled-count-too-high", NS.streamManagement)
        writer.attribute("h", h)
        writer.attribute("send-count", sent)
        writer.endEmpty()
        writer.raw("</stream:error></stream:stream>")
    }

    /// The `h` of an element.
    static func count(of element: Element) -> UInt32? { element["h"].flatMap { UInt32($0) } }
}

/// Questions to the server whose answers show that it lives, and how fast it reads.
struct AnswerClock: Sendable {
    private struct Request: Sendable {
        let covers: UInt64
        let at: Instant
        let inFlightBytes: Int
    }

    /// Between two questions about rows that nothing hurries: a line that is typed is asked for at once, many that come
    /// one by one are not each.
    static let rowInterval: Duration = .milliseconds(100)
    /// The same while a question is open.
    static let patience: Duration = .seconds(1)

    private var requests = FIFO<Request>()
    /// Everything below this index is asked for.
    private(set) var requestedUpTo: UInt64 = 0
    /// How many bytes had been written then.
    private(set) var requestedBytes = 0
    private var lastAsked: Instant?
    var isWaiting: Bool { !requests.isEmpty }
    /// When the oldest open question was asked.
    var oldest: Instant? { requests.first?.at }

    mutating func asked(upTo index: UInt64, writtenBytes: Int, inFlightBytes: Int, at now: Instant) {
        requests.append(Request(covers: index, at: now, inFlightBytes: inFlightBytes))
        requestedUpTo = index
        requestedBytes = writtenBytes
        lastAsked = now
    }

    /// When to ask about rows written since.
    func due(hurried: Bool, at now: Instant) -> Instant {
        guard let lastAsked else { return now }
        if isWaiting { return lastAsked + Self.patience }
        return hurried ? now : lastAsked + Self.rowInterval
    }

    /// An answer covers everything below `index`.
    mutating func answered(upTo index: UInt64, at now: Instant, window: inout ByteWindow) {
        var slowest: Request?
        while let request = requests.first, request.covers <= index {
            if slowest == nil { slowest = request }
            requests.popFirst()
        }
        if let slowest { window.answered(after: now - slowest.at, bytesThen: slowest.inFlightBytes) }
    }

    mutating func begin(at index: UInt64, writtenBytes: Int) {
        requests.removeAll()
        requestedUpTo = index
        requestedBytes = writtenBytes
        lastAsked = nil
    }
}

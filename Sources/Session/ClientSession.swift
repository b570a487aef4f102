public import Stanza

/// The client's side of one XMPP session over all its connections, as a machine without I/O.
///
/// Its driver, after each call, first writes ``takeOutput()``, then carries the actions out in their order, then
/// reads ``deadline``. Inputs of a connection that it was told to close or to abort are not to be passed.
public struct ClientSession: Sendable {
    /// Where the session stands; each names what may follow.
    enum Life: Sendable {
        /// ``Input/start``. → Connecting, Ended
        case idle
        /// An attempt. → Online, Waiting, Connecting (elsewhere), Ended
        case connecting(deadline: Instant)
        /// The stream is up. → Waiting, Connecting (elsewhere), Leaving, Ended
        case online(since: Instant)
        /// The time for the next attempt. → Connecting, Ended
        case waiting(until: Instant, reason: String)
        /// The peer's `</stream:stream>`. → Ended
        case leaving(until: Instant)
        /// Nothing.
        case ended
    }

    /// Stanzas of ours beside the window of rows that may wait for an acknowledgement: a peer that draws answers and
    /// never acknowledges them must not fill our memory.
    static let unaskedStanzasMax = 10_000
    /// How many times the answer timeout a question may stay open while the peer sends other things.
    static let patience = 4
    /// How long an attempt that was given up may still reach the server: about as long as a system goes on sending what a
    /// closed socket holds.
    static let ghostLife: Duration = .seconds(120)
    /// How often in a row a server may send us elsewhere.
    static let redirectsMax = 3

    var configuration: Configuration
    let random: @Sendable (Int) -> [UInt8]
    let capabilities: Capabilities
    /// In front of the ids of our iqs: random, so that nobody can answer them unasked.
    let idPrefix: String

    var now = Instant(nanoseconds: 0)
    /// The civil time, which the caller sets before an input: for the cursors of archives, and what is asked of them.
    public var wall = WallTime(milliseconds: 0)
    var life = Life.idle
    var output = XMLWriter()

    // One attempt, or one stream.
    var target = ConnectTarget.account
    var negotiation: Negotiation
    var liveness: Liveness
    var answers = AnswerClock()
    var peerName = ""

    // Over resumptions.
    var boundTo: JID?
    var queue = OutgoingQueue()
    var inbound = InboundLedger()
    var resumable: ResumableSession?
    /// Whether the bridge keeps a stream for the next process.
    var isStreamKept = false
    var pending = PendingQuestions()
    var questions = OpenQuestions()
    var blocking = Blocking()
    var receipts = OwedReceipts()
    /// The pings behind our first presence are not answered: presences that come are those of the login.
    var isComingIn = false
    /// The server has said itself what it handled of the session that could not be resumed.
    var isVouchedFor = false
    var presenceSent = false

    // Over the whole session.
    var retry: RetrySchedule
    var window: ByteWindow
    var roster = Roster()
    var rooms: Rooms
    var keyCache: SCRAMKeyCache?
    /// Another process was there before us: whoever holds our resource, or takes it, may be its ghost.
    var isHeir = false
    /// Until when a conflict may be with an attempt of our own that was given up.
    var ghostUntil: Instant?
    /// Whether any login of this session has succeeded.
    public internal(set) var hasBeenOnline = false
    /// How we show ourselves now; nil: not at all.
    var presence: Configuration.Presence?
    var redirects = 0
    /// Rows go one at a time.
    var probation: Probation?
    var nextTarget = ConnectTarget.account
    var archives: Archives
    var doubts = DoubtfulRows()
    var requestsTold: Set<JID> = []
    var stanzaLimitTold: Int?
    var drain = Drain.notAsked
    /// ``Action/writable`` is due when there is room.
    var isBlocked = true

    enum Drain: Sendable {
        case notAsked, asked, told
    }

    /// A session that has not begun.
    /// - Parameters:
    ///   - saved: what ``Action/keepStream(_:)`` named last in the process before: that stream is resumed, if it is of this
    ///     account, resource and kind (with a presence, or without). Its count of our stanzas is the server's word.
    ///   - handled: the ``handledCount(ifHandledUpTo:)`` that was kept last.
    ///   - goneFor: how long that process has been gone at the least, where that is known: a stream that the server cannot
    ///     have kept so long is not asked for.
    ///   - isHeir: whether a process with our resource may have died a moment ago, so that its last words are still on their
    ///     way: the first conflict may be with it. A `saved` stream says so as well.
    ///   - random: gives random bytes; for nonces, ids and jitter.
    public init(
        _ configuration: Configuration, restoring saved: SavedStream? = nil, handled: UInt32 = 0,
        goneFor: Duration = .zero, isHeir: Bool = false, random: @escaping @Sendable (_ count: Int) -> [UInt8]
    ) {
        self.configuration = configuration
        self.random = random
        capabilities = Capabilities(configuration.software, receipts: configuration.receipts)
        presence = configuration.firstPresence
        idPrefix = Self.idPrefix(random(6))
        archives = Archives(configuration)
        rooms = Rooms(configuration.limits, idPrefix: idPrefix, random: random)
        retry = RetrySchedule(configuration)
        window = ByteWindow(maxBytes: configuration.limits.windowBytes)
        liveness = Liveness(at: now)
        negotiation = Negotiation(
            configuration, resumption: nil, idPrefix: idPrefix, keyCache: nil, random: random)
        restore(saved, handled: handled, goneFor: goneFor)
        self.isHeir = isHeir || saved != nil
    }

    private static func idPrefix(_ bytes: [UInt8]) -> String {
        let letters = Array("abcdefghijkmnopqrstuvwxyz2345679".utf8)
        return String(decoding: bytes.map { letters[Int($0 & 31)] }, as: UTF8.self) + "-"
    }

    /// Takes one input and returns what to do.
    public mutating func handle(_ input: Input, at now: Instant) -> [Action] {
        self.now = now
        var actions: [Action] = []
        switch input {
        case .start: start(&actions)
        case .connected(let transport): connected(transport, &actions)
        case .secured(let facts): secured(facts, &actions)
        case .streamOpened(let header): streamOpened(header, &actions)
        case .element(let element): take(element, &actions)
        case .streamClosed: streamClosed(&actions)
        case .disconnected(let failure): disconnected(failure, &actions)
        case .derived(let keys): derived(keys, &actions)
        case .timeout:
            expireQuestions(&actions)
            expire(&actions)
        case .handled(let number): handled(upTo: number)
        case .drain: if drain == .notAsked { drain = .asked }
        case .leave: leave(&actions)
        }
        settle(&actions)
        return actions
    }

    /// When to call with ``Input/timeout`` if nothing else comes before; read it after ``takeOutput()``.
    public var deadline: Instant? { Self.earlier(lifeDeadline, questions.deadline) }

    private var lifeDeadline: Instant? {
        switch life {
        case .idle, .ended: nil
        case .connecting(let deadline): rooms.hasEvents ? now : deadline
        case .waiting(let until, _): rooms.hasEvents ? now : until
        case .leaving(let until): until
        case .online: onlineDeadline
        }
    }

    /// The bytes to write now; the machine keeps none of them. Call it once for a batch of sends: each call may ask the
    /// server for an acknowledgement of what is written by then (XEP-0198 4).
    public mutating func takeOutput() -> [UInt8] {
        if isOnline { flush() }
        if output.bytes.isEmpty { return [] }
        liveness.sent(at: now)
        let bytes = output.bytes
        output = XMLWriter(capacity: min(bytes.count, 64 * 1_024))
        return bytes
    }

    /// Whether the stream is up.
    public var isOnline: Bool {
        switch life {
        case .online: true
        case .idle, .connecting, .waiting, .leaving, .ended: false
        }
    }

    /// Whether the session is online and the window has room for another row.
    public var canSend: Bool {
        isOnline && (!queue.hasUnsent || doubts.isCollecting) && queue.inFlightBytes < sendWindow
            && queue.unacceptedRows < configuration.limits.windowStanzas
            && queue.unacceptedBytes < configuration.limits.windowBytes
    }

    /// Rows that were sent, or wait to be sent again, and are not accepted.
    public var unacceptedRows: Int { queue.unacceptedRows }

    /// The JID that the server bound last (RFC 6120 7), also while the stream is down; nil before the first login.
    public var boundJID: JID? { boundTo }

    /// Sends a stanza that must arrive: `payload` is the whole serialised stanza, `row` its number in the spool, which
    /// rises from call to call. It is kept until accepted, and resent after a resumption or a fresh bind.
    /// Call it only while ``canSend``.
    /// - Parameter doubt: it may have been sent before. Then our archive is asked first, together with what is sent with it,
    ///   and ``Action/foundInArchive(row:)`` tells that it has arrived; where there is no archive, or no answer within
    ///   ``Configuration/Limits/questionTimeout``, it is sent again.
    /// - Parameter isRetried: it was sent before under the same id, and refused for a time: our archive, which may have
    ///   that, is not asked.
    public mutating func send(
        _ payload: [UInt8], row: UInt64, doubt: Doubt? = nil, isRetried: Bool = false, at now: Instant
    ) {
        precondition(isOnline, "the caller looks at canSend first")
        precondition(queue.lastRow.map { $0 < row } ?? true, "the spool numbers its rows upwards")
        self.now = now
        if let doubt { self.doubt(doubt, row: row) }
        doubts.sends.note(row, at: wall)
        queue.append(payload, row: row, isRetried: isRetried, into: &output)
        liveness.owed(true, at: now)
        noteBlockage()
    }

    /// That row is known to have arrived, from elsewhere than the server's acceptance (a room has shown it): it is not
    /// sent again over a fresh stream, and no ``Action/accepted(upTo:)`` need name it.
    public mutating func arrived(row: UInt64, at now: Instant) {
        self.now = now
        queue.settle(row: row)
    }

    /// Sends a stanza for which nobody waits (presence): lost where the stream is, and at once
    /// where there is none.
    public mutating func sendUnreliably(_ payload: [UInt8], at now: Instant) {
        guard isOnline else { return }
        self.now = now
        write(payload)
    }

    /// Shows ourselves otherwise from now on, over reconnections too; nil makes us unavailable (RFC 6121 4.4, 4.5).
    /// - Parameter farewell: words that go with becoming unavailable.
    public mutating func show(_ presence: Configuration.Presence?, farewell: String? = nil, at now: Instant) {
        self.now = now
        self.presence = presence
        guard isOnline else { return }
        announce(farewell: farewell)
    }

    /// A subscription request of that contact was approved or denied: the next one is an event again.
    public mutating func answeredRequest(of jid: JID) { requestsTold.remove(jid.bare) }

    /// The number of the inbound stanza that the last ``handle(_:at:)`` was about: events of it are handled when this
    /// number is named by ``Input/handled(upTo:)``. Every stanza is numbered, whether it makes an event or not.
    public var inboundStanza: UInt64 { inbound.current }

    /// The phase in words for a person ("waiting for stream features"), for messages about deadlines.
    public var phase: String {
        switch life {
        case .idle: "not started"
        case .connecting: negotiation.state.description
        case .online: "online"
        case .waiting: "waiting for the next attempt"
        case .leaving: "waiting for the end of the stream"
        case .ended: "ended"
        }
    }
}

extension ClientSession: CustomReflectable {
    /// The phase alone: what waits to be written may hold a password.
    public var customMirror: Mirror { Mirror(self, children: ["phase": phase]) }
}

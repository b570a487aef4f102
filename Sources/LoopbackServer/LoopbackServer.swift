public import Stanza

/// An XMPP server as a machine without I/O: for demos, tests, faults and benchmarks; never for production.
///
/// It serves one domain and its accounts, keeps everything in memory, and speaks to no other server. Its driver gives
/// it sockets, parsing and TLS; a simulator none of these. What the driver owes: a number of its own for every
/// connection, the actions done in their order, ``Input/disconnected(_:)`` once for each connection whoever ended it,
/// ``byteLimit(for:)`` asked once behind ``Input/connected(_:directTLS:)``, and a call at ``deadline``.
public struct LoopbackServer: Sendable {
    let configuration: Configuration
    let faults: [Fault]
    let random: @Sendable (Int) -> [UInt8]

    var accounts: [String: Account] = [:]
    var connections: [ConnectionID: Connection] = [:]
    var sessions: [SessionID: Session] = [:]
    /// The last of the ended sessions, the newest last.
    var endedSessions: [EndedSession] = []
    /// Sessions without a connection and when they end.
    var detached: [SessionID: Instant] = [:]
    /// Connections whose output a fault holds back, and until when.
    var paused: [ConnectionID: Instant] = [:]
    private var connectionsSeen = 0
    var lastSession: SessionID = 0
    var lastQuery: UInt64 = 0
    /// The address of the room service; nil where there is none.
    let roomDomain: JID?
    /// Rooms by their localpart.
    var rooms: [String: Room] = [:]
    var roomMischief = RoomMischief()
    var lastRoomMessage: UInt64 = 0
    /// The key of occupants' ids (XEP-0421 4); empty until the first is needed.
    var roomSecret: [UInt8] = []

    /// The moment of the input that is being handled.
    var now = Instant(nanoseconds: 0)
    var wall = WallTime(milliseconds: 0)
    /// What to do about the input that is being handled.
    var actions: [Action] = []
    /// The connections that have something to write at its end.
    var dirty: [ConnectionID] = []

    /// A server that nobody is connected to.
    /// - Parameters:
    ///   - faults: what goes wrong, see ``Fault``; those of one moment strike in this order.
    ///   - random: gives that many random bytes; for salts, nonces and ids.
    public init(
        _ configuration: Configuration, faults: [Fault] = [], random: @escaping @Sendable (_ count: Int) -> [UInt8]
    ) {
        self.configuration = configuration
        self.faults = faults
        self.random = random
        roomDomain = configuration.roomService.isOffered ? try? JID("conference.\(configuration.domain)") : nil
        for account in configuration.accounts {
            guard let jid = try? JID("\(account.name)@\(configuration.domain)") else { continue }
            accounts[account.name] = Account(jid: jid, password: account.password)
        }
        furnishRooms()
    }

    /// When to call with ``Input/timeout`` if nothing else comes before.
    public var deadline: Instant? {
        guard let first = detached.values.min() else { return paused.values.min() }
        return paused.values.min().map { min($0, first) } ?? first
    }

    /// After how many raw bytes the driver must reset that connection by itself, each way; nil: never.
    public func byteLimit(for connection: ConnectionID) -> (in: Int?, out: Int?) {
        guard let mischief = connections[connection]?.mischief else { return (nil, nil) }
        return (mischief.byteLimit(.bytesIn), mischief.byteLimit(.bytesOut))
    }

    /// Takes one input and returns what to do, in order. Inputs of connections that are over are ignored.
    public mutating func handle(_ input: Input, at now: Instant, wall: WallTime) -> [Action] {
        self.now = now
        self.wall = wall
        switch input {
        case .connected(let id, let directTLS): connect(id, isSecure: directTLS)
        case .secured(let id): ifListening(id) { $0.handshakeEnded(id) }
        case .streamOpened(let id, let header): ifListening(id) { $0.streamOpened(id, header) }
        case .element(let id, let element): ifListening(id) { $0.received(element, on: id) }
        case .streamClosed(let id): ifListening(id) { $0.streamClosed(id) }
        case .streamBroken(let id, let condition): ifListening(id) { $0.fail(id, condition) }
        case .disconnected(let id): disconnected(id)
        case .timeout: timeOut()
        case .ordered(let fault): apply(fault)
        case .forged(let to, let bytes): if let session = session(of: to) { deliver(forged: bytes, to: session) }
        case .restarted(let keepsSessions): restart(keepsSessions: keepsSessions)
        }
        flushAll()
        let result = actions
        actions = []
        return result
    }

    /// A hung server reads nothing, one that has said goodbye nothing more.
    private mutating func ifListening(_ id: ConnectionID, _ body: (inout Self) -> Void) {
        if isAlive(id) { body(&self) }
    }

    private mutating func connect(_ id: ConnectionID, isSecure: Bool) {
        connectionsSeen += 1
        guard connections.count < configuration.limits.connectionsMax else {
            actions.append(.abort(id))
            return
        }
        connections[id] = Connection(id: id, ordinal: connectionsSeen, isSecure: isSecure, faults: faults)
        if strike(.connect, on: id) { strikeAfter(.connect, on: id) }
    }

    private mutating func disconnected(_ id: ConnectionID) {
        guard let gone = connections.removeValue(forKey: id) else { return }
        paused[id] = nil
        if let session = gone.session { lost(session) }
    }

    private mutating func timeOut() {
        for id in paused.filter({ $0.value <= now }).keys.sorted() { resume(paused: id) }
        for id in detached.filter({ $0.value <= now }).keys.sorted() { end(session: id) }
    }
}

// MARK: - Writing

extension LoopbackServer {
    /// Writes to a connection; the bytes go out with all others of this input.
    mutating func write(_ id: ConnectionID, _ body: (inout XMLWriter) -> Void) {
        guard let isDirty = connections[id]?.isDirty, connections[id]?.isOver == false else { return }
        if !isDirty {
            dirty.append(id)
            connections[id]?.isDirty = true
        }
        if connections[id] != nil { body(&connections[id]!.output) }  // looked up in this same line
    }

    /// Hands over what is written so far, before something that must come behind it.
    mutating func flush(_ id: ConnectionID) {
        guard let bytes = connections[id]?.takeOutput(), !bytes.isEmpty else { return }
        emit(.write(id, bytes), on: id)
    }

    /// An action that a stall swallows and a pause holds back.
    mutating func emit(_ action: Action, on id: ConnectionID) {
        guard connections[id]?.mischief.isStalled == false else { return }
        guard paused[id] != nil else {
            actions.append(action)
            return
        }
        connections[id]?.mischief.held.append(action)
        guard case .write(_, let bytes) = action else { return }
        connections[id]?.mischief.heldBytes += bytes.count
        if (connections[id]?.mischief.heldBytes ?? 0) > configuration.limits.pausedBytesMax { abort(id) }
    }

    private mutating func flushAll() {
        // Flushing may abort a connection, and so write to others: the list grows while it is walked.
        var position = 0
        while position < dirty.count {
            let id = dirty[position]
            position += 1
            askForAcknowledgement(on: id)
            connections[id]?.isDirty = false
            flush(id)
        }
        dirty.removeAll(keepingCapacity: true)
    }

    private mutating func resume(paused id: ConnectionID) {
        paused[id] = nil
        actions.append(contentsOf: connections[id]?.mischief.held ?? [])
        connections[id]?.mischief.held = []
        connections[id]?.mischief.heldBytes = 0
    }
}

// MARK: - Ending connections

extension LoopbackServer {
    /// Resets a connection; its session waits to be resumed where it can.
    mutating func abort(_ id: ConnectionID) {
        guard let session = over(id) else { return }
        paused[id] = nil
        connections[id]?.mischief.held = []
        connections[id]?.output.bytes = []
        actions.append(.abort(id))
        if let session { lost(session) }
    }

    /// A stream error (RFC 6120 4.9) and the end of the stream; the session ends with it.
    mutating func fail(_ id: ConnectionID, _ condition: String, detail: (inout XMLWriter) -> Void = { _ in }) {
        guard let session = sayError(id, condition, detail: detail) else { return }
        if let session { end(session: session) }
    }

    /// A stream error and the end of the stream, as a server does it that goes away: the session can be resumed.
    mutating func dismiss(_ id: ConnectionID, _ condition: String) {
        guard let session = sayError(id, condition, detail: { _ in }) else { return }
        if let session { lost(session) }
    }

    /// The end of the stream without an error; the session ends with it.
    mutating func close(_ id: ConnectionID) {
        write(id) { $0.raw("</stream:stream>") }
        flush(id)
        guard let session = over(id) else { return }
        emit(.close(id), on: id)
        if let session { end(session: session) }
    }

    private mutating func streamClosed(_ id: ConnectionID) {
        guard strike(.close, on: id) else { return }
        close(id)
        strikeAfter(.close, on: id)
    }

    private mutating func sayError(
        _ id: ConnectionID, _ condition: String, detail: (inout XMLWriter) -> Void
    ) -> SessionID?? {
        guard let connection = connections[id], !connection.isOver else { return nil }
        if !connection.isHeaderWritten { writeHeader(id) }
        write(id) {
            $0.raw("<stream:error><")
            $0.raw(condition.utf8)
            $0.raw(" xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>")
            detail(&$0)
            $0.raw("</stream:error></stream:stream>")
        }
        flush(id)
        let session = over(id)
        emit(.close(id), on: id)
        return session
    }

    /// Marks a connection as over; gives the session it had, and nil where it was over already.
    private mutating func over(_ id: ConnectionID) -> SessionID?? {
        guard let connection = connections[id], !connection.isOver else { return nil }
        connections[id]?.stage = .over
        return .some(connection.session)
    }
}

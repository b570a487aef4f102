import Stanza

/// The rooms that we want to be in, each a ``Room``; and what comes from rooms that we are not in.
struct Rooms: Sendable {
    /// How long what still comes from a room that we left, or that refused us, is no wonder.
    static let lateSpan: Duration = .seconds(60)
    /// How many such rooms are remembered.
    static let lateRoomsMax = 1_000
    /// Between two self-pings after a resumption, lest all rooms are asked at once.
    static let checkInterval: Duration = .milliseconds(100)

    var rooms: [JID: Room] = [:]
    var around: RoomSurroundings
    /// Rooms that await their turn, in order; some may have given it up.
    private var turns = FIFO<JID>()
    private var inTurn: Set<JID> = []
    private var comingIn: Set<JID> = []
    /// Not after the first deadline of a room; perhaps before it.
    private var wake: Instant?
    private var leftAt: [JID: Instant] = [:]

    init(_ limits: Configuration.Limits, idPrefix: String, random: @escaping @Sendable (Int) -> [UInt8]) {
        around = RoomSurroundings(limits, idPrefix: idPrefix, random: random)
    }

    /// When to call ``expire(at:)`` while the stream is up.
    var deadline: Instant? { wake }
    /// Whether something waits to be told.
    var hasEvents: Bool { !around.events.isEmpty }

    mutating func takeStanzas() -> [[UInt8]] { around.takeStanzas() }
    mutating func takeEvents() -> [Event] { around.takeEvents() }
    /// Whether the archives have something to hear.
    var hasNews: Bool { !around.news.isEmpty }
    mutating func takeNews() -> [(room: JID, RoomNews)] { around.takeNews() }

    // MARK: - What is wanted

    /// - Parameter seen: up to when the room's messages were told before.
    mutating func join(_ choice: RoomChoice, seen: WallTime? = nil, at now: Instant) {
        around.now = now
        let jid = choice.room.bare
        if rooms[jid] != nil {
            rooms[jid]?.want(choice, &around)
        } else if rooms.count < around.limits.roomsMax {
            rooms[jid] = Room(choice)
            rooms[jid]?.seenUpTo = seen
        } else {
            var update = RoomUpdate(.refused, room: jid)
            update.reason = "\(around.limits.roomsMax) rooms are the most"
            return around.tell(update)
        }
        settle(jid)
        startTurns()
    }

    mutating func leave(_ room: JID, status: String?, at now: Instant) {
        around.now = now
        rooms[room.bare]?.leave(status: status, &around)
        settle(room.bare)
        startTurns()
    }

    func standing(in room: JID, at now: Instant) -> RoomStanding? {
        guard let room = rooms[room.bare] else { return nil }
        switch room.state {
        case .waiting, .asking, .comingIn, .opening: return .joining
        case .joined: return around.isOnline ? .joined(nick: room.nick) : .joining
        case .lost(let until): return .lost(retryIn: max(.zero, until - now))
        case .refused(let reason): return .refused(reason)
        case .leaving, .left: return nil
        }
    }

    /// Whether whoever has that address sees our presence in a room, and so may know that we are here.
    func seesUs(_ jid: JID) -> Bool { rooms[jid.bare]?.isJoined ?? false }

    // MARK: - Streams

    /// The stream is down, perhaps not for good.
    mutating func wentOffline() { around.isOnline = false }

    /// A stream is up.
    mutating func wentOnline(resumed: Bool, at now: Instant) {
        around.now = now
        around.isOnline = true
        if !resumed { _ = around.takeStanzas() }
        var checkAt = now
        for jid in sorted(rooms.keys) {
            if resumed {
                rooms[jid]?.resumed(checkAt: checkAt, &around)
                if rooms[jid]?.isJoined ?? false { checkAt = checkAt + Self.checkInterval }
            } else {
                rooms[jid]?.startedAfresh(&around)
            }
            settle(jid)
        }
        expire(at: now)
    }

    /// The stream of another process goes on here: we may be in each room, but know nobody there.
    mutating func takeOver() {
        for jid in rooms.keys { rooms[jid]?.mayBeIn = true }
    }

    /// The session ends in good order: what goes to the rooms before.
    mutating func leaveAll(at now: Instant) {
        around.now = now
        for jid in sorted(rooms.keys) { rooms[jid]?.leaveForGood(&around) }
        rooms = [:]
        turns.removeAll()
        inTurn = []
        comingIn = []
        wake = nil
    }

    mutating func expire(at now: Instant) {
        around.now = now
        guard around.isOnline else { return }
        if let wake, wake <= now {
            // The keys alone: a copy of a room would make one of its occupants when it changes.
            let due = rooms.compactMap { jid, room in room.deadline.map { $0 <= now } == true ? jid : nil }
            for jid in sorted(due) {
                rooms[jid]?.expire(&around)
                settle(jid)
            }
            self.wake = rooms.values.compactMap(\.deadline).min()
        }
        startTurns()
    }

    /// The same order in every run.
    private func sorted(_ keys: some Sequence<JID>) -> [JID] { keys.sorted { $0.text < $1.text } }

    // MARK: - Turns

    /// After a room's state may have changed.
    private mutating func settle(_ jid: JID) {
        switch rooms[jid]?.state {
        case .waiting:
            comingIn.remove(jid)
            if inTurn.insert(jid).inserted { turns.append(jid) }
        case .asking, .comingIn, .opening: comingIn.insert(jid)
        case .joined, .lost, .leaving: comingIn.remove(jid)
        case .refused:
            comingIn.remove(jid)
            around.note(.shutOut, of: jid)
            remember(jid)
        case .left:
            comingIn.remove(jid)
            rooms[jid] = nil
            around.note(.left, of: jid)
            remember(jid)
        case nil: break
        }
        if let deadline = rooms[jid]?.deadline { wake = wake.map { min($0, deadline) } ?? deadline }
    }

    private mutating func startTurns() {
        while around.isOnline, comingIn.count < around.limits.roomJoinsMax, let jid = turns.popFirst() {
            inTurn.remove(jid)
            guard rooms[jid]?.state == .waiting else { continue }
            rooms[jid]?.enter(&around)
            settle(jid)
        }
    }

    // MARK: - Rooms of before

    private mutating func remember(_ jid: JID) {
        if leftAt.count >= Self.lateRoomsMax { leftAt = leftAt.filter { isLate($0.value) } }
        if leftAt.count < Self.lateRoomsMax { leftAt[jid] = around.now }
    }

    private func isLate(_ since: Instant) -> Bool { around.now - since <= Self.lateSpan }

    /// Something came from a room that we are not in: a forgery, unless we were in it just now.
    private mutating func stranger(_ what: String, _ from: JID) {
        if let since = leftAt[from.bare], isLate(since) { return }
        around.tell(.forged(what: what, from: from))
    }

    // MARK: - Stanzas

    /// - Returns: Whether it is a room's, so that nobody else is to be told of it.
    mutating func take(presence stanza: Element, from: JID, at now: Instant) -> Bool {
        let type = stanza["type"]
        guard type == nil || type == "unavailable" || type == "error" else { return false }
        around.now = now
        let jid = from.bare
        guard rooms[jid]?.isOurs ?? false else {
            if type == "error" { return leftAt[jid].map(isLate) ?? false }
            guard stanza.child("x", NS.mucUser) != nil else { return false }
            stranger("room presence", from)
            return true
        }
        var isTaken = true
        if type == "error" {
            isTaken = rooms[jid]?.refused(stanza, &around) ?? true
        } else if let nick = from.resource {
            rooms[jid]?.presence(stanza, nick: nick, isAvailable: type == nil, &around)
        } else {
            // Of the room itself: a picture, perhaps.
            rooms[jid]?.check.heard(at: now)
        }
        settle(jid)
        startTurns()
        return isTaken
    }

    /// Says of a room's message where in the room it comes from.
    /// - Returns: Whether it is to be told as a message.
    mutating func take(_ message: inout Message, at now: Instant) -> Bool {
        around.now = now
        let jid = message.from.bare
        let isOurs = rooms[jid]?.isOurs ?? false
        if message.type == "error" {
            // XEP-0045 7.4, 7.5: what one hears who is not in it.
            if isOurs, StanzaError(of: message.stanza).condition == "not-acceptable" {
                rooms[jid]?.suspectAbsence(&around)
                settle(jid)
            }
            return true
        }
        if message.type != "groupchat", let invitation = invitation(message) {
            around.tell(invitation)
            return false
        }
        guard isOurs else {
            guard message.type == "groupchat" else { return true }
            stranger("room message", message.from)
            return false
        }
        return rooms[jid]?.take(&message, &around) ?? true
    }

    func invitation(_ message: Message) -> RoomUpdate? {
        // Through a room there is often a direct one beside, for older clients.
        RoomInvitation.mediated(message.stanza, from: message.from)
            ?? RoomInvitation.direct(message.stanza, from: message.from)
    }

    /// - Returns: Whether it answers a question of a room's.
    mutating func take(answer stanza: Element, id: String, from: JID, at now: Instant) -> Bool {
        around.now = now
        let jid = from.bare
        guard rooms[jid]?.answer(stanza, id: id, &around) ?? false else { return false }
        settle(jid)
        startTurns()
        return true
    }
}

import Stanza

/// One room that we want to be in (XEP-0045), as a machine: it takes presence, messages, answers and times.
struct Room: Sendable {
    /// Where we stand; each names what may follow.
    enum State: Equatable, Sendable {
        /// Its turn, and the stream. → asking, comingIn, leaving
        case waiting
        /// What it can do, where that decides what we want of its history. → comingIn, leaving
        case asking(deadline: Instant)
        /// Our own presence in it, or an error. → opening, joined, lost, waiting (by another nick), refused, leaving
        case comingIn(deadline: Instant)
        /// That the room we made is opened. → joined, lost, refused, leaving
        case opening(deadline: Instant)
        /// Whatever happens in it. → lost, waiting, refused, leaving
        case joined(since: Instant)
        /// The time for the next attempt. → waiting, joined (late), refused, leaving
        case lost(until: Instant)
        /// Our own presence as it goes. → left, waiting (wanted again)
        case leaving(deadline: Instant)
        /// Another ``Rooms/join(_:at:)``. → waiting
        case refused(String)
        /// Nothing: the room is forgotten.
        case left
    }

    /// How many other nicks are tried where ours is taken.
    static let nickAlterationsMax = 5
    /// Being in for that long makes the next wait a short one again.
    static let steadyStay: Duration = .seconds(60)
    /// The shortest wait after a kick.
    static let kickedWait: Duration = .seconds(30)
    /// How often a stay asks what the room can do: before we come in there may be no such room.
    static let infoAsksMax = 2

    let jid: JID
    var choice: RoomChoice
    private(set) var state = State.waiting
    /// The nick that we ask for, or have.
    var nick: String
    var alterations = 0
    /// Whether we have ever been in since it was wanted.
    private(set) var hasBeenJoined = false
    /// Failures in a row.
    private var failures = 0
    /// Another process came in on this stream, which brings all that was said since.
    var mayBeIn = false
    /// Wanted again while it is being left.
    private var comesBack = false
    /// The stream was down when it was left, or another nick was wanted: the room has still to be told.
    private var owesLeave = false
    private var owesRename = false
    private var leaveStatus: String?

    var occupants: [String: Occupant] = [:]
    /// Whether ``occupants`` is not complete.
    var hasMoreOccupants = false
    /// XEP-0421 2: ids of occupants count only where the room announces them.
    var announcesOccupantIDs = false
    /// The subject as told last.
    var subject = ""
    /// The room has still to send its subject, and with it the end of its history (XEP-0045 7.2.15).
    var awaitsSubject = true

    var joinID: String?
    var renameID: String?
    var infoID: String?
    /// How often this stay has asked; what it learnt.
    var infoAsks = 0
    var knowsFeatures = false
    /// What it said last of archives.
    var archive: RoomArchive?
    /// Up to when its messages were told.
    var seenUpTo: WallTime?
    var openID: String?
    var check = PresenceCheck()

    init(_ choice: RoomChoice) {
        jid = choice.room
        self.choice = choice
        nick = choice.nick
    }

    var isJoined: Bool { if case .joined = state { true } else { false } }
    /// Whether it counts among those on our way in.
    var isComingIn: Bool {
        switch state {
        case .asking, .comingIn, .opening: true
        case .waiting, .joined, .lost, .leaving, .refused, .left: false
        }
    }
    /// Whether what comes from it may concern us.
    var isOurs: Bool {
        switch state {
        case .waiting, .asking, .comingIn, .opening, .joined, .lost, .leaving: true
        case .refused, .left: false
        }
    }

    var deadline: Instant? {
        switch state {
        case .waiting, .refused, .left: nil
        case .asking(let deadline), .comingIn(let deadline), .opening(let deadline), .leaving(let deadline): deadline
        case .lost(let until): until
        case .joined: check.deadline
        }
    }

    /// Our address in it; nil before the nick has proved to be one.
    var occupant: JID? { try? JID(received: "\(jid.text)/\(nick)") }

    // MARK: - What is wanted

    /// It is wanted so, from now on.
    mutating func want(_ choice: RoomChoice, _ around: inout RoomSurroundings) {
        let before = self.choice
        self.choice = choice
        switch state {
        case .refused:
            hasBeenJoined = false
            failures = 0
            state = .waiting
        // What is on its way counts no more: the room takes a second presence for a change of nick (XEP-0045 7.6).
        case .lost where before != choice, .asking where before != choice, .comingIn where before != choice:
            state = .waiting
        case .leaving: comesBack = true
        case .joined where before.nick != choice.nick: rename(&around)
        case .waiting, .asking, .comingIn, .opening, .joined, .lost, .left: break
        }
    }

    private mutating func rename(_ around: inout RoomSurroundings) {
        guard let wanted = try? jid.with(resource: choice.nick) else { return refuseNick(&around) }
        owesRename = !around.isOnline
        guard around.isOnline, wanted.resource != nick else { return }
        let id = around.id("nick")
        renameID = id
        around.write(RoomStanza.rename(wanted, id: id))
    }

    private func refuseNick(_ around: inout RoomSurroundings) {
        let shown = SASLFailure.printable(choice.nick)
        around.tell(.warning("\(jid): \(shown) cannot be a nick (RFC 7622 3.4)"))
    }

    /// It is wanted no longer.
    mutating func leave(status: String?, _ around: inout RoomSurroundings) {
        comesBack = false
        switch state {
        case .waiting, .asking, .lost, .refused: left(&around)
        case .comingIn, .opening, .joined:
            leaveStatus = status
            owesLeave = true
            state = .leaving(deadline: around.now + around.limits.roomAnswerTimeout)
            sayGoodbye(&around)
        case .leaving, .left: break
        }
    }

    private mutating func sayGoodbye(_ around: inout RoomSurroundings) {
        guard owesLeave, around.isOnline, let occupant else { return }
        owesLeave = false
        around.write(RoomStanza.leave(occupant, status: leaveStatus))
    }

    mutating func left(_ around: inout RoomSurroundings) {
        around.tell(RoomUpdate(.left, room: jid, nick: nick))
        forgetStay(&around)
        state = .left
        guard comesBack else { return }
        let seen = seenUpTo
        self = Room(choice)
        seenUpTo = seen
    }

    /// The session ends: it is left without waiting for its answer.
    mutating func leaveForGood(_ around: inout RoomSurroundings) {
        switch state {
        case .waiting, .asking, .lost, .refused, .left: return
        case .comingIn, .opening, .joined: leave(status: nil, &around)
        case .leaving: sayGoodbye(&around)
        }
        comesBack = false
        left(&around)
    }

    // MARK: - Coming in

    /// It is its turn.
    mutating func enter(_ around: inout RoomSurroundings) {
        nick = choice.nick
        alterations = 0
        forgetStay(&around)
        // Where we have been, it depends on the archive how what was missed comes.
        guard seenUpTo != nil, archive == nil else { return askToComeIn(&around) }
        askForInfo(&around)
        state = .asking(deadline: around.now + around.limits.roomAnswerTimeout)
    }

    mutating func askToComeIn(_ around: inout RoomSurroundings) {
        guard let occupant = try? jid.with(resource: nick) else {
            let reason = "\(SASLFailure.printable(nick)) cannot be a nick (RFC 7622 3.4)"
            return refuse(reason, condition: "jid-malformed", &around)
        }
        // As it will come back: prepared.
        nick = occupant.resource ?? nick
        // Asked first, so that we know whether to believe the ids of those who are there (XEP-0421 2).
        askForInfo(&around)
        let id = around.id("join")
        joinID = id
        var since: WallTime?
        if !mayBeIn, archive?.isKept != true { since = seenUpTo.map { $0 - ArchiveTrack.slack } }
        let whole = seenUpTo == nil ? choice.history : since == nil ? 0 : RoomHistory.messagesMax
        around.write(
            RoomStanza.join(
                occupant, password: choice.password, history: mayBeIn ? 0 : whole, since: since, id: id))
        state = .comingIn(deadline: around.now + around.limits.roomAnswerTimeout)
    }

    mutating func askForInfo(_ around: inout RoomSurroundings) {
        guard infoID == nil, around.isOnline else { return }
        let id = around.id("info")
        infoID = id
        infoAsks += 1
        around.write(RoomStanza.info(jid, id: id))
    }

    private mutating func forgetStay(_ around: inout RoomSurroundings) {
        around.note(.out, of: jid)
        occupants = [:]
        hasMoreOccupants = false
        awaitsSubject = true
        joinID = nil
        renameID = nil
        owesRename = false
        infoID = nil
        infoAsks = 0
        knowsFeatures = false
        openID = nil
        check = PresenceCheck()
    }

    /// Our own presence has come (XEP-0045 7.2.3).
    mutating func cameIn(created: Bool, _ around: inout RoomSurroundings) {
        joinID = nil
        guard created else { return becomeJoined(hasBeenJoined ? .rejoined : .joined, &around) }
        guard choice.creates else { return undo(&around) }
        let id = around.id("open")
        openID = id
        around.write(RoomStanza.acceptDefaults(jid, id: id))
        state = .opening(deadline: around.now + around.limits.roomAnswerTimeout)
    }

    /// We have made a room that nobody asked for: it was not there.
    private mutating func undo(_ around: inout RoomSurroundings) {
        let reason = "there is no such room; create: true makes one"
        let condition = "item-not-found"
        if occupants.count == 1, !hasBeenJoined { around.write(RoomStanza.destroy(jid, id: around.id("undo"))) }
        if let occupant { around.write(RoomStanza.leave(occupant, status: nil)) }
        // It was there once, and its own people will make it again; some may be in already.
        if hasBeenJoined { return lose(reason, condition: condition, &around) }
        refuse(reason, condition: condition, &around)
    }

    mutating func becomeJoined(_ action: RoomUpdate.Action, _ around: inout RoomSurroundings) {
        state = .joined(since: around.now)
        hasBeenJoined = true
        around.note(.entered(archive, continued: mayBeIn, historyIsOver: !awaitsSubject), of: jid)
        mayBeIn = false
        check = PresenceCheck(heardAt: around.now, silence: around.silence())
        var update = RoomUpdate(action, room: jid, nick: nick)
        update.occupants = occupants.count
        around.tell(update)
        if infoID == nil, !knowsFeatures { askForInfo(&around) }
    }

    // MARK: - Going out

    /// We are out, or not in, and come back later.
    /// - Parameter atOnce: nothing speaks against it, where it has not just failed.
    mutating func lose(
        _ reason: String, condition: String? = nil, atOnce: Bool = false, _ around: inout RoomSurroundings
    ) {
        let wait = waitForNext(atOnce: atOnce, &around)
        var update = RoomUpdate(.lost, room: jid, nick: nick)
        update.reason = reason
        update.condition = condition
        update.retryIn = wait
        around.tell(update)
    }

    /// Counts a failure, and waits.
    @discardableResult
    mutating func waitForNext(
        atOnce: Bool = false, atLeast: Duration = .zero, _ around: inout RoomSurroundings
    ) -> Duration {
        if case .joined(let since) = state, around.now - since >= Self.steadyStay { failures = 0 }
        let wait = atOnce && failures == 0 ? .zero : max(atLeast, around.wait(failures: failures))
        failures += 1
        forgetStay(&around)
        state = wait == .zero ? .waiting : .lost(until: around.now + wait)
        return wait
    }

    /// We are not let in, and do not ask again.
    mutating func refuse(
        _ reason: String, condition: String?, alternative: JID? = nil, _ around: inout RoomSurroundings
    ) {
        var update = RoomUpdate(.refused, room: jid, nick: nick)
        update.reason = reason
        update.condition = condition
        update.alternative = alternative
        around.tell(update)
        stayOut(reason, &around)
    }

    /// Out, and not asked again.
    mutating func stayOut(_ reason: String, _ around: inout RoomSurroundings) {
        forgetStay(&around)
        state = .refused(reason)
    }

    // MARK: - Streams and time

    /// The stream goes on, with what was on its way (XEP-0198 5).
    mutating func resumed(checkAt: Instant, _ around: inout RoomSurroundings) {
        let deadline = around.now + around.limits.roomAnswerTimeout
        switch state {
        case .asking: state = .asking(deadline: deadline)
        case .comingIn: state = .comingIn(deadline: deadline)
        case .opening: state = .opening(deadline: deadline)
        case .leaving:
            state = .leaving(deadline: deadline)
            sayGoodbye(&around)
        case .joined:
            check.hurry(at: checkAt)
            if owesRename { rename(&around) }
        case .waiting, .lost, .refused, .left: break
        }
    }

    /// A stream that knows nothing of the old one: the server has told the rooms that we are gone.
    mutating func startedAfresh(_ around: inout RoomSurroundings) {
        mayBeIn = false
        switch state {
        case .asking, .comingIn, .lost: state = .waiting
        case .opening, .joined:
            var update = RoomUpdate(.lost, room: jid, nick: nick)
            update.reason = "the stream was lost"
            update.retryIn = .zero
            around.tell(update)
            forgetStay(&around)
            state = .waiting
        case .leaving: left(&around)
        case .waiting, .refused, .left: break
        }
    }

    mutating func expire(_ around: inout RoomSurroundings) {
        guard let deadline, deadline <= around.now else { return }
        switch state {
        case .asking: askToComeIn(&around)
        case .comingIn: lose("the room does not answer", condition: "remote-server-timeout", &around)
        case .opening: lose("the room was made, but does not open", condition: "remote-server-timeout", &around)
        case .joined: expireCheck(&around)
        case .lost: state = .waiting
        case .leaving: left(&around)
        case .waiting, .refused, .left: break
        }
    }
}

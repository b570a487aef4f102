import Endpoints
import Routing
import Session
import Spool
import Stanza

// Rooms (XEP-0045): what is said there by us, and what becomes of us in them.
extension Pump {
    // MARK: - Speaking

    /// The rooms to be in from the start: those of this run, and those that an earlier one has left messages for.
    var roomsToJoin: [RoomChoice] {
        let known = Set(options.rooms.map(\.room))
        let others = gates.keys.filter { !known.contains($0) }.sorted { $0.text < $1.text }
        return options.rooms + others.map { RoomChoice(room: $0, nick: options.nick) }
    }

    /// A room whose lane has a row from now on: it goes once we are in.
    mutating func prepareGate(_ room: JID, _ lane: Lane) {
        if gates[room] != nil { return }
        gates[room] = RoomGate(lane: lane)
        settleGate(room)
    }

    /// Opens or closes a room's lane, as the room is.
    mutating func settleGate(_ room: JID) {
        guard let gate = gates[room] else { return }
        // Of a room that is closed all rows come to their end.
        if closedRooms[room] != nil { return backlog.set(.open, gate.lane) }
        backlog.set(gate.state(isJoined: isJoined(room), at: now), gate.lane)
    }

    private func isJoined(_ room: JID) -> Bool {
        if case .joined = session.standing(in: room) { true } else { false }
    }

    /// Speaks the next that waits, where we are in the room and it bears it.
    mutating func speakOn(in room: JID) {
        settleGate(room)
        send()
    }

    /// Messages that are neither accepted nor refused; what rules hold back counts as taken in.
    var waitingCount: Int { backlog.count + held.count }

    /// Those of them that this run no longer waits for: the next one sends them.
    var keptCount: Int {
        guard backlog.isDurable else { return 0 }
        return shelvedRooms.keys.reduce(backlog.pausedCount) { $0 + waitingCount(in: $1) }
    }

    func waitingCount(in room: JID) -> Int { gates[room].map { backlog.count(of: $0.lane) } ?? 0 }

    /// The room has shown our own message: it is said.
    private mutating func shown(_ row: UInt64, in room: JID) {
        guard let dispatch = gates[room]?.spoken?.dispatch, gates[room]?.shown(row, at: now) == true,
            let row = backlog.release(dispatch)
        else { return }
        forgetID(of: row)
        session.arrived(row: dispatch, at: now)
        counters.rowsAccepted += 1
        if let ref = row.ref { report(.delivery(ref: RowTag(ref).ref, to: room, .acknowledged)) }
        speakOn(in: room)
        digest()
        settleIfDrained()
    }

    /// A message for a room came back.
    /// - Returns: Whether it is tried again soon; false leaves the failure to be told.
    mutating func roomTurnedAway(_ flight: Backlog.Flight, _ error: StanzaError) -> Bool {
        guard let room = destinations.rooms[flight.row.lane] else { return false }
        let hindrance: RoomGate.Hindrance? =
            if error.condition == "not-acceptable" { .absent } else if error.type == "wait" { .rate } else { nil }
        guard let hindrance else { return false }
        return turnAway(flight.row.number, in: room, hindrance)
    }

    private mutating func turnAway(_ row: UInt64, in room: JID, _ hindrance: RoomGate.Hindrance) -> Bool {
        guard let dispatch = gates[room]?.spoken?.dispatch,
            gates[room]?.turnedAway(row, hindrance, at: now) == true
        else { return false }
        backlog.putBack(dispatch)
        session.arrived(row: dispatch, at: now)
        settleGate(room)
        send()
        return true
    }

    /// What the rooms were to have shown by now: a room that we are no longer in will not.
    mutating func expireGates() {
        expireRooms()
        for room in gates.keys.sorted(by: { $0.text < $1.text }) {
            if let row = gates[room]?.overdue(at: now), isJoined(room) || !turnAway(row, in: room, .absent),
                let flight = gates[room]?.spoken.flatMap({ backlog.flight($0.dispatch) })
            {
                let text = "the room has not shown it within \(RoomGate.Limits.reflectionSeconds) s"
                refuse(flight, from: room, StanzaError(type: "wait", condition: "remote-server-timeout", text: text))
            }
            gates[room]?.expire(at: now)
            speakOn(in: room)
        }
        settleIfDrained()
    }

    /// A message to a room that is closed already.
    mutating func failAtOnce(_ content: MessageStanza.Content, ref: String?, _ text: String) {
        failures.count += 1
        report(.delivery(ref: ref, to: content.to, .failed, id: content.id, text: text))
    }

    /// Ends all that waits for a room and is in memory; what is not follows when it is loaded.
    mutating func failAll(in room: JID, _ reason: String) {
        guard let gate = gates[room] else { return }
        var flights = gate.spoken.flatMap { backlog.flight($0.dispatch) }.map { [$0] } ?? []
        while let flight = backlog.next(in: gate.lane) { flights.append(flight) }
        for flight in flights { bury(flight, to: room, reason) }
        failures.told += flights.count
        settleGate(room)
    }

    mutating func tellFailure(_ text: String) {
        if failures.single <= Limits.failuresNamedMax { actions.append(.say(.error, text)) }
    }

    // MARK: - Events

    mutating func observe(_ update: RoomUpdate) {
        emit(.room(EventRecord.RoomFields(update)))
        switch update.action {
        case .joined, .created, .rejoined:
            let count = update.occupants.map { ", \($0) in it" } ?? ""
            actions.append(.say(.info, "in the room \(update.room) as \(update.nick ?? "?")\(count)"))
            entered(update.room)
        case .refused, .kicked, .banned, .removed, .destroyed: shutOut(update)
        case .lost: lost(update)
        case .left:
            answerJoin(update.room) { $0.refuse(code: "left", text: "left before it was entered") }
            // At the end of a run all rooms are left, and what waits for them is the next one's.
            if !(backlog.isDurable && phase == .leaving) { close(update.room, "we have left the room") }
        case .invited: invited(update)
        case .subject, .declined: break
        }
        settleIfDrained()
    }

    private mutating func entered(_ room: JID) {
        answerJoin(room) { _ in }
        closedRooms[room] = nil
        shelvedRooms[room] = nil
        outOfRooms[room] = nil
        gates[room]?.entered()
        speakOn(in: room)
    }

    /// We are out; whether we come back, the session knows.
    private mutating func shutOut(_ update: RoomUpdate) {
        let room = update.room
        let words = update.reason ?? update.condition ?? update.action.rawValue
        guard case .refused(let reason) = session.standing(in: room) else {
            return actions.append(
                .say(.warning, "\(update.action.rawValue) from the room \(room): \(words); coming back"))
        }
        answerJoin(room) { $0.refuse(condition: update.condition, text: reason) }
        giveUp(room, reason, isRefused: true)
    }

    /// We are out, or not yet in, and try again: for as long as the user's patience with the server lasts.
    private mutating func lost(_ update: RoomUpdate) {
        let room = update.room
        let reason = update.reason ?? update.condition ?? "lost"
        answerJoin(room) { $0.refuse(condition: update.condition, text: "\(reason); it is tried again until leave") }
        guard options.retry != .failFast || options.isDaemon else {
            return giveUp(room, reason, isRefused: false)
        }
        if outOfRooms[room] == nil { outOfRooms[room] = now }
        let when = update.retryIn.map { "; trying again in \(Self.words($0))" } ?? ""
        actions.append(.say(errand != nil ? .info : .warning, "the room \(room) is lost: \(reason)\(when)"))
    }

    /// Rooms that did not let us in for longer than the retry policy bears.
    private mutating func expireRooms() {
        guard case .within(let patience) = options.retry, !options.isDaemon else { return }
        for (room, since) in outOfRooms.sorted(by: { $0.key.text < $1.key.text }) where since + patience <= now {
            giveUp(room, "it was not entered within \(Self.words(patience))", isRefused: false)
        }
    }

    /// Nothing more is said in that room: what waits for one that refuses us has failed, and what waits for one that
    /// cannot be reached is kept for the next run, where there is a store.
    private mutating func giveUp(_ room: JID, _ reason: String, isRefused: Bool) {
        let keeps = backlog.isDurable && !isRefused
        let count = waitingCount(in: room)
        if keeps { shelve(room, reason) } else { close(room, reason) }
        let end = keeps ? "kept in the spool" : "not delivered"
        let what = count == 0 ? "" : count == 1 ? "; 1 message was \(end)" : "; \(count) messages were \(end)"
        // A command's result says the same where somebody reads it.
        let level: LogLevel = errand != nil ? .info : options.answersCommands ? .warning : .error
        actions.append(.say(level, "the room \(room): \(reason)\(what)"))
        endIfNothingIsLeft()
    }

    private mutating func shelve(_ room: JID, _ reason: String) {
        shelvedRooms[room] = reason
        outOfRooms[room] = nil
    }

    /// Fails what waits for a room.
    private mutating func close(_ room: JID, _ reason: String) {
        closedRooms[room] = reason
        outOfRooms[room] = nil
        failAll(in: room, reason)
    }

    /// A filter whose rules all begin or end in rooms that shut it out has nothing left to do.
    private mutating func endIfNothingIsLeft() {
        guard phase == .running, !options.isDaemon, !options.answersCommands, !router.rules.isEmpty else { return }
        let isLive = { [closedRooms, shelvedRooms] (end: Endpoint) in
            if case .room(let room) = end { closedRooms[room] == nil && shelvedRooms[room] == nil } else { true }
        }
        if router.rules.contains(where: { $0.from.contains(where: isLive) && $0.to.contains(where: isLive) }) { return }
        worst = .undelivered
        failures.told = failures.count
        settle()
    }

    /// Whether it is known of every room that is sent to whether it lets us in.
    var roomsAreDecided: Bool {
        router.roomsSentTo.allSatisfy { room in
            closedRooms[room] != nil || shelvedRooms[room] != nil || isJoined(room)
        }
    }

    private mutating func invited(_ update: RoomUpdate) {
        let isOut =
            session.standing(in: update.room) == nil || closedRooms[update.room] != nil
            || shelvedRooms[update.room] != nil
        guard isOut, let by = update.by.flatMap({ try? JID(received: $0) }),
            options.invitations.contains(where: { $0.matches(by) })
        else { return }
        actions.append(.say(.info, "following the invitation of \(by.bare) into \(update.room)"))
        session.join(RoomChoice(room: update.room, nick: options.nick, password: update.password), at: now)
    }

    /// Whether a message is our own, shown by the room.
    mutating func isShownAgain(_ message: Message) -> Bool {
        guard let origin = message.room, origin.isReflection, !origin.isPrivate, message.type == "groupchat" else {
            return false
        }
        let ids = [message.stanza["id"], message.stanza.child("origin-id", NS.stanzaID)?["id"]]
        for case .some(let id) in ids {
            let row = givenIDs[id] ?? stanzas.row(of: id)
            if let row, gates[origin.room]?.spoken?.row == row {
                shown(row, in: origin.room)
                return true
            }
            // Shown late, or twice: it is ours all the same.
            if stanzas.row(of: id) != nil { return true }
        }
        return false
    }
}

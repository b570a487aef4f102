import Endpoints
import Routing
import Session
import Spool
import Stanza

// Rooms (XEP-0045): what is said there by us, and what becomes of us in them.
extension Pump {
    // MARK: - Speaking

    /// Takes a message for a room; it is spoken once we are in.
    mutating func speak(_ content: MessageStanza.Content, ref: String?) {
        counters.rowsAppended += 1
        if let why = closedRooms[content.to] { return fail(content, ref: ref, condition: nil, why) }
        outboxes[content.to, default: RoomOutbox()].take(content, ref: ref)
        speakOn(in: content.to)
    }

    /// Speaks the next that waits, where we are in the room and it bears it.
    mutating func speakOn(in room: JID) {
        // What was on its way when the stream was lost is perhaps among what is told now.
        guard case .joined = session.standing(in: room), !session.isCatchingUp(in: room) else { return }
        if var message = outboxes[room]?.next(at: now) {
            let row = store.lastNumber + 1
            let id = message.content.id ?? stanzas.identifier(row)
            // Spoken again it is the same message, so it keeps its first id.
            message.content.id = id
            let recipient = recipient(room, type: message.content.type)
            let tag = message.ref.map { RowTag(ref: $0, to: room.text).text }
            store.append(
                CollectionOfOne(
                    RowDraft(
                        lane: recipient.lane,
                        payload: stanzas.bytes(message.content, head: recipient.head, row: row), originID: id, ref: tag)
                ))
            givenIDs[id] = row
            roomOfRow[row] = room
            outboxes[room]?.spoke(message, row: row)
        }
        commit()
    }

    /// Rows that no store holds yet: they count as taken in.
    var heldCount: Int { outboxes.values.reduce(held.count) { $0 + $1.waitingCount } }
    /// Messages that are neither accepted nor refused.
    var waitingCount: Int { store.count + heldCount }

    /// The room has shown our own message: it is said.
    mutating func shown(_ row: UInt64) {
        guard let room = roomOfRow[row], let message = outboxes[room]?.shown(row, at: now) else { return }
        forget(row, id: message.content.id)
        counters.rowsAccepted += 1
        if let ref = message.ref { report(.delivery(ref: ref, to: room, .acknowledged)) }
        speakOn(in: room)
        digest()
        settleIfDrained()
    }

    /// A message for a room came back.
    /// - Returns: Whether it is tried again; false leaves the failure to be told.
    mutating func roomTurnedAway(_ row: UInt64, _ error: StanzaError) -> Bool {
        guard let room = roomOfRow[row] else { return false }
        let hindrance: RoomOutbox.Hindrance? =
            if error.condition == "not-acceptable" { .absent } else if error.type == "wait" { .rate } else { nil }
        guard let hindrance, let hasTime = outboxes[room]?.turnedAway(row, hindrance, at: now), hasTime else {
            _ = outboxes[room]?.drop(row)
            return false
        }
        forget(row, id: nil)
        return true
    }

    /// A row of a room is over with, here and in the session.
    mutating func forget(_ row: UInt64, id: String?) {
        roomOfRow[row] = nil
        if let id { givenIDs[id] = nil }
        store.release(row)
        session.arrived(row: row, at: now)
        send()
    }

    /// What the rooms were to have shown by now: a room that we are no longer in will not.
    mutating func expireOutboxes() {
        expireRooms()
        for room in outboxes.keys.sorted(by: { $0.text < $1.text }) {
            if let row = outboxes[room]?.overdue(at: now) {
                var isJoined = false
                if case .joined = session.standing(in: room) { isJoined = true }
                if !isJoined, outboxes[room]?.turnedAway(row, .absent, at: now) == true {
                    forget(row, id: nil)
                } else if let message = outboxes[room]?.drop(row) {
                    forget(row, id: message.content.id)
                    let text = "the room has not shown it within \(RoomOutbox.Limits.reflectionSeconds) s"
                    fail(message.content, ref: message.ref, condition: "remote-server-timeout", text)
                    tellFailure("the message to \(room) was not delivered: \(text)")
                }
            }
            outboxes[room]?.expire(at: now)
            speakOn(in: room)
        }
        settleIfDrained()
    }

    /// A message that will not be sent, or not again.
    private mutating func fail(
        _ content: MessageStanza.Content, ref: String?, condition: String?, _ text: String
    ) {
        failures.count += 1
        report(
            .delivery(ref: ref, to: content.to, .failed, id: content.id, condition: condition, text: text))
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
            close(update.room, "we have left the room")
        case .invited: invited(update)
        case .subject, .declined: break
        }
        settleIfDrained()
    }

    private mutating func entered(_ room: JID) {
        answerJoin(room) { _ in }
        closedRooms[room] = nil
        outOfRooms[room] = nil
        outboxes[room]?.entered()
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
        giveUp(room, reason)
    }

    /// We are out, or not yet in, and try again: for as long as the user's patience with the server lasts.
    private mutating func lost(_ update: RoomUpdate) {
        let room = update.room
        let reason = update.reason ?? update.condition ?? "lost"
        answerJoin(room) { $0.refuse(condition: update.condition, text: "\(reason); it is tried again until leave") }
        guard options.retry != .failFast || options.isDaemon else { return giveUp(room, reason) }
        if outOfRooms[room] == nil { outOfRooms[room] = now }
        let when = update.retryIn.map { "; trying again in \(Self.words($0))" } ?? ""
        actions.append(.say(errand != nil ? .info : .warning, "the room \(room) is lost: \(reason)\(when)"))
    }

    /// Rooms that did not let us in for longer than the retry policy bears.
    private mutating func expireRooms() {
        guard case .within(let patience) = options.retry, !options.isDaemon else { return }
        for (room, since) in outOfRooms.sorted(by: { $0.key.text < $1.key.text }) where since + patience <= now {
            giveUp(room, "it was not entered within \(Self.words(patience))")
        }
    }

    /// Nothing more is said in that room.
    private mutating func giveUp(_ room: JID, _ reason: String) {
        let dropped = close(room, reason)
        let what =
            dropped == 0
            ? "" : dropped == 1 ? "; 1 message was not delivered" : "; \(dropped) messages were not delivered"
        // A command's result says the same where somebody reads it.
        let level: LogLevel = errand != nil ? .info : options.answersCommands ? .warning : .error
        actions.append(.say(level, "the room \(room): \(reason)\(what)"))
        endIfNothingIsLeft()
    }

    /// Fails what waits for a room.
    @discardableResult
    private mutating func close(_ room: JID, _ reason: String) -> Int {
        closedRooms[room] = reason
        outOfRooms[room] = nil
        let all = outboxes[room]?.abandon() ?? []
        for one in all {
            if let row = one.row { forget(row, id: one.message.content.id) }
            fail(one.message.content, ref: one.message.ref, condition: nil, reason)
        }
        failures.told += all.count
        return all.count
    }

    /// A filter whose rules all begin or end in rooms that shut it out has nothing left to do.
    private mutating func endIfNothingIsLeft() {
        guard phase == .running, !options.isDaemon, !options.answersCommands, !router.rules.isEmpty else { return }
        let isLive = { [closedRooms] (end: Endpoint) in
            if case .room(let room) = end { closedRooms[room] == nil } else { true }
        }
        if router.rules.contains(where: { $0.from.contains(where: isLive) && $0.to.contains(where: isLive) }) { return }
        worst = .undelivered
        failures.told = failures.count
        settle()
    }

    /// Whether it is known of every room that is sent to whether it lets us in.
    var roomsAreDecided: Bool {
        router.roomsSentTo.allSatisfy { room in
            if closedRooms[room] != nil { return true }
            if case .joined = session.standing(in: room) { return true }
            return false
        }
    }

    private mutating func invited(_ update: RoomUpdate) {
        let isOut = session.standing(in: update.room) == nil || closedRooms[update.room] != nil
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
            if let row = givenIDs[id], roomOfRow[row] == origin.room {
                shown(row)
                return true
            }
            if shownAfterAll(id, in: origin.room) { return true }
            // Shown late, or twice: it is ours all the same.
            if stanzas.row(of: id) != nil { return true }
        }
        return false
    }
}

import Digest
import Stanza

extension LoopbackServer {
    /// A presence to the room service (XEP-0045 7.2, 7.6, 7.7 and 7.14).
    mutating func handleRoomPresence(_ stanza: Element, to: JID, session: SessionID, on id: ConnectionID) {
        guard roomMischief.isAnswering, let name = to.local else { return }
        let occupant = rooms[name]?.occupant(session)
        switch stanza["type"] {
        case "unavailable":
            if occupant != nil { leave(name, session, content: stanza) }
        case nil:
            guard let wish = to.resource else {
                refuse(stanza, on: id, "jid-malformed", by: to)
                return
            }
            let isJoin = stanza.child("x", ServerNS.muc) != nil
            if let occupant {
                let nick = rooms[name]?.nick(for: wish) ?? wish
                if occupant.nick != nick {
                    rename(occupant, to: nick, asked: wish, stanza, in: name, on: id)
                } else if isJoin {
                    welcome(session, in: name, wish: stanza, [])
                } else {
                    update(session, stanza, in: name)
                }
            } else if isJoin {
                join(to, stanza, session: session, on: id)
            } else {
                rejectStranger(to, session: session)
            }
        case "error": break
        default: refuse(stanza, on: id, "service-unavailable", by: to)  // a text, not one of our enums
        }
    }

    /// An error that a room or the service gives.
    mutating func refuse(
        _ stanza: Element, on id: ConnectionID, _ condition: String, _ type: StaticString? = nil, by: JID
    ) {
        bounce(stanza, on: id, condition, type: type, by: by.bare.text)
    }

    /// Presence without a join from somebody who is not in the room (XEP-0045 7.2.17).
    private mutating func rejectStranger(_ address: JID, session: SessionID) {
        guard let jid = sessions[session]?.jid else { return }
        deliver(to: session) {
            $0.start("presence")
            $0.attribute("from", address.text)
            $0.attribute("to", jid.text)
            $0.attribute("type", "unavailable")
            $0.content()
            $0.start("x", ServerNS.mucUser)
            $0.content()
            $0.start("item")
            $0.attribute("affiliation", "none")
            $0.attribute("role", "none")
            $0.endItem(reason: "You are not in the room.")
            $0.statuses([110, 307, 333])
            $0.raw("</x></presence>")
        }
    }
}

// MARK: - Entering

extension LoopbackServer {
    private mutating func join(_ to: JID, _ stanza: Element, session: SessionID, on id: ConnectionID) {
        guard let jid = sessions[session]?.jid, let name = to.local, let wish = to.resource else { return }
        let isNew = rooms[name] == nil
        if isNew {
            guard configuration.roomService.allowsCreation else {
                refuse(stanza, on: id, configuration.roomService.creationRefusal, by: to)
                return
            }
            guard rooms.count < configuration.limits.roomsMax else {
                refuse(stanza, on: id, "resource-constraint", by: to)
                return
            }
            rooms[name] = Room(jid: to.bare, settings: configuration.roomService.newRoom, isPersistent: false)
            rooms[name]?.set(.owner, of: jid.bare)
            rooms[name]?.isLocked = configuration.roomService.locksNewRooms
        }
        guard let room = rooms[name] else { return }
        if let (condition, type) = refusal(of: jid, stanza, nick: room.nick(for: wish), in: room) {
            refuse(stanza, on: id, condition, type, by: to)
            forgetIfEmpty(name)
            return
        }
        guard let address = try? room.jid.with(resource: room.nick(for: wish)) else { return }
        let occupant = Occupant(
            session: session, jid: jid, address: address, occupantID: occupantID(of: jid, in: room.jid),
            presence: stanza)
        rooms[name]?.occupants.append(occupant)
        var own = isNew ? [201] : []
        if occupant.nick != wish { own.append(210) }
        for other in room.occupants { tell(occupant, to: other, in: name) }
        welcome(session, in: name, wish: stanza, own)
    }

    /// Why somebody may not enter, as the condition and the type of error of XEP-0045 7.2; nil where it may.
    private func refusal(of jid: JID, _ stanza: Element, nick: String, in room: Room) -> (String, StaticString)? {
        let affiliation = room.affiliation(of: jid)
        if affiliation == .outcast { return ("forbidden", "auth") }
        if room.isLocked && affiliation != .owner { return ("item-not-found", "cancel") }
        if room.settings.isMembersOnly && affiliation == .none { return ("registration-required", "auth") }
        let password = stanza.child("x", ServerNS.muc)?.child("password", ServerNS.muc)?.text
        if let needed = room.settings.password, needed != password { return ("not-authorized", "auth") }
        if room.occupant(named: nick) != nil { return ("conflict", "cancel") }
        if !affiliation.isModerator && room.occupants.count >= room.settings.occupantsMax {
            return ("service-unavailable", "wait")
        }
        return nil
    }

    /// What who enters is told, in the order of XEP-0045 7.1: the others, itself, the history, the subject.
    private mutating func welcome(_ session: SessionID, in name: String, wish: Element, _ statuses: [Int]) {
        guard let room = rooms[name], let occupant = room.occupant(session) else { return }
        for other in room.occupants where other.session != session { tell(other, to: occupant, in: name) }
        var notice = RoomNotice()
        notice.ownStatuses = statuses
        if room.settings.isNonAnonymous { notice.ownStatuses.append(100) }
        if room.settings.isLogged { notice.ownStatuses.append(170) }
        tell(occupant, to: occupant, in: name, notice)
        let limits = wish.child("x", ServerNS.muc)?.child("history", ServerNS.muc)
        for message in room.history(wanted: limits, now: wall, to: occupant.jid) {
            give(
                message.bytes(to: occupant.jid, room: room.jid, isLate: true), to: session, from: message.from, .message
            )
        }
        var none = RoomMessage(subject: "", of: room.jid)
        none.isStamped = false
        let subject = room.subject ?? none
        give(subject.bytes(to: occupant.jid, room: room.jid, isLate: true), to: session, from: subject.from, .message)
    }

    /// Tells one occupant of another.
    mutating func tell(
        _ occupant: Occupant, to recipient: Occupant, in name: String, _ notice: RoomNotice = RoomNotice(),
        content: Element? = nil
    ) {
        guard let room = rooms[name] else { return }
        let bytes = room.presence(of: occupant, to: recipient, notice, content: content)
        give(bytes, to: recipient.session, from: occupant.address, .presenceIn)
    }

    /// Gives a session what comes from a room, unless its account has blocked that.
    mutating func give(_ bytes: [UInt8], to session: SessionID, from: JID, _ traffic: Traffic) {
        guard let account = sessions[session]?.account, !isBlocked(from, for: account, session, traffic) else { return }
        deliver(Parcel(bytes: bytes, stamp: wall), to: session)
    }

    /// Not the address itself, and another one in each room (XEP-0421 4).
    private mutating func occupantID(of jid: JID, in room: JID) -> String {
        if roomSecret.isEmpty { roomSecret = random(16) }
        let text = "\(room.text)\u{0}\(jid.bare.text)"
        return Hex.encode(Array(Hash.sha256.hmac(key: roomSecret, Array(text.utf8)).prefix(16)))
    }
}

// MARK: - Changing and leaving

extension LoopbackServer {
    private mutating func update(_ session: SessionID, _ stanza: Element, in name: String) {
        guard let place = rooms[name]?.occupants.firstIndex(where: { $0.session == session }) else { return }
        rooms[name]?.occupants[place].presence = stanza
        if let occupant = rooms[name]?.occupants[place] { tellAll(occupant, in: name) }
    }

    private mutating func rename(
        _ occupant: Occupant, to nick: String, asked wish: String, _ stanza: Element, in name: String,
        on id: ConnectionID
    ) {
        guard let room = rooms[name], let address = try? room.jid.with(resource: nick) else { return }
        guard room.occupant(named: nick) == nil else {
            refuse(stanza, on: id, "conflict", "cancel", by: room.jid)
            return
        }
        var farewell = RoomNotice(isGone: true, nick: nick)
        farewell.statuses = [303]
        tellAll(occupant, in: name, farewell)
        guard let place = rooms[name]?.occupants.firstIndex(where: { $0.session == occupant.session }) else { return }
        rooms[name]?.occupants[place].address = address
        rooms[name]?.occupants[place].presence = stanza
        var notice = RoomNotice()
        if nick != wish { notice.ownStatuses = [210] }
        if let renamed = rooms[name]?.occupants[place] { tellAll(renamed, in: name, notice) }
    }

    /// Tells every occupant of one of them.
    mutating func tellAll(
        _ occupant: Occupant, in name: String, _ notice: RoomNotice = RoomNotice(), content: Element? = nil
    ) {
        for other in rooms[name]?.occupants ?? [] { tell(occupant, to: other, in: name, notice, content: content) }
    }

    /// Takes an occupant out of a room: it hears first, then the others. A room that is not kept ends with its last.
    /// - Parameter between: what is to be said after the first and before the others.
    mutating func remove(
        _ occupant: Occupant, from name: String, _ notice: RoomNotice, content: Element? = nil,
        between: (inout Self) -> Void = { _ in }
    ) {
        guard rooms[name]?.occupant(occupant.session) != nil else { return }
        rooms[name]?.occupants.removeAll { $0.session == occupant.session }
        tell(occupant, to: occupant, in: name, notice, content: content)
        between(&self)
        tellAll(occupant, in: name, notice, content: content)
        forgetIfEmpty(name)
    }

    /// A room that is not kept ends with its last occupant.
    mutating func forgetIfEmpty(_ name: String) {
        if let room = rooms[name], room.occupants.isEmpty, !room.isPersistent { rooms[name] = nil }
    }

    private mutating func leave(_ name: String, _ session: SessionID, content: Element?) {
        guard let occupant = rooms[name]?.occupant(session) else { return }
        remove(occupant, from: name, RoomNotice(isGone: true), content: content)
    }

    /// A session becomes unavailable, or ends: it leaves its rooms.
    mutating func leaveRooms(_ session: SessionID, content: Element?) {
        guard roomMischief.isAnswering else {
            for name in rooms.keys.sorted() {
                rooms[name]?.occupants.removeAll { $0.session == session }
                forgetIfEmpty(name)
            }
            return
        }
        for name in rooms.keys.sorted() { leave(name, session, content: content) }
    }
}

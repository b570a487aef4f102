import Stanza

extension LoopbackServer {
    /// A message to the room service (XEP-0045 7.4, 7.5, 7.8 and 8.1).
    mutating func handleRoomMessage(
        _ stanza: Element, to: JID, session: SessionID, on id: ConnectionID
    ) -> SeenMessage.Outcome {
        guard roomMischief.isAnswering else { return .ignored }
        let isError = stanza.attribute("type", equals: "error")
        guard let name = to.local, rooms[name] != nil else {
            return isError ? .ignored : bounceRoom(stanza, on: id, ("item-not-found", "cancel"), by: to)
        }
        if isError { return .ignored }
        let isGroupchat = stanza.attribute("type", equals: "groupchat")
        let request = stanza.child("x", ServerNS.mucUser)
        if to.resource == nil, !isGroupchat, let decline = request?.child("decline", ServerNS.mucUser) {
            return passOn(decline: decline, stanza, in: name, session: session, on: id)
        }
        guard let occupant = rooms[name]?.occupant(session) else {
            return bounceRoom(stanza, on: id, ("not-acceptable", "cancel"), by: to)
        }
        if to.resource != nil {
            return sendPrivately(stanza, from: occupant, to: to, in: name, on: id)
        }
        if isGroupchat { return reflect(stanza, from: occupant, in: name, on: id) }
        if let invitation = request?.child("invite", ServerNS.mucUser) {
            return invite(invitation, stanza, from: occupant, in: name, on: id)
        }
        return bounceRoom(stanza, on: id, ("bad-request", "modify"), by: to)
    }

    /// Sends a message back in the name of a room.
    mutating func bounceRoom(
        _ stanza: Element, on id: ConnectionID, _ error: (condition: String, type: StaticString), by: JID
    ) -> SeenMessage.Outcome {
        refuse(stanza, on: id, error.condition, error.type, by: by)
        return .bounced(condition: error.condition)
    }

    /// XEP-0045 7.4: to every occupant, the sender too, with the sender's id (7.4, `muc#stable_id`).
    private mutating func reflect(
        _ stanza: Element, from occupant: Occupant, in name: String, on id: ConnectionID
    ) -> SeenMessage.Outcome {
        guard let room = rooms[name], let place = room.occupants.firstIndex(where: { $0.session == occupant.session })
        else { return .ignored }
        let interval = max(roomMischief.interval ?? .zero, room.settings.messageInterval)
        if let last = occupant.lastSpoke, now - last < interval {
            return bounceRoom(stanza, on: id, ("policy-violation", "wait"), by: room.jid)
        }
        let isSubject = stanza.child("subject", NS.client) != nil && stanza.child("body", NS.client) == nil
        if isSubject && !room.settings.occupantsSetSubject && !room.isModerator(occupant) {
            return bounceRoom(stanza, on: id, ("forbidden", "auth"), by: room.jid)
        }
        rooms[name]?.occupants[place].lastSpoke = now
        if roomMischief.withheld > 0 {
            roomMischief.withheld -= 1
            return .ignored
        }
        lastRoomMessage += 1
        let number = lastRoomMessage
        let message = RoomMessage(stanza, from: occupant, in: room.jid, at: wall) {
            $0.start("stanza-id", NS.stanzaID)
            $0.attribute("by", room.jid.text)
            $0.attribute("id", String(number))
            $0.endEmpty()
        }
        if isSubject {
            rooms[name]?.subject = message
        } else if stanza.child("body", NS.client) != nil {
            rooms[name]?.remember(message)
            archive(message, number: number, in: name, of: room.jid)
        }
        for other in room.occupants {
            give(message.bytes(to: other.jid, room: room.jid), to: other.session, from: occupant.address, .message)
        }
        return .delivered(sessions: room.occupants.count)
    }

    /// XEP-0045 7.5: to one occupant.
    private mutating func sendPrivately(
        _ stanza: Element, from occupant: Occupant, to: JID, in name: String, on id: ConnectionID
    ) -> SeenMessage.Outcome {
        if stanza.attribute("type", equals: "groupchat") {
            return bounceRoom(stanza, on: id, ("bad-request", "modify"), by: to)
        }
        guard let room = rooms[name], let recipient = room.occupants.first(where: { $0.address == to }) else {
            return bounceRoom(stanza, on: id, ("item-not-found", "cancel"), by: to)
        }
        let isMarked = stanza.child("x", ServerNS.mucUser) != nil
        let message = RoomMessage(stanza, from: occupant, in: room.jid, at: wall) {
            if !isMarked { $0.empty("x", ServerNS.mucUser) }
        }
        give(message.bytes(to: recipient.jid, room: room.jid), to: recipient.session, from: occupant.address, .message)
        return .delivered(sessions: 1)
    }
}

// MARK: - Invitations

extension LoopbackServer {
    /// XEP-0045 7.8.2: the room passes an invitation on, with the password that is needed.
    private mutating func invite(
        _ invitation: Element, _ stanza: Element, from occupant: Occupant, in name: String, on id: ConnectionID
    ) -> SeenMessage.Outcome {
        guard let room = rooms[name] else { return .ignored }
        guard let invitee = invitation["to"].flatMap({ try? JID($0) }) else {
            return bounceRoom(stanza, on: id, ("jid-malformed", "modify"), by: room.jid)
        }
        if room.settings.isMembersOnly && !room.isModerator(occupant) {
            return bounceRoom(stanza, on: id, ("forbidden", "auth"), by: room.jid)
        }
        guard account(of: invitee) != nil else {
            return bounceRoom(stanza, on: id, ("item-not-found", "cancel"), by: room.jid)
        }
        if room.settings.isMembersOnly && room.affiliation(of: invitee) == .none {
            rooms[name]?.set(.member, of: invitee.bare)
        }
        var content = [Self.request("invite", from: occupant.jid, copying: invitation)]
        if let password = room.settings.password {
            content.append(Element("password", ServerNS.mucUser.description, text: password))
        }
        return send(content, like: stanza, from: room.jid, to: invitee)
    }

    /// XEP-0045 7.8.2: the room tells who invited that the other declines.
    private mutating func passOn(
        decline: Element, _ stanza: Element, in name: String, session: SessionID, on id: ConnectionID
    ) -> SeenMessage.Outcome {
        guard let room = rooms[name], let from = sessions[session]?.jid else { return .ignored }
        guard let inviter = decline["to"].flatMap({ try? JID($0) }) else {
            return bounceRoom(stanza, on: id, ("jid-malformed", "modify"), by: room.jid)
        }
        // Who was invited by an occupant's address answers to that.
        let to = room.occupants.first { $0.address == inviter }?.jid ?? inviter
        guard account(of: to) != nil else {
            return bounceRoom(stanza, on: id, ("item-not-found", "cancel"), by: room.jid)
        }
        return send(
            [Self.request("decline", from: from.bare, copying: decline)], like: stanza, from: room.jid, to: to)
    }

    private static func request(_ name: String, from: JID, copying request: Element) -> Element {
        Element(name, ServerNS.mucUser.description, ["from": from.text], Array(request.children))
    }

    private mutating func send(
        _ content: [Element], like stanza: Element, from room: JID, to: JID
    ) -> SeenMessage.Outcome {
        let request = Element("x", ServerNS.mucUser.description, [:], content)
        var message = Element("message", NS.client.description, ["to": to.text], [request])
        if let id = stanza["id"] { message = message.with("id", id) }
        return route(message, to: to, from: room)
    }
}

import Stanza

extension LoopbackServer {
    /// A presence of a client (RFC 6121 4 and 3).
    mutating func handlePresence(_ stanza: Element, to: JID?, session: SessionID, on id: ConnectionID) {
        if let to, to.domain == roomDomain?.domain {
            handleRoomPresence(stanza, to: to, session: session, on: id)
            return
        }
        let type = stanza["type"]
        if let kind = type.flatMap(SubscriptionKind.init(rawValue:)) {
            guard let to else {
                bounce(stanza, on: id, "bad-request")
                return
            }
            sendSubscription(kind, stanza, to: to.bare, session: session, on: id)
            return
        }
        switch type {
        case nil:
            if let to {
                sendDirected(stanza, to: to, session: session, on: id)
            } else {
                becomeAvailable(stanza, session: session, on: id)
            }
        case "unavailable":
            if let to {
                sendDirected(stanza, to: to, session: session, on: id)
            } else {
                becomeUnavailable(stanza, session: session)
            }
        case "probe": if let to { probe(to, for: session) }
        case "error": if let to { route(presence: stanza, to: to, from: session) }
        default: bounce(stanza, on: id, "bad-request")  // a text, not one of our enums
        }
    }

    /// Initial and later presence (RFC 6121 4.2 and 4.4).
    private mutating func becomeAvailable(_ stanza: Element, session id: SessionID, on connection: ConnectionID) {
        guard let session = sessions[id] else { return }
        let text = stanza.child("priority", NS.client)?.text
        guard let priority = text.map({ Int8($0) }) ?? 0 else {
            bounce(stanza, on: connection, "bad-request")
            return
        }
        sessions[id]?.presence = Session.AvailablePresence(stanza: stanza, priority: Int(priority))
        broadcast(Parcel(stanza, from: session.jid, at: wall), of: id)
        if session.presence == nil {
            probeContacts(for: id)
            deliverRequests(to: id)
        }
        greet(id)
    }

    private mutating func becomeUnavailable(_ stanza: Element, session id: SessionID) {
        guard let session = sessions[id] else { return }
        let parcel = Parcel(stanza, from: session.jid, at: wall)
        if session.presence != nil { broadcast(parcel, of: id) }
        sendGoodbyeToDirected(parcel, of: id)
        leaveRooms(id, content: stanza)
        sessions[id]?.presence = nil
        sessions[id]?.hasGreeted = false
    }

    /// What the server says for a session that ends without a word (RFC 6121 4.5.2).
    mutating func sayGoodbye(_ id: SessionID) {
        leaveRooms(id, content: nil)
        guard let session = sessions[id], session.presence != nil || !session.directed.isEmpty else { return }
        let stanza = Element("presence", NS.client.description, ["type": "unavailable"])
        let parcel = Parcel(stanza, from: session.jid, at: wall)
        sessions[id]?.presence = nil
        if session.presence != nil { broadcast(parcel, of: id) }
        sendGoodbyeToDirected(parcel, of: id)
    }

    /// To the account's own available sessions and those of every contact that may see it.
    private mutating func broadcast(_ parcel: Parcel, of id: SessionID) {
        guard let account = sessions[id]?.account, let from = sessions[id]?.jid else { return }
        for own in availableSessions(account) { deliver(parcel, to: own) }
        for item in accounts[account]?.roster.items ?? [] where item.subscription.isFrom {
            guard let contact = self.account(of: item.jid) else { continue }
            for session in availableSessions(contact) { deliver(presence: parcel, from: from, to: session) }
        }
    }

    private mutating func sendGoodbyeToDirected(_ parcel: Parcel, of id: SessionID) {
        guard let from = sessions[id]?.jid, let directed = sessions[id]?.directed else { return }
        sessions[id]?.directed = []
        for to in directed { pass(parcel, from: from, to: to) }
    }

    /// RFC 6121 4.6: to one address; the server remembers it for the goodbye where no subscription covers it.
    private mutating func sendDirected(_ stanza: Element, to: JID, session id: SessionID, on connection: ConnectionID) {
        guard let session = sessions[id] else { return }
        if to.domain != configuration.domain.text {
            if stanza["type"] == nil { bounce(stanza, on: connection, "remote-server-not-found") }
            return
        }
        sessions[id]?.directed.removeAll { $0 == to }
        let isCovered = accounts[session.account]?.roster[to.bare]?.subscription.isFrom ?? false
        let count = sessions[id]?.directed.count ?? 0
        if stanza["type"] == nil && !(isCovered && session.presence != nil)
            && count < configuration.limits.directedPresencesMax
        {
            sessions[id]?.directed.append(to)
        }
        pass(Parcel(stanza, from: session.jid, at: wall), from: session.jid, to: to)
    }

    private mutating func route(presence stanza: Element, to: JID, from id: SessionID) {
        guard let from = sessions[id]?.jid else { return }
        pass(Parcel(stanza, from: from, at: wall), from: from, to: to)
    }

    /// To one resource, or to all available ones of a bare address (RFC 6121 8.5).
    private mutating func pass(_ parcel: Parcel, from: JID, to: JID) {
        guard let account = account(of: to) else { return }
        if to.resource != nil {
            if let session = session(of: to) { deliver(presence: parcel, from: from, to: session) }
        } else {
            for session in availableSessions(account) { deliver(presence: parcel, from: from, to: session) }
        }
    }
}

// MARK: - Probes

extension LoopbackServer {
    /// RFC 6121 4.2.2 and 4.3: the presence of every contact that lets the account see it, and of its own sessions.
    private mutating func probeContacts(for id: SessionID) {
        guard let account = sessions[id]?.account else { return }
        for own in availableSessions(account) where own != id { tell(presenceOf: own, to: id) }
        for item in accounts[account]?.roster.items ?? [] where item.subscription.isTo {
            probe(item.jid, for: id)
        }
    }

    /// A contact's presence, where it lets the account see it.
    private mutating func probe(_ contact: JID, for id: SessionID) {
        guard let own = sessions[id]?.jid.bare, let account = account(of: contact),
            contact.bare == own || accounts[account]?.roster[own]?.subscription.isFrom == true
        else { return }
        for session in availableSessions(account) { tell(presenceOf: session, to: id) }
    }

    /// One session's presence as it is now.
    private mutating func tell(presenceOf other: SessionID, to id: SessionID) {
        guard let from = sessions[other]?.jid, let presence = sessions[other]?.presence else { return }
        deliver(presence: Parcel(presence.stanza, from: from, at: wall), from: from, to: id)
    }

    /// Tells the sessions of `to` what the sessions of an account are, now that it may or may no longer see them.
    mutating func show(_ account: String, to contact: JID, available: Bool) {
        guard let watcher = self.account(of: contact) else { return }
        for session in availableSessions(account) {
            guard let from = sessions[session]?.jid, let presence = sessions[session]?.presence else { continue }
            let goodbye = Element("presence", NS.client.description, ["type": "unavailable"])
            let parcel = Parcel(available ? presence.stanza : goodbye, from: from, at: wall)
            for other in availableSessions(watcher) { deliver(presence: parcel, from: from, to: other) }
        }
    }
}

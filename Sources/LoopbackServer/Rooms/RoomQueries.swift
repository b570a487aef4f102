import Stanza

extension LoopbackServer {
    /// An iq to the room service, of a client that may ask (RFC 6120 8.2.3 is checked).
    mutating func handleRoomQuery(
        _ stanza: Element, isRequest: Bool, to: JID, session: SessionID, on id: ConnectionID
    ) {
        guard roomMischief.isAnswering else { return }
        guard let name = to.local else {
            if isRequest { answerAsRoomService(stanza, session: session, on: id) }
            return
        }
        guard let room = rooms[name] else {
            if isRequest { refuse(stanza, on: id, "item-not-found", "cancel", by: to.server) }
            return
        }
        if to.resource != nil {
            passOn(query: stanza, isRequest: isRequest, to: to, in: room, session: session, on: id)
        } else if isRequest {
            answer(asRoom: name, stanza, session: session, on: id)
        }
    }

    private mutating func answerAsRoomService(_ stanza: Element, session: SessionID, on id: ConnectionID) {
        guard let service = roomDomain, stanza.attribute("type", equals: "get") else {
            bounce(stanza, on: id, "service-unavailable")
            return
        }
        if stanza.child("ping", NS.ping) != nil {
            answer(stanza, session) { _ in }
        } else if stanza.child("query", NS.discoInfo) != nil {
            let features = [
                NS.discoInfo, NS.discoItems, NS.ping, ServerNS.muc, Self.stableID, ServerNS.occupantID,
            ]
            answerInfo(stanza, session, ("conference", "text", "Rooms"), features: features)
        } else if stanza.child("query", NS.discoItems) != nil {
            let listed = rooms.values.filter { $0.settings.isPublic && !$0.isLocked }
            let items = listed.map { (jid: $0.jid, name: $0.settings.title) }
            answerItems(stanza, session, items.sorted { $0.jid.text < $1.jid.text })
        } else {
            refuse(stanza, on: id, "service-unavailable", by: service)
        }
    }

    private mutating func answer(
        asRoom name: String, _ stanza: Element, session: SessionID, on id: ConnectionID
    ) {
        guard let room = rooms[name] else { return }
        let isGet = stanza.attribute("type", equals: "get")
        if let query = stanza.child("query", ServerNS.mucAdmin) {
            handleAdministration(stanza, query, in: name, session: session, on: id)
        } else if let query = stanza.child("query", ServerNS.mucOwner) {
            handleOwnership(stanza, query, in: name, session: session, on: id)
        } else if isGet, stanza.child("ping", NS.ping) != nil {
            answer(stanza, session) { _ in }
        } else if isGet, let query = stanza.child("query", NS.discoInfo) {
            guard query["node"] == nil else {
                refuse(stanza, on: id, "item-not-found", by: room.jid)
                return
            }
            let features = room.features + (keepsArchives ? [NS.archive] : [])
            answerInfo(stanza, session, ("conference", "text", room.settings.title), features: features)
        } else if keepsArchives, let query = stanza.child("query", NS.archive) {
            handleArchive(stanza, query, in: room, session: session, on: id)
        } else if isGet, stanza.child("query", NS.discoItems) != nil {
            // Who is in it is told to nobody who is not (XEP-0045 6.5).
            let mayKnow = room.occupant(session) != nil
            answerItems(stanza, session, mayKnow ? room.occupants.map { ($0.address, $0.nick) } : [])
        } else {
            refuse(stanza, on: id, "service-unavailable", by: room.jid)
        }
    }

    /// To an occupant: a ping of oneself is answered by the room (XEP-0410 3.3), anything else by the occupant's client.
    private mutating func passOn(
        query stanza: Element, isRequest: Bool, to: JID, in room: Room, session: SessionID, on id: ConnectionID
    ) {
        guard let asker = room.occupant(session) else {
            if isRequest { refuse(stanza, on: id, "not-acceptable", "cancel", by: to) }
            return
        }
        guard let asked = room.occupants.first(where: { $0.address == to }) else {
            if isRequest { refuse(stanza, on: id, "item-not-found", "cancel", by: to) }
            return
        }
        if isRequest, asked.session == session, stanza.child("ping", NS.ping) != nil {
            answer(stanza, session) { _ in }
            return
        }
        let parcel = Parcel(stanza.with("to", asked.jid.text), from: asker.address, at: wall)
        give(parcel.bytes, to: asked.session, from: asker.address, .iq)
    }

    static let stableID: StaticString = "http://jabber.org/protocol/muc#stable_id"
}

extension Room {
    /// What a room tells of itself (XEP-0045 6.4).
    fileprivate var features: [StaticString] {
        [
            NS.discoInfo, NS.discoItems, NS.ping, ServerNS.muc, LoopbackServer.stableID, ServerNS.occupantID,
            NS.stanzaID, "http://jabber.org/protocol/muc#self-ping-optimization",
            settings.password == nil ? "muc_unsecured" : "muc_passwordprotected",
            settings.isMembersOnly ? "muc_membersonly" : "muc_open",
            settings.isNonAnonymous ? "muc_nonanonymous" : "muc_semianonymous",
            settings.isPublic ? "muc_public" : "muc_hidden", isPersistent ? "muc_persistent" : "muc_temporary",
            "muc_unmoderated",
        ]
    }
}

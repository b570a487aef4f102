import Stanza

/// One change of an affiliation, or a kick (XEP-0045 8.2 and 9).
private struct RoomChange {
    /// Whose, by bare address; a domain for a ban.
    var jid: JID
    /// nil: a kick.
    var affiliation: Affiliation?
    /// Whom a kick is for.
    var session: SessionID?
    var reason: String?
}

/// Why a change is refused: the condition and the type of error.
private struct RoomRefusal: Error {
    var condition: String
    var type: StaticString = "cancel"
}

extension LoopbackServer {
    /// Lists and changes of affiliations, and kicks: all of one query or none (XEP-0045 9.2).
    mutating func handleAdministration(
        _ stanza: Element, _ query: Element, in name: String, session: SessionID, on id: ConnectionID
    ) {
        guard let room = rooms[name], let doer = sessions[session]?.jid else { return }
        do throws(RoomRefusal) {
            guard stanza.attribute("type", equals: "set") else {
                try list(stanza, query, in: room, for: doer, session: session)
                return
            }
            var changes: [RoomChange] = []
            for item in query.children where item.isNamed("item", ServerNS.mucAdmin) {
                changes.append(try Self.change(item, in: room, by: doer))
            }
            guard !changes.isEmpty else { throw RoomRefusal(condition: "bad-request", type: "modify") }
            try Self.check(changes, in: room, by: doer)
            apply(changes, stanza, in: name, session: session)
        } catch {
            refuse(stanza, on: id, error.condition, error.type, by: room.jid)
        }
    }

    private mutating func list(
        _ stanza: Element, _ query: Element, in room: Room, for doer: JID, session: SessionID
    ) throws(RoomRefusal) {
        guard let item = query.child("item", ServerNS.mucAdmin) else {
            throw RoomRefusal(condition: "bad-request", type: "modify")
        }
        let rank = room.affiliation(of: doer).rank
        if let wanted = item["affiliation"].flatMap({ Affiliation(rawValue: $0) }) {
            // Members of a members-only room may know each other (XEP-0045 9.5).
            let isForMembers = wanted == .member && room.settings.isMembersOnly && rank >= Affiliation.member.rank
            guard rank >= Affiliation.admin.rank || isForMembers else {
                throw RoomRefusal(condition: "forbidden", type: "auth")
            }
            answer(stanza, session) {
                $0.start("query", ServerNS.mucAdmin)
                $0.content()
                for entry in room.affiliations where entry.affiliation == wanted { $0.item(entry) }
                $0.end("query")
            }
        } else if let wanted = item["role"] {
            guard rank >= Affiliation.admin.rank else { throw RoomRefusal(condition: "forbidden", type: "auth") }
            answer(stanza, session) {
                $0.start("query", ServerNS.mucAdmin)
                $0.content()
                for occupant in room.occupants {
                    let affiliation = room.affiliation(of: occupant.jid)
                    if affiliation.role.description == wanted { $0.item(occupant, affiliation) }
                }
                $0.end("query")
            }
        } else {
            throw RoomRefusal(condition: "bad-request", type: "modify")
        }
    }

    private static func change(_ item: Element, in room: Room, by doer: JID) throws(RoomRefusal) -> RoomChange {
        let reason = item.child("reason", ServerNS.mucAdmin)?.text
        if let role = item["role"] {
            guard let target = item["nick"].flatMap({ room.occupant(named: $0) }) else {
                throw RoomRefusal(condition: "item-not-found")
            }
            guard role == "none" else { throw RoomRefusal(condition: "feature-not-implemented") }
            return RoomChange(jid: target.jid.bare, session: target.session, reason: reason)
        }
        guard let affiliation = item["affiliation"].flatMap({ Affiliation(rawValue: $0) }) else {
            throw RoomRefusal(condition: "bad-request", type: "modify")
        }
        if let text = item["jid"] {
            guard let jid = try? JID(text) else { throw RoomRefusal(condition: "jid-malformed", type: "modify") }
            return RoomChange(jid: jid.bare, affiliation: affiliation, reason: reason)
        }
        guard let target = item["nick"].flatMap({ room.occupant(named: $0) }) else {
            throw RoomRefusal(condition: "item-not-found")
        }
        return RoomChange(jid: target.jid.bare, affiliation: affiliation, reason: reason)
    }

    /// Who may do what to whom (XEP-0045 5.2.1, 8.2, 9.1, 10.4).
    private static func check(_ changes: [RoomChange], in room: Room, by doer: JID) throws(RoomRefusal) {
        let own = room.affiliation(of: doer)
        guard own.isModerator else { throw RoomRefusal(condition: "forbidden", type: "auth") }
        for change in changes {
            let target = room.affiliation(of: change.jid)
            let isSelf = change.jid == doer.bare
            if isSelf && change.affiliation == .outcast { throw RoomRefusal(condition: "conflict") }
            if own != .owner && !isSelf && target.rank >= own.rank { throw RoomRefusal(condition: "not-allowed") }
            if own == .owner && target == .owner && change.affiliation == nil && !isSelf {
                throw RoomRefusal(condition: "not-allowed")
            }
            if own != .owner, let wanted = change.affiliation, wanted.isModerator, wanted != target {
                throw RoomRefusal(condition: "not-allowed")
            }
        }
        let owners = room.affiliations.filter { $0.affiliation == .owner }.map(\.jid)
        let left = owners.filter { owner in
            changes.last { $0.jid == owner && $0.affiliation != nil }.map { $0.affiliation == .owner } ?? true
        }
        let isOwnerMade = changes.contains { $0.affiliation == .owner }
        // A room without an owner could never be configured again.
        if !owners.isEmpty && left.isEmpty && !isOwnerMade { throw RoomRefusal(condition: "conflict") }
    }

    private mutating func apply(_ changes: [RoomChange], _ stanza: Element, in name: String, session: SessionID) {
        let doer = rooms[name]?.occupant(session)?.nick
        var isAnswered = false
        func result(_ server: inout Self) {
            if !isAnswered { server.answer(stanza, session) { _ in } }
            isAnswered = true
        }
        for change in changes {
            if let affiliation = change.affiliation {
                rooms[name]?.set(affiliation, of: change.jid, reason: change.reason)
            }
            for occupant in rooms[name]?.occupants ?? [] where change.concerns(occupant) {
                var notice = RoomNotice(doer: doer, reason: change.reason)
                if let status = change.removal(of: occupant, from: rooms[name]) {
                    notice.isGone = true
                    notice.statuses = [status]
                    remove(occupant, from: name, notice) { result(&$0) }
                } else {
                    result(&self)
                    tellAll(occupant, in: name, notice)
                }
            }
        }
        result(&self)
    }
}

extension RoomChange {
    func concerns(_ occupant: Occupant) -> Bool {
        if let session { return occupant.session == session }
        return occupant.jid.bare == jid || occupant.jid.server == jid
    }

    /// The status with which an occupant goes (XEP-0045 8.2, 9.1, 9.4); nil where it stays.
    func removal(of occupant: Occupant, from room: Room?) -> Int? {
        guard let room, affiliation != nil else { return 307 }
        // What is changed may be its domain's affiliation, and its own weighs more.
        let effective = room.affiliation(of: occupant.jid)
        if effective == .outcast { return 301 }
        return effective == .none && room.settings.isMembersOnly ? 321 : nil
    }
}

extension XMLWriter {
    fileprivate mutating func item(_ entry: Room.Entry) {
        start("item")
        attribute("affiliation", entry.affiliation.rawValue)
        attribute("jid", entry.jid.text)
        endItem(reason: entry.reason)
    }

    fileprivate mutating func item(_ occupant: Occupant, _ affiliation: Affiliation) {
        start("item")
        attribute("affiliation", affiliation.rawValue)
        attribute("jid", occupant.jid.text)
        attribute("nick", occupant.nick)
        attribute("role", affiliation.role)
        endEmpty()
    }
}

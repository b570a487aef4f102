import Routing
import Stanza

// Contacts, rooms and receipts: whom we deal with, and how.
extension Reading {
    mutating func contacts(_ node: Node) -> Plan.Contacts {
        var contacts = Plan.Contacts()
        guard let fields = fields(node, Keys(of: "contacts", known: ["accept", "block", "invitations"])) else {
            return contacts
        }
        contacts.accept = globs(fields["accept"], "accept")
        contacts.invitations = globs(fields["invitations"], "invitations")
        if let node = fields["block"] {
            contacts.block = (items(node, "block") ?? []).compactMap { blocked($0) }
        }
        return contacts
    }

    private mutating func globs(_ node: Node?, _ key: String) -> [JIDGlob] {
        guard let node else { return [] }
        return (items(node, key) ?? []).compactMap { item -> JIDGlob? in
            guard let text = string(item, key) else { return nil }
            do throws(EndpointProblem) { return try JIDGlob(parsing: text) } catch {
                report(item, error.what, error.hint)
                return nil
            }
        }
    }

    private mutating func blocked(_ node: Node) -> JID? {
        guard let text = string(node, "block") else { return nil }
        if text.contains("*") {
            report(
                node, "\(Wording.quote(text)) is a pattern", "servers block addresses; a domain alone blocks all of it")
            return nil
        }
        do { return try JID(text) } catch {
            report(node, "no address: \(error)", "expected for example spam@example.org")
            return nil
        }
    }

    mutating func receipts(_ node: Node) -> Plan.Receipts {
        var receipts = Plan.Receipts()
        guard let fields = fields(node, Keys(of: "receipts", known: ["ask", "answer"])) else { return receipts }
        receipts.ask = fields["ask"].flatMap { boolean($0, "ask") } ?? false
        if let node = fields["answer"], let text = string(node, "answer") {
            receipts.answer = choice(text, node, "answer", among: Plan.Receipts.Answer.allCases) ?? receipts.answer
        }
        return receipts
    }

    // MARK: - Rooms

    mutating func rooms(_ node: Node) -> [Plan.Room] {
        switch node.kind {
        case .broken: return []
        case .scalar, .mapping:
            report(
                node, "\(node.word) where the list of rooms belongs",
                "expected a list: - {jid: ops@conference.example.org, nick: bridge}")
            return []
        case .list(let items):
            if items.isEmpty { report(node, "rooms is an empty list", "add a room, or leave rooms out") }
            var lines: [JID: Int] = [:]
            return items.compactMap { room($0, &lines) }
        }
    }

    private mutating func room(_ node: Node, _ lines: inout [JID: Int]) -> Plan.Room? {
        let known = ["jid", "nick", "password", "create", "history", "nick_conflict", "rejoin"]
        guard let fields = fields(node, Keys(of: "a room", known: known)) else { return nil }
        guard let place = fields["jid"] else {
            if fields.isMissing("jid") {
                report(node, "a room without jid", "add jid: ops@conference.example.org")
            }
            return nil
        }
        guard let jid = roomAddress(place) else { return nil }
        if let line = lines[jid] {
            report(place, "the room \(jid) stands here twice", "the first is in line \(line); leave one out")
        }
        lines[jid] = text.place(of: place.start).line
        var room = Plan.Room(jid: jid)
        room.nick = fields["nick"].flatMap { nick($0, in: jid) }
        room.password = fields["password"].flatMap { password($0) }
        room.create = fields["create"].flatMap { boolean($0, "create") } ?? false
        room.history = fields["history"].flatMap { integer($0, "history", in: 0...Plan.Room.historyMax) } ?? 0
        if let node = fields["nick_conflict"], let text = string(node, "nick_conflict") {
            room.nickConflict =
                choice(text, node, "nick_conflict", among: Plan.Room.NickConflict.allCases) ?? room.nickConflict
        }
        room.rejoin = fields["rejoin"].flatMap { boolean($0, "rejoin") } ?? false
        return room
    }

    private mutating func roomAddress(_ node: Node) -> JID? {
        guard let text = string(node, "jid") else { return nil }
        do {
            // Who writes the endpoint's form means the same.
            let jid = try JID(text.hasPrefix("room:") ? String(text.dropFirst(5)) : text)
            if let resource = jid.resource {
                report(
                    node, "the room \(Wording.quote(text)) has a nick in it",
                    "write jid: \(jid.bare) and nick: \(resource)")
                return nil
            }
            if jid.local == nil {
                report(
                    node, "\(Wording.quote(text)) is a service and no room of it", "expected for example ops@\(jid)")
                return nil
            }
            return jid
        } catch {
            report(node, "no address: \(error)", "expected for example ops@conference.example.org")
            return nil
        }
    }

    private mutating func nick(_ node: Node, in room: JID) -> String? {
        guard let text = string(node, "nick") else { return nil }
        do { return try room.with(resource: text).resource } catch {
            report(node, "\(Wording.quote(text)) is no nick: it \(error.rule)", "expected for example bridge")
            return nil
        }
    }
}

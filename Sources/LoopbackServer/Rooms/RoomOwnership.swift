import Stanza

extension LoopbackServer {
    /// The configuration and the end of a room (XEP-0045 10).
    mutating func handleOwnership(
        _ stanza: Element, _ query: Element, in name: String, session: SessionID, on id: ConnectionID
    ) {
        guard let room = rooms[name], let jid = sessions[session]?.jid else { return }
        guard room.affiliation(of: jid) == .owner else {
            refuse(stanza, on: id, "forbidden", "auth", by: room.jid)
            return
        }
        if stanza.attribute("type", equals: "get") {
            answer(stanza, session) {
                $0.start("query", ServerNS.mucOwner)
                $0.content()
                $0.form(of: room)
                $0.end("query")
            }
        } else if let destruction = query.child("destroy", ServerNS.mucOwner) {
            destroy(name, destruction)
            answer(stanza, session) { _ in }
        } else if let form = query.child("x", ServerNS.form) {
            submit(form, stanza, in: name, session: session, on: id)
        } else {
            refuse(stanza, on: id, "bad-request", "modify", by: room.jid)
        }
    }

    /// XEP-0045 10.9: one presence for each occupant, from its own address.
    private mutating func destroy(_ name: String, _ destruction: Element) {
        var notice = RoomNotice(isGone: true)
        notice.destruction = RoomNotice.Destruction(
            alternative: destruction["jid"], password: destruction.child("password", ServerNS.mucOwner)?.text,
            reason: destruction.child("reason", ServerNS.mucOwner)?.text)
        dismissAll(from: name, notice)
        rooms[name] = nil
        roomArchives[name] = nil
    }

    /// Each occupant hears that it is out, and nothing of the others.
    mutating func dismissAll(from name: String, _ notice: RoomNotice) {
        let occupants = rooms[name]?.occupants ?? []
        rooms[name]?.occupants = []
        for occupant in occupants { tell(occupant, to: occupant, in: name, notice) }
    }

    /// XEP-0045 10.1: an empty form takes the defaults, a cancelled one gives a new room up.
    private mutating func submit(
        _ form: Element, _ stanza: Element, in name: String, session: SessionID, on id: ConnectionID
    ) {
        guard let room = rooms[name] else { return }
        if form.attribute("type", equals: "cancel") {
            if room.isLocked { rooms[name] = nil }
            answer(stanza, session) { _ in }
            return
        }
        var fields: [String: String] = [:]
        for field in form.children where field.isNamed("field", ServerNS.form) {
            if let key = field["var"] { fields[key] = field.child("value", ServerNS.form)?.text ?? "" }
        }
        var changed = room
        guard form.attribute("type", equals: "submit"), changed.take(fields) else {
            refuse(stanza, on: id, "not-acceptable", "modify", by: room.jid)
            return
        }
        changed.isLocked = false
        rooms[name] = changed
        answer(stanza, session) { _ in }
        if !room.isLocked && !fields.isEmpty { announceConfiguration(of: changed, name) }
        if changed.settings.isMembersOnly && !room.settings.isMembersOnly { removeStrangers(from: name) }
    }

    /// XEP-0045 10.2.1: status 104, and what else has changed in the room's eyes.
    private mutating func announceConfiguration(of room: Room, _ name: String) {
        for occupant in room.occupants {
            var writer = XMLWriter()
            writer.start("message")
            writer.attribute("from", room.jid.text)
            writer.attribute("to", occupant.jid.text)
            writer.attribute("type", "groupchat")
            writer.content()
            writer.start("x", ServerNS.mucUser)
            writer.content()
            writer.statuses([104, room.settings.isNonAnonymous ? 172 : 173])
            writer.raw("</x></message>")
            give(writer.bytes, to: occupant.session, from: room.jid, .message)
        }
    }

    /// XEP-0045 9.4: who is no member of a room that is now members-only goes (322).
    private mutating func removeStrangers(from name: String) {
        guard let room = rooms[name] else { return }
        for occupant in room.occupants where room.affiliation(of: occupant.jid) == .none {
            var notice = RoomNotice(isGone: true)
            notice.statuses = [322]
            remove(occupant, from: name, notice)
        }
    }
}

extension Room {
    /// Takes the fields of a form (XEP-0045 15.5.3); false where one cannot be.
    fileprivate mutating func take(_ fields: [String: String]) -> Bool {
        func flag(_ name: String, _ old: Bool) -> Bool {
            fields["muc#roomconfig_" + name].map { $0 == "1" || $0 == "true" } ?? old
        }
        if let title = fields["muc#roomconfig_roomname"] { settings.title = title.isEmpty ? nil : title }
        isPersistent = flag("persistentroom", isPersistent)
        settings.isPublic = flag("publicroom", settings.isPublic)
        settings.isMembersOnly = flag("membersonly", settings.isMembersOnly)
        settings.occupantsSetSubject = flag("changesubject", settings.occupantsSetSubject)
        if let whois = fields["muc#roomconfig_whois"] { settings.isNonAnonymous = whois == "anyone" }
        if let text = fields["muc#roomconfig_maxusers"], text != "none" {
            guard let most = Int(text), most > 0 else { return false }
            settings.occupantsMax = most
        }
        let secret = fields["muc#roomconfig_roomsecret"] ?? settings.password ?? ""
        guard flag("passwordprotectedroom", settings.password != nil) else {
            settings.password = nil
            return true
        }
        settings.password = secret
        return !secret.isEmpty
    }
}

extension XMLWriter {
    /// The configuration of a room as a form (XEP-0045 10.2).
    fileprivate mutating func form(of room: Room) {
        start("x", ServerNS.form)
        attribute("type", "form")
        content()
        field("FORM_TYPE", "hidden", "http://jabber.org/protocol/muc#roomconfig")
        field("muc#roomconfig_roomname", "text-single", room.settings.title ?? "")
        field("muc#roomconfig_persistentroom", "boolean", room.isPersistent ? "1" : "0")
        field("muc#roomconfig_publicroom", "boolean", room.settings.isPublic ? "1" : "0")
        field("muc#roomconfig_membersonly", "boolean", room.settings.isMembersOnly ? "1" : "0")
        field("muc#roomconfig_changesubject", "boolean", room.settings.occupantsSetSubject ? "1" : "0")
        field("muc#roomconfig_whois", "list-single", room.settings.isNonAnonymous ? "anyone" : "moderators")
        field("muc#roomconfig_maxusers", "list-single", String(room.settings.occupantsMax))
        field("muc#roomconfig_passwordprotectedroom", "boolean", room.settings.password == nil ? "0" : "1")
        field("muc#roomconfig_roomsecret", "text-private", room.settings.password ?? "")
        end("x")
    }

    private mutating func field(_ name: StaticString, _ type: StaticString, _ value: String) {
        start("field")
        attribute("var", name)
        attribute("type", type)
        content()
        element("value", text: value)
        end("field")
    }
}

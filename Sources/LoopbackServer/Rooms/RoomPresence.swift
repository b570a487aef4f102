import Stanza

/// What a room's presence says beside who it is of (XEP-0045 7.2 and 15.6).
struct RoomNotice: Sendable {
    /// Whether the occupant is gone.
    var isGone = false
    /// The new nick (with 303).
    var nick: String?
    /// The nick of who did it.
    var doer: String?
    var reason: String?
    var statuses: [Int] = []
    /// Those that only the occupant itself is told, beside 110.
    var ownStatuses: [Int] = []
    var destruction: Destruction?

    /// The end of a room (XEP-0045 10.9).
    struct Destruction: Sendable {
        var alternative: String?
        var password: String?
        var reason: String?
    }
}

extension Room {
    /// The presence of an occupant as a recipient may see it.
    /// - Parameter content: the presence whose children go along; the occupant's own where it is not said.
    func presence(
        of occupant: Occupant, to recipient: Occupant, _ notice: RoomNotice = RoomNotice(), content: Element? = nil
    ) -> [UInt8] {
        let affiliation = notice.destruction == nil ? affiliation(of: occupant.jid) : .none
        var writer = XMLWriter(capacity: 384)
        writer.start("presence")
        writer.attribute("from", occupant.address.text)
        writer.attribute("to", recipient.jid.text)
        if notice.isGone { writer.attribute("type", "unavailable") }
        writer.content()
        if let content = content ?? (notice.isGone ? nil : occupant.presence) { writer.presenceContent(content) }
        writer.start("x", ServerNS.mucUser)
        writer.content()
        writer.start("item")
        writer.attribute("affiliation", affiliation.rawValue)
        writer.attribute("role", notice.isGone && notice.nick == nil ? "none" : affiliation.role)
        if settings.isNonAnonymous || isModerator(recipient) { writer.attribute("jid", occupant.jid.text) }
        writer.attribute("nick", ifPresent: notice.nick)
        writer.endItem(doer: notice.doer, reason: notice.reason)
        let isSelf = occupant.session == recipient.session
        writer.statuses(isSelf ? notice.statuses + notice.ownStatuses + [110] : notice.statuses)
        if let destruction = notice.destruction { writer.destruction(destruction) }
        writer.end("x")
        writer.start("occupant-id", ServerNS.occupantID)
        writer.attribute("id", occupant.occupantID)
        writer.endEmpty()
        writer.end("presence")
        return writer.bytes
    }
}

extension XMLWriter {
    /// What a client says in a presence, without what only rooms say.
    fileprivate mutating func presenceContent(_ stanza: Element) {
        for child in stanza.children
        where !child.hasNamespace(ServerNS.muc) && !child.hasNamespace(ServerNS.mucUser)
            && !child.hasNamespace(ServerNS.occupantID)
        {
            element(child, inside: NS.client.description)
        }
    }

    /// The end of an `<item/>` whose attributes are written.
    mutating func endItem(doer: String? = nil, reason: String?) {
        guard doer != nil || reason != nil else {
            endEmpty()
            return
        }
        content()
        if let doer {
            start("actor")
            attribute("nick", doer)
            endEmpty()
        }
        if let reason { element("reason", text: reason) }
        end("item")
    }

    mutating func statuses(_ codes: [Int]) {
        for code in codes.sorted() {
            start("status")
            attribute("code", String(code))
            endEmpty()
        }
    }

    fileprivate mutating func destruction(_ destruction: RoomNotice.Destruction) {
        start("destroy")
        attribute("jid", ifPresent: destruction.alternative)
        content()
        if let reason = destruction.reason { element("reason", text: reason) }
        if let password = destruction.password { element("password", text: password) }
        end("destroy")
    }
}

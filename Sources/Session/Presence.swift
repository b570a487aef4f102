import Stanza

/// Writing our own presence and reading that of others (RFC 6121 3 and 4).
enum PresenceStanza {
    /// Our presence, with our capabilities.
    static func write(_ presence: Configuration.Presence, _ capabilities: Capabilities, into writer: inout XMLWriter) {
        writer.start("presence")
        writer.content()
        if let show = presence.show { writer.element("show", text: show) }
        if let status = presence.status { writer.element("status", text: status) }
        if presence.priority != 0 { writer.element("priority", text: String(presence.priority)) }
        capabilities.write(into: &writer)
        writer.end("presence")
    }

    /// That we are no longer available (RFC 6121 4.5.1).
    static func writeUnavailable(_ farewell: String? = nil, into writer: inout XMLWriter) {
        guard let farewell else { return writer.raw("<presence type='unavailable'/>") }
        writer.raw("<presence type='unavailable'>")
        writer.element("status", text: farewell)
        writer.end("presence")
    }

    /// What a presence stanza says; nil where it says nothing to us (a probe, a type nobody defined).
    static func read(_ stanza: Element, from: JID) -> Event? {
        let status = stanza.child("status", NS.client)?.text
        switch stanza["type"] {
        case nil: return .presence(update(stanza, from: from, available: true, status: status))
        case "unavailable": return .presence(update(stanza, from: from, available: false, status: status))
        case "error":
            var told = update(stanza, from: from, available: false, status: status)
            told.error = StanzaError(of: stanza)
            return .presence(told)
        case "subscribe": return .subscription(jid: from.bare, action: .request, status: status)
        case "subscribed": return .subscription(jid: from.bare, action: .approved, status: status)
        case "unsubscribe": return .subscription(jid: from.bare, action: .unsubscribed, status: status)
        case "unsubscribed": return .subscription(jid: from.bare, action: .denied, status: status)
        case _: return nil
        }
    }

    private static func update(_ stanza: Element, from: JID, available: Bool, status: String?) -> PresenceUpdate {
        let show = stanza.child("show", NS.client)?.text
        let priority = stanza.child("priority", NS.client).flatMap { Int8($0.text) } ?? 0
        return PresenceUpdate(
            from: from, available: available,
            show: show.flatMap { ["away", "chat", "dnd", "xa"].contains($0) ? $0 : nil },
            status: status, priority: Int(priority), delay: Delay.stamp(of: stanza), caps: caps(of: stanza))
    }

    /// XEP-0115 4: the node and the version, which only together say what somebody can do.
    private static func caps(of stanza: Element) -> String? {
        guard let caps = stanza.child("c", NS.caps), let node = caps["node"], let version = caps["ver"],
            !node.isEmpty, !version.isEmpty
        else { return nil }
        return "\(node)#\(version)"
    }
}

/// When a stanza was first sent (XEP-0203).
enum Delay {
    /// The stamp as written, where there is one.
    static func stamp(of stanza: Element) -> String? { stanza.child("delay", NS.delay)?["stamp"] }
}

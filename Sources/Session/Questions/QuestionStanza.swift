import Stanza

// Questions as they are written.
extension Question {
    /// Whom it asks; nil for our own account.
    func addressee(server: JID) -> JID? {
        switch self {
        case .rosterGet, .rosterSet, .rosterRemove, .blockList, .block, .unblock: nil
        case .discoInfo(let jid, _), .discoItems(let jid, _), .ping(let jid): jid ?? server
        case .version(let jid): jid
        case .affiliations(let room, _), .setAffiliation(let room, _, _, _), .setRole(let room, _, _, _): room
        case .raw(let iq): iq["to"].flatMap { try? JID(received: $0) }
        }
    }

    /// The id that the user gave it.
    var givenID: String? {
        guard case .raw(let iq) = self, let id = iq["id"], !id.isEmpty else { return nil }
        return id
    }

    /// Whether a server without XEP-0191 is asked otherwise.
    var isOfBlocking: Bool {
        switch self {
        case .blockList, .block, .unblock: true
        case .rosterGet, .rosterSet, .rosterRemove, .discoInfo, .discoItems, .ping, .version, .affiliations,
            .setAffiliation, .setRole, .raw:
            false
        }
    }

    /// The whole iq.
    /// - Parameter rosterVersion: what to ask the roster with (RFC 6121 2.6.2); nil where the server has no versions.
    func stanza(id: String, server: JID, rosterVersion: String?) -> [UInt8] {
        if case .raw(let iq) = self {
            var writer = XMLWriter(capacity: iq.byteCount + 64)
            writer.element(givenID == nil ? iq.with("id", id) : iq, inside: NS.client.description)
            return writer.bytes
        }
        var writer = XMLWriter(capacity: 256)
        Self.start(isSet: isSet, id: id, to: addressee(server: server), into: &writer)
        payload(rosterVersion: rosterVersion, into: &writer)
        writer.end("iq")
        return writer.bytes
    }

    static func start(isSet: Bool, id: String, to addressee: JID?, into writer: inout XMLWriter) {
        writer.start("iq")
        writer.attribute("type", isSet ? "set" as StaticString : "get")
        writer.attribute("id", id)
        writer.attribute("to", ifPresent: addressee?.text)
        writer.content()
    }

    private var isSet: Bool {
        switch self {
        case .rosterSet, .rosterRemove, .block, .unblock, .setAffiliation, .setRole: true
        case .rosterGet, .blockList, .discoInfo, .discoItems, .ping, .version, .affiliations, .raw: false
        }
    }

    private func payload(rosterVersion: String?, into writer: inout XMLWriter) {
        switch self {
        case .rosterGet:
            writer.start("query", NS.roster)
            writer.attribute("ver", ifPresent: rosterVersion)
            writer.endEmpty()
        case .rosterSet(let jid, let name, let groups):
            Self.writeRosterItem(jid.bare, name: name, groups: groups ?? [], into: &writer)
        case .rosterRemove(let jid): Self.writeRosterItem(jid.bare, isRemoved: true, into: &writer)
        case .blockList: writer.empty("blocklist", NS.blocking)
        case .block(let jids): Self.writeItems("block", jids, into: &writer)
        case .unblock(let jids): Self.writeItems("unblock", jids, into: &writer)
        case .discoInfo(_, let node):
            writer.start("query", NS.discoInfo)
            writer.attribute("node", ifPresent: node)
            writer.endEmpty()
        case .discoItems(_, let node):
            writer.start("query", NS.discoItems)
            writer.attribute("node", ifPresent: node)
            writer.endEmpty()
        case .ping: writer.empty("ping", NS.ping)
        case .version: writer.empty("query", NS.version)
        case .affiliations(_, let affiliation):
            Self.writeAdmin([("affiliation", affiliation)], reason: nil, into: &writer)
        case .setAffiliation(_, let jid, let affiliation, let reason):
            Self.writeAdmin([("affiliation", affiliation), ("jid", jid.text)], reason: reason, into: &writer)
        case .setRole(_, let nick, let role, let reason):
            Self.writeAdmin([("nick", nick), ("role", role)], reason: reason, into: &writer)
        case .raw: return
        }
    }

    private static func writeRosterItem(
        _ jid: JID, name: String? = nil, groups: [String] = [], isRemoved: Bool = false, into writer: inout XMLWriter
    ) {
        writer.start("query", NS.roster)
        writer.content()
        writer.start("item")
        writer.attribute("jid", jid.text)
        if let name, !name.isEmpty { writer.attribute("name", name) }
        if isRemoved { writer.attribute("subscription", "remove" as StaticString) }
        if groups.isEmpty {
            writer.endEmpty()
        } else {
            writer.content()
            for group in groups { writer.element("group", text: group) }
            writer.end("item")
        }
        writer.end("query")
    }

    private static func writeItems(_ name: StaticString, _ jids: [JID], into writer: inout XMLWriter) {
        if jids.isEmpty { return writer.empty(name, NS.blocking) }
        writer.start(name, NS.blocking)
        writer.content()
        for jid in jids {
            writer.start("item")
            writer.attribute("jid", jid.text)
            writer.endEmpty()
        }
        writer.end(name)
    }

    private static func writeAdmin(
        _ attributes: [(StaticString, String)], reason: String?, into writer: inout XMLWriter
    ) {
        writer.start("query", NS.mucAdmin)
        writer.content()
        writer.start("item")
        for (name, value) in attributes { writer.attribute(name, value) }
        if let reason {
            writer.content()
            writer.element("reason", text: reason)
            writer.end("item")
        } else {
            writer.endEmpty()
        }
        writer.end("query")
    }
}

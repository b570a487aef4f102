import Stanza

/// The roster as the server told it last (RFC 6121 2); kept over connections, so that its version can be asked for.
struct Roster: Sendable {
    private var items: [JID: RosterItem] = [:]
    /// The version of what is kept (RFC 6121 2.6).
    private(set) var version: String?
    /// Whether a whole roster was ever received.
    private(set) var isKnown = false

    /// The `ver` to ask with, where the server has versions: empty for a first time.
    var versionToAsk: String { isKnown ? version ?? "" : "" }

    subscript(_ jid: JID) -> RosterItem? { items[jid] }

    /// Whether that contact may see our presence, and so may know that we are here.
    func seesUs(_ jid: JID) -> Bool {
        switch items[jid.bare]?.subscription {
        case "from", "both": true
        case _: false
        }
    }

    /// The whole roster, as the answer to our request: all items to tell. Without a query ours is still right.
    mutating func replace(with query: Element?) -> [RosterItem] {
        guard let query else { return items.values.sorted { $0.jid.text < $1.jid.text } }
        let told = Self.items(of: query)
        items = Dictionary(told.map { ($0.jid, $0) }) { _, last in last }
        version = query["ver"]
        isKnown = true
        return told
    }

    /// A push (RFC 6121 2.1.6): exactly one item, or nil and nothing has changed.
    /// - Returns: The item, and whether the contact saw us and does no longer.
    mutating func push(_ query: Element) -> (item: RosterItem, isCancelled: Bool)? {
        let told = Self.items(of: query)
        guard told.count == 1, let item = told.first else { return nil }
        let sawUs = seesUs(item.jid)
        items[item.jid] = item.subscription == "remove" ? nil : item
        version = query["ver"] ?? version
        return (item, sawUs && !seesUs(item.jid))
    }

    private static func items(of query: Element) -> [RosterItem] {
        query.children.compactMap { child in
            guard child.isNamed("item", NS.roster), let text = child["jid"], let jid = try? JID(received: text) else {
                return nil
            }
            return RosterItem(
                jid: jid, name: child["name"], subscription: child["subscription"] ?? "none",
                ask: child.attribute("ask", equals: "subscribe"),
                approved: child.attribute("approved", equals: "true") || child.attribute("approved", equals: "1"),
                groups: child.children.compactMap { $0.isNamed("group", NS.roster) ? $0.text : nil })
        }
    }

    /// The request for the roster.
    static func writeRequest(id: String, version: String?, into writer: inout XMLWriter) {
        writer.start("iq")
        writer.attribute("type", "get" as StaticString)
        writer.attribute("id", id)
        writer.content()
        writer.start("query", NS.roster)
        writer.attribute("ver", ifPresent: version)
        writer.endEmpty()
        writer.end("iq")
    }
}

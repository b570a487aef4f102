import Stanza

// Answers as they are read: what cannot be read is left out.
extension Question {
    /// What an iq of type `result` says to it. The roster is read where it is kept.
    func answer(_ iq: Element, after span: Duration) -> Answer {
        switch self {
        case .rosterGet, .rosterSet, .rosterRemove, .block, .unblock, .setAffiliation, .setRole: .done
        case .blockList: .blocked(Self.jids(iq.child("blocklist", NS.blocking)))
        case .discoInfo: Self.info(iq.child("query", NS.discoInfo))
        case .discoItems: .items(Self.jids(iq.child("query", NS.discoItems)))
        case .ping: .pong(after: span)
        case .version: Self.version(iq.child("query", NS.version))
        case .affiliations: .affiliations(Self.affiliations(iq.child("query", NS.mucAdmin)))
        case .raw: .element(iq)
        }
    }

    /// The addresses of the items in a list.
    static func jids(_ list: Element?) -> [JID] {
        guard let list else { return [] }
        return list.children.compactMap { item in
            guard item.hasName("item"), let text = item["jid"] else { return nil }
            return try? JID(received: text)
        }
    }

    private static func info(_ query: Element?) -> Answer {
        var features: [String] = []
        var identities: [String] = []
        guard let query else { return .info(features: [], identities: []) }
        for child in query.children {
            if child.isNamed("feature", NS.discoInfo), let name = child["var"] { features.append(name) }
            if child.isNamed("identity", NS.discoInfo), let category = child["category"], let type = child["type"] {
                let name = child["name"].map { $0.isEmpty ? "" : " \($0)" } ?? ""
                identities.append("\(category)/\(type)\(name)")
            }
        }
        return .info(features: features, identities: identities)
    }

    private static func version(_ query: Element?) -> Answer {
        .version(
            name: query?.child("name", NS.version)?.text, version: query?.child("version", NS.version)?.text,
            os: query?.child("os", NS.version)?.text)
    }

    private static func affiliations(_ query: Element?) -> [RoomAffiliation] {
        guard let query else { return [] }
        return query.children.compactMap { item in
            guard item.isNamed("item", NS.mucAdmin), let text = item["jid"], let jid = try? JID(received: text),
                let affiliation = item["affiliation"]
            else { return nil }
            return RoomAffiliation(
                jid: jid, affiliation: affiliation, nick: item["nick"], reason: item.child("reason", NS.mucAdmin)?.text)
        }
    }
}

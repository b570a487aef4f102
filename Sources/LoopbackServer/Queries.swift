import Stanza

extension LoopbackServer {
    /// An iq of a client (RFC 6120 8.2.3, RFC 6121 8.5).
    mutating func handleQuery(_ stanza: Element, to: JID?, session: SessionID, on id: ConnectionID) {
        guard let type = QueryType(stanza), let from = sessions[session]?.jid else {
            bounce(stanza, on: id, "bad-request")
            return
        }
        guard let to, to != from.bare else {
            if type.isRequest { answerAsAccount(stanza, session: session, on: id) }
            return
        }
        if to.domain == roomDomain?.domain {
            handleRoomQuery(stanza, isRequest: type.isRequest, to: to, session: session, on: id)
        } else if to == configuration.domain {
            if type.isRequest { answerAsServer(stanza, session: session, on: id) }
        } else if to.resource != nil, let other = self.session(of: to), let account = account(of: to),
            !isBlocked(from, for: account, other, .iq)
        {
            deliver(Parcel(stanza, from: from, at: wall), to: other)
        } else {
            let isRemote = to.domain != configuration.domain.text
            bounce(stanza, on: id, isRemote ? "remote-server-not-found" : "service-unavailable")
        }
    }

    private mutating func answerAsAccount(_ stanza: Element, session: SessionID, on id: ConnectionID) {
        if let query = stanza.child("query", NS.roster) {
            handleRoster(stanza, query, session: session, on: id)
        } else if stanza.child("session", NS.session) != nil, stanza.attribute("type", equals: "set") {
            answer(stanza, session) { _ in }
        } else if configuration.blocking == .command, let command = stanza.child(in: ServerNS.blocking) {
            handleBlocking(stanza, command, session: session, on: id)
        } else if configuration.blocking == .privacyLists, let query = stanza.child("query", ServerNS.privacy) {
            handlePrivacy(stanza, query, session: session, on: id)
        } else if configuration.carbons, let command = stanza.child(in: ServerNS.carbons) {
            handleCarbons(stanza, command, session: session, on: id)
        } else if keepsArchives, let query = stanza.child("query", NS.archive) {
            handleArchive(stanza, query, session: session, on: id)
        } else if stanza["to"] == nil {
            answerAsServer(stanza, session: session, on: id)
        } else if stanza.child("query", NS.discoInfo) != nil, stanza.attribute("type", equals: "get") {
            let features = [NS.discoInfo] + (keepsArchives ? [NS.archive, NS.stanzaID] : [])
            answerInfo(stanza, session, ("account", "registered", nil), features: features)
        } else {
            bounce(stanza, on: id, "service-unavailable")
        }
    }

    private mutating func answerAsServer(_ stanza: Element, session: SessionID, on id: ConnectionID) {
        guard stanza.attribute("type", equals: "get") else {
            bounce(stanza, on: id, "service-unavailable")
            return
        }
        if stanza.child("ping", NS.ping) != nil {
            answer(stanza, session) { _ in }
        } else if stanza.child("query", NS.discoInfo) != nil {
            answerInfo(stanza, session, ("server", "im", nil), features: configuration.features)
        } else if stanza.child("query", NS.discoItems) != nil {
            answerItems(stanza, session, roomDomain.map { [($0, "Rooms")] } ?? [])
        } else if stanza.child("query", NS.version) != nil {
            answer(stanza, session) {
                $0.start("query", NS.version)
                $0.content()
                $0.element("name", text: "loopback")
                $0.element("version", text: "1")
                $0.end("query")
            }
        } else {
            bounce(stanza, on: id, "service-unavailable")
        }
    }

    /// What an entity is and can (XEP-0030 3).
    mutating func answerInfo(
        _ stanza: Element, _ session: SessionID,
        _ identity: (category: StaticString, type: StaticString, name: String?), features: [StaticString]
    ) {
        answer(stanza, session) {
            $0.start("query", NS.discoInfo)
            $0.content()
            $0.start("identity")
            $0.attribute("category", identity.category)
            $0.attribute("type", identity.type)
            $0.attribute("name", ifPresent: identity.name)
            $0.endEmpty()
            for feature in features {
                $0.start("feature")
                $0.attribute("var", feature)
                $0.endEmpty()
            }
            $0.end("query")
        }
    }

    /// What there is at an entity (XEP-0030 4).
    mutating func answerItems(_ stanza: Element, _ session: SessionID, _ items: [(jid: JID, name: String?)]) {
        answer(stanza, session) {
            $0.start("query", NS.discoItems)
            $0.content()
            for (jid, name) in items {
                $0.start("item")
                $0.attribute("jid", jid.text)
                $0.attribute("name", ifPresent: name)
                $0.endEmpty()
            }
            $0.end("query")
        }
    }

    /// A result for the client that asked (RFC 6120 8.2.3), from the address it asked.
    mutating func answer(_ stanza: Element, _ session: SessionID, _ payload: (inout XMLWriter) -> Void) {
        guard let asker = sessions[session]?.jid else { return }
        deliver(to: session) {
            $0.start("iq")
            $0.attribute("type", "result")
            $0.attribute("id", ifPresent: stanza["id"])
            $0.attribute("from", ifPresent: stanza["to"])
            $0.attribute("to", asker.text)
            $0.content()
            payload(&$0)
            $0.end("iq")
        }
    }
}

extension LoopbackServer.Configuration {
    /// What the server tells of itself (XEP-0030 3).
    fileprivate var features: [StaticString] {
        var features = [NS.discoInfo, NS.discoItems, NS.ping, NS.version, NS.roster, "msgoffline"]
        switch blocking {
        case .command: features.append(ServerNS.blocking)
        case .privacyLists: features.append(ServerNS.privacy)
        case .none: break
        }
        if carbons { features.append(ServerNS.carbons) }
        return features
    }
}

/// The four types of an iq; a request has exactly one child (RFC 6120 8.2.3).
private enum QueryType {
    case get, set, result, error

    init?(_ stanza: Element) {
        guard stanza["id"] != nil else { return nil }
        switch stanza["type"] {
        case "get": self = .get
        case "set": self = .set
        case "result": self = .result
        case "error": self = .error
        default: return nil  // a text, not one of our enums
        }
        var children = stanza.children
        if isRequest && (children.next() == nil || children.next() != nil) { return nil }
    }

    var isRequest: Bool {
        switch self {
        case .get, .set: true
        case .result, .error: false
        }
    }
}

import Stanza

extension LoopbackServer {
    /// A whole element of the stream.
    mutating func received(_ element: Element, on id: ConnectionID) {
        if let most = configuration.stanzaBytesMax, element.byteCount > most {
            fail(id, "policy-violation")
            return
        }
        switch connections[id]?.stage {
        case .expectAuthentication: receivedBeforeLogin(element, on: id)
        case .expectResponse(let exchange, let account):
            receivedResponse(element, to: exchange, account: account, on: id)
        case .expectBind(let account): receivedBeforeBind(element, account: account, on: id)
        case .online(let session):
            if element.hasNamespace(NS.client) {
                receivedStanza(element, session: session, on: id)
            } else if element.hasNamespace(NS.streamManagement) {
                receivedManagement(element, session: session, on: id)
            } else {
                fail(id, "unsupported-stanza-type")
            }
        case .expectHeader, .expectHandshake, .over, nil: fail(id, "bad-format")
        }
    }

    private mutating func receivedStanza(_ stanza: Element, session: SessionID, on id: ConnectionID) {
        guard let kind = StanzaKind(stanza) else {
            fail(id, "unsupported-stanza-type")
            return
        }
        guard isFromItself(stanza, session: session) else {
            fail(id, "invalid-from")
            return
        }
        let special = special(stanza, kind)
        var goesOn = strike(.stanzas, on: id, stanza)
        if goesOn { goesOn = strike(kind.trigger, on: id, stanza) }
        if goesOn, let special { goesOn = strike(special, on: id, stanza) }
        guard isAlive(id) else { return }
        sessions[session]?.management?.handled &+= 1
        if goesOn { handle(stanza, kind, session: session, on: id) }
        if let special { strikeAfter(special, on: id) }
        strikeAfter(kind.trigger, on: id)
        strikeAfter(.stanzas, on: id)
    }

    /// The trigger that a stanza has beside those of all its kind.
    private func special(_ stanza: Element, _ kind: StanzaKind) -> Fault.Trigger? {
        switch kind {
        case .iq:
            stanza.child("query", NS.roster) != nil
                ? .roster : stanza.child("query", NS.archive) != nil ? .archive : nil
        case .presence: stanza.child("x", ServerNS.muc) == nil ? nil : .join
        case .message: stanza.attribute("type", equals: "groupchat") ? .groupchat : nil
        }
    }

    private mutating func handle(_ stanza: Element, _ kind: StanzaKind, session: SessionID, on id: ConnectionID) {
        var to: JID?
        if let text = stanza["to"] {
            to = connections[id]?.recipient(text)
            if to == nil {
                bounce(stanza, on: id, "jid-malformed")
                return
            }
        }
        if let to, refusesBlocked(stanza, kind, to: to, session: session, on: id) { return }
        switch kind {
        case .message: handleMessage(stanza, to: to, session: session, on: id)
        case .presence: handlePresence(stanza, to: to, session: session, on: id)
        case .iq: handleQuery(stanza, to: to, session: session, on: id)
        }
    }

    /// RFC 6120 8.1.2.1: a client may name itself, and nobody else, as the sender.
    private func isFromItself(_ stanza: Element, session: SessionID) -> Bool {
        guard let from = stanza["from"] else { return true }
        guard let jid = sessions[session]?.jid else { return false }
        if from == jid.text { return true }
        guard let sender = try? JID(from) else { return false }
        return sender == jid || sender == jid.bare
    }
}

/// The three stanzas (RFC 6120 8.2).
enum StanzaKind: Sendable {
    case message, presence, iq

    init?(_ element: Element) {
        if element.hasName("message") {
            self = .message
        } else if element.hasName("presence") {
            self = .presence
        } else if element.hasName("iq") {
            self = .iq
        } else {
            return nil
        }
    }

    var name: StaticString {
        switch self {
        case .message: "message"
        case .presence: "presence"
        case .iq: "iq"
        }
    }

    var trigger: Fault.Trigger {
        switch self {
        case .message: .messages
        case .presence: .presence
        case .iq: .iq
        }
    }
}

// MARK: - Delivering

extension LoopbackServer {
    /// Gives a stanza to a session: written now where there is a connection, kept until acknowledged where the session
    /// has stream management.
    mutating func deliver(_ parcel: Parcel, to session: SessionID) {
        if sessions[session]?.management != nil {
            sessions[session]?.management?.sent(parcel)
            if (sessions[session]?.management?.unacknowledged.count ?? 0)
                > configuration.limits.unacknowledgedStanzasMax
            {
                overflowed(session)
                return
            }
        }
        guard let id = sessions[session]?.connection else { return }
        if strike(.sent, on: id) { write(id) { $0.raw(parcel.bytes) } }
        strikeAfter(.sent, on: id)
    }

    /// Gives a stanza of the server's own to a session.
    mutating func deliver(to session: SessionID, _ body: (inout XMLWriter) -> Void) {
        var writer = XMLWriter(capacity: 256)
        body(&writer)
        deliver(Parcel(bytes: writer.bytes, stamp: wall), to: session)
    }

    /// Gives a session a stanza that somebody made up.
    mutating func deliver(forged bytes: [UInt8], to session: SessionID) {
        deliver(Parcel(bytes: bytes, stamp: wall), to: session)
    }

    /// The client does not acknowledge: its session ends, what it has not taken goes to the offline store.
    private mutating func overflowed(_ session: SessionID) {
        sessions[session]?.management?.resumptionID = nil
        if let id = sessions[session]?.connection {
            fail(id, "policy-violation")
        } else {
            end(session: session)
        }
    }

    /// Sends a stanza back as an error (RFC 6120 8.3); what is an error or a result itself is not answered.
    /// - Parameters:
    ///   - type: the type of error, where it is not the usual one of the condition.
    ///   - detail: a condition of an extension, beside the defined one.
    ///   - by: who says so, where that is not the address the stanza was for.
    mutating func bounce(
        _ stanza: Element, on id: ConnectionID, _ condition: String, type errorType: StaticString? = nil,
        by: String? = nil, detail: (name: StaticString, namespace: StaticString)? = nil
    ) {
        let type = stanza["type"]
        guard type != "error" && type != "result", let kind = StanzaKind(stanza) else { return }
        let domain = configuration.domain.text
        let session = connections[id]?.session
        let isOpenfire = configuration.profile == .openfire
        var writer = XMLWriter(capacity: 256)
        writer.start(kind.name)
        writer.attribute("type", "error")
        writer.attribute("id", ifPresent: stanza["id"])
        writer.attribute("from", stanza["to"] ?? session.flatMap { sessions[$0]?.jid.bare.text } ?? domain)
        writer.attribute("to", ifPresent: session.flatMap { sessions[$0]?.jid.text })
        writer.content()
        if isOpenfire { for child in stanza.children { writer.element(child, inside: NS.client.description) } }
        writer.start("error")
        if isOpenfire { writer.attribute("code", StanzaCondition.legacyCode(condition)) }
        writer.attribute("by", ifPresent: by)
        writer.attribute("type", errorType ?? StanzaCondition.type(condition))
        writer.content()
        writer.raw("<")
        writer.raw(condition.utf8)
        writer.raw(" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>")
        if let detail { writer.empty(detail.name, detail.namespace) }
        writer.end("error")
        writer.end(kind.name)
        guard let session else {
            write(id) { $0.raw(writer.bytes) }
            return
        }
        deliver(Parcel(bytes: writer.bytes, stamp: wall), to: session)
    }

    /// The account of that address, where it is one of ours.
    func account(of jid: JID) -> String? {
        guard jid.domain == configuration.domain.text, let local = jid.local, accounts[local] != nil else { return nil }
        return local
    }

    /// The session bound to that full address.
    func session(of jid: JID) -> SessionID? {
        guard let account = account(of: jid), let candidates = accounts[account]?.sessions else { return nil }
        return candidates.first { sessions[$0]?.jid == jid }
    }

    /// The sessions of an account that are available, the oldest first.
    func availableSessions(_ account: String) -> [SessionID] {
        (accounts[account]?.sessions ?? []).filter { sessions[$0]?.presence != nil }
    }
}

/// What RFC 6120 8.3.3 says beside each condition.
enum StanzaCondition {
    /// The type of error the condition goes with.
    static func type(_ condition: String) -> StaticString {
        switch condition {
        case "bad-request", "jid-malformed", "not-acceptable", "redirect", "policy-violation": "modify"
        case "forbidden", "not-authorized", "registration-required", "subscription-required": "auth"
        case "recipient-unavailable", "remote-server-timeout", "resource-constraint", "unexpected-request": "wait"
        default: "cancel"  // a text, not one of our enums
        }
    }

    /// The number of XEP-0086 that older servers add.
    static func legacyCode(_ condition: String) -> StaticString {
        switch condition {
        case "bad-request", "jid-malformed": "400"
        case "not-authorized": "401"
        case "forbidden": "403"
        case "item-not-found", "remote-server-not-found": "404"
        case "not-allowed": "405"
        case "not-acceptable": "406"
        case "conflict": "409"
        case "resource-constraint": "500"
        default: "503"  // a text, not one of our enums
        }
    }
}

import Digest
import Stanza

extension LoopbackServer {
    /// After authentication: a resource to bind (RFC 6120 7) or a session to resume (XEP-0198 5).
    mutating func receivedBeforeBind(_ element: Element, account: String, on id: ConnectionID) {
        if element.hasNamespace(NS.streamManagement) {
            if element.hasName("resume") {
                receivedResume(element, account: account, on: id)
            } else {
                writeFailed(id, "unexpected-request", handled: nil)
            }
            return
        }
        guard element.isNamed("iq", NS.client), element.attribute("type", equals: "set"),
            let query = element.child("bind", NS.bind)
        else {
            fail(id, "not-authorized")
            return
        }
        guard strike(.bind, on: id, element) else { return }
        bind(query.child("resource", NS.bind)?.text, element, account: account, on: id)
        strikeAfter(.bind, on: id)
    }

    private mutating func bind(_ wish: String?, _ query: Element, account: String, on id: ConnectionID) {
        guard let bare = accounts[account]?.jid else { return }
        let resource = wish.flatMap { $0.isEmpty ? nil : $0 } ?? Hash.sha256.name(of: random(8))
        guard let jid = try? bare.with(resource: resource) else {
            bounce(query, on: id, "bad-request")
            return
        }
        let inherited = session(of: jid).map { replace(session: $0) } ?? []
        guard isAlive(id) else {
            for parcel in inherited { deliverLate(parcel, to: account) }
            return
        }
        guard (accounts[account]?.sessions.count ?? 0) < configuration.limits.accountSessionsMax else {
            bounce(query, on: id, "resource-constraint")
            return
        }
        lastSession += 1
        var session = Session(id: lastSession, account: account, jid: jid)
        session.connection = id
        session.inherited = inherited
        sessions[lastSession] = session
        accounts[account]?.sessions.append(lastSession)
        connections[id]?.stage = .online(lastSession)
        let streamID = connections[id]?.streamID ?? ""
        let domain = configuration.domain.text
        let isOpenfire = configuration.profile == .openfire
        write(id) {
            $0.start("iq")
            $0.attribute("type", "result")
            $0.attribute("id", ifPresent: query["id"])
            if isOpenfire { $0.attribute("to", "\(domain)/\(streamID)") }
            $0.content()
            $0.start("bind", NS.bind)
            $0.content()
            $0.element("jid", text: jid.text)
            $0.raw("</bind></iq>")
        }
        actions.append(.observed(.login(jid, resumed: false)))
        if isOpenfire { askVersion(of: lastSession) }
    }

    /// Ends a session whose resource is bound again (RFC 6120 7.7.2.2); gives what waited for it.
    private mutating func replace(session: SessionID) -> [Parcel] {
        let waiting = takeWaiting(session)
        sessions[session]?.management?.resumptionID = nil
        if let old = sessions[session]?.connection {
            fail(old, "conflict")
        } else {
            end(session: session)
        }
        return waiting
    }

    /// Openfire wants to know every client's version.
    private mutating func askVersion(of session: SessionID) {
        guard let jid = sessions[session]?.jid else { return }
        lastQuery += 1
        let domain = configuration.domain.text
        let number = lastQuery
        deliver(to: session) {
            $0.start("iq")
            $0.attribute("type", "get")
            $0.attribute("id", "\(number)-version")
            $0.attribute("from", domain)
            $0.attribute("to", jid.text)
            $0.content()
            $0.empty("query", NS.version)
            $0.end("iq")
        }
    }
}

// MARK: - The end of sessions

extension LoopbackServer {
    /// The connection of a session is gone: it waits to be resumed, or ends.
    mutating func lost(_ session: SessionID) {
        sessions[session]?.connection = nil
        if sessions[session]?.management?.resumptionID != nil {
            detached[session] = now + configuration.resumptionTimeout
        } else {
            end(session: session)
        }
    }

    /// Ends a session: its contacts hear so, and what it has not taken goes elsewhere.
    mutating func end(session id: SessionID) {
        guard let account = sessions[id]?.account else { return }
        let waiting = takeWaiting(id)
        sayGoodbye(id)
        removeSession(id)
        for parcel in waiting { deliverLate(parcel, to: account) }
    }

    private mutating func removeSession(_ id: SessionID) {
        // Others have just heard of it, and a fault there may have ended this session too.
        guard let gone = sessions.removeValue(forKey: id) else { return }
        detached[id] = nil
        accounts[gone.account]?.sessions.removeAll { $0 == id }
        if let management = gone.management, let resumptionID = management.resumptionID {
            remember(EndedSession(resumptionID: resumptionID, account: gone.account, handled: management.handled))
        }
        actions.append(.observed(.logout(gone.jid)))
    }

    /// Takes the messages that a session has not acknowledged, or not even seen; who asked it something gets an error,
    /// as every question is answered (RFC 6120 8.2.3).
    private mutating func takeWaiting(_ id: SessionID) -> [Parcel] {
        let unacknowledged = sessions[id]?.management?.takeUnacknowledged() ?? []
        let waiting = (sessions[id]?.inherited ?? []) + unacknowledged.filter(\.isStorable)
        sessions[id]?.inherited = []
        guard let jid = sessions[id]?.jid else { return waiting }
        for question in unacknowledged.compactMap(\.question) where question.from != jid {
            guard let asker = session(of: question.from) else { continue }
            deliver(to: asker) {
                $0.start("iq")
                $0.attribute("type", "error")
                $0.attribute("id", question.id)
                $0.attribute("from", jid.text)
                $0.attribute("to", question.from.text)
                $0.raw("><error type='cancel'><service-unavailable")
                $0.raw(" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
            }
        }
        return waiting
    }

    private mutating func remember(_ ended: EndedSession) {
        endedSessions.append(ended)
        if endedSessions.count > configuration.limits.endedSessionsMax { endedSessions.removeFirst() }
    }
}

import Digest
import Stanza

extension LoopbackServer {
    /// An element of XEP-0198 on a session.
    mutating func receivedManagement(_ element: Element, session: SessionID, on id: ConnectionID) {
        if element.hasName("r") {
            if strike(.request, on: id) { answerRequest(session, on: id) }
            strikeAfter(.request, on: id)
        } else if element.hasName("a") {
            if strike(.ack, on: id) { receivedAcknowledgement(element, session: session, on: id) }
            strikeAfter(.ack, on: id)
        } else if element.hasName("enable") {
            if strike(.enable, on: id) { enable(element, session: session, on: id) }
            strikeAfter(.enable, on: id)
        } else {
            writeFailed(id, "unexpected-request", handled: nil)
        }
    }

    private mutating func enable(_ element: Element, session: SessionID, on id: ConnectionID) {
        guard configuration.streamManagement, sessions[session]?.management == nil else {
            writeFailed(id, "unexpected-request", handled: nil)
            return
        }
        var management = StreamManagement()
        let wish = element["resume"]
        let seconds = configuration.resumptionTimeout.components.seconds
        if configuration.resumptionTimeout > .zero && (wish == "true" || wish == "1") {
            management.resumptionID = Hash.sha256.name(of: random(16))
        }
        sessions[session]?.management = management
        let isOpenfire = configuration.profile == .openfire
        let domain = configuration.domain.text
        write(id) {
            $0.start("enabled", NS.streamManagement)
            if let resumptionID = management.resumptionID {
                $0.attribute("id", resumptionID)
                $0.attribute("resume", "true")
                if isOpenfire { $0.attribute("location", domain) }
                $0.attribute("max", String(seconds))
            }
            $0.endEmpty()
        }
    }

    private mutating func answerRequest(_ session: SessionID, on id: ConnectionID) {
        guard let handled = sessions[session]?.management?.handled, let mischief = connections[id]?.mischief,
            !mischief.withholdsAcks
        else { return }
        for _ in 0..<(mischief.repeatsAcks ? 2 : 1) {
            write(id) {
                $0.start("a", NS.streamManagement)
                $0.attribute("h", mischief.told(handled))
                $0.endEmpty()
            }
        }
    }

    private mutating func receivedAcknowledgement(_ element: Element, session: SessionID, on id: ConnectionID) {
        guard sessions[session]?.management != nil else { return }
        guard let h = element["h"].flatMap({ UInt32($0) }) else {
            fail(id, "bad-format")
            return
        }
        sessions[session]?.management?.isAsking = false
        guard acknowledge(h, session: session, on: id) else { return }
        // A client that says so much by itself may leave room for the next question.
        write(id) { _ in }
    }

    /// Takes a client's `h`; one that names more than was sent ends the stream (XEP-0198 4).
    private mutating func acknowledge(_ h: UInt32, session: SessionID, on id: ConnectionID) -> Bool {
        guard sessions[session]?.management?.acknowledge(h) == nil else { return true }
        let sent = sessions[session]?.management?.sentCount ?? 0
        fail(id, "undefined-condition") {
            $0.start("handled-count-too-high", NS.streamManagement)
            $0.attribute("h", h)
            $0.attribute("send-count", sent)
            $0.endEmpty()
        }
        return false
    }

    /// Asks for an acknowledgement behind what is about to be written, where none is asked for yet.
    mutating func askForAcknowledgement(on id: ConnectionID) {
        guard let session = connections[id]?.session, sessions[session]?.management?.shouldAsk == true, isAlive(id)
        else { return }
        sessions[session]?.management?.asked()
        write(id) { $0.empty("r", NS.streamManagement) }
    }

    mutating func writeFailed(_ id: ConnectionID, _ condition: String, handled: UInt32?) {
        write(id) {
            $0.start("failed", NS.streamManagement)
            if let handled { $0.attribute("h", handled) }
            $0.content()
            $0.raw("<")
            $0.raw(condition.utf8)
            $0.raw(" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
        }
    }
}

// MARK: - Resumption

extension LoopbackServer {
    /// `<resume/>` in place of bind (XEP-0198 5).
    mutating func receivedResume(_ element: Element, account: String, on id: ConnectionID) {
        guard strike(.resume, on: id, element) else { return }
        guard configuration.streamManagement, let previous = element["previd"],
            let h = element["h"].flatMap({ UInt32($0) })
        else {
            writeFailed(id, configuration.streamManagement ? "bad-request" : "feature-not-implemented", handled: nil)
            return
        }
        if let session = resumable(previous), sessions[session]?.account == account {
            resume(session, previous, h: h, on: id)
        } else {
            let ended = endedSessions.first { $0.resumptionID == previous && $0.account == account }
            writeFailed(id, "item-not-found", handled: ended?.handled)
        }
        strikeAfter(.resume, on: id)
    }

    /// The session that can be resumed by that id.
    func resumable(_ resumptionID: String) -> SessionID? {
        sessions.first { $0.value.management?.resumptionID == resumptionID }?.key
    }

    private mutating func resume(_ session: SessionID, _ previous: String, h: UInt32, on id: ConnectionID) {
        if let old = sessions[session]?.connection { dismiss(old, "conflict") }
        detached[session] = nil
        sessions[session]?.connection = id
        connections[id]?.stage = .online(session)
        guard acknowledge(h, session: session, on: id), let management = sessions[session]?.management,
            let jid = sessions[session]?.jid
        else { return }
        sessions[session]?.management?.resumed()
        let told = connections[id]?.mischief.told(management.handled) ?? management.handled
        write(id) {
            $0.start("resumed", NS.streamManagement)
            $0.attribute("h", told)
            $0.attribute("previd", previous)
            $0.endEmpty()
        }
        actions.append(.observed(.login(jid, resumed: true)))
        for parcel in management.unacknowledged.items {
            let bytes =
                configuration.profile == .openfire ? parcel.delayed(by: configuration.domain).bytes : parcel.bytes
            guard isAlive(id) else { return }
            if strike(.sent, on: id) { write(id) { $0.raw(bytes) } }
            strikeAfter(.sent, on: id)
        }
    }
}

import Stanza

// After authentication: resumption, bind, the legacy session, stream management.
extension Negotiation {
    // MARK: - Resumption (XEP-0198 5)

    mutating func resumptionAnswer(_ element: Element, into output: inout XMLWriter) -> Progress {
        guard element.hasNamespace(NS.streamManagement) else { return unexpected(element) }
        if element.hasName("resumed") {
            guard let h = StreamManagement.count(of: element), element["previd"] == resumption?.id else {
                return .lost(Loss(.protocolFault, "\(peerName) resumed a session that is not ours"))
            }
            StreamManagement.writeRequest(into: &output)
            state = .expectAnswer
            return .resumed(h: h)
        }
        guard element.hasName("failed") else { return unexpected(element) }
        let h = StreamManagement.count(of: element)
        if case .lost(let loss) = bind(into: &output) { return .lost(loss) }
        return .resumptionRefused(h: h)
    }

    /// The server replays before it answers.
    mutating func verification(_ element: Element) -> Progress {
        if element.isNamed("a", NS.streamManagement), let h = StreamManagement.count(of: element) {
            state = .done
            return .verified(h: h)
        }
        if element.isNamed("r", NS.streamManagement) { return .asked }
        return Self.isStanza(element) ? .stanza(element) : unexpected(element)
    }

    // MARK: - Bind (RFC 6120 7)

    mutating func bind(into output: inout XMLWriter) -> Progress {
        guard features?.bind == true else {
            return .lost(Loss(.protocolFault, "\(peerName) offers no resource binding"))
        }
        let id = idPrefix + "bind"
        output.start("iq")
        output.attribute("type", "set" as StaticString)
        output.attribute("id", id)
        output.content()
        output.start("bind", NS.bind)
        if let resource = configuration.resource {
            output.content()
            output.element("resource", text: resource)
            output.end("bind")
        } else {
            output.endEmpty()
        }
        output.end("iq")
        state = .expectBound(id: id)
        return .wait([])
    }

    /// Openfire's result is addressed to nobody we know, so only the id and the bound JID itself count.
    mutating func bindAnswer(_ element: Element, id: String, into output: inout XMLWriter) -> Progress {
        guard element.isNamed("iq", NS.client), element["id"] == id else { return unexpected(element) }
        if element.attribute("type", equals: "error") {
            let error = StanzaError(of: element)
            let named = configuration.resource.map { "resource \($0)" } ?? "resource"
            let said = "\(peerName) does not bind the \(named): \(SASLFailure.printable(error.description))"
            if error.condition == "conflict" {
                return .lost(Loss(.occupied, said + "; another client holds it: give this one a resource of its own"))
            }
            let passes = error.type == "wait" || error.condition == "resource-constraint"
            return .lost(Loss(passes ? .transient : .protocolFault, said))
        }
        guard element.attribute("type", equals: "result"),
            let text = element.child("bind", NS.bind)?.child("jid", NS.bind)?.text,
            let jid = try? JID(received: text), !jid.isBare
        else { return .lost(Loss(.protocolFault, "\(peerName) bound a resource without saying which")) }
        if configuration.credentials != .anonymous, jid.bare != configuration.account {
            // A certificate for another account logs in as that one: nothing of this run was meant for it.
            let words =
                "\(peerName) logs us in as \(jid.bare), not as \(configuration.account); name that account, if it is meant"
            return .lost(Loss(.protocolFault, words))
        }
        guard features?.session == .required else { return afterSession(jid, into: &output) }
        let sessionID = idPrefix + "session"
        output.start("iq")
        output.attribute("type", "set" as StaticString)
        output.attribute("id", sessionID)
        output.content()
        output.empty("session", NS.session)
        output.end("iq")
        state = .expectSession(id: sessionID)
        return .bound(jid)
    }

    // MARK: - The legacy session (RFC 3921 3)

    mutating func sessionAnswer(_ element: Element, id: String, into output: inout XMLWriter) -> Progress {
        guard Self.isStanza(element) else { return unexpected(element) }
        guard element.hasName("iq"), element["id"] == id else { return .stanza(element) }
        guard element.attribute("type", equals: "result") else {
            let error = SASLFailure.printable(StanzaError(of: element).description)
            return .lost(Loss(.transient, "\(peerName) does not establish the session: \(error)"))
        }
        return afterSession(nil, into: &output)
    }

    // MARK: - Stream management (XEP-0198 3)

    /// - Parameter jid: where it was bound just now.
    private mutating func afterSession(_ jid: JID?, into output: inout XMLWriter) -> Progress {
        guard features?.streamManagement == true else {
            state = .done
            return .ready(jid, managed: false, nil)
        }
        StreamManagement.writeEnable(into: &output)
        state = .expectEnabled
        return .enabling(jid)
    }

    mutating func enableAnswer(_ element: Element) -> Progress {
        if element.isNamed("enabled", NS.streamManagement) {
            state = .done
            return .ready(nil, managed: true, ResumableSession(element))
        }
        if element.isNamed("failed", NS.streamManagement) {
            state = .done
            return .ready(nil, managed: false, nil)
        }
        return Self.isStanza(element) ? .stanza(element) : unexpected(element)
    }

    /// Whether it is a message, presence or iq.
    static func isStanza(_ element: Element) -> Bool {
        element.hasNamespace(NS.client)
            && (element.hasName("message") || element.hasName("presence") || element.hasName("iq"))
    }
}

import Stanza

// What comes on a bound stream: events for the bridge, answers of our own.
extension ClientSession {
    /// Requests for subscription that are remembered as told; beyond, a repetition is told again.
    static let requestsToldMax = 10_000

    /// Numbers a stanza, and makes its events or answers it.
    mutating func receive(_ stanza: Element, _ actions: inout [Action]) {
        guard inbound.receive() else { return }
        let before = actions.count
        guard let from = sender(of: stanza) else {
            actions.append(.event(.warning("\(peerName) sent a stanza whose sender is no JID; it is left out")))
            return
        }
        if stanza.hasName("message") {
            message(stanza, from: from, &actions)
        } else if stanza.hasName("presence") {
            if !rooms.take(presence: stanza, from: from, at: now) { presence(stanza, from: from, &actions) }
        } else {
            iq(stanza, from: from, &actions)
        }
        followRooms(&actions)
        if actions[before...].contains(where: \.isEventOfStanza) { inbound.await(since: now) }
    }

    /// Our own account, as bound.
    var account: JID { (boundTo ?? configuration.account).bare }

    /// RFC 6120 8.1.2.1: without a `from` it is from our own account.
    private func sender(of stanza: Element) -> JID? {
        guard let text = stanza["from"] else { return account }
        return try? JID(received: text)
    }

    // MARK: - Messages

    private mutating func message(_ stanza: Element, from: JID, _ actions: inout [Action]) {
        if let result = stanza.child("result", NS.archive) { return archived(result, from: from, &actions) }
        if let (wrapping, carbon) = CarbonCopy.wrapping(in: stanza) {
            // XEP-0280 11, CVE-2017-5589: anybody else could put words into our contacts' mouths.
            guard from == account else { return actions.append(.event(.forged(what: "carbon", from: from))) }
            guard let copy = CarbonCopy.message(in: wrapping, carbon, account: account) else { return }
            return pass(copy, &actions)
        }
        var message = Message(stanza, from: from)
        guard rooms.take(&message, at: now) else { return passedOver(message, &actions) }
        pass(message, &actions)
    }

    /// A receipt is no message, unless it says something besides.
    func tell(_ message: Message, _ actions: inout [Action]) {
        if let id = Self.receipt(in: message) {
            actions.append(.event(.receipt(id: id, from: message.from)))
            if message.stanza.child("body", NS.client) == nil { return }
        }
        actions.append(.event(.message(message)))
    }

    // MARK: - Presence

    private mutating func presence(_ stanza: Element, from: JID, _ actions: inout [Action]) {
        guard var event = PresenceStanza.read(stanza, from: from) else { return }
        if isComingIn, case .presence(var update) = event {
            update.initial = true
            event = .presence(update)
        }
        if case .subscription(let jid, let action, _) = event {
            switch action {
            case .request:
                // Servers repeat a request at each login until it is answered (RFC 6121 3.1.3).
                if requestsTold.contains(jid) { return }
                if requestsTold.count < Self.requestsToldMax { requestsTold.insert(jid) }
            case .unsubscribed: requestsTold.remove(jid)
            case .approved, .denied, .cancelled: break
            }
        }
        actions.append(.event(event))
    }

    // MARK: - Iqs

    private mutating func iq(_ stanza: Element, from: JID, _ actions: inout [Action]) {
        switch stanza["type"] {
        case "result", "error": answer(stanza, from: from, &actions)
        case "get", "set": question(stanza, from: from, &actions)
        case _: refuse(stanza, type: "modify", condition: "bad-request")
        }
    }

    /// An answer counts only with the id of our question, and from whom we asked.
    private mutating func answer(_ stanza: Element, from: JID, _ actions: inout [Action]) {
        guard let id = stanza["id"] else { return }
        let isAccount = from == account || from == boundTo
        // The pings go to the server; without a `from` the answer is the server's for our account.
        let isServer = from.text == configuration.account.domain || stanza["from"] == nil
        if rooms.take(answer: stanza, id: id, from: from, at: now) { return }
        if let question = pending.acceptance, question.id == id, isServer {
            accepted(question, &actions)
        } else if pending.livenessID == id, isServer {
            pending.livenessID = nil
        } else if pending.rosterID == id, isAccount {
            pending.rosterID = nil
            rosterAnswer(stanza, &actions)
        } else if let number = questions.number(of: id) {
            answered(number, stanza, from: from, &actions)
        }
    }

    private mutating func question(_ stanza: Element, from: JID, _ actions: inout [Action]) {
        var payload: Element?
        for child in stanza.children {
            payload = child
            break
        }
        guard let payload else { return refuse(stanza, type: "modify", condition: "bad-request") }
        if payload.isNamed("query", NS.roster), stanza.attribute("type", equals: "set") {
            return rosterPush(payload, stanza, from: from, &actions)
        }
        if stanza.attribute("type", equals: "set"), blockPush(payload, stanza, from: from, &actions) { return }
        guard stanza.attribute("type", equals: "get"), mayKnowOfUs(from) else {
            return refuse(stanza, type: "cancel", condition: "service-unavailable")
        }
        if payload.isNamed("ping", NS.ping) {
            reply(stanza, payload: [])
        } else if payload.isNamed("query", NS.discoInfo) {
            guard let info = capabilities.info(node: payload["node"]) else {
                return refuse(stanza, type: "cancel", condition: "item-not-found")
            }
            reply(stanza, payload: info)
        } else if payload.isNamed("query", NS.discoItems) {
            reply(stanza, payload: capabilities.items())
        } else if payload.isNamed("query", NS.version) {
            reply(stanza, payload: capabilities.versionAnswer())
        } else {
            refuse(stanza, type: "cancel", condition: "service-unavailable")
        }
    }

    /// An answer tells that we are here (XEP-0199 6, XEP-0030 9): only those hear it who may see our presence. The
    /// others get what a server says for a resource that is not there (RFC 6121 8.5.3.2.3).
    func mayKnowOfUs(_ jid: JID) -> Bool {
        jid.text == configuration.account.domain || jid.bare == account || roster.seesUs(jid) || rooms.seesUs(jid)
    }

    // MARK: - Roster

    private mutating func rosterAnswer(_ stanza: Element, _ actions: inout [Action]) {
        guard stanza.attribute("type", equals: "result") else {
            let error = SASLFailure.printable(StanzaError(of: stanza).description)
            actions.append(.event(.warning("\(peerName) gives no roster: \(error)")))
            return
        }
        for item in roster.replace(with: stanza.child("query", NS.roster)) {
            actions.append(.event(.roster(item, initial: true)))
        }
        actions.append(.event(.rosterComplete(version: roster.version)))
    }

    private mutating func rosterPush(
        _ query: Element, _ stanza: Element, from: JID, _ actions: inout [Action]
    ) {
        // RFC 6121 2.1.6: only our own account may push, not even the server's domain. A forger gets the answer of
        // anybody who asks for what is not there.
        guard from == account else {
            actions.append(.event(.forged(what: "roster push", from: from)))
            return refuse(stanza, type: "cancel", condition: "service-unavailable")
        }
        guard let (item, isCancelled) = roster.push(query) else {
            return refuse(stanza, type: "modify", condition: "bad-request")
        }
        if item.subscription == "from" || item.subscription == "both" { requestsTold.remove(item.jid) }
        reply(stanza, payload: [])
        actions.append(.event(.roster(item, initial: false)))
        if isCancelled { actions.append(.event(.subscription(jid: item.jid, action: .cancelled, status: nil))) }
    }

    // MARK: - Answers of our own

    mutating func reply(_ stanza: Element, payload: [UInt8]) {
        var writer = startAnswer(stanza, "result", capacity: 128 + payload.count)
        if payload.isEmpty {
            writer.endEmpty()
        } else {
            writer.content()
            writer.raw(payload)
            writer.end("iq")
        }
        write(writer.bytes)
    }

    mutating func refuse(_ stanza: Element, type: StaticString, condition: StaticString) {
        var writer = startAnswer(stanza, "error", capacity: 256)
        writer.content()
        writer.start("error")
        writer.attribute("type", type)
        writer.content()
        writer.empty(condition, NS.stanzas)
        writer.end("error")
        writer.end("iq")
        write(writer.bytes)
    }

    private func startAnswer(_ stanza: Element, _ type: StaticString, capacity: Int) -> XMLWriter {
        var writer = XMLWriter(capacity: capacity)
        writer.start("iq")
        writer.attribute("type", type)
        writer.attribute("id", ifPresent: stanza["id"])
        writer.attribute("to", ifPresent: stanza["from"])
        return writer
    }
}

extension Action {
    /// Whether it is an event that a sink must write before its stanza is handled; a warning goes to no sink.
    var isEventOfStanza: Bool {
        switch self {
        case .event(.warning): false
        case .event: true
        case .connect, .startTLS, .restartStream, .derive, .accepted, .foundInArchive, .returned, .writable, .spill,
            .keepStream,
            .drained, .closeConnection, .abortConnection, .ended:
            false
        }
    }
}

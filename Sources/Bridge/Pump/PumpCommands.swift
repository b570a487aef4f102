import Endpoints
import Routing
import Session
import Stanza
import Wire

// Commands on the pipe, each with its result (DESIGN 5.3).
extension Pump {
    mutating func takeCommand(_ line: UnsafeBufferPointer<UInt8>, number: UInt64) {
        guard !line.isEmpty else { return }
        switch reader.read(line, number: number) {
        case .failure(let problem): answer(.result(problem))
        case .success(let command): obey(command, number: number)
        }
    }

    private mutating func obey(_ command: Command, number: UInt64) {
        switch command {
        case .send(let message):
            for jid in message.to {
                append(
                    .init(
                        to: jid, type: message.type.rawValue, body: Array(message.body.utf8), subject: message.subject,
                        thread: message.thread),
                    ref: message.ref)
            }
            answer(.result(ref: message.ref, ok: true, text: "accepted"))
            commit()
        case .presence(let presence): show(presence)
        case .raw(let raw): sendRaw(raw, number: number)
        }
    }

    /// A result goes where events go; a run whose rules take no event still gets it on standard output.
    mutating func answer(_ result: EventRecord) {
        if router.takesEvents { emit(result) } else { printEvent(result) }
    }

    // MARK: - presence

    private mutating func show(_ presence: Command.Presence) {
        if presence.to == nil {
            session.setPresence(presence.own, at: now)
        } else if session.isOnline {
            session.sendUnreliably(presence.stanza, at: now)
        } else {
            return answer(.result(ref: presence.ref, ok: false, code: "offline", text: "not online; a directed presence is not kept"))
        }
        answer(.result(ref: presence.ref, ok: true, text: "accepted"))
    }

    // MARK: - raw

    private mutating func sendRaw(_ raw: Command.Raw, number: UInt64) {
        let stanza: Element
        do throws(StreamParser.Failure) { stanza = try StreamParser.stanza(raw.xml) } catch {
            return refuse(raw, "bad-xml", "not one whole stanza: \(error.text)")
        }
        if stanza.isNamed("message", NS.client) {
            store.append(.init(lane: 0, payload: serialised(stanza), ref: raw.ref))
            counters.rowsAppended += 1
            answer(.result(ref: raw.ref, ok: true, text: "accepted"))
            return commit()
        }
        guard stanza.isNamed("iq", NS.client) || stanza.isNamed("presence", NS.client) else {
            return refuse(raw, "bad-value", "expected a message, presence or iq in jabber:client, not \(stanza.name)")
        }
        guard session.isOnline else { return refuse(raw, "offline", "not online; only messages are kept until then") }
        if stanza.hasName("iq"), stanza["type"] == "get" || stanza["type"] == "set" {
            return request(stanza, raw)
        }
        session.sendUnreliably(serialised(stanza), at: now)
        answer(.result(ref: raw.ref, ok: true, text: "accepted"))
    }

    private mutating func refuse(_ raw: Command.Raw, _ code: String, _ text: String) {
        answer(.result(ref: raw.ref, ok: false, code: code, text: text, key: "xml"))
    }

    /// An iq of the user's: its result is the server's answer, known by the id.
    private mutating func request(_ stanza: Element, _ raw: Command.Raw) {
        guard let id = stanza["id"], !id.isEmpty else {
            return refuse(raw, "missing-key", "an iq needs an id, so that its answer is known")
        }
        guard rawRequests.count < Limits.rawRequestsMax, rawRequests[id] == nil else {
            return refuse(raw, "bad-value", "an iq with the id \(id) still waits for its answer")
        }
        rawRequests[id] = raw.ref ?? ""
        session.sendUnreliably(serialised(stanza), at: now)
    }

    /// The answer to an iq that the session did not ask itself.
    mutating func answered(_ iq: Element) {
        guard let id = iq["id"], let ref = rawRequests.removeValue(forKey: id) else { return }
        let known = ref.isEmpty ? nil : ref
        if iq["type"] == "error" {
            let error = StanzaError(of: iq)
            answer(.result(ref: known, ok: false, code: error.condition, text: error.text, xml: iq.description))
        } else {
            answer(.result(ref: known, ok: true, xml: iq.description))
        }
        leaveIfDrained()
    }

    /// Requests whose stream is lost are never answered.
    mutating func dropRequests() {
        for (_, ref) in rawRequests {
            answer(.result(ref: ref.isEmpty ? nil : ref, ok: false, code: "offline", text: "the stream was lost before the answer"))
        }
        rawRequests.removeAll()
    }

    private func serialised(_ stanza: Element) -> [UInt8] {
        var writer = XMLWriter(capacity: stanza.byteCount + 64)
        writer.element(stanza, inside: NS.client.description)
        return writer.bytes
    }
}

import Endpoints
import Routing
import Session
import Spool
import Stanza
import Wire

// Commands on the pipe, each with its result (DESIGN 5.3).
extension Pump {
    mutating func takeCommand(_ line: UnsafeBufferPointer<UInt8>, number: UInt64) {
        guard !line.isEmpty else { return }
        switch reader.read(line, number: number) {
        case .failure(let problem):
            refusedInput = true
            answer(problem.event)
        case .success(let command): obey(command, number: number)
        }
    }

    private mutating func obey(_ command: Command, number: UInt64) {
        switch command {
        case .send(let message):
            var isTaken = true
            for jid in message.to {
                let content = MessageStanza.Content(
                    to: jid, type: message.type?.rawValue ?? "chat", body: message.body, subject: message.subject,
                    thread: message.thread, id: message.id)
                if !append(content, ref: message.ref) { isTaken = false }
            }
            if isTaken {
                answer(.result(ref: message.ref, ok: true, text: "accepted"))
            } else {
                let text = "longer than the server takes (\(stanzaBytesMax) bytes)"
                answer(
                    .result(ref: message.ref, ok: false, code: "too-long", text: text, key: "body", line: number))
            }
            commit()
        case .presence(let presence): show(presence, number: number)
        case .raw(let raw): sendRaw(raw, number: number)
        case .rosterGet, .rosterSet, .rosterRemove, .subscribe, .unsubscribe, .approve, .deny, .revoke, .block,
            .unblock, .blockList, .join, .leave, .subject, .invite, .affiliate, .kick, .disco, .ping, .version,
            .status:
            refusedInput = true
            let text = "this version cannot do this yet"
            answer(
                .result(
                    ref: command.ref, ok: false, code: CommandProblem.Code.unsupportedCommand.rawValue, text: text,
                    key: "do", line: number))
        }
    }

    /// A result goes where events go; a run whose rules take no event still gets it on standard output.
    mutating func answer(_ result: EventRecord) {
        report(result)
    }

    // MARK: - presence

    private mutating func show(_ presence: Command.Presence, number: UInt64) {
        guard presence.stanza.count + MessageStanza.frameBytesMin <= stanzaBytesMax else {
            refusedInput = true
            let text = "longer than the server takes (\(stanzaBytesMax) bytes)"
            return answer(
                .result(ref: presence.ref, ok: false, code: "too-long", text: text, key: "status", line: number))
        }
        if presence.to == nil {
            let own = Session.Configuration.Presence(
                show: presence.show?.rawValue, status: presence.status, priority: presence.priority ?? 0)
            session.show(presence.available ? own : nil, at: now)
        } else if session.isOnline {
            session.sendUnreliably(presence.stanza, at: now)
        } else {
            return answer(
                .result(
                    ref: presence.ref, ok: false, code: "offline", text: "not online; a directed presence is not kept"))
        }
        answer(.result(ref: presence.ref, ok: true, text: "accepted"))
    }

    // MARK: - raw

    private mutating func sendRaw(_ raw: Command.Raw, number: UInt64) {
        let stanza: Element
        do throws(StreamParser.Failure) { stanza = try StreamParser.stanza(raw.xml) } catch {
            return refuse(raw, "bad-xml", number, "not one whole stanza: \(error.text)")
        }
        guard serialised(stanza).count <= stanzaBytesMax else {
            return refuse(raw, "too-long", number, "longer than the server takes (\(stanzaBytesMax) bytes)")
        }
        if stanza.isNamed("message", NS.client) {
            appendRaw(stanza, ref: raw.ref)
            answer(.result(ref: raw.ref, ok: true, text: "accepted"))
            return commit()
        }
        guard stanza.isNamed("iq", NS.client) || stanza.isNamed("presence", NS.client) else {
            return refuse(
                raw, "bad-value", number, "expected a message, presence or iq in jabber:client, not \(stanza.name)")
        }
        guard session.isOnline else {
            return refuse(raw, "offline", number, "not online; only messages are kept until then")
        }
        if stanza.hasName("iq"), stanza["type"] == "get" || stanza["type"] == "set" {
            return request(stanza, raw, number)
        }
        session.sendUnreliably(serialised(stanza), at: now)
        answer(.result(ref: raw.ref, ok: true, text: "accepted"))
    }

    /// A whole message of the user's as a row; its id stays, so that a bounce can be told as that of this row.
    private mutating func appendRaw(_ stanza: Element, ref: String?) {
        let id = stanza["id"] ?? ""
        let tag = ref.map { RowTag(ref: $0, to: stanza["to"] ?? accountJID.text).text }
        let to = stanza["to"].flatMap { try? JID($0) } ?? accountJID
        let lane = recipient(to, type: "chat").lane
        let row = store.append(
            CollectionOfOne(RowDraft(lane: lane, payload: serialised(stanza), originID: id, ref: tag))
        ).lowerBound
        if !id.isEmpty { givenIDs[id] = row }
        counters.rowsAppended += 1
    }

    private mutating func refuse(_ raw: Command.Raw, _ code: String, _ number: UInt64, _ text: String) {
        refusedInput = true
        answer(.result(ref: raw.ref, ok: false, code: code, text: text, key: "xml", line: number))
    }

    /// An iq of the user's: its result is the server's answer.
    private mutating func request(_ stanza: Element, _ raw: Command.Raw, _ number: UInt64) {
        rawRequestCount += 1
        do throws(QuestionProblem) {
            try session.ask(.raw(stanza), tag: rawRequestCount, at: now)
            rawRequests[rawRequestCount] = RawRequest(ref: raw.ref)
        } catch {
            switch error {
            case .offline: refuse(raw, "offline", number, "not online; only messages are kept until then")
            case .tooMany(let max):
                refuse(raw, "too-many", number, "\(max) queries wait for their answers; wait for some")
            case .idTaken(let id):
                refuse(raw, "bad-value", number, "a query with the id \(id) still waits for its answer")
            }
        }
    }

    /// A query of the user's that waits for its answer.
    struct RawRequest: Equatable, Sendable {
        var ref: String?
    }

    /// The answer to a query, or that none came.
    mutating func answered(_ tag: UInt64, _ told: Answer) {
        guard let request = rawRequests.removeValue(forKey: tag) else { return }
        let ref = request.ref
        switch told {
        case .refused(let error, let iq):
            answer(
                .result(
                    ref: ref, ok: false, code: "refused", text: error.text, condition: error.condition,
                    xml: iq.description))
        case .element(let iq): answer(.result(ref: ref, ok: true, xml: iq.description))
        case .unanswered(.timeout(let seconds)):
            answer(.result(ref: ref, ok: false, code: "timeout", text: "no answer within \(seconds) s"))
        case .unanswered(.streamLost):
            let text = "the stream was lost before the answer: perhaps it was carried out"
            answer(.result(ref: ref, ok: false, code: "offline", text: text))
        case .unanswered(.ending):
            answer(.result(ref: ref, ok: false, code: "offline", text: "no answer came before the end"))
        case .done, .roster, .blocked, .info, .items, .pong, .version, .affiliations:
            answer(.result(ref: ref, ok: true))
        }
        leaveIfSettled()
    }

    /// Requests whose stream is lost are never answered.
    mutating func dropRequests(_ why: String) {
        for request in rawRequests.values {
            answer(.result(ref: request.ref, ok: false, code: "offline", text: why))
        }
        rawRequests.removeAll()
        leaveIfSettled()
    }

    private func serialised(_ stanza: Element) -> [UInt8] {
        var writer = XMLWriter(capacity: stanza.byteCount + 64)
        writer.element(stanza, inside: NS.client.description)
        return writer.bytes
    }
}

extension Command.Presence {
    /// A directed presence (RFC 6121 4.6) as it is sent.
    fileprivate var stanza: [UInt8] {
        var writer = XMLWriter()
        writer.start("presence")
        writer.attribute("to", ifPresent: to?.text)
        if !available { writer.attribute("type", "unavailable" as StaticString) }
        writer.content()
        if let show { writer.element("show", text: show.rawValue) }
        if let status { writer.element("status", text: status) }
        if let priority { writer.element("priority", text: String(priority)) }
        writer.end("presence")
        return writer.bytes
    }
}

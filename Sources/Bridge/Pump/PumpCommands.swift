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

    mutating func obey(_ command: Command, number: UInt64) {
        switch command {
        case .send(let message): send(message, number: number)
        case .presence(let presence): show(presence, number: number)
        case .raw(let raw): sendRaw(raw, number: number)
        case .rosterGet(let plain): ask(.rosterGet, .roster, plain.ref)
        case .rosterSet(let item): ask(.rosterSet(jid: item.jid, name: item.name, groups: item.groups), .done, item.ref)
        case .rosterRemove(let contact): ask(.rosterRemove(contact.jid), .done, contact.ref)
        case .subscribe(let contact): subscription("subscribe", contact)
        case .unsubscribe(let contact): subscription("unsubscribe", contact)
        case .approve(let contact): answerRequest("subscribed", contact)
        case .deny(let contact): answerRequest("unsubscribed", contact)
        case .revoke(let contact): subscription("unsubscribed", contact)
        case .block(let blocking): ask(.block(blocking.jids), .done, blocking.ref)
        case .unblock(let blocking): ask(.unblock(blocking.all ? [] : blocking.jids), .done, blocking.ref)
        case .blockList(let plain): ask(.blockList, .blocked, plain.ref)
        case .join(let join): enter(join, number: number)
        case .leave(let leave): self.leave(leave, number: number)
        case .subject(let subject): setSubject(subject)
        case .invite(let invite): self.invite(invite)
        case .affiliate(let one): affiliate(one)
        case .kick(let kick):
            ask(.setRole(room: kick.room, nick: kick.nick, role: "none", reason: kick.reason), .done, kick.ref)
        case .disco(let disco):
            ask(
                disco.items ? .discoItems(disco.jid, node: disco.node) : .discoInfo(disco.jid, node: disco.node), .done,
                disco.ref)
        case .ping(let target): ask(.ping(target.jid), .done, target.ref)
        case .version(let target): ask(.version(target.jid ?? accountJID.server), .done, target.ref)
        case .status(let plain): tellStatus(plain.ref)
        }
    }

    /// A result goes where events go; a run whose rules take no event still gets it on standard output.
    mutating func answer(_ result: EventRecord) {
        if errand == nil { report(result) } else { errandAnswered(result) }
    }

    private mutating func accept(_ ref: String?) { answer(.result(ref: ref, ok: true, text: "accepted")) }

    // MARK: - send

    private mutating func send(_ message: Command.Send, number: UInt64) {
        let recipients = message.room.map { [$0] } ?? message.to
        var isTaken = true
        for jid in recipients {
            let type = message.type?.rawValue ?? "chat"
            if type == "groupchat",
                let why = closedRooms[jid] ?? (session.standing(in: jid) == nil ? "join it first" : nil)
            {
                return answer(
                    .result(
                        ref: message.ref, ok: false, code: "not-joined", text: "not in the room \(jid): \(why)",
                        key: message.room == nil ? "to" : "room", line: number))
            }
            var content = MessageStanza.Content(
                to: jid, type: type, body: message.body, subject: message.subject, thread: message.thread,
                id: message.id)
            content.isForOccupant = !jid.isBare && session.standing(in: jid.bare) != nil
            content.asksReceipt = type != "groupchat" && (message.receipt || options.asksReceipts)
            if !append(content, ref: message.ref) { isTaken = false }
        }
        if isTaken {
            accept(message.ref)
        } else {
            let text = "longer than the server takes (\(stanzaBytesMax) bytes)"
            answer(.result(ref: message.ref, ok: false, code: "too-long", text: text, key: "body", line: number))
        }
        commit()
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
            board.base = presence.available ? own : nil
            session.show(board.base, farewell: presence.status, at: now)
        } else if session.isOnline {
            session.sendUnreliably(presence.stanza, at: now)
        } else {
            return answer(
                .result(
                    ref: presence.ref, ok: false, code: "offline", text: "not online; a directed presence is not kept"))
        }
        accept(presence.ref)
    }

    // MARK: - Subscriptions (RFC 6121 3)

    /// A presence about who sees whom: it must arrive, so it is a row.
    mutating func subscription(_ type: StaticString, _ contact: Command.Contact) {
        appendPresence(type, to: contact.jid, status: contact.status, ref: contact.ref)
        accept(contact.ref)
        commit()
    }

    /// An answer to a request, or one given before it (RFC 6121 3.4): the next request is an event again.
    private mutating func answerRequest(_ type: StaticString, _ contact: Command.Contact) {
        session.answeredRequest(of: contact.jid)
        subscription(type, contact)
    }

    /// Approves a request that the standing policy lets in.
    mutating func approveByPolicy(_ jid: JID) {
        guard options.accepts.contains(where: { $0.matches(jid) }) else { return }
        actions.append(.say(.info, "approving the subscription request of \(jid)"))
        session.answeredRequest(of: jid)
        appendPresence("subscribed", to: jid, status: nil, ref: nil)
        commit()
    }

    private mutating func appendPresence(_ type: StaticString, to jid: JID, status: String?, ref: String?) {
        var writer = XMLWriter(capacity: 128)
        writer.start("presence")
        writer.attribute("to", jid.bare.text)
        writer.attribute("type", type)
        let row = backlog.lastNumber + 1
        writer.attribute("id", stanzas.identifier(row))
        if let status {
            writer.content()
            writer.element("status", text: status)
            writer.end("presence")
        } else {
            writer.endEmpty()
        }
        appendStanza(writer.bytes, to: jid, id: nil, ref: ref)
    }

    // MARK: - raw

    private mutating func sendRaw(_ raw: Command.Raw, number: UInt64) {
        let stanza: Element
        do throws(StreamParser.Failure) { stanza = try StreamParser.stanza(raw.xml) } catch {
            return refuse(raw, "bad-xml", number, "not one whole stanza: \(error.text)")
        }
        let bytes = serialised(stanza)
        guard bytes.count <= stanzaBytesMax else {
            return refuse(raw, "too-long", number, "longer than the server takes (\(stanzaBytesMax) bytes)")
        }
        if stanza.isNamed("message", NS.client) {
            let to = stanza["to"].flatMap { try? JID($0) } ?? accountJID
            appendStanza(bytes, to: to, id: stanza["id"], ref: raw.ref)
            accept(raw.ref)
            return commit()
        }
        guard stanza.isNamed("iq", NS.client) || stanza.isNamed("presence", NS.client) else {
            return refuse(
                raw, "bad-value", number, "expected a message, presence or iq in jabber:client, not \(stanza.name)")
        }
        if stanza.hasName("iq"), stanza["type"] == "get" || stanza["type"] == "set" {
            return ask(.raw(stanza), .done, raw.ref, key: "xml", line: number)
        }
        guard session.isOnline else {
            return refuse(raw, "offline", number, "not online; only messages are kept until then")
        }
        session.sendUnreliably(bytes, at: now)
        accept(raw.ref)
    }

    private mutating func refuse(_ raw: Command.Raw, _ code: String, _ number: UInt64, _ text: String) {
        refusedInput = true
        answer(.result(ref: raw.ref, ok: false, code: code, text: text, key: "xml", line: number))
    }

    /// A whole stanza as a row; a message's id stays, so that a bounce can be told as that of this row.
    mutating func appendStanza(_ bytes: [UInt8], to: JID, id: String?, ref: String?) {
        let tag = ref.map { RowTag(ref: $0, to: to.text).text }
        let lane = recipient(to, type: "chat").lane
        backlog.append(RowDraft(lane: lane, payload: bytes, originID: id ?? "", ref: tag))
        counters.rowsAppended += 1
    }

    private func serialised(_ stanza: Element) -> [UInt8] {
        var writer = XMLWriter(capacity: stanza.byteCount + 64)
        writer.element(stanza, inside: NS.client.description)
        return writer.bytes
    }

    // MARK: - status

    private mutating func tellStatus(_ ref: String?) {
        var result = EventRecord.ResultFields(ref: ref, ok: true)
        result.state = session.isOnline ? .online : session.hasBeenOnline ? .offline : .connecting
        result.jid = session.boundJID
        result.text = statusLine
        answer(.result(result))
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

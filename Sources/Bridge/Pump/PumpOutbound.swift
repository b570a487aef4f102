import Endpoints
import Routing
import Session
import Spool
import Stanza

// Records to rules to the spool to the session.
extension Pump {
    /// Runs a record through the rules and carries the deliveries on.
    /// - Parameter number: of a line the source's, or the file's, among ``sources``.
    mutating func route(_ record: Record, from source: Source, number: Int = 0) {
        var found: [Delivery] = []
        swap(&found, &deliveries)
        router.route(record, from: source, at: wall, into: &found)
        for delivery in found { shape(delivery) }
        found.removeAll(keepingCapacity: true)
        swap(&found, &deliveries)
        join(record, from: source, number: number)
    }

    /// - Parameter edit: the chain of edits that a text belongs to.
    mutating func carry(_ delivery: Delivery, _ edit: HeldTexts.Edit? = nil) {
        switch (delivery.destination, delivery.content) {
        case (.xmpp(let jid), .text(let body)):
            var content = MessageStanza.Content(
                to: jid, type: router.rules[delivery.rule].type.rawValue, body: body)
            content.asksReceipt = options.asksReceipts
            append(content.headed(by: delivery, hops.current), edit)
        case (.room(let room), .text(let body)):
            let content = MessageStanza.Content(to: room, type: "groupchat", body: body)
            append(content.headed(by: delivery, hops.current), edit)
        case (.presence, .text(let text)): show(text, router.rules[delivery.rule].shown)
        case (.stdout, .text(let text)): printText(text)
        case (.stdout, .event(let event)): printEvent(event)
        case (.file, .text(let text)), (.fifo, .text(let text)):
            if let sink = sinkNumbers[delivery.destination] { printText(text, to: sink) }
        case (.file, .event(let event)), (.fifo, .event(let event)):
            if let sink = sinkNumbers[delivery.destination] { printEvent(event, to: sink) }
        case (.commands, .command(let line, let number)):
            line.withUnsafeBufferPointer { takeCommand($0, number: number) }
        case (_, _):
            // Config and Router refuse a rule whose content its destination cannot take.
            preconditionFailure("a rule delivered \(delivery.content) to \(delivery.destination)")
        }
    }

    /// Whether no source is read until something leaves.
    var isFull: Bool {
        if backlog.isDurable {
            // What rules hold back is in memory too.
            return backlog.isFull || journal.isFull || held.count >= Limits.spoolRowsMax
                || held.bytes >= Limits.spoolBytesMax
        }
        return backlog.isFull || waitingCount >= Limits.spoolRowsMax
            || backlog.bytes + held.bytes >= Limits.spoolBytesMax
    }

    /// Whether the spool holds more than it should: the sources are not read long since, so it is filled by what the
    /// session brings, whose source nobody can stop.
    var isOverrun: Bool {
        if backlog.isDurable {
            return backlog.bytes > backlog.limits.spoolBytesMax + Limits.overrunBytes
                || backlog.uncommittedBytes > Limits.overrunBytes || held.bytes > Limits.overrunBytes
        }
        return waitingCount > 2 * Limits.spoolRowsMax + InputReader.chunkBytesMax
            || backlog.bytes + held.bytes > 8 * Limits.spoolBytesMax
    }

    /// A relay that brings more than can be sent on loses it, and says so: once until there is room again.
    mutating func dropRelayed() {
        failures.count += 1
        guard !isDroppingRelayed else { return }
        isDroppingRelayed = true
        let text = "messages come faster than they can be sent on: some are dropped"
        actions.append(.say(.error, text))
        emit(.gap(reason: "backlog", text: text))
    }

    /// Makes a message rows of the spool: one, or as many as the server's limit on stanzas asks for.
    /// - Returns: Whether it was taken: not where it is too long and long ones are to be refused.
    @discardableResult
    mutating func append(_ content: MessageStanza.Content, ref: String?) -> Bool {
        let parts = parts(of: content)
        // Without room for a body the subject and the thread alone are too long.
        if parts.isEmpty || (parts.count > 1 && options.framing.overlong == .refuse) {
            let text =
                "a message to \(content.to) is longer than the server takes (\(stanzaBytesMax) bytes), and refused"
            actions.append(.say(.warning, text))
            refusedInput = true
            emit(.error(code: "too-long", text: text))
            return false
        }
        for (index, part) in parts.enumerated() {
            var one = content
            one.body = part
            // An id names one stanza.
            if index > 0 { one.id = nil }
            appendRow(one, ref: ref)
        }
        return true
    }

    /// The bodies of the stanzas that a message takes; none where not even a part would fit.
    func parts(of content: MessageStanza.Content) -> [[UInt8]] {
        // A frame takes some hundred bytes, so nearly every message is known to fit without a closer look.
        if content.body.count <= stanzaBytesMax / 10 - stanzas.frameBytes(content) { return [content.body] }
        let room = stanzaBytesMax - stanzas.frameBytes(content)
        return room < BodyParts.contentBytesMin ? [] : BodyParts.of(content.body, contentBytesMax: room)
    }

    private mutating func appendRow(_ content: MessageStanza.Content, ref: String?) {
        counters.rowsAppended += 1
        let isRoom = content.type == "groupchat"
        if isRoom, let why = closedRooms[content.to] { return failAtOnce(content, ref: ref, why) }
        let row = backlog.lastNumber + 1
        let recipient = recipient(content.to, type: content.type)
        let id = content.id ?? stanzas.identifier(row)
        let tag = ref.map { RowTag(ref: $0, to: content.to.text).text }
        if isRoom { prepareGate(content.to, recipient.lane) }
        backlog.append(
            RowDraft(
                lane: recipient.lane, payload: stanzas.bytes(content, head: recipient.head, row: row), originID: id,
                ref: tag))
        if content.asksReceipt { receipts.await(id, from: content.to, ref: ref) }
    }

    /// One lane for each recipient; beyond ``Limits/recipientsMax`` of them the rest share one.
    mutating func recipient(_ jid: JID, type: String) -> Destinations.Recipient {
        if let known = destinations.known(jid, type: type) { return known }
        let (lane, name) = destinations.lane(of: jid, isRoom: type == "groupchat")
        if let name { backlog.begin(lane, name: name) }
        let recipient = Destinations.Recipient(lane: lane, type: type, head: stanzas.head(to: jid, type: type))
        destinations.keep(recipient, for: jid)
        return recipient
    }
}

extension MessageStanza.Content {
    /// With what its rule says it carries beside its body.
    fileprivate func headed(by delivery: Delivery, _ hop: HopMark?) -> Self {
        var content = self
        content.subject = delivery.subject
        content.thread = delivery.thread
        content.lang = delivery.lang
        content.hop = hop
        return content
    }
}

/// What a row brings back for its `delivery` event, as the store's opaque text.
struct RowTag: Equatable, Sendable {
    var ref: String
    var to: String

    init(ref: String, to: String) {
        self.ref = ref
        self.to = to
    }

    /// Reads back what ``text`` wrote.
    init(_ text: String) {
        let cut = text.firstIndex(of: "\u{0}") ?? text.endIndex
        to = String(text[..<cut])
        ref = String(text[cut...].dropFirst())
    }

    /// No JID holds U+0000, so the cut is certain.
    var text: String { "\(to)\u{0}\(ref)" }
    var recipient: JID? { try? JID(to) }
}

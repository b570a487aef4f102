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
        store.isFull || waitingCount >= Limits.spoolRowsMax || store.bytes + held.bytes >= Limits.spoolBytesMax
    }

    /// Whether the store holds twice what it should: standard input is not read long since, so it is filled by what the
    /// session brings, whose source nobody can stop.
    var isOverrun: Bool {
        waitingCount > 2 * Limits.spoolRowsMax + InputReader.chunkBytesMax
            || store.bytes + held.bytes > 8 * Limits.spoolBytesMax
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
        if content.type == "groupchat" { return speak(content, ref: ref) }
        let row = store.lastNumber + 1
        let recipient = recipient(content.to, type: content.type)
        let tag = ref.map { RowTag(ref: $0, to: content.to.text).text }
        store.append(
            CollectionOfOne(
                RowDraft(
                    lane: recipient.lane, payload: stanzas.bytes(content, head: recipient.head, row: row),
                    originID: content.id ?? stanzas.identifier(row), ref: tag)))
        if let id = content.id { givenIDs[id] = row }
        if content.asksReceipt { receipts.await(content.id ?? stanzas.identifier(row), from: content.to, ref: ref) }
        counters.rowsAppended += 1
    }

    /// What is known of a recipient, made once.
    struct Recipient: Sendable {
        var lane: Lane
        /// The type of the messages that ``head`` is for.
        var type: String
        var head: [UInt8]
    }

    /// One lane for each recipient; beyond ``Limits/recipientsMax`` of them the rest share one.
    mutating func recipient(_ jid: JID, type: String) -> Recipient {
        let known = recipients[jid]
        if let known, known.type == type { return known }
        let isNew = known == nil && recipients.count < Limits.recipientsMax
        let lane = known?.lane ?? Lane(rawValue: isNew ? UInt32(recipients.count + 1) : 0)
        let recipient = Recipient(lane: lane, type: type, head: stanzas.head(to: jid, type: type))
        if known != nil || isNew { recipients[jid] = recipient }
        if isNew { laneRecipients.append(jid) }
        return recipient
    }

    /// Asks the store to make durable what was appended; in memory it is so at once.
    mutating func commit() {
        switch store.commit() {
        case .committed(let row): committed(upTo: row)
        case .nothing: break
        }
    }

    private mutating func committed(upTo row: UInt64) {
        store.committed(upTo: row)
        send()
    }

    /// Gives the session what is committed and not yet sent, as far as its window goes.
    mutating func send() {
        while session.canSend, let row = store.next(after: sentRow) {
            if row.payload.count > stanzaBytesMax {
                sentRow = row.number
                refuse(row)
                continue
            }
            session.send(row.payload, row: row.number, at: now)
            sentRow = row.number
        }
    }

    /// A row that was made before the server told its limit (XEP-0478) and is beyond it: the server would end the stream.
    private mutating func refuse(_ row: Row) {
        giveUp(row, "\(row.payload.count) bytes, and the server takes \(stanzaBytesMax)")
    }

    /// The server ends the stream over this row: the others go on without it.
    mutating func rejected(_ row: UInt64, _ reason: String) {
        if let row = store.row(row) { giveUp(row, reason) }
        settleIfDrained()
    }

    private mutating func giveUp(_ row: Row, _ text: String) {
        if let room = roomOfRow.removeValue(forKey: row.number) { _ = outboxes[room]?.drop(row.number) }
        store.release(row.number)
        givenIDs[row.originID] = nil
        failures.count += 1
        receipts.forget(row.originID)
        let recipient = row.lane.rawValue > 0 ? laneRecipients[Int(row.lane.rawValue) - 1] : accountJID
        report(
            .delivery(
                ref: row.ref.map { RowTag($0).ref }, to: recipient, .failed, id: row.originID,
                condition: "policy-violation", text: text))
        actions.append(.say(.error, "the message to \(recipient) was not delivered: \(text)"))
    }

    /// The server has accepted all rows up to this one, or refused them and said so before.
    mutating func accepted(upTo row: UInt64) {
        var released: [RowTag] = []
        func left(_ row: Row) {
            let wasRefused = failures.rows.remove(row.number) != nil
            if !wasRefused { counters.rowsAccepted += 1 }
            if !givenIDs.isEmpty { givenIDs[row.originID] = nil }
            if let tag = row.ref, !wasRefused { released.append(RowTag(tag)) }
        }
        if outboxes.isEmpty {
            store.release(upTo: row, left)
        } else {
            // What is said in a room leaves when the room has shown it.
            let rooms = Set(outboxes.keys.compactMap { recipients[$0]?.lane })
            for lane in Array(store.activeLanes) where !rooms.contains(lane) || lane.rawValue == 0 {
                store.release(upTo: row, lane: lane, left)
            }
            for room in outboxes.keys { outboxes[room]?.accepted(upTo: row, at: now) }
        }
        if waitingCount < Limits.spoolRowsMax { isDroppingRelayed = false }
        for tag in released { report(.delivery(ref: tag.ref, to: tag.recipient ?? accountJID, .acknowledged)) }
        digest()
        settleIfDrained()
    }

    /// A message of ours came back (RFC 6120 8.3): it was not delivered, whatever was acknowledged.
    /// - Returns: Whether it is a bounce at all: anybody may write an error that names an id of ours.
    mutating func bounced(_ row: UInt64, id: String, from: JID, _ error: StanzaError) -> Bool {
        let waiting = store.row(row)
        guard row <= store.lastNumber, mayBounce(waiting?.lane, from) else { return false }
        let room = roomOfRow[row]
        if roomTurnedAway(row, error) { return true }
        // One row fails once.
        if waiting != nil, !failures.rows.insert(row).inserted { return true }
        failures.count += 1
        report(
            .delivery(
                ref: waiting?.ref.map { RowTag($0).ref }, to: from, .failed, id: id, condition: error.condition,
                text: error.text))
        tellFailure("the message to \(from) was not delivered: \(error)")
        // A room shows nothing of what it refused: the row is over with.
        if room != nil {
            failures.rows.remove(row)
            forget(row, id: id)
            settleIfDrained()
        }
        return true
    }

    /// A bounce comes from the recipient, from its server, or from ours. Of a row that is released long since only
    /// that is known whom we wrote to at all.
    private func mayBounce(_ lane: Lane?, _ from: JID) -> Bool {
        if from == accountJID || from == accountJID.server { return true }
        guard let lane, lane.rawValue > 0 else {
            return lane != nil || recipients[from] != nil || recipients[from.bare] != nil
                || laneRecipients.contains { $0.server == from }
        }
        let recipient = laneRecipients[Int(lane.rawValue) - 1]
        return from.bare == recipient.bare || from == recipient.server
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

extension Pump {
    /// What did not arrive.
    struct Failures: Equatable, Sendable {
        /// Refusals told by the server or by recipients.
        var count = 0
        /// Those of them that a line for many has told.
        var told = 0
        /// Those that are to be named one by one.
        var single: Int { count - told }
        /// Those of them whose rows are not released yet.
        var rows: Set<UInt64> = []
    }
}

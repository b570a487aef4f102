import Stanza

/// Receipts (XEP-0184) that are owed: each goes when its message is handled, so that it says the truth.
struct OwedReceipts: Sendable {
    struct Owed: Sendable {
        /// The number of the inbound stanza.
        let number: UInt64
        let to: JID
        let id: String
        let type: String
    }

    /// How many may be owed; the messages beyond get none.
    static let owedMax = 1_000

    private var owed = FIFO<Owed>()

    mutating func append(_ one: Owed) {
        if owed.count < Self.owedMax { owed.append(one) }
    }

    /// The next whose message is handled.
    mutating func next(handledUpTo number: UInt64) -> Owed? {
        guard let first = owed.first, first.number <= number else { return nil }
        return owed.popFirst()
    }

    mutating func removeAll() { owed.removeAll() }
}

extension OwedReceipts.Owed {
    /// The receipt alone (XEP-0184 5), in a message of the same type.
    func write(id own: String, into writer: inout XMLWriter) {
        writer.start("message")
        writer.attribute("to", to.text)
        writer.attribute("id", own)
        if type != "normal" { writer.attribute("type", type) }
        writer.content()
        writer.start("received", NS.receipts)
        writer.attribute("id", id)
        writer.endEmpty()
        writer.end("message")
    }
}

// Receipts, both ways.
extension ClientSession {
    /// The id of the message whose receipt this is; nil for any other. An error holds what we sent ourselves.
    static func receipt(in message: Message) -> String? {
        guard message.type != "error", message.type != "groupchat", message.carbon != .sent,
            let id = message.stanza.child("received", NS.receipts)?["id"], !id.isEmpty
        else { return nil }
        return id
    }

    /// A message that asks for a receipt gets one if its sender may know that we are here. Never an error, a room's
    /// message, a copy (XEP-0280 10.4) or a receipt.
    mutating func owe(for message: Message) {
        let stanza = message.stanza
        guard message.type != "error", message.type != "groupchat", message.carbon == nil, message.from != boundTo,
            stanza.child("request", NS.receipts) != nil, stanza.child("received", NS.receipts) == nil,
            let id = stanza["id"], !id.isEmpty
        else { return }
        switch configuration.receipts {
        case .never: return
        case .contacts: guard presenceSent, mayKnowOfUs(message.from) else { return }
        case .everybody: break
        }
        receipts.append(.init(number: inbound.current, to: message.from, id: id, type: message.type))
    }

    /// Sends what is owed for messages that are handled by now.
    mutating func sendReceipts() {
        while isOnline, let one = receipts.next(handledUpTo: inbound.handledPrefix) {
            var writer = XMLWriter(capacity: 256)
            one.write(id: pending.id(idPrefix, "receipt"), into: &writer)
            write(writer.bytes)
        }
    }
}

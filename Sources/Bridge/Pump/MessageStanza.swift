import Stanza

/// A message of ours as the bytes that go over the wire; its id says which row of the spool it is.
struct MessageStanza {
    /// What goes before the row's number in every id of ours: tells our bounces from those of others.
    let idPrefix: String

    /// The content of a message.
    struct Content {
        var to: JID
        var type: String
        var body: [UInt8]
        var subject: String?
        var thread: String?
        /// The language of its texts (RFC 6121 5.2.3).
        var lang: String?
        /// The user's own id for it; nil: one that names the row.
        var id: String?
        /// Whether a receipt is asked for (XEP-0184).
        var asksReceipt = false
        /// Whether it is a private message in a room.
        var isForOccupant = false
        /// The id of the message that it takes the place of (XEP-0308).
        var replaces: String?
        /// Which bridges it has passed, where it is made of a message.
        var hop: HopMark?
    }

    /// Everything of a message before the number in its id: the same for each message to one recipient.
    func head(to: JID, type: String) -> [UInt8] {
        var writer = XMLWriter()
        writer.start("message")
        writer.attribute("to", to.text)
        writer.attribute("type", type)
        writer.raw(" id='")
        writer.raw(idPrefix.utf8)
        return writer.bytes
    }

    /// Serialises a message. The id stands twice: as the stanza's own and as its origin-id (XEP-0359), which servers
    /// and clients keep when they rewrite the first, so that a stanza sent again is known as the same.
    func bytes(_ content: Content, head: [UInt8], row: UInt64) -> [UInt8] {
        var writer = XMLWriter(capacity: content.body.count + content.body.count / 8 + head.count + 160)
        if let id = content.id {
            writer.start("message")
            writer.attribute("to", content.to.text)
            writer.attribute("type", content.type)
            writer.attribute("id", id)
        } else {
            writer.bytes.append(contentsOf: head)
            Self.append(row, to: &writer.bytes)
            writer.raw("'")
        }
        if let lang = content.lang { writer.attribute("xml:lang", lang) }
        writer.content()
        if let subject = content.subject { writer.element("subject", text: subject) }
        if let thread = content.thread { writer.element("thread", text: thread) }
        writer.raw("<body>")
        content.body.withUnsafeBufferPointer { writer.text($0) }
        writer.raw("</body>")
        if content.asksReceipt { writer.raw("<request xmlns='urn:xmpp:receipts'/>") }
        if let replaces = content.replaces {
            writer.raw("<replace xmlns='urn:xmpp:message-correct:0' id='")
            writer.attributeValue(replaces)
            writer.raw("'/>")
        }
        content.hop?.write(to: &writer)
        // A room delivers what is for one occupant; the mark tells the client's other devices (XEP-0045 7.5).
        if content.isForOccupant { writer.raw("<x xmlns='http://jabber.org/protocol/muc#user'/>") }
        writer.raw("<origin-id xmlns='urn:xmpp:sid:0' id='")
        if let id = content.id {
            writer.attributeValue(id)
        } else {
            writer.bytes.append(contentsOf: idPrefix.utf8)
            Self.append(row, to: &writer.bytes)
        }
        writer.raw("'/></message>")
        return writer.bytes
    }

    /// A number in decimal.
    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        if number >= 10 { append(number / 10, to: &bytes) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// What any stanza of ours takes beside its texts, at the most.
    static let frameBytesMin = 300

    /// What the stanza around a body takes at the most, in bytes.
    func frameBytes(_ content: Content) -> Int {
        let texts =
            content.to.text.utf8.count + (content.subject?.utf8.count ?? 0) + (content.thread?.utf8.count ?? 0)
            + (content.replaces?.utf8.count ?? 0)
        return Self.frameBytesMin + (content.hop?.byteCount ?? 0) + idPrefix.utf8.count * 2 + texts * 6
    }

    /// The id of a row.
    func identifier(_ row: UInt64) -> String { idPrefix + String(row) }

    /// Whether that id is the one that names the row.
    func isIdentifier(_ id: String, of row: UInt64) -> Bool { self.row(of: id) == row }

    /// The row that an id of ours names; nil for an id that is not ours.
    func row(of id: String) -> UInt64? {
        guard id.hasPrefix(idPrefix) else { return nil }
        return UInt64(id.dropFirst(idPrefix.count))
    }
}

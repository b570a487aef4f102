import Stanza

/// A message of ours as the bytes that go over the wire; its id says which row of the spool it is.
struct MessageStanza {
    /// What goes before the row's number in every id of this run: tells our bounces from those of others.
    var idPrefix: String

    /// The content of a message.
    struct Content {
        var to: JID
        var type: String
        var body: [UInt8]
        var subject: String?
        var thread: String?
    }

    /// Serialises a message. The id stands twice: as the stanza's own and as its origin-id (XEP-0359), which servers
    /// and clients keep when they rewrite the first, so that a stanza sent again is known as the same.
    func bytes(_ content: Content, row: UInt64) -> [UInt8] {
        var writer = XMLWriter(capacity: content.body.count + content.to.text.utf8.count + 160)
        let id = identifier(row)
        writer.start("message")
        writer.attribute("to", content.to.text)
        writer.attribute("type", content.type)
        writer.attribute("id", id)
        writer.content()
        if let subject = content.subject { writer.element("subject", text: subject) }
        if let thread = content.thread { writer.element("thread", text: thread) }
        writer.start("body")
        writer.content()
        content.body.withUnsafeBufferPointer { writer.text($0) }
        writer.end("body")
        writer.start("origin-id", NS.stanzaID)
        writer.attribute("id", id)
        writer.endEmpty()
        writer.end("message")
        return writer.bytes
    }

    /// The id of a row.
    func identifier(_ row: UInt64) -> String { idPrefix + String(row) }

    /// An id for a query that has none.
    func requestIdentifier(_ number: UInt64) -> String { "\(idPrefix)q\(number)" }

    /// The row that an id of ours names; nil for an id that is not ours.
    func row(of id: String) -> UInt64? {
        guard id.hasPrefix(idPrefix) else { return nil }
        return UInt64(id.dropFirst(idPrefix.count))
    }
}

import Stanza

/// A message as a room passes it on: everything but whom it is for.
struct RoomMessage: Sendable {
    /// The occupant's address, or the room's own.
    let from: JID
    let type: String?
    let id: String?
    let language: String?
    /// The children, written.
    let content: [UInt8]
    let stamp: WallTime
    /// Whether it tells when it was taken even where it is not late: a subject does.
    var isStamped = true

    /// A client's message under an occupant's address. What only the room may say is taken out of it (XEP-0421 3,
    /// XEP-0359 3), and `addition` written behind the rest.
    init(
        _ stanza: Element, from occupant: Occupant, in room: JID, at stamp: WallTime,
        _ addition: (inout XMLWriter) -> Void
    ) {
        from = occupant.address
        type = stanza["type"]
        id = stanza["id"]
        language = stanza["lang", NS.xml]
        self.stamp = stamp
        var writer = XMLWriter(capacity: stanza.byteCount * 2 + 256)
        for child in stanza.children where !Self.isReserved(child, room: room.text) {
            writer.element(child, inside: NS.client.description)
        }
        writer.start("occupant-id", ServerNS.occupantID)
        writer.attribute("id", occupant.occupantID)
        writer.endEmpty()
        addition(&writer)
        content = writer.bytes
    }

    /// The subject of a room at its start: nobody set it.
    init(subject: String, of room: JID) {
        from = room
        type = "groupchat"
        id = nil
        language = nil
        stamp = WallTime(milliseconds: 0)
        isStamped = false
        var writer = XMLWriter()
        writer.element("subject", text: subject)
        content = writer.bytes
    }

    private static func isReserved(_ child: Element, room: String) -> Bool {
        child.isNamed("occupant-id", ServerNS.occupantID)
            || (child.isNamed("stanza-id", NS.stanzaID) && child["by"] == room)
            || (child.isNamed("delay", NS.delay) && child["from"] == room)
    }

    /// The whole stanza for one recipient, or for an archive.
    func bytes(to recipient: JID?, room: JID, isLate: Bool = false) -> [UInt8] {
        var writer = XMLWriter(capacity: content.count + 256)
        writer.start("message")
        writer.attribute("from", from.text)
        writer.attribute("to", ifPresent: recipient?.text)
        writer.attribute("type", ifPresent: type)
        writer.attribute("id", ifPresent: id)
        writer.attribute("xml:lang", ifPresent: language)
        writer.content()
        writer.raw(content)
        if isLate && isStamped {
            writer.start("delay", NS.delay)
            writer.attribute("from", room.text)
            writer.attribute("stamp", stamp.stamp)
            writer.endEmpty()
        }
        writer.end("message")
        return writer.bytes
    }
}

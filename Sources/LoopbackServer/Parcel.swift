import Stanza

/// A stanza as it is written to a client, and what becomes of it when the session dies before it is acknowledged.
struct Parcel: Sendable {
    /// The whole stanza.
    var bytes: [UInt8]
    /// When the server took it.
    var stamp: WallTime
    /// Whether it is a message for another session or the offline store; anything else dies with its session.
    var isStorable = false
    /// Whether it says already when it was taken.
    private(set) var isDelayed = false
    /// Who waits for an answer, where it is an iq of another client that asks.
    var question: Question?

    /// The sender of an iq and its id.
    struct Question: Sendable {
        let from: JID
        let id: String
    }

    /// The stanza with a delay (XEP-0203) in it that says when the server took it.
    ///
    /// Only for storable ones: those have a child, so their text ends in `</message>`.
    func delayed(by domain: JID) -> Parcel {
        guard isStorable && !isDelayed else { return self }
        var writer = XMLWriter(capacity: bytes.count + 96)
        writer.raw(bytes.dropLast(Self.end.utf8CodeUnitCount))
        writer.start("delay", NS.delay)
        writer.attribute("from", domain.text)
        writer.attribute("stamp", stamp.stamp)
        writer.endEmpty()
        writer.raw(Self.end)
        var late = self
        late.bytes = writer.bytes
        late.isDelayed = true
        return late
    }

    private static let end: StaticString = "</message>"
}

extension Parcel {
    /// A client's stanza as it is passed on: with the sender's address, everything else as it came (RFC 6120 8.1.2.1),
    /// but for what the archive says of it.
    init(_ stanza: Element, from: JID, at stamp: WallTime, mark: StanzaMark? = nil) {
        var writer = XMLWriter(capacity: stanza.byteCount * 2)
        let name = stanza.name
        writer.raw("<")
        writer.raw(name.utf8)
        writer.attribute("from", from.text)
        for (key, namespace, value) in stanza.attributes {
            let isLanguage = namespace == NS.xml.description && key == "lang"
            guard isLanguage || (namespace.isEmpty && key != "from") else { continue }
            writer.raw(isLanguage ? " xml:" : " ")
            writer.raw(key.utf8)
            writer.raw("='")
            writer.text(value)
            writer.raw("'")
        }
        var isEmpty = true
        for child in stanza.children {
            if let mark, child.isNamed("stanza-id", NS.stanzaID), child["by"] == mark.by.text { continue }
            if isEmpty { writer.content() }
            isEmpty = false
            writer.element(child, inside: NS.client.description)
        }
        if let mark, let id = mark.id {
            // What is archived has a child, but it may have been one that was taken out.
            if isEmpty { writer.content() }
            isEmpty = false
            writer.start("stanza-id", NS.stanzaID)
            writer.attribute("by", mark.by.text)
            writer.attribute("id", id)
            writer.endEmpty()
        }
        if isEmpty {
            writer.endEmpty()
        } else {
            writer.raw("</")
            writer.raw(name.utf8)
            writer.content()
        }
        self.init(bytes: writer.bytes, stamp: stamp, isStorable: Self.isStorable(stanza))
        let type = stanza["type"]
        if stanza.hasName("iq") && (type == "get" || type == "set") {
            question = stanza["id"].map { Question(from: from, id: $0) }
        }
    }

    /// Whether a stanza is a message that waits for its reader: chat or normal, and more than a chat state
    /// (XEP-0160 3).
    static func isStorable(_ stanza: Element) -> Bool {
        guard stanza.hasName("message") else { return false }
        switch stanza["type"] {
        case "chat", "normal", nil: break
        default: return false  // a text, not one of our enums
        }
        for child in stanza.children where !child.hasNamespace("http://jabber.org/protocol/chatstates") { return true }
        return false
    }
}

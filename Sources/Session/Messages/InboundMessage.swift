import Stanza

extension Message {
    /// A message as it came, or as a carbon holds it.
    /// - Parameter delay: what the carbon says, where the message itself says nothing.
    init(_ stanza: Element, from: JID, carbon: Carbon? = nil, delay: String? = nil) {
        let type = Self.type(of: stanza)
        self.init(
            stanza: stanza, from: from, type: type, delay: Delay.stamp(of: stanza) ?? delay, carbon: carbon,
            encryption: type == "error" ? nil : EncryptionScheme.name(of: stanza))
    }

    /// RFC 6121 5.2.2: what is missing or unknown is `normal`.
    private static func type(of stanza: Element) -> String {
        if stanza.attribute("type", equals: "chat") { return "chat" }
        if stanza.attribute("type", equals: "groupchat") { return "groupchat" }
        if stanza.attribute("type", equals: "headline") { return "headline" }
        return stanza.attribute("type", equals: "error") ? "error" : "normal"
    }
}

/// The scheme that encrypts a message, as XEP-0380 names it.
enum EncryptionScheme {
    /// The name; nil for a message that is not encrypted.
    static func name(of stanza: Element) -> String? {
        for child in stanza.children {
            if child.isNamed("encryption", NS.encryption), let namespace = child["namespace"], !namespace.isEmpty {
                // A name in the stanza counts for schemes that have none here (XEP-0380 3).
                return named(namespace) ?? child["name"].flatMap { $0.isEmpty ? nil : $0 } ?? namespace
            }
        }
        for child in stanza.children where !child.hasNamespace(NS.client) {
            if child.hasName("encrypted") || child.hasName("openpgp") || child.hasName("x"),
                let name = named(child.namespace)
            {
                return name
            }
        }
        return isOTR(stanza) ? "OTR" : nil
    }

    private static func named(_ namespace: String) -> String? {
        switch namespace {
        case "eu.siacs.conversations.axolotl", "urn:xmpp:omemo:1", "urn:xmpp:omemo:2": "OMEMO"
        case "urn:xmpp:openpgp:0": "OpenPGP for XMPP"
        case "jabber:x:encrypted": "Legacy OpenPGP"
        case "urn:xmpp:otr:0": "OTR"
        case _: nil
        }
    }

    /// A message of OTR is a body that begins with its mark (XEP-0364 2): data, a query, a fragment, an error.
    private static func isOTR(_ stanza: Element) -> Bool {
        guard let body = stanza.child("body", NS.client) else { return false }
        var bytes: [UInt8] = []
        body.appendText(to: &bytes)
        guard bytes.starts(with: "?OTR".utf8) else { return false }
        let rest = bytes.dropFirst(4)
        return rest.first.map { ":?v,|".utf8.contains($0) } ?? true || rest.starts(with: " Error:".utf8)
    }
}

/// Copies of what our other clients send and get (XEP-0280).
enum CarbonCopy {
    /// The wrapping of a carbon, whoever sent it.
    static func wrapping(in stanza: Element) -> (Element, Message.Carbon)? {
        for child in stanza.children where child.hasNamespace(NS.carbons) {
            if child.hasName("received") { return (child, .received) }
            if child.hasName("sent") { return (child, .sent) }
        }
        return nil
    }

    /// The message that was copied; nil for what is none, or is not to be copied (XEP-0280 6.1): a copy of a copy, a
    /// room's message, a private message of a room's occupant.
    static func message(in wrapping: Element, _ carbon: Message.Carbon, account: JID) -> Message? {
        guard let forwarded = wrapping.child("forwarded", NS.forward),
            let stanza = forwarded.child("message", NS.client), Self.wrapping(in: stanza) == nil,
            !stanza.attribute("type", equals: "groupchat"), !isOfRoom(stanza),
            let text = stanza["from"], let from = try? JID(received: text)
        else { return nil }
        if carbon == .sent && from.bare != account { return nil }
        return Message(stanza, from: from, carbon: carbon, delay: Delay.stamp(of: forwarded))
    }

    /// Whether a room's occupant is one end of it; an invitation through a room is of interest to all clients.
    static func isOfRoom(_ stanza: Element) -> Bool {
        stanza.children.contains { child in
            child.isNamed("x", NS.mucUser)
                && child.child("invite", NS.mucUser) == nil
        }
    }

    /// The request for them.
    static let enable = Element(
        "iq", NS.client.description, ["type": "set"], [Element("enable", NS.carbons.description)])
}

import Stanza

extension LoopbackServer {
    /// XEP-0280 4 and 5: a session wants copies, or no more.
    mutating func handleCarbons(_ stanza: Element, _ command: Element, session: SessionID, on id: ConnectionID) {
        guard stanza.attribute("type", equals: "set"), command.hasName("enable") || command.hasName("disable") else {
            bounce(stanza, on: id, "bad-request")
            return
        }
        sessions[session]?.wantsCarbons = command.hasName("enable")
        answer(stanza, session) { _ in }
    }

    /// A copy of a message that came for the account, to those who want one and did not get it (XEP-0280 7).
    mutating func copyReceived(_ stanza: Element, _ parcel: Parcel, _ account: String, besides takers: [SessionID]) {
        guard Self.isCopied(stanza) else { return }
        for session in accounts[account]?.sessions ?? [] where !takers.contains(session) {
            copy(parcel, stanza["type"], "received", to: session)
        }
    }

    /// A copy of a message that one of the account's sessions sent, to the others that want one (XEP-0280 8).
    mutating func copySent(_ stanza: Element, _ mark: StanzaMark?, by session: SessionID) {
        guard let sender = sessions[session], Self.isCopied(stanza) else { return }
        let parcel = Parcel(stanza, from: sender.jid, at: wall, mark: mark)
        for other in accounts[sender.account]?.sessions ?? [] where other != session {
            copy(parcel, stanza["type"], "sent", to: other)
        }
    }

    private mutating func copy(_ parcel: Parcel, _ type: String?, _ direction: StaticString, to session: SessionID) {
        guard configuration.carbons, let jid = sessions[session]?.jid, sessions[session]?.wantsCarbons == true else {
            return
        }
        deliver(to: session) {
            $0.start("message")
            $0.attribute("from", jid.bare.text)
            $0.attribute("to", jid.text)
            $0.attribute("type", ifPresent: type)
            $0.content()
            $0.start(direction, ServerNS.carbons)
            $0.content()
            $0.start("forwarded", ServerNS.forward)
            $0.content()
            $0.start("message", NS.client)
            $0.raw(parcel.bytes.dropFirst("<message".utf8.count))
            $0.raw("</forwarded>")
            $0.end(direction)
            $0.end("message")
        }
    }

    /// Which messages are copied (XEP-0280 6.1); errors are not, as nothing tells what they answer. What occupants of
    /// rooms say does not come this way.
    private static func isCopied(_ stanza: Element) -> Bool {
        if stanza.child("private", ServerNS.carbons) != nil { return false }
        let request = stanza.child("x", ServerNS.mucUser)
        let isInvitation =
            stanza.child("x", "jabber:x:conference") != nil || request?.child("invite", ServerNS.mucUser) != nil
        if isInvitation { return true }
        switch stanza["type"] {
        case "chat": return true
        case "groupchat", "error": return false
        case "normal", nil: if stanza.child("body", NS.client) != nil { return true }
        default: break  // a text, not one of our enums
        }
        return stanza.children.contains { child in chatNamespaces.contains { child.hasNamespace($0) } }
    }

    /// XEP-0184, XEP-0085 and XEP-0333.
    private static let chatNamespaces: [StaticString] = [
        "urn:xmpp:receipts", "http://jabber.org/protocol/chatstates", "urn:xmpp:chat-markers:0",
    ]
}

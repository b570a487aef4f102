import Stanza

/// What the error to our joining means for the next time (XEP-0045 7.2, RFC 6120 8.3.3).
enum RoomRefusal: Equatable {
    /// Somebody else has the nick.
    case conflict
    /// Perhaps it works later; why it did not, in words for a person.
    case temporary(String)
    /// Nothing changes unless a person does something: what, in words for him.
    case permanent(String, alternative: JID?)

    init(of stanza: Element, nick: String, hasPassword: Bool) {
        let error = StanzaError(of: stanza)
        let words = Self.words(error.condition, nick: nick, hasPassword: hasPassword)
        let said = error.text.map { "\(words) (\(SASLFailure.printable($0)))" } ?? words
        switch error.condition {
        case "conflict": self = .conflict
        // What each of them says of itself may be wrong: servers call most of it `cancel`.
        case "remote-server-timeout", "remote-server-not-found", "resource-constraint", "service-unavailable",
            "internal-server-error", "recipient-unavailable":
            self = .temporary(said)
        case "gone", "redirect": self = .permanent(said, alternative: Self.alternative(stanza))
        case _: self = error.type == "wait" ? .temporary(said) : .permanent(said, alternative: nil)
        }
    }

    private static func words(_ condition: String, nick: String, hasPassword: Bool) -> String {
        switch condition {
        case "not-authorized":
            hasPassword ? "the password is not the room's" : "the room needs a password; password: gives it"
        case "registration-required":
            "the room is for members only; an owner or admin of it can make this account a member"
        case "forbidden": "this account is banned from the room; an admin of it can lift the ban"
        case "not-allowed":
            "there is no such room, and its service does not let this account make one, or the room does not let it in"
        case "item-not-found": "there is no such room, or its owner has not opened it yet"
        case "jid-malformed": "the room's service does not take \(SASLFailure.printable(nick)) for a nick"
        case "not-acceptable": "the room does not take this nick from this account; it may have registered another one"
        case "service-unavailable": "the room is full, or there is no such service"
        case "gone": "the room is gone"
        case "redirect": "the room has moved"
        case "remote-server-not-found": "the room's server is not found"
        case "remote-server-timeout": "the room's server does not answer"
        case "resource-constraint": "the room's service is busy"
        case "recipient-unavailable", "internal-server-error": "the room's service has a fault"
        case _: "the room does not let us in: \(SASLFailure.printable(condition))"
        }
    }

    /// RFC 6120 8.3.3.5, 8.3.3.14: an XMPP URI (RFC 5122) inside the condition.
    private static func alternative(_ stanza: Element) -> JID? {
        let error = stanza.child("error", NS.client)
        guard let uri = (error?.child("gone", NS.stanzas) ?? error?.child("redirect", NS.stanzas))?.text,
            uri.hasPrefix("xmpp:")
        else { return nil }
        let address = uri.utf8.dropFirst("xmpp:".utf8.count).prefix { $0 != UInt8(ascii: "?") }
        return (try? JID(received: decoded(Array(address))))?.bare
    }

    /// Without the escapes of RFC 3986 2.1.
    private static func decoded(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let escape = bytes[position..<min(position + 3, bytes.count)]
            if escape.count == 3, escape.first == UInt8(ascii: "%"),
                let byte = UInt8(String(decoding: escape.dropFirst(), as: UTF8.self), radix: 16)
            {
                result.append(byte)
                position += 3
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

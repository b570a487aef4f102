public import Stanza

/// The stanzas that we send to rooms, serialised.
public enum RoomStanza {
    // MARK: - For the bridge

    /// Sets the room's subject (XEP-0045 8.1); an empty one takes it away.
    public static func subject(room: JID, text: String, id: String) -> [UInt8] {
        var writer = XMLWriter(capacity: 128 + text.utf8.count)
        writer.start("message")
        writer.attribute("id", id)
        writer.attribute("to", room.bare.text)
        writer.attribute("type", "groupchat" as StaticString)
        writer.content()
        writer.element("subject", text: text)
        writer.end("message")
        return writer.bytes
    }

    /// Invites somebody to a room: through the room itself, which makes members of the invited where it admits no
    /// others (XEP-0045 7.8.2), or directly, which the room does not hear of (XEP-0249).
    /// - Parameter password: of the room. Directly it goes along as it is; through the room, only where given, as the
    ///   room adds its own.
    public static func invitation(
        room: JID, to invited: JID, reason: String?, direct: Bool, password: Secret?, id: String? = nil
    ) -> [UInt8] {
        var writer = XMLWriter(capacity: 512)
        writer.start("message")
        writer.attribute("id", ifPresent: id)
        writer.attribute("to", direct ? invited.text : room.bare.text)
        writer.content()
        if direct {
            writer.start("x", NS.conference)
            writer.attribute("jid", room.bare.text)
            writer.attribute("password", ifPresent: password?.revealed)
            writer.attribute("reason", ifPresent: reason)
            writer.endEmpty()
        } else {
            writer.start("x", NS.mucUser)
            writer.content()
            writer.start("invite")
            writer.attribute("to", invited.text)
            writer.content()
            if let reason { writer.element("reason", text: reason) }
            writer.end("invite")
            if let password { writer.element("password", text: password.revealed) }
            writer.end("x")
        }
        writer.end("message")
        return writer.bytes
    }

    // MARK: - For the machine

    /// Asks to come in (XEP-0045 7.2.1).
    static func join(_ occupant: JID, password: Secret?, history: Int, since: WallTime?, id: String) -> [UInt8] {
        var writer = XMLWriter(capacity: 256)
        writer.start("presence")
        writer.attribute("id", id)
        writer.attribute("to", occupant.text)
        writer.content()
        writer.start("x", NS.muc)
        writer.content()
        writer.start("history")
        writer.attribute("maxstanzas", UInt32(clamping: history))
        writer.attribute("since", ifPresent: since?.stamp)
        writer.endEmpty()
        if let password { writer.element("password", text: password.revealed) }
        writer.end("x")
        writer.end("presence")
        return writer.bytes
    }

    /// Takes another nick (XEP-0045 7.6).
    static func rename(_ occupant: JID, id: String) -> [UInt8] {
        var writer = XMLWriter(capacity: 128)
        writer.start("presence")
        writer.attribute("id", id)
        writer.attribute("to", occupant.text)
        writer.endEmpty()
        return writer.bytes
    }

    /// Goes out (XEP-0045 7.14).
    static func leave(_ occupant: JID, status: String?) -> [UInt8] {
        var writer = XMLWriter(capacity: 128)
        writer.start("presence")
        writer.attribute("to", occupant.text)
        writer.attribute("type", "unavailable" as StaticString)
        if let status {
            writer.content()
            writer.element("status", text: status)
            writer.end("presence")
        } else {
            writer.endEmpty()
        }
        return writer.bytes
    }

    /// Asks the room what it can do (XEP-0045 6.4).
    static func info(_ room: JID, id: String) -> [UInt8] {
        question("get", to: room, id: id) { $0.empty("query", NS.discoInfo) }
    }

    /// The self-ping (XEP-0410 3.2).
    static func ping(_ occupant: JID, id: String) -> [UInt8] {
        question("get", to: occupant, id: id) { $0.empty("ping", NS.ping) }
    }

    /// Opens a room that we made, as its service has it by default (XEP-0045 10.1.2).
    static func acceptDefaults(_ room: JID, id: String) -> [UInt8] {
        question("set", to: room, id: id) { writer in
            writer.start("query", NS.mucOwner)
            writer.content()
            writer.start("x", NS.dataForms)
            writer.attribute("type", "submit" as StaticString)
            writer.endEmpty()
            writer.end("query")
        }
    }

    /// Does away with a room that we made (XEP-0045 10.9).
    static func destroy(_ room: JID, id: String) -> [UInt8] {
        question("set", to: room, id: id) { writer in
            writer.start("query", NS.mucOwner)
            writer.content()
            writer.start("destroy")
            writer.endEmpty()
            writer.end("query")
        }
    }

    private static func question(
        _ type: StaticString, to: JID, id: String, _ payload: (inout XMLWriter) -> Void
    ) -> [UInt8] {
        var writer = XMLWriter(capacity: 256)
        writer.start("iq")
        writer.attribute("type", type)
        writer.attribute("id", id)
        writer.attribute("to", to.text)
        writer.content()
        payload(&writer)
        writer.end("iq")
        return writer.bytes
    }
}

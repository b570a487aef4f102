public import Routing
public import Stanza

/// The type of a message (RFC 6121 5.2.2).
public enum MessageType: String, Sendable, CaseIterable {
    case normal, chat, groupchat, headline, error

    /// The type as a stanza has it: none and an unknown one are `normal`.
    public init(stanzaType: String?) { self = stanzaType.flatMap(MessageType.init(rawValue:)) ?? .normal }
}

/// How available somebody is (RFC 6121 4.7.2.1).
public enum Show: String, Sendable, CaseIterable {
    case away, chat, dnd, xa
}

extension EventRecord {
    /// The error of a stanza, as fields.
    public struct ErrorFields: Sendable, Equatable {
        /// The defined condition (RFC 6120 8.3.3).
        public var condition: String
        /// The explanation for a person, where there is one.
        public var text: String?

        /// An error.
        public init(condition: String, text: String? = nil) {
            self.condition = condition
            self.text = text
        }
    }

    /// What a message carries.
    public struct MessageFields: Sendable, Equatable {
        /// Who sent it; `jid` is made of it.
        public var from: JID
        /// To whom, where the stanza says so.
        public var to: JID?
        /// Its type.
        public var type: MessageType
        /// The room it was said in (XEP-0045), bare: to all, or to us alone.
        public var room: JID?
        /// Who said it there; nil where it was the room itself.
        public var nick: String?
        /// The occupant's id, as our room vouches for it (XEP-0421).
        public var occupantID: String?
        /// Whether it is an occupant's to us alone.
        public var isPrivate = false
        /// Whether it was said there under our own nick, by another client of ours.
        public var isOwn = false
        /// The stanza's id.
        public var id: String?
        /// The text, as UTF-8.
        public var body: [UInt8]?
        /// The subject.
        public var subject: String?
        /// The thread.
        public var thread: String?
        /// The language (xml:lang).
        public var lang: String?
        /// When it was first sent (XEP-0203), as written there.
        public var delay: String?
        /// The sender's id (XEP-0359).
        public var originID: String?
        /// The id that our own server gave it (XEP-0359).
        public var stanzaID: String?
        /// For the type `error`.
        public var error: ErrorFields?
        /// Which way it went, for a copy of what another device of ours sent or got (XEP-0280).
        public var carbon: Carbon?
        /// The scheme it is encrypted with (XEP-0380), where that cannot be read here; ``body`` is then nil.
        public var encrypted: String?
        /// Whether it comes out of a room's history or an archive.
        public var replayed = false
        /// Whether it may have been told before, after an unclean stop.
        public var redelivered = false

        /// Which way the message of a carbon copy went (XEP-0280).
        public enum Carbon: String, Sendable, CaseIterable {
            case sent, received
        }

        /// A message with what it must have.
        public init(from: JID, type: MessageType) {
            self.from = from
            self.type = type
        }
    }

    /// `message`.
    public static func message(_ message: MessageFields) -> EventRecord {
        var fields = Fields(.init("from", .string(message.from.text)))
        fields.add("jid", message.from.bare.text)
        fields.add("to", message.to?.text)
        fields.add("type", message.type.rawValue)
        fields.add("room", message.room?.text)
        fields.add("nick", message.nick)
        fields.add("occupant_id", message.occupantID)
        fields.add(whereTrue: "private", message.isPrivate)
        fields.add(whereTrue: "self", message.isOwn)
        fields.add("id", message.id)
        fields.add("body", bytes: message.body)
        fields.add("subject", message.subject)
        fields.add("thread", message.thread)
        fields.add("lang", message.lang)
        fields.add("delay", message.delay)
        fields.add("origin_id", message.originID)
        fields.add("stanza_id", message.stanzaID)
        fields.add("condition", message.error?.condition)
        fields.add("text", message.error?.text)
        fields.add("carbon", message.carbon?.rawValue)
        fields.add("encrypted", message.encrypted)
        fields.add(whereTrue: "replayed", message.replayed)
        fields.add(whereTrue: "redelivered", message.redelivered)
        return EventRecord(.message, fields.all)
    }

    /// What a presence carries.
    public struct PresenceFields: Sendable, Equatable {
        /// Whose; `jid` and `resource` are made of it.
        public var from: JID
        /// Whether that resource is available.
        public var available: Bool
        /// How.
        public var show: Show?
        /// Words for a person.
        public var status: String?
        /// -128...127; 0 is left out.
        public var priority = 0
        /// What its software can do, as `node#ver` (XEP-0115).
        public var caps: String?
        /// When it was first sent (XEP-0203), as written there.
        public var delay: String?
        /// For the type `error`.
        public var error: ErrorFields?
        /// Whether it was there before we came, and did not come now.
        public var initial = false

        /// A presence with what it must have.
        public init(from: JID, available: Bool) {
            self.from = from
            self.available = available
        }
    }

    /// `presence`.
    public static func presence(_ presence: PresenceFields) -> EventRecord {
        var fields = Fields(.init("from", .string(presence.from.text)))
        fields.add("jid", presence.from.bare.text)
        fields.add("resource", presence.from.resource)
        fields.add("available", presence.available)
        fields.add("show", presence.show?.rawValue)
        fields.add("status", presence.status)
        if presence.priority != 0 { fields.add("priority", Int64(presence.priority)) }
        fields.add("caps", presence.caps)
        fields.add("delay", presence.delay)
        fields.add("condition", presence.error?.condition)
        fields.add("text", presence.error?.text)
        fields.add(whereTrue: "initial", presence.initial)
        return EventRecord(.presence, fields.all)
    }

    /// `receipt`: who got our message with that id (XEP-0184), where no `delivery` tells it.
    public static func receipt(from: JID, id: String) -> EventRecord {
        var fields = Fields(.init("from", .string(from.text)))
        fields.add("jid", from.bare.text)
        fields.add("id", id)
        return EventRecord(.receipt, fields.all)
    }
}

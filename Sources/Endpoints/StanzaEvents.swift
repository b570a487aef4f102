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
        /// Whether it may have been told before, after an unclean stop.
        public var redelivered = false

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
        fields.add(whereTrue: "redelivered", message.redelivered)
        return EventRecord(.message, fields.all)
    }

    /// What a presence carries.
    public struct PresenceFields: Sendable, Equatable {
        /// Whose; `jid` is made of it.
        public var from: JID
        /// Whether that resource is available.
        public var available: Bool
        /// How.
        public var show: Show?
        /// Words for a person.
        public var status: String?
        /// -128...127; 0 is left out.
        public var priority = 0
        /// When it was first sent (XEP-0203), as written there.
        public var delay: String?
        /// For the type `error`.
        public var error: ErrorFields?

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
        fields.add("available", presence.available)
        fields.add("show", presence.show?.rawValue)
        fields.add("status", presence.status)
        if presence.priority != 0 { fields.add("priority", Int64(presence.priority)) }
        fields.add("delay", presence.delay)
        fields.add("condition", presence.error?.condition)
        fields.add("text", presence.error?.text)
        return EventRecord(.presence, fields.all)
    }
}

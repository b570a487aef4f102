public import Stanza

// Rooms (XEP-0045). A room's address is bare and has a local part.
extension Command {
    /// A room to enter. Its descriptions do not show the password.
    public struct Join: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// The room.
        public var room: JID
        /// The name to have there, prepared as a resource (RFC 7622 3.4); nil where the command does not say.
        public var nick: String?
        /// The room's password, not empty.
        public var password: String?
        /// Whether to make the room where there is none.
        public var creates: Bool
        /// How many of its last messages to ask for, 0...1000; nil where the command does not say.
        public var history: Int?

        /// A room.
        public init(
            ref: String? = nil, room: JID, nick: String? = nil, password: String? = nil, creates: Bool = false,
            history: Int? = nil
        ) {
            self.ref = ref
            self.room = room
            self.nick = nick
            self.password = password
            self.creates = creates
            self.history = history
        }
    }

    /// A room to leave.
    public struct Leave: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// The room.
        public var room: JID
        /// Words for those who stay.
        public var status: String?

        /// A room.
        public init(ref: String? = nil, room: JID, status: String? = nil) {
            self.ref = ref
            self.room = room
            self.status = status
        }
    }

    /// A subject for a room.
    public struct Subject: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// The room.
        public var room: JID
        /// The subject; "" takes it away.
        public var subject: String

        /// A subject.
        public init(ref: String? = nil, room: JID, subject: String) {
            self.ref = ref
            self.room = room
            self.subject = subject
        }
    }

    /// Somebody to ask into a room.
    public struct Invite: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// The room.
        public var room: JID
        /// Whom to invite.
        public var jid: JID
        /// Why, for a person.
        public var reason: String?
        /// Whether to write to them ourselves (XEP-0249) and not through the room (XEP-0045 7.8.2).
        public var direct: Bool

        /// An invitation.
        public init(ref: String? = nil, room: JID, jid: JID, reason: String? = nil, direct: Bool = false) {
            self.ref = ref
            self.room = room
            self.jid = jid
            self.reason = reason
            self.direct = direct
        }
    }

    /// How somebody belongs to a room (XEP-0045 5.2).
    public enum Affiliation: String, Sendable, CaseIterable {
        case owner, admin, member, none, outcast
    }

    /// Who belongs to a room, and how: to set for one, or to list.
    public struct Affiliate: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// The room.
        public var room: JID
        /// For whom to set it, bare; nil to list all who have it.
        public var jid: JID?
        /// How; never `none` in order to list.
        public var affiliation: Affiliation
        /// Why, for a person; only where there is a ``jid``.
        public var reason: String?

        /// A change, or a question.
        public init(
            ref: String? = nil, room: JID, jid: JID? = nil, affiliation: Affiliation, reason: String? = nil
        ) {
            self.ref = ref
            self.room = room
            self.jid = jid
            self.affiliation = affiliation
            self.reason = reason
        }
    }

    /// An occupant to put out.
    public struct Kick: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// The room.
        public var room: JID
        /// The occupant's name there, as the room knows it; as lenient as ``JID/init(received:)``.
        public var nick: String
        /// Why, for a person.
        public var reason: String?

        /// An occupant.
        public init(ref: String? = nil, room: JID, nick: String, reason: String? = nil) {
            self.ref = ref
            self.room = room
            self.nick = nick
            self.reason = reason
        }
    }
}

extension Command.Join: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What is asked for, without the password.
    public var description: String {
        var words = ["join \(room)"]
        if let ref { words.append("ref \(ref)") }
        if let nick { words.append("as \(nick)") }
        if password != nil { words.append("with a password") }
        if creates { words.append("or create it") }
        if let history { words.append("history \(history)") }
        return words.joined(separator: ", ")
    }
    /// The same.
    public var debugDescription: String { description }
    /// Without the password.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "ref": ref as Any, "room": room, "nick": nick as Any, "creates": creates, "history": history as Any,
            ])
    }
}

public import Stanza

// Contacts, blocking, and questions to an entity.
extension Command {
    /// An item for the roster (RFC 6121 2.3): what is left out stays as it is.
    public struct RosterSet: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// The contact, bare.
        public var jid: JID
        /// The name we give it, at most ``CommandReader/nameBytesMax``; "" takes the name away.
        public var name: String?
        /// The groups it shall be in: at most ``CommandReader/groupsMax``, none of them empty, each once; an empty list
        /// takes it out of all.
        public var groups: [String]?

        /// A contact.
        public init(ref: String? = nil, jid: JID, name: String? = nil, groups: [String]? = nil) {
            self.ref = ref
            self.jid = jid
            self.name = name
            self.groups = groups
        }
    }

    /// A contact to do something about.
    public struct Contact: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// Its address, bare.
        public var jid: JID
        /// Words for the person there; only ``Command/subscribe(_:)`` has some.
        public var status: String?

        /// A contact.
        public init(ref: String? = nil, jid: JID, status: String? = nil) {
            self.ref = ref
            self.jid = jid
            self.status = status
        }
    }

    /// Whom to block or unblock (XEP-0191).
    public struct Blocking: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// Addresses of any form, each once: at most ``CommandReader/blockedMax``, and none only where ``all`` is true.
        public var jids: [JID]
        /// Whether it is about all who are blocked; only ``Command/unblock(_:)`` may say so.
        public var all: Bool

        /// Some, or all.
        public init(ref: String? = nil, jids: [JID], all: Bool = false) {
            self.ref = ref
            self.jids = jids
            self.all = all
        }
    }

    /// What to ask of service discovery (XEP-0030).
    public struct Disco: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// Whom to ask; our own server where it is nil.
        public var jid: JID?
        /// The node, not empty.
        public var node: String?
        /// Whether to ask for its items and not for its features.
        public var items: Bool

        /// A question.
        public init(ref: String? = nil, jid: JID? = nil, node: String? = nil, items: Bool = false) {
            self.ref = ref
            self.jid = jid
            self.node = node
            self.items = items
        }
    }

    /// Whom to ask something.
    public struct Target: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// Its address, never nil for ``Command/version(_:)``; our own server where it is nil.
        public var jid: JID?

        /// An entity.
        public init(ref: String? = nil, jid: JID? = nil) {
            self.ref = ref
            self.jid = jid
        }
    }
}

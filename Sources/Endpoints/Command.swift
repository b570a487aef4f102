public import Stanza

/// What a client asks for, an NDJSON object a line (DESIGN 5.3): checked, its addresses prepared.
public enum Command: Equatable, Sendable {
    /// `send`: a message.
    case send(Send)
    /// `presence`: our own, to all who may see it or to one.
    case presence(Presence)
    /// `raw`: a stanza as the client wrote it.
    case raw(Raw)

    /// What the answer is to be told apart by.
    public var ref: String? {
        switch self {
        case .send(let send): send.ref
        case .presence(let presence): presence.ref
        case .raw(let raw): raw.ref
        }
    }

    /// A message.
    public struct Send: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// At least one address, in the order given.
        public var to: [JID]
        /// The text: UTF-8 that XML 1.0 can carry, not empty.
        public var body: [UInt8]
        /// Nil where the command does not say; never `error`.
        public var type: MessageType?
        /// The subject.
        public var subject: String?
        /// The thread.
        public var thread: String?
        /// The id to give the stanza; only where there is one address.
        public var id: String?

        /// A message with what it must have.
        public init(ref: String? = nil, to: [JID], body: [UInt8]) {
            self.ref = ref
            self.to = to
            self.body = body
        }
    }

    /// A presence (RFC 6121 4).
    public struct Presence: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// To one address only (RFC 6121 4.6), or to all.
        public var to: JID?
        /// Whether we are there.
        public var available = true
        /// How.
        public var show: Show?
        /// Words for a person.
        public var status: String?
        /// -128...127.
        public var priority: Int?

        /// Plainly available, to all.
        public init(ref: String? = nil) { self.ref = ref }
    }

    /// A stanza as the client wrote it: not yet known to be XML.
    public struct Raw: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// UTF-8, not empty, at most ``CommandReader/rawBytesMax``.
        public var xml: [UInt8]

        /// A stanza.
        public init(ref: String? = nil, xml: [UInt8]) {
            self.ref = ref
            self.xml = xml
        }
    }

    /// The verbs of DESIGN 5.3.
    public enum Verb: String, Sendable, CaseIterable {
        case send, raw, presence
        case rosterGet = "roster_get"
        case rosterSet = "roster_set"
        case rosterRemove = "roster_remove"
        case subscribe, unsubscribe, approve, deny, revoke
        case block, unblock
        case blockList = "block_list"
        case join, leave, subject, invite, affiliate, kick
        case history, upload, disco, ping, version, vcard, publish, adhoc, status
    }
}

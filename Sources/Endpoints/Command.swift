public import Stanza

/// What a client asks for, an NDJSON object a line (DESIGN 5.3): checked, its addresses prepared.
public enum Command: Equatable, Sendable {
    /// `send`: a message.
    case send(Send)
    /// `presence`: our own, to all who may see it or to one.
    case presence(Presence)
    /// `raw`: a stanza as the client wrote it.
    case raw(Raw)
    /// `roster_get`: tell the roster.
    case rosterGet(Plain)
    /// `roster_set`: put a contact into the roster, or change it there.
    case rosterSet(RosterSet)
    /// `roster_remove`: take a contact out of the roster, and both subscriptions with it (RFC 6121 2.5).
    case rosterRemove(Contact)
    /// `subscribe`: ask to see a contact's presence (RFC 6121 3.1).
    case subscribe(Contact)
    /// `unsubscribe`: see it no longer (RFC 6121 3.3).
    case unsubscribe(Contact)
    /// `approve`: let a contact see our presence, also before it asks (RFC 6121 3.1.4, 3.4).
    case approve(Contact)
    /// `deny`: refuse a contact's request (RFC 6121 3.1.4).
    case deny(Contact)
    /// `revoke`: take back that a contact sees our presence (RFC 6121 3.2).
    case revoke(Contact)
    /// `block`: hear nothing more from these (XEP-0191 3.3).
    case block(Blocking)
    /// `unblock`: hear from these again, or from all (XEP-0191 3.4, 3.5).
    case unblock(Blocking)
    /// `block_list`: tell who is blocked (XEP-0191 3.2).
    case blockList(Plain)
    /// `join`: enter a room (XEP-0045 7.2).
    case join(Join)
    /// `leave`: leave a room (XEP-0045 7.14).
    case leave(Leave)
    /// `subject`: set a room's subject (XEP-0045 8.1).
    case subject(Subject)
    /// `invite`: ask somebody into a room (XEP-0045 7.8, XEP-0249).
    case invite(Invite)
    /// `affiliate`: set or list who belongs to a room (XEP-0045 9, 10).
    case affiliate(Affiliate)
    /// `kick`: put an occupant out of a room (XEP-0045 8.2).
    case kick(Kick)
    /// `disco`: ask what an entity can do, or what it has (XEP-0030).
    case disco(Disco)
    /// `ping`: ask an entity for a sign of life (XEP-0199).
    case ping(Target)
    /// `version`: ask an entity for its software (XEP-0092).
    case version(Target)
    /// `status`: tell how the session stands.
    case status(Plain)

    /// What the answer is to be told apart by.
    public var ref: String? {
        switch self {
        case .send(let send): send.ref
        case .presence(let presence): presence.ref
        case .raw(let raw): raw.ref
        case .rosterGet(let plain), .blockList(let plain), .status(let plain): plain.ref
        case .rosterSet(let item): item.ref
        case .rosterRemove(let contact), .subscribe(let contact), .unsubscribe(let contact), .approve(let contact),
            .deny(let contact), .revoke(let contact):
            contact.ref
        case .block(let blocking), .unblock(let blocking): blocking.ref
        case .join(let join): join.ref
        case .leave(let leave): leave.ref
        case .subject(let subject): subject.ref
        case .invite(let invite): invite.ref
        case .affiliate(let affiliate): affiliate.ref
        case .kick(let kick): kick.ref
        case .disco(let disco): disco.ref
        case .ping(let target), .version(let target): target.ref
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

    /// A command that says nothing but what to do.
    public struct Plain: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?

        /// A command.
        public init(ref: String? = nil) { self.ref = ref }
    }
}

// MARK: - Stanzas

extension Command {
    /// A message.
    public struct Send: Equatable, Sendable {
        /// See ``Command/ref``.
        public var ref: String?
        /// The addresses in the order given: at least one, or none where there is a ``room``.
        public var to: [JID]
        /// The room it is for, bare, and ``type`` is then `groupchat`; nil where there is ``to``.
        public var room: JID?
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
        /// Whether to ask for a receipt (XEP-0184); never with `groupchat`.
        public var receipt = false

        /// A message with what it must have.
        public init(ref: String? = nil, to: [JID], body: [UInt8]) {
            self.ref = ref
            self.to = to
            self.body = body
        }

        /// A message for all in a room, with what it must have.
        public init(ref: String? = nil, room: JID, body: [UInt8]) {
            self.init(ref: ref, to: [], body: body)
            self.room = room
            type = .groupchat
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
}

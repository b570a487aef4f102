public import Stanza

/// What the session wants done, in this order. Bytes to write wait in ``ClientSession/takeOutput()``.
public enum Action: Sendable, Equatable {
    /// Resolve and connect; answer with ``Input/connected(_:)`` or ``Input/disconnected(_:)``.
    case connect(ConnectTarget)
    /// Flush, then begin the TLS handshake; any byte in clear behind `<proceed/>` is ``TransportFailure/injected``.
    /// Answer with ``Input/secured(_:)`` or ``Input/disconnected(_:)``.
    case startTLS
    /// A new stream begins: the next byte is parsed by a fresh parser (RFC 6120 4.3.3).
    case restartStream
    /// Derive keys off the loop; answer with ``Input/derived(_:)``.
    case derive(KeyDerivation)
    /// Something happened that the bridge must know.
    case event(Event)
    /// Every row up to this one is accepted by the server: its ack and a ping answered after it (DESIGN 6.1).
    case accepted(upTo: UInt64)
    /// That row, which might have been sent before, has arrived: our archive has it. No ``accepted(upTo:)`` need name it.
    case foundInArchive(row: UInt64)
    /// That row is said in a room, and was written on a stream that is lost for good. Whether the room has taken it is seen
    /// when we are in again, and it has told what was missed (``Event/caughtUp(archive:count:gap:)``); the session has let go
    /// of it, and it is given anew, under another number, where it was not.
    case returned(row: UInt64)
    /// There is room in the window again: call ``ClientSession/send(_:row:at:)`` while ``ClientSession/canSend``.
    case writable
    /// Inbound stanzas up to this one wait too long for their sinks: put them into the spool, then
    /// answer with ``Input/handled(upTo:)``.
    case spill(upTo: UInt64)
    /// What the next process needs to resume the stream, in place of what was kept before; nil: there is none to resume.
    /// ``ClientSession/handledCount(ifHandledUpTo:)`` is to be kept anew with it, as one: it counts another stream now.
    case keepStream(SavedStream?)
    /// Every row is accepted; the answer to ``Input/drain``.
    case drained
    /// Flush what is written, then close the connection (TLS close_notify); no answer is awaited.
    case closeConnection
    /// Drop the connection or the attempt at one now; no answer is awaited.
    case abortConnection
    /// The session is over for good.
    case ended(Ending)
}

/// Where to connect.
public enum ConnectTarget: Sendable, Equatable {
    /// By SRV records of the account's domain, or the server that the user named.
    case account
    /// Where the server asked us to resume (XEP-0198 5, `location`); the port where it gave one.
    case location(host: String, port: Int?)
}

/// How a session ended for good.
public enum Ending: Sendable, Equatable {
    /// As asked: by ``Input/leave``.
    case left
    /// The credentials were refused (exit 77).
    case refused(String)
    /// A fault of protocol, TLS or certificate that no retry mends (exit 76).
    case protocolFailure(String)
    /// Somebody else bound our resource (exit 76).
    case conflict(String)
    /// The server was not reached, or not again, within the retry policy (exit 69 or 75).
    case unreachable(String)
}

/// What happened on the session.
public enum Event: Sendable, Equatable {
    /// An attempt begins.
    case connecting
    /// The session is up.
    case online(jid: JID, resumed: Bool, peer: String)
    /// The stream is lost; the next attempt comes after `retryIn`.
    case offline(reason: String, retryIn: Duration?)
    /// A message stanza; of type `error` too.
    case message(Message)
    /// A contact's presence.
    case presence(PresenceUpdate)
    /// A change in who may see whom.
    case subscription(jid: JID, action: SubscriptionAction, status: String?)
    /// An item of the roster: at login, or by a push.
    case roster(RosterItem, initial: Bool)
    /// The whole roster of the login has been told.
    case rosterComplete(version: String?)
    /// The server's limit on our stanzas (XEP-0478), in bytes.
    case stanzaLimit(bytes: Int)
    /// What came of a question: exactly one for each ``ClientSession/ask(_:tag:at:)`` that did not throw.
    case answered(tag: UInt64, Answer)
    /// Somebody is blocked, or no longer; a nil JID is everybody. With `initial` it was so at the login.
    case block(jid: JID?, isBlocked: Bool, initial: Bool)
    /// Somebody says that a message of that id has reached a client (XEP-0184 `received`).
    case receipt(id: String, from: JID)
    /// Something that only somebody else may say (a `roster push`, a `block push`, a `carbon`): it is ignored.
    case forged(what: String, from: JID)
    /// The server ends the stream over this row whenever it comes: it is given up, and no longer sent.
    case rejected(row: UInt64, reason: String)
    /// Something happened to us in a room, or to a room (XEP-0045).
    case room(RoomUpdate)
    /// Something happened to an occupant of a room that we are in.
    case occupant(OccupantUpdate)
    /// An archive, our account's or a room's (XEP-0313), is told up to there: what comes behind is still to be told, also
    /// by who comes after us. It follows the events of the message that moved it. Nil: it is of interest no more.
    case cursor(archive: JID, ArchiveCursor?)
    /// What was missed while we were away is told, so many messages of it, and live ones follow. The gap says why more may
    /// be missing; nil: nothing is.
    case caughtUp(archive: JID, count: Int, gap: String?)
    /// Something a person should know that changes nothing.
    case warning(String)

    /// The number of the inbound stanza is told apart by ``ClientSession/inboundStanza``.
    public enum SubscriptionAction: String, Sendable, Equatable {
        /// Somebody asks to see our presence.
        case request
        /// Somebody lets us see theirs.
        case approved
        /// Somebody does not, or no longer, let us see theirs.
        case denied
        /// We let somebody see ours no longer.
        case cancelled
        /// Somebody no longer wants to see ours.
        case unsubscribed
    }
}

/// A message stanza, read lazily.
public struct Message: Sendable, Equatable {
    /// The stanza.
    public var stanza: Element
    /// Who sent it; our own server or account where the stanza has no `from` (RFC 6120 8.1.2.1).
    public var from: JID
    /// `chat` by default reading is `normal` (RFC 6121 5.2.2).
    public var type: String
    /// When it was first sent, where a delay says so (XEP-0203), as written there: anybody may write one.
    public var delay: String?
    /// Whether it is the copy of one that another client of ours sent or got (XEP-0280); then all else here is of the
    /// message that was copied.
    public var carbon: Carbon?
    /// The name of the scheme it is encrypted with (XEP-0380), which we cannot undo: its body says nothing.
    public var encryption: String?

    /// Where in a room it comes from; nil where it comes from none.
    public var room: RoomOrigin?
    /// What the archive that has it calls it, where that is to be believed (XEP-0359).
    public var archiveID: ArchiveID?
    /// Whether it was missed, and comes out of an archive or of a room's history.
    public var isReplayed = false

    /// A message.
    public init(
        stanza: Element, from: JID, type: String, delay: String?, carbon: Carbon? = nil, encryption: String? = nil,
        room: RoomOrigin? = nil
    ) {
        self.stanza = stanza
        self.from = from
        self.type = type
        self.delay = delay
        self.room = room
        self.carbon = carbon
        self.encryption = encryption
    }

    /// Which way a copied message went.
    public enum Carbon: String, Sendable, Equatable {
        /// Another client of ours sent it.
        case sent
        /// Another client of ours got it.
        case received
    }
}

/// A contact's presence (RFC 6121 4).
public struct PresenceUpdate: Sendable, Equatable {
    /// Whose: with the resource.
    public var from: JID
    /// Whether that resource is available.
    public var available: Bool
    /// `away`, `chat`, `dnd`, `xa`.
    public var show: String?
    /// Words for a person.
    public var status: String?
    /// -128...127.
    public var priority: Int
    /// When it was first sent (XEP-0203), as written there.
    public var delay: String?
    /// The error, for a presence of type `error`.
    public var error: StanzaError?
    /// What that resource can do, as `node#ver` (XEP-0115).
    public var caps: String?
    /// Whether it was so at the login: it came before the server had answered two pings, one sent behind our first
    /// presence and one behind the answer to that.
    public var initial: Bool

    /// A presence.
    public init(
        from: JID, available: Bool, show: String? = nil, status: String? = nil, priority: Int = 0,
        delay: String? = nil, error: StanzaError? = nil, caps: String? = nil, initial: Bool = false
    ) {
        self.from = from
        self.available = available
        self.show = show
        self.status = status
        self.priority = priority
        self.delay = delay
        self.error = error
        self.caps = caps
        self.initial = initial
    }
}

/// An item of the roster (RFC 6121 2.1).
public struct RosterItem: Sendable, Equatable {
    /// The contact.
    public var jid: JID
    /// The name we gave it.
    public var name: String?
    /// `none`, `to`, `from`, `both`, `remove`.
    public var subscription: String
    /// Whether our request to see its presence is pending (`ask='subscribe'`).
    public var ask: Bool
    /// Whether we have approved its request in advance.
    public var approved: Bool
    /// The groups it is in.
    public var groups: [String]

    /// An item.
    public init(
        jid: JID, name: String? = nil, subscription: String = "none", ask: Bool = false, approved: Bool = false,
        groups: [String] = []
    ) {
        self.jid = jid
        self.name = name
        self.subscription = subscription
        self.ask = ask
        self.approved = approved
        self.groups = groups
    }
}

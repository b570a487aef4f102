public import Stanza

/// What a session is told once, before it starts.
public struct Configuration: Sendable {
    /// The account: a bare JID; a bare domain with ``Credentials/anonymous``.
    public var account: JID
    /// The resource to bind (RFC 6120 7.7), stable over the life of a lease; nil lets the server choose.
    public var resource: String?
    /// How to prove who we are.
    public var credentials: Credentials
    /// Whether TLS may be left out.
    public var security: Security = .required
    /// How the session shows itself; nil for a filter that only sends: no presence and no roster.
    public var presence: Presence?
    /// Who gets a receipt for a message that asks for one (XEP-0184).
    public var receipts: Receipts = .contacts
    /// Answers to XEP-0092 and the node of our capabilities (XEP-0115).
    public var software = Software()
    /// How far archives were told by who was there before us: of our account, by its bare JID, and of rooms. What came
    /// since is told after a login. An archive that is not named is told from its end on.
    public var cursors: [JID: ArchiveCursor] = [:]
    /// What the ids of the bridge's messages begin with, so that it knows its own in an archive.
    public var messageIDPrefix: String?
    /// When to give up.
    public var retry: Retry = .within(.seconds(600))
    /// From the start of one attempt (DNS included) to its being online.
    public var connectTimeout: Duration = .seconds(10)
    /// The size of windows, queues and waits.
    public var limits = Limits()

    /// What is shown at the start.
    public var firstPresence: Presence? { presence?.isHeldBack == true ? nil : presence }

    /// A configuration with its defaults.
    public init(account: JID, resource: String?, credentials: Credentials, presence: Presence?) {
        self.account = account
        self.resource = resource
        self.credentials = credentials
        self.presence = presence
    }

    /// How to prove who we are (RFC 6120 6).
    public enum Credentials: Sendable, Equatable {
        /// SCRAM, or PLAIN inside TLS where nothing stronger is offered.
        case password(Secret)
        /// The client certificate that TLS presents (RFC 6120 6.3.4, XEP-0178).
        case external
        /// ANONYMOUS (RFC 4505, XEP-0175).
        case anonymous
    }

    /// Whether TLS may be left out.
    public enum Security: Sendable, Equatable {
        /// No byte of authentication without TLS.
        case required
        /// A loopback address and the user's explicit word: TLS is used where offered, not demanded.
        case plaintextAllowed
    }

    /// Our own presence (RFC 6121 4.7).
    public struct Presence: Sendable, Equatable {
        /// `away`, `chat`, `dnd` or `xa`; nil is plainly available.
        public var show: String?
        /// Words for a person.
        public var status: String?
        /// -128...127.
        public var priority: Int = 0
        /// Whether it is kept back at the start (RFC 6121 4.2.1: who sends none is not seen, and gets no message that
        /// is not for this very resource).
        public var isHeldBack = false

        /// A presence with its defaults: available.
        public init(show: String? = nil, status: String? = nil, priority: Int = 0) {
            self.show = show
            self.status = status
            self.priority = priority
        }
    }

    /// Who gets a receipt for a message that asks for one (XEP-0184 5): it tells that we are here.
    public enum Receipts: String, Sendable, Equatable, CaseIterable {
        /// Nobody.
        case never
        /// Who may see our presence.
        case contacts
        /// Everybody.
        case everybody
    }

    /// Who we say we are (XEP-0092).
    public struct Software: Sendable, Equatable {
        /// The name of the program.
        public var name = "xmpp-bridge"
        /// Its version.
        public var version = "0.1"
        /// The URI that identifies it in XEP-0115.
        public var node = "https://xmpp-bridge.invalid/caps"

        /// The program's own name and version.
        public init() {}
    }

    /// When to give up reconnecting (DESIGN 5.1).
    public enum Retry: Sendable, Equatable {
        /// One attempt; its failure ends the run.
        case failFast
        /// That long without being online.
        case within(Duration)
        /// Never.
        case forever
    }

    /// Named limits, unit last.
    public struct Limits: Sendable, Equatable {
        /// Stanzas of ours that may be unaccepted at once.
        public var windowStanzas = 1_000
        /// Bytes of ours that may be unaccepted at once.
        public var windowBytes = 512 * 1_024
        /// Inbound stanzas that may be unacknowledged before they are spilled (DESIGN 6.2).
        public var inboundUnacknowledgedStanzas = 200
        /// How long an inbound stanza may be unacknowledged before it is spilled.
        public var inboundUnacknowledgedAge: Duration = .seconds(1)
        /// Silence before we ask whether the peer is alive.
        public var idleBeforePing: Duration = .seconds(60)
        /// Questions of the user's that may wait for their answers at once; beyond, ``QuestionProblem/tooMany(max:)``.
        public var questionsMax = 1_000
        /// How long the answer to a question may take, since it was asked or the stream was resumed.
        public var questionTimeout: Duration = .seconds(30)
        /// How long an answer may take before the stream counts as dead.
        public var answerTimeout: Duration = .seconds(30)
        /// From a granted resumption to the first sign that the resumed stream is read.
        public var resumptionTimeout: Duration = .seconds(5)
        /// From the order to leave to a closed socket.
        public var leaveTimeout: Duration = .seconds(5)
        /// The first wait before a reconnection; doubled each time, jittered.
        public var backoffFirst: Duration = .milliseconds(500)
        /// The longest wait before a reconnection.
        public var backoffMax: Duration = .seconds(60)
        /// Rooms that may be wanted at once; a further one is refused.
        public var roomsMax = 1_000
        /// Rooms that may be on our way in at once; the others await their turn.
        public var roomJoinsMax = 10
        /// Occupants of one room that are known one by one; of those beyond, only what happens now is told.
        public var roomOccupantsMax = 5_000
        /// How long a room may take to let us in or out, or to answer.
        public var roomAnswerTimeout: Duration = .seconds(30)
        /// Silence of a room before we ask whether we are still in it (XEP-0410): between three quarters of it and all.
        public var roomSilence: Duration = .seconds(300)
        /// Messages in a page that is asked of an archive.
        public var archivePageMessages = 50
        /// Live messages that wait until what was missed is told; beyond, the oldest are fetched from the archive too.
        public var archiveKeptStanzas = 500
        /// The same in bytes.
        public var archiveKeptBytes = 1_024 * 1_024
        /// Messages of our account that are known again by their archive's id; of older ones a repetition is not known.
        public var archiveIDsMax = 2_000
        /// The same of each room.
        public var archiveRoomIDsMax = 200
        /// Messages in a page that is asked of the archive about rows that may have arrived.
        public var archiveDoubtPageMessages = 100
        /// Pages of it; of rows that are on none it is not known, and they are sent again.
        public var archiveDoubtPagesMax = 100
        /// The first wait before a room is joined again; doubled each time, jittered.
        public var roomBackoffFirst: Duration = .seconds(1)
        /// The longest wait before a room is joined again.
        public var roomBackoffMax: Duration = .seconds(300)

        /// The defaults.
        public init() {}
    }
}

/// A text that no description, log or error shows.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself; whoever reads it answers for where it goes.
    public let revealed: String

    /// Keeps a secret.
    public init(_ secret: String) { revealed = secret }

    /// Never the secret.
    public var description: String { "(secret)" }
    /// Never the secret.
    public var debugDescription: String { "(secret)" }
    /// Without the secret.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

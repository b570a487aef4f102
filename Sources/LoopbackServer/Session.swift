import Stanza

/// The number of a session; never used twice.
typealias SessionID = UInt64

/// A bound resource, with or without a connection.
struct Session: Sendable {
    let id: SessionID
    /// The localpart of its account.
    let account: String
    /// Its full address.
    let jid: JID
    /// nil while it waits to be resumed.
    var connection: LoopbackServer.ConnectionID?
    /// Its last broadcast presence while it is available.
    var presence: AvailablePresence?
    /// Whether it has asked for the roster, and so gets pushes (RFC 6121 2.1.6).
    var isInterested = false
    /// Whether it has fetched the block list, and so gets pushes of it (XEP-0191 3.3).
    var hasFetchedBlocklist = false
    /// The privacy list that counts for it instead of the account's default (XEP-0016 2.2).
    var activeList: String?
    /// Whether it wants copies of messages (XEP-0280).
    var wantsCarbons = false
    /// Who got its directed presence (RFC 6121 4.6).
    var directed: [JID] = []
    /// Whether it has been given what waited for the account.
    var hasGreeted = false
    /// Messages of the session before it with the same resource; they come with its first presence.
    var inherited: [Parcel] = []
    var management: StreamManagement?

    /// A presence and the priority in it.
    struct AvailablePresence: Sendable {
        /// The stanza with its `from`, without a `to`.
        var stanza: Element
        var priority: Int
    }

    /// Whether messages to the bare address come here (RFC 6121 8.5.2.1).
    var takesBareMessages: Bool { (presence?.priority ?? -1) >= 0 }
}

/// The server's half of stream management for one session (XEP-0198).
struct StreamManagement: Sendable {
    /// By which the session is resumed; nil where it cannot be.
    var resumptionID: String?
    /// Stanzas of the client handled: our `h`.
    var handled: UInt32 = 0
    /// Stanzas of ours that the client has acknowledged: its `h`.
    private(set) var acknowledged: UInt32 = 0
    /// Those it has not.
    private(set) var unacknowledged = Queue<Parcel>()
    /// Whether an `<r/>` of ours is not answered.
    var isAsking = false
    /// Whether anything was sent since the last `<r/>`: without it, asking again would tell nothing new.
    private(set) var hasNews = false

    /// Nothing handled, nothing sent; for tests a count of stanzas sent and acknowledged before.
    init(acknowledged: UInt32 = 0) { self.acknowledged = acknowledged }

    /// Whether it is time for an `<r/>`: one at a time.
    var shouldAsk: Bool { hasNews && !isAsking }

    mutating func sent(_ parcel: Parcel) {
        unacknowledged.append(parcel)
        hasNews = true
    }

    mutating func asked() {
        isAsking = true
        hasNews = false
    }

    /// Takes the client's `h`; nil where it names more than was sent (XEP-0198 4).
    mutating func acknowledge(_ h: UInt32) -> Void? {
        let count = Int(h &- acknowledged)
        guard count <= unacknowledged.count else { return nil }
        unacknowledged.dropFirst(count)
        acknowledged = h
        return ()
    }

    /// Takes all that is not acknowledged away from the session.
    mutating func takeUnacknowledged() -> [Parcel] { unacknowledged.takeAll() }

    /// How much was sent in all, modulo 2^32.
    var sentCount: UInt32 { acknowledged &+ UInt32(truncatingIfNeeded: unacknowledged.count) }

    /// The connection is new: what was asked on the old one is not answered.
    mutating func resumed() {
        isAsking = false
        hasNews = !unacknowledged.isEmpty
    }
}

/// An ended session whose `h` is still told (XEP-0198 5, `<failed h=''/>`).
struct EndedSession: Sendable {
    let resumptionID: String
    let account: String
    let handled: UInt32
}

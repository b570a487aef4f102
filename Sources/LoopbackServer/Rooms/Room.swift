import Digest
import Stanza

/// One room (XEP-0045) with its occupants.
struct Room: Sendable {
    let jid: JID
    var settings: LoopbackServer.Configuration.RoomSettings
    /// Whether it outlives its last occupant.
    var isPersistent: Bool
    /// Whether it waits for its first configuration (XEP-0045 10.1).
    var isLocked = false
    /// Who is more than nobody in it, or less; the oldest first.
    private(set) var affiliations: [Entry] = []
    /// The oldest first.
    var occupants: [Occupant] = []
    /// The last subject that was set; nil: never.
    var subject: RoomMessage?
    private(set) var history: [RoomMessage] = []

    /// An affiliation and why.
    struct Entry: Sendable {
        /// A bare address or a domain.
        let jid: JID
        var affiliation: Affiliation
        var reason: String?
    }

    init(jid: JID, settings: LoopbackServer.Configuration.RoomSettings, isPersistent: Bool) {
        self.jid = jid
        self.settings = settings
        self.isPersistent = isPersistent
        subject = settings.subject.map { RoomMessage(subject: $0, of: jid) }
    }

    /// What that address is; a ban of the domain counts (XEP-0045 9.2).
    func affiliation(of jid: JID) -> Affiliation {
        let known = affiliations.first { $0.jid == jid.bare } ?? affiliations.first { $0.jid == jid.server }
        return known?.affiliation ?? .none
    }

    mutating func set(_ affiliation: Affiliation, of jid: JID, reason: String? = nil) {
        affiliations.removeAll { $0.jid == jid }
        if affiliation != .none { affiliations.append(Entry(jid: jid, affiliation: affiliation, reason: reason)) }
    }

    func occupant(_ session: SessionID) -> Occupant? { occupants.first { $0.session == session } }
    func occupant(named nick: String) -> Occupant? { occupants.first { $0.nick == nick } }
    func isModerator(_ occupant: Occupant) -> Bool { affiliation(of: occupant.jid).isModerator }

    /// The nick that somebody gets who asks for this one.
    func nick(for wish: String) -> String {
        guard settings.lowercasesNicks, let address = try? jid.with(resource: wish.lowercased()) else { return wish }
        return address.resource ?? wish
    }

    mutating func remember(_ message: RoomMessage) {
        history.append(message)
        if history.count > settings.historyMessagesMax { history.removeFirst() }
    }

    /// The end of the history that somebody wants who joins with this `<history/>` (XEP-0045 7.2.15).
    func history(wanted wish: Element?, now: WallTime, to recipient: JID) -> [RoomMessage] {
        var wanted = history[...]
        if let number = wish?["maxstanzas"].flatMap({ Int($0) }) { wanted = wanted.suffix(max(number, 0)) }
        if let seconds = wish?["seconds"].flatMap({ Int64($0) }) {
            wanted = wanted.drop { now.milliseconds - $0.stamp.milliseconds > seconds.multipliedOrMax(by: 1_000) }
        }
        // Times in UTC sort as they are written, up to the second.
        if let since = wish?["since"]?.prefix(19) { wanted = wanted.drop { $0.stamp.stamp.prefix(19) < since } }
        if let most = wish?["maxchars"].flatMap({ Int($0) }) {
            var count = 0
            let fitting = wanted.reversed().prefix { message in
                count += message.bytes(to: recipient, room: jid, isLate: true).count
                return count <= most
            }
            wanted = wanted.suffix(fitting.count)
        }
        return Array(wanted)
    }
}

/// One session in a room. A session has one nick in it, and a nick one session.
struct Occupant: Sendable {
    let session: SessionID
    /// The real full address.
    let jid: JID
    /// The room's address with the nick.
    var address: JID
    /// By which others know it again (XEP-0421).
    let occupantID: String
    /// Its last presence.
    var presence: Element
    /// When it spoke last.
    var lastSpoke: Instant?

    var nick: String { address.resource ?? "" }
}

extension Int64 {
    fileprivate func multipliedOrMax(by factor: Int64) -> Int64 {
        let (product, overflows) = multipliedReportingOverflow(by: factor)
        return overflows ? .max : product
    }
}

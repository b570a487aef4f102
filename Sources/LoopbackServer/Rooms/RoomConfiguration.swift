public import Stanza

extension LoopbackServer.Configuration {
    /// The room service (XEP-0045) at `conference.DOMAIN`.
    public struct RoomService: Sendable {
        /// Whether there is one.
        public var isOffered = true
        /// Whether who joins a room that does not exist makes it.
        public var allowsCreation = true
        /// The condition of the refusal where it does not: XEP-0045 7.2.14 knows `not-allowed` beside this one.
        public var creationRefusal = "item-not-found"
        /// Whether a room just made takes nobody else until its owner has configured it (XEP-0045 10.1).
        public var locksNewRooms = true
        /// What a room is like that somebody makes by joining it.
        public var newRoom = RoomSettings()
        /// The rooms that are there from the start; they outlive their occupants.
        public var rooms: [Room] = []

        /// The defaults: rooms can be made, none is there.
        public init() {}
    }

    /// A room that is there from the start.
    public struct Room: Sendable {
        /// The localpart, prepared.
        public let name: String
        /// What it is like.
        public var settings = RoomSettings()
        /// Who is what in it, by bare address or domain.
        public var affiliations: [(jid: JID, affiliation: Affiliation)] = []

        /// A room with the defaults.
        /// - Throws: ``Failure/room(_:)`` where the name is no localpart.
        public init(_ name: String) throws(Failure) {
            guard let jid = try? JID("\(name)@localhost"), let local = jid.local, jid.isBare else { throw .room(name) }
            self.name = local
        }
    }

    /// What a room is like.
    public struct RoomSettings: Sendable {
        /// Its name for people.
        public var title: String?
        /// The password to join with; no description shows it.
        public var password: String? {
            get { secret?.revealed }
            set { secret = newValue.map { Password(revealed: $0) } }
        }
        /// Whether only members may join.
        public var isMembersOnly = false
        /// Whether everybody sees the real addresses, not moderators alone.
        public var isNonAnonymous = false
        /// Whether those who join are told that the room is logged (status 170).
        public var isLogged = false
        /// Whether the service lists it.
        public var isPublic = true
        /// Whether participants may set the subject, not moderators alone.
        public var occupantsSetSubject = false
        /// Whether nicks are made lowercase (status 210).
        public var lowercasesNicks = false
        /// The subject at the start.
        public var subject: String?
        /// Messages that who joins is given.
        public var historyMessagesMax = 20
        /// Occupants at once; one more gets `service-unavailable`, admins and owners do not count.
        public var occupantsMax = 200
        /// How long an occupant waits between two messages; sooner ones get `policy-violation`.
        public var messageInterval: Duration = .zero
        private var secret: Password?

        /// The defaults: an open, semi-anonymous room.
        public init() {}
    }
}

/// What somebody is to a room over the sessions (XEP-0045 5.2), the highest first.
public enum Affiliation: String, Sendable, CaseIterable {
    /// May do everything, ends the room too.
    case owner
    /// May kick, ban and make members.
    case admin
    /// May join a members-only room.
    case member
    /// Nobody in particular.
    case none
    /// May not join.
    case outcast

    /// How high it stands.
    var rank: Int {
        switch self {
        case .owner: 3
        case .admin: 2
        case .member: 1
        case .none, .outcast: 0
        }
    }

    /// The role that goes with it in a room that is not moderated (XEP-0045 5.1.2).
    var role: StaticString { rank >= Affiliation.admin.rank ? "moderator" : "participant" }
    var isModerator: Bool { rank >= Affiliation.admin.rank }
}

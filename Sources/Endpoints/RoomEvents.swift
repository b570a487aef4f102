public import Routing
public import Stanza

// Rooms (XEP-0045): what happens to us there, and who is there with us.
extension EventRecord {
    /// What became of us in a room, or of the room.
    public enum RoomAction: String, Sendable, CaseIterable {
        /// We are in it.
        case joined
        /// We are in it, and made it.
        case created
        /// We are in it again, after it was lost.
        case rejoined
        /// It did not let us in; `condition` says why.
        case refused
        /// We are no longer in it, and try to come back.
        case lost
        /// We left it.
        case left
        /// Somebody put us out.
        case kicked
        /// Somebody put us out for good.
        case banned
        /// We are out: it is for members only now, or we are no member any more, or its service stops.
        case removed
        /// It is no more.
        case destroyed
        /// Its subject, at the time of joining or changed.
        case subject
        /// Somebody asks us into it.
        case invited
        /// Somebody we invited does not come.
        case declined
    }

    /// What there is to tell of a room. Its password is never among it.
    public struct RoomFields: Sendable, Equatable {
        /// The room.
        public var room: JID
        /// What became of it.
        public var action: RoomAction
        /// Our name in it.
        public var nick: String?
        /// The subject.
        public var subject: String?
        /// Who did it: the nick of an occupant, or an address.
        public var by: String?
        /// Why, for a person.
        public var reason: String?
        /// Why it did not let us in (RFC 6120 8.3.3).
        public var condition: String?
        /// When the next attempt comes, written as `retry_in_ms`.
        public var retryIn: Duration?
        /// The room that takes a destroyed one's place.
        public var alternative: JID?
        /// How many are in it, we among them.
        public var occupants: Int?

        /// A room with what it must have.
        public init(room: JID, action: RoomAction) {
            self.room = room
            self.action = action
        }
    }

    /// `room`.
    public static func room(_ room: RoomFields) -> EventRecord {
        var fields = Fields(.init("room", .string(room.room.text)))
        fields.add("action", room.action.rawValue)
        fields.add("nick", room.nick)
        fields.add("subject", room.subject)
        fields.add("by", room.by)
        fields.add("reason", room.reason)
        fields.add("condition", room.condition)
        fields.add(milliseconds: "retry_in_ms", room.retryIn)
        fields.add("alternative", room.alternative?.text)
        fields.add("occupants", room.occupants.map(Int64.init))
        return EventRecord(.room, fields.all)
    }

    /// What became of somebody in a room.
    public enum OccupantAction: String, Sendable, CaseIterable {
        /// Came, or was there before us.
        case joined
        /// Went.
        case left
        /// Has another show, status, role or affiliation.
        case changed
        /// Has another nick.
        case renamed
        /// Was put out.
        case kicked
        /// Was put out for good.
        case banned
        /// Is out as the room is for members only now, or as it is no member any more.
        case removed
        /// Has that affiliation: an answer to `affiliate`, or told of somebody who is not there.
        case affiliation
    }

    /// What somebody may do in a room (XEP-0045 5.1).
    public enum Role: String, Sendable, CaseIterable {
        case moderator, participant, visitor, none
    }

    /// What there is to tell of somebody in a room.
    public struct OccupantFields: Sendable, Equatable {
        /// The room.
        public var room: JID
        /// The name there; nil only for an ``OccupantAction/affiliation``.
        public var nick: String?
        /// What became of it.
        public var action: OccupantAction
        /// The real address, where the room shows it.
        public var jid: JID?
        /// A word of ``Role``; another is left out.
        public var role: String?
        /// A word of ``Command/Affiliation``; another is left out.
        public var affiliation: String?
        /// What stays the same for this occupant whatever its nick (XEP-0421).
        public var occupantID: String?
        /// How available.
        public var show: Show?
        /// Words for a person.
        public var status: String?
        /// The name from now on.
        public var newNick: String?
        /// Who did it: the nick of an occupant, or an address.
        public var by: String?
        /// Why, for a person.
        public var reason: String?
        /// Whether this is us.
        public var isSelf = false
        /// Whether it was there before us.
        public var initial = false
        /// That of the `affiliate` it answers.
        public var ref: String?

        /// An occupant with what it must have.
        public init(room: JID, nick: String?, action: OccupantAction) {
            self.room = room
            self.nick = nick
            self.action = action
        }
    }

    /// `occupant`.
    public static func occupant(_ occupant: OccupantFields) -> EventRecord {
        var fields = Fields(.init("room", .string(occupant.room.text)))
        fields.add("nick", occupant.nick)
        fields.add("action", occupant.action.rawValue)
        fields.add("jid", occupant.jid?.text)
        fields.add("role", occupant.role.flatMap(Role.init(rawValue:))?.rawValue)
        fields.add("affiliation", occupant.affiliation.flatMap(Command.Affiliation.init(rawValue:))?.rawValue)
        fields.add("occupant_id", occupant.occupantID)
        fields.add("show", occupant.show?.rawValue)
        fields.add("status", occupant.status)
        fields.add("new_nick", occupant.newNick)
        fields.add("by", occupant.by)
        fields.add("reason", occupant.reason)
        fields.add(whereTrue: "self", occupant.isSelf)
        fields.add(whereTrue: "initial", occupant.initial)
        fields.add("ref", occupant.ref)
        return EventRecord(.occupant, fields.all)
    }
}

public import Stanza

/// A room that we want to be in, and how (XEP-0045 7.2).
public struct RoomChoice: Sendable, Equatable {
    /// The room: a bare JID.
    public var room: JID
    /// The name we want in it.
    public var nick: String
    /// The room's password (XEP-0045 7.2.5).
    public var password: Secret?
    /// Whether a room that does not exist is created, with its service's defaults (XEP-0045 10.1.2).
    public var creates = false
    /// How many messages of the room's past it may send us, at most (XEP-0045 7.2.13).
    public var history = 0
    /// What to do where somebody else has the nick.
    public var nickConflict: NickConflict = .alter
    /// Whether we come back after a kick, when some time has passed.
    public var rejoinsAfterKick = false

    /// A choice with its defaults.
    public init(room: JID, nick: String, password: Secret? = nil) {
        self.room = room.bare
        self.nick = nick
        self.password = password
    }

    /// What to do where somebody else has the nick (XEP-0045 7.2.8).
    public enum NickConflict: Sendable, Equatable {
        /// Take `nick_`, then `nick_2` and so on to `nick_5`.
        case alter
        /// Stay outside.
        case refuse
    }
}

/// How we stand in a room that we want to be in.
public enum RoomStanding: Sendable, Equatable {
    /// On the way in, or the stream is down.
    case joining
    /// In it, by that name.
    case joined(nick: String)
    /// Not in it; tried again after that time.
    case lost(retryIn: Duration)
    /// Not in it, and not tried again before the next ``ClientSession/join(_:at:)``: why, in words for a person.
    case refused(String)
}

/// Something that happened to us in a room, or to the room.
public struct RoomUpdate: Sendable, Equatable {
    /// What happened.
    public enum Action: String, Sendable, Equatable, CaseIterable {
        /// We are in it for the first time.
        case joined
        /// We are in it, and it is our joining that made it.
        case created
        /// We are in it again.
        case rejoined
        /// We are not let in, and ask no more.
        case refused
        /// We are out of it, or not let in for now; tried again after ``RoomUpdate/retryIn``.
        case lost
        /// We are out of it, as we asked.
        case left
        /// We were kicked out; tried again where ``RoomUpdate/retryIn`` says when.
        case kicked
        /// We were banned.
        case banned
        /// We lost the affiliation that the room demands.
        case removed
        /// The room is gone.
        case destroyed
        /// It has another subject; also the one that it has when we come in.
        case subject
        /// Somebody invites us to it.
        case invited
        /// Somebody does not accept our invitation to it.
        case declined
    }

    /// The room.
    public var room: JID
    /// What happened.
    public var action: Action
    /// Our own nick in it.
    public var nick: String?
    /// The subject; empty where it was taken away.
    public var subject: String?
    /// Who did it, where the room says so: a nick of the room, or the JID of whoever invites or declines.
    public var by: String?
    /// Words for a person: the room's, or where it has none our own.
    public var reason: String?
    /// The condition of RFC 6120 8.3.3 with which we were refused.
    public var condition: String?
    /// When it is tried again; nil for never.
    public var retryIn: Duration?
    /// The room that takes this one's place.
    public var alternative: JID?
    /// How many are in it, we among them.
    public var occupants: Int?
    /// The password that came with an invitation.
    public var password: Secret?

    /// An update.
    public init(_ action: Action, room: JID, nick: String? = nil) {
        self.action = action
        self.room = room
        self.nick = nick
    }
}

/// Something that happened to an occupant of a room that we are in, or are coming into.
public struct OccupantUpdate: Sendable, Equatable {
    /// What happened.
    public enum Action: String, Sendable, Equatable, CaseIterable {
        /// Came in; or was there before us, where ``OccupantUpdate/initial`` says so.
        case joined
        /// Went out.
        case left
        /// Has another role, affiliation, show or status.
        case changed
        /// Has another nick.
        case renamed
        /// Was kicked out.
        case kicked
        /// Was banned.
        case banned
        /// Lost the affiliation that the room demands, or the room's service shuts down.
        case removed
    }

    /// The room.
    public var room: JID
    /// The occupant's nick; the old one where it is renamed.
    public var nick: String
    /// What happened.
    public var action: Action
    /// Who it is, where the room shows it.
    public var jid: JID?
    /// `moderator`, `participant`, `visitor`, `none`.
    public var role: String?
    /// `owner`, `admin`, `member`, `none`, `outcast`.
    public var affiliation: String?
    /// Who it is under whatever nick (XEP-0421); only from a room that announces such ids.
    public var occupantID: String?
    /// `away`, `chat`, `dnd`, `xa`.
    public var show: String?
    /// Words for a person.
    public var status: String?
    /// With ``Action/renamed``: the nick from now on.
    public var newNick: String?
    /// Who did it, where the room says so.
    public var by: String?
    /// Why, where the room says so.
    public var reason: String?
    /// Whether it is we.
    public var isSelf = false
    /// Whether it was there before us.
    public var initial = false

    /// An update.
    public init(_ action: Action, room: JID, nick: String) {
        self.action = action
        self.room = room
        self.nick = nick
    }
}

/// Where in a room a message comes from.
public struct RoomOrigin: Sendable, Equatable {
    /// The room.
    public var room: JID
    /// Who said it; nil where it is the room itself.
    public var nick: String?
    /// Whether it is for us alone (XEP-0045 7.5).
    public var isPrivate: Bool
    /// Whether it comes under our own nick: a message of ours, or of another client that shares the nick.
    public var isReflection: Bool
    /// Whether it is of the time before we came in (XEP-0045 7.2.13).
    public var isHistory: Bool
    /// Who said it under whatever nick (XEP-0421); only from a room that announces such ids.
    public var occupantID: String?

    /// An origin.
    public init(
        room: JID, nick: String?, isPrivate: Bool = false, isReflection: Bool = false, isHistory: Bool = false,
        occupantID: String? = nil
    ) {
        self.room = room
        self.nick = nick
        self.isPrivate = isPrivate
        self.isReflection = isReflection
        self.isHistory = isHistory
        self.occupantID = occupantID
    }
}

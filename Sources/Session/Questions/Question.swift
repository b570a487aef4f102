public import Stanza

/// What can be asked by an iq, and is answered by exactly one ``Event/answered(tag:_:)``.
public enum Question: Sendable, Equatable {
    /// The whole roster (RFC 6121 2.1.3).
    case rosterGet
    /// Adds a contact or changes it (RFC 6121 2.3, 2.4): a nil name or nil groups stay as the roster has them, an empty
    /// name takes the name away.
    case rosterSet(jid: JID, name: String?, groups: [String]?)
    /// Takes a contact off the roster, and with it the subscriptions (RFC 6121 2.5).
    case rosterRemove(JID)
    /// Who is blocked (XEP-0191 3.2; on a server without it: XEP-0016).
    case blockList
    /// Blocks everything from them (XEP-0191 3.3). On a server without it this takes several steps with a privacy list;
    /// where the last one is refused (`conflict`: another client holds on to its own list), they are blocked for
    /// this session only.
    case block([JID])
    /// Unblocks them; nobody named: everybody (XEP-0191 3.4, 3.5).
    case unblock([JID])
    /// What somebody is and can do (XEP-0030 3); nil: our own server.
    case discoInfo(JID?, node: String?)
    /// What belongs to somebody (XEP-0030 4); nil: our own server.
    case discoItems(JID?, node: String?)
    /// Whether somebody is there (XEP-0199); nil: our own server.
    case ping(JID?)
    /// Somebody's software (XEP-0092).
    case version(JID)
    /// Who has that affiliation with a room (XEP-0045 9.5).
    case affiliations(room: JID, affiliation: String)
    /// Gives somebody an affiliation with a room (XEP-0045 9).
    case setAffiliation(room: JID, jid: JID, affiliation: String, reason: String?)
    /// Gives an occupant a role (XEP-0045 8); `none` is a kick.
    case setRole(room: JID, nick: String, role: String, reason: String?)
    /// An iq of type `get` or `set` of the user's own; its id is kept where it has one.
    case raw(Element)
}

/// What came of a ``Question``.
public enum Answer: Sendable, Equatable {
    /// It was carried out.
    case done
    /// The whole roster.
    case roster([RosterItem])
    /// Who is blocked.
    case blocked([JID])
    /// What somebody is and can do; an identity reads `category/type`, with a space and its name where it has one.
    case info(features: [String], identities: [String])
    /// What belongs to somebody.
    case items([JID])
    /// Somebody is there, and took that long to say so.
    case pong(after: Duration)
    /// Somebody's software.
    case version(name: String?, version: String?, os: String?)
    /// Who has the affiliation.
    case affiliations([RoomAffiliation])
    /// The whole iq of type `result` that answers a ``Question/raw(_:)``.
    case element(Element)
    /// It was refused: the error, and the whole iq of type `error`.
    case refused(StanzaError, Element)
    /// No answer came: whether it was carried out is not known.
    case unanswered(Unanswered)
}

/// Why no answer came.
public enum Unanswered: Sendable, Equatable {
    /// Not within ``Configuration/Limits/questionTimeout``.
    case timeout(seconds: Int64)
    /// The stream was lost, and not resumed (in time).
    case streamLost
    /// The session ends.
    case ending
}

/// Somebody's affiliation with a room (XEP-0045 5.2).
public struct RoomAffiliation: Sendable, Equatable {
    /// Who: a bare JID, or a domain.
    public var jid: JID
    /// `owner`, `admin`, `member`, `outcast`.
    public var affiliation: String
    /// The name in the room, of who is in it.
    public var nick: String?
    /// Why, where somebody said so.
    public var reason: String?

    /// An affiliation.
    public init(jid: JID, affiliation: String, nick: String? = nil, reason: String? = nil) {
        self.jid = jid
        self.affiliation = affiliation
        self.nick = nick
        self.reason = reason
    }
}

/// Why a question was not even asked.
public enum QuestionProblem: Error, Sendable, Equatable {
    /// There is no stream now.
    case offline
    /// So many wait for their answers already: ``Configuration/Limits/questionsMax``.
    case tooMany(max: Int)
    /// Another iq with that id waits for its answer.
    case idTaken(String)
}

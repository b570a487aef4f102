import Stanza
import Testing

@testable import Session

// A room as the other side of a dialogue.
extension Dialogue {
    static let room = "ops@rooms.example.org"

    static func choice(
        _ nick: String = "bridge", room: String = Dialogue.room, _ adjust: (inout RoomChoice) -> Void = { _ in }
    ) throws -> RoomChoice {
        var choice = RoomChoice(room: try JID(room), nick: nick)
        adjust(&choice)
        return choice
    }

    /// Wants in, and looks at what is written.
    mutating func join(_ choice: RoomChoice) {
        session.join(choice, at: now)
        flush()
    }

    /// A presence from an occupant's address.
    /// - Parameter codes: status codes.
    mutating func occupant(
        _ nick: String, room: String = Dialogue.room, type: String? = nil, codes: [Int] = [],
        item: String = "<item affiliation='member' role='participant'/>", more: String = ""
    ) {
        let statuses = codes.map { "<status code='\($0)'/>" }.joined()
        let kind = type.map { " type='\($0)'" } ?? ""
        server(
            "<presence from='\(room)/\(nick)'\(kind)><x xmlns='http://jabber.org/protocol/muc#user'>"
                + "\(item)\(statuses)</x>\(more)</presence>")
    }

    mutating func gone(_ nick: String, _ codes: [Int] = [], item: String = "<item role='none'/>") {
        occupant(nick, type: "unavailable", codes: codes, item: item)
    }

    /// The room's error to our joining.
    mutating func notLetIn(_ condition: String, type: String = "cancel", inner: String = "", id: String? = nil) {
        let stanzas = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
        let content = inner.isEmpty ? "<\(condition) \(stanzas)/>" : "<\(condition) \(stanzas)>\(inner)</\(condition)>"
        server(
            "<presence from='\(Self.room)/bridge' type='error' id='\(id ?? lastID("join"))'>"
                + "<x xmlns='http://jabber.org/protocol/muc'/><error type='\(type)'>\(content)</error></presence>")
    }

    /// The room says what it can do.
    mutating func info(_ features: String...) {
        let list = features.map { "<feature var='\($0)'/>" }.joined()
        server(
            "<iq type='result' from='\(Self.room)' id='\(lastID("info"))'>"
                + "<query xmlns='http://jabber.org/protocol/disco#info'>\(list)</query></iq>")
    }

    mutating func groupchat(_ nick: String?, _ content: String, room: String = Dialogue.room) {
        let from = nick.map { "\(room)/\($0)" } ?? room
        server("<message type='groupchat' from='\(from)'>\(content)</message>")
    }

    /// The answer to the newest self-ping, or an error.
    mutating func answerCheck(_ condition: String? = nil, type: String = "cancel", nick: String = "bridge") {
        let error = condition.map {
            "<error type='\(type)'><\($0) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        }
        let id = lastID("self")
        let kind = condition == nil ? "result" : "error"
        server("<iq type='\(kind)' from='\(Self.room)/\(nick)' id='\(id)'>\(error ?? "")</iq>")
    }

    /// A message of ours is refused as if we were not in.
    mutating func hint(_ from: String = Dialogue.room) {
        server(
            "<message type='error' id='m1' from='\(from)'><error type='cancel'>"
                + "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
    }

    var standing: RoomStanding? { (try? JID(Self.room)).flatMap { session.standing(in: $0) } }

    /// Online and in the room, with nothing left to look at; the server itself may be silent.
    static func inRoom(
        managed: Bool = true, features: [String] = [], _ adjust: (inout RoomChoice) -> Void = { _ in }
    ) throws -> Dialogue {
        var talk = try Dialogue.online(managed: managed) { $0.limits.idleBeforePing = .seconds(1_000_000) }
        talk.join(try choice("bridge", adjust))
        for feature in features { talk.info(feature) }
        talk.occupant("ann")
        talk.occupant("bridge", codes: [110])
        try #require(talk.standing == .joined(nick: "bridge"))
        talk.feed(.handled(upTo: talk.session.inboundStanza))
        talk.actions = []
        talk.output = ""
        return talk
    }
}

extension Array where Element == Action {
    /// What happened to rooms, in order.
    var rooms: [RoomUpdate] { events.compactMap { if case .room(let update) = $0 { update } else { nil } } }
    var occupants: [OccupantUpdate] { events.compactMap { if case .occupant(let update) = $0 { update } else { nil } } }
    var messages: [Message] { events.compactMap { if case .message(let message) = $0 { message } else { nil } } }
    var forgeries: [String] {
        events.compactMap { if case .forged(let what, let from) = $0 { "\(what) from \(from)" } else { nil } }
    }
}

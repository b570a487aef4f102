import LoopbackServer
import Stanza

/// The room `ops@conference.localhost`, and what its tests say and hear.
extension Dialogue {
    static let room = "ops@conference.localhost"

    /// A dialogue whose server has the room `ops`; alice owns it.
    static func withRoom(
        faults: [String] = [], _ change: (inout Server.Configuration.Room) throws -> Void = { _ in },
        service: (inout Server.Configuration.RoomService) -> Void = { _ in }
    ) throws -> Dialogue {
        var room = try Server.Configuration.Room("ops")
        room.affiliations = [(try JID("alice@localhost"), .owner)]
        try change(&room)
        return try Dialogue(faults: faults) {
            $0.roomService.rooms = [room]
            service(&$0.roomService)
        }
    }

    /// Asks to enter; nobody has heard anything yet.
    mutating func enter(_ id: UInt64, _ nick: String, _ wish: String = "", room: String = Self.room) {
        let request = "<x xmlns='http://jabber.org/protocol/muc'>\(wish)</x>"
        say(id, "<presence id='j' to='\(room)/\(nick)'>\(request)</presence>")
    }

    /// Alice on 1, bob on 2 and carol on 3 are in the room; all they heard of that is forgotten.
    mutating func gather(_ names: [String] = ["alice", "bob", "carol"]) {
        for (place, name) in names.enumerated() {
            login(UInt64(place + 1), name, "home")
            enter(UInt64(place + 1), name)
        }
        for place in 1...names.count { _ = hear(UInt64(place)) }
        _ = observed()
    }

    mutating func speak(_ id: UInt64, _ body: String) {
        say(id, "<message type='groupchat' id='m' to='\(Self.room)'><body>\(body)</body></message>")
    }

    /// Changes affiliations or kicks.
    mutating func administer(_ id: UInt64, _ items: String) {
        let query = "<query xmlns='http://jabber.org/protocol/muc#admin'>\(items)</query>"
        say(id, "<iq type='set' id='a' to='\(Self.room)'>\(query)</iq>")
    }

    mutating func own(_ id: UInt64, _ payload: String, type: String = "set", room: String = Self.room) {
        let query = "<query xmlns='http://jabber.org/protocol/muc#owner'>\(payload)</query>"
        say(id, "<iq type='\(type)' id='o' to='\(room)'>\(query)</iq>")
    }

    mutating func ping(_ id: UInt64, _ nick: String) -> [String] {
        say(id, "<iq type='get' id='p' to='\(Self.room)/\(nick)'><ping xmlns='urn:xmpp:ping'/></iq>")
        return gist(id)
    }

    /// What that client hears, a line a stanza: presences as `nick affiliation/role statuses` (with `-` before it
    /// where it is gone), messages as `nick: body`, `nick= subject`, iqs as their type, errors as `condition type`.
    mutating func gist(_ id: UInt64) -> [String] {
        Reader.elements(hear(id)).map { stanza in
            let nick = (stanza["from"].flatMap { try? JID($0) })?.resource ?? ""
            if stanza["type"] == "error", let error = stanza.child("error", NS.client) {
                return "\(stanza.name) " + (error.child(in: NS.stanzas)?.name ?? "") + " " + (error["type"] ?? "")
            }
            switch stanza.name {
            case "presence": return Self.gist(presence: stanza, nick)
            case "message":
                let late = stanza.child("delay", NS.delay) == nil ? "" : " (late)"
                if let body = stanza.child("body", NS.client) { return "\(nick): \(body.text)\(late)" }
                return "\(nick)= \(stanza.child("subject", NS.client)?.text ?? "?")\(late)"
            default: return stanza["type"] ?? ""
            }
        }
    }

    private static func gist(presence: Element, _ nick: String) -> String {
        let x = presence.children.first { $0.name == "x" }
        let item = x?.children.first { $0.name == "item" }
        var text = (presence["type"] == "unavailable" ? "-" : "") + nick
        text += " \(item?["affiliation"] ?? "?")/\(item?["role"] ?? "?")"
        for part in [item?["jid"], item?["nick"].map { ">\($0)" }] { if let part { text += " " + part } }
        for child in item?.children.map({ $0 }) ?? [] { text += " " + (child["nick"].map { "by \($0)" } ?? child.text) }
        for status in x?.children.filter({ $0.name == "status" }) ?? [] { text += " " + (status["code"] ?? "") }
        return text
    }
}

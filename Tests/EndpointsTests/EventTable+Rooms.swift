import Endpoints
import Routing
import Stanza

// Copies, rooms, blocking, and what commands are answered with.
extension EventTable {
    static func copies(_ bob: JID) throws -> [Row] {
        let room = try JID("den@rooms.example.org")
        var said = EventRecord.MessageFields(from: try room.with(resource: "Bob"), type: .groupchat)
        said.room = room
        said.nick = "Bob"
        said.occupantID = "o1"
        said.id = "m1"
        said.body = Array("hi".utf8)
        said.delay = "2026-11-22T09:00:00Z"
        said.replayed = true
        var whispered = EventRecord.MessageFields(from: try room.with(resource: "Bob"), type: .chat)
        whispered.room = room
        whispered.nick = "Bob"
        whispered.isPrivate = true
        var copy = EventRecord.MessageFields(from: bob, type: .chat)
        copy.carbon = .sent
        copy.encrypted = "OMEMO"
        return [
            (
                .message(said),
                #""message",@,"from":"den@rooms.example.org/Bob","jid":"den@rooms.example.org","type":"groupchat","#
                    + #""room":"den@rooms.example.org","nick":"Bob","occupant_id":"o1","id":"m1","body":"hi","#
                    + #""delay":"2026-11-22T09:00:00Z","replayed":true"#
            ),
            (
                .message(whispered),
                #""message",@,"from":"den@rooms.example.org/Bob","jid":"den@rooms.example.org","type":"chat","#
                    + #""room":"den@rooms.example.org","nick":"Bob","private":true"#
            ),
            (
                .message(copy),
                #""message",@,"from":"bob@example.org/phone","jid":"bob@example.org","type":"chat","carbon":"sent","#
                    + #""encrypted":"OMEMO""#
            ),
        ]
    }

    static func blocks(_ bob: JID) -> [Row] {
        [
            (
                .block(jid: bob, .blocked, initial: true),
                #""block",@,"jid":"bob@example.org/phone","action":"blocked","initial":true"#
            ),
            (
                .block(jid: bob.server, .blocked, ref: "5"),
                #""block",@,"jid":"example.org","action":"blocked","ref":"5""#
            ),
            (.block(jid: nil, .unblocked), #""block",@,"action":"unblocked""#),
        ]
    }

    static func rooms() throws -> [Row] {
        let room = try JID("den@rooms.example.org")
        var joined = EventRecord.RoomFields(room: room, action: .joined)
        joined.nick = "bridge"
        joined.occupants = 3
        var refused = EventRecord.RoomFields(room: room, action: .refused)
        refused.reason = "full"
        refused.condition = "service-unavailable"
        refused.retryIn = .seconds(30)
        var destroyed = EventRecord.RoomFields(room: room, action: .destroyed)
        destroyed.alternative = try JID("attic@rooms.example.org")
        var subject = EventRecord.RoomFields(room: room, action: .subject)
        subject.subject = ""
        subject.by = "Bob"
        return [
            (
                .room(joined),
                #""room",@,"room":"den@rooms.example.org","action":"joined","nick":"bridge","occupants":3"#
            ),
            (
                .room(refused),
                #""room",@,"room":"den@rooms.example.org","action":"refused","reason":"full","#
                    + #""condition":"service-unavailable","retry_in_ms":30000"#
            ),
            (
                .room(destroyed),
                #""room",@,"room":"den@rooms.example.org","action":"destroyed","#
                    + #""alternative":"attic@rooms.example.org""#
            ),
            (.room(subject), #""room",@,"room":"den@rooms.example.org","action":"subject","subject":"","by":"Bob""#),
        ]
    }

    static func occupants(_ bob: JID) throws -> [Row] {
        let room = try JID("den@rooms.example.org")
        var here = EventRecord.OccupantFields(room: room, nick: "Bob", action: .joined)
        here.jid = bob
        here.role = "participant"
        here.affiliation = "none"
        here.occupantID = "o1"
        here.show = .dnd
        here.status = "busy"
        here.initial = true
        var renamed = EventRecord.OccupantFields(room: room, nick: "bridge", action: .renamed)
        renamed.newNick = "bridge2"
        renamed.isSelf = true
        var kicked = EventRecord.OccupantFields(room: room, nick: "Bob", action: .kicked)
        kicked.role = "king"
        kicked.affiliation = "Owner"
        kicked.by = "Eve"
        kicked.reason = "noise"
        var listed = EventRecord.OccupantFields(room: room, nick: nil, action: .affiliation)
        listed.jid = bob.bare
        listed.affiliation = "outcast"
        listed.ref = "8"
        return [
            (
                .occupant(here),
                #""occupant",@,"room":"den@rooms.example.org","nick":"Bob","action":"joined","#
                    + #""jid":"bob@example.org/phone","role":"participant","affiliation":"none","occupant_id":"o1","#
                    + #""show":"dnd","status":"busy","initial":true"#
            ),
            (
                .occupant(renamed),
                #""occupant",@,"room":"den@rooms.example.org","nick":"bridge","action":"renamed","#
                    + #""new_nick":"bridge2","self":true"#
            ),
            (
                // A service's words that XEP-0045 does not know are left out.
                .occupant(kicked),
                #""occupant",@,"room":"den@rooms.example.org","nick":"Bob","action":"kicked","by":"Eve","#
                    + #""reason":"noise""#
            ),
            (
                .occupant(listed),
                #""occupant",@,"room":"den@rooms.example.org","action":"affiliation","jid":"bob@example.org","#
                    + #""affiliation":"outcast","ref":"8""#
            ),
        ]
    }

    static func results(_ bob: JID) -> [Row] {
        var blocked = EventRecord.ResultFields(ref: "1", ok: true)
        blocked.count = 2
        blocked.jids = [bob, bob.server]
        var disco = EventRecord.ResultFields(ref: "2", ok: true)
        disco.features = ["urn:xmpp:ping"]
        disco.identities = ["server/im", "conference/text The rooms"]
        var ping = EventRecord.ResultFields(ref: "3", ok: true)
        ping.roundTrip = .microseconds(12_900)
        var version = EventRecord.ResultFields(ref: "4", ok: true)
        version.name = "prosody"
        version.version = "13.0"
        version.os = "Linux"
        var status = EventRecord.ResultFields(ref: "5", ok: true)
        status.text = "2 rows wait"
        status.state = .online
        status.jid = bob
        return [
            (
                .result(blocked),
                #""result",@,"ref":"1","ok":true,"count":2,"jids":["bob@example.org/phone","example.org"]"#
            ),
            (
                .result(disco),
                #""result",@,"ref":"2","ok":true,"features":["urn:xmpp:ping"],"#
                    + #""identities":["server/im","conference/text The rooms"]"#
            ),
            (.result(ping), #""result",@,"ref":"3","ok":true,"ms":12"#),
            (
                .result(version),
                #""result",@,"ref":"4","ok":true,"name":"prosody","version":"13.0","os":"Linux""#
            ),
            (
                .result(status),
                #""result",@,"ref":"5","ok":true,"text":"2 rows wait","state":"online","jid":"bob@example.org/phone""#
            ),
            (
                .result(ref: "6", ok: false, code: "refused", text: "no", condition: "forbidden", xml: "<iq/>"),
                #""result",@,"ref":"6","ok":false,"code":"refused","condition":"forbidden","text":"no","xml":"<iq/>""#
            ),
        ]
    }
}

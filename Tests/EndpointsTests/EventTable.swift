import Endpoints
import Routing
import Stanza

/// What each maker of events makes, behind `event`, `time` and `seq`.
enum EventTable {
    typealias Row = (EventRecord, String)

    static func rows() throws -> [Row] {
        let bob = try JID("bob@example.org/phone")
        return try sessions(bob) + messages(bob) + copies(bob) + presences(bob) + rosters(bob) + blocks(bob) + rooms()
            + occupants(bob) + outcomes(bob) + results(bob) + counts()
    }

    private static func sessions(_ bob: JID) -> [Row] {
        [
            (.session(.connecting), #""session",@,"state":"connecting""#),
            (
                .session(.online, jid: bob, resumed: false, peer: "h:5222"),
                #""session",@,"state":"online","jid":"bob@example.org/phone","resumed":false,"peer":"h:5222""#
            ),
            (
                .session(.offline, reason: "reset", retryIn: .milliseconds(1_500)),
                #""session",@,"state":"offline","reason":"reset","retry_in_ms":1500"#
            ),
            (.session(.refused, reason: "no"), #""session",@,"state":"refused","reason":"no""#),
        ]
    }

    private static func messages(_ bob: JID) throws -> [Row] {
        var message = EventRecord.MessageFields(from: bob, type: .chat)
        message.to = try JID("bridge@example.org/x")
        message.id = "m1"
        message.body = Array("hi".utf8)
        var full = EventRecord.MessageFields(from: bob, type: .error)
        full.subject = "s"
        full.thread = "t"
        full.lang = "de"
        full.delay = "2026-11-22T09:00:00Z"
        full.originID = "o"
        full.stanzaID = "z"
        full.error = .init(condition: "service-unavailable", text: "gone")
        full.redelivered = true
        return [
            (
                .message(message),
                #""message",@,"from":"bob@example.org/phone","jid":"bob@example.org","to":"bridge@example.org/x","#
                    + #""type":"chat","id":"m1","body":"hi""#
            ),
            (
                .message(full),
                #""message",@,"from":"bob@example.org/phone","jid":"bob@example.org","type":"error","subject":"s","#
                    + #""thread":"t","lang":"de","delay":"2026-11-22T09:00:00Z","origin_id":"o","stanza_id":"z","#
                    + #""condition":"service-unavailable","text":"gone","redelivered":true"#
            ),
        ]
    }

    private static func presences(_ bob: JID) -> [Row] {
        var presence = EventRecord.PresenceFields(from: bob, available: true)
        presence.show = .away
        presence.status = "lunch"
        presence.priority = -5
        presence.caps = "https://example.org/client#q07IKJEyjvHSyhy//CH0CxmKi8w="
        presence.delay = "2026-11-22T09:00:00Z"
        presence.initial = true
        var refused = EventRecord.PresenceFields(from: bob, available: false)
        refused.error = .init(condition: "remote-server-not-found")
        let gone = EventRecord.PresenceFields(from: bob.bare, available: false)
        return [
            (
                .presence(presence),
                #""presence",@,"from":"bob@example.org/phone","jid":"bob@example.org","resource":"phone","#
                    + #""available":true,"show":"away","status":"lunch","priority":-5,"#
                    + #""caps":"https://example.org/client#q07IKJEyjvHSyhy//CH0CxmKi8w=","#
                    + #""delay":"2026-11-22T09:00:00Z","initial":true"#
            ),
            (
                .presence(refused),
                #""presence",@,"from":"bob@example.org/phone","jid":"bob@example.org","resource":"phone","#
                    + #""available":false,"condition":"remote-server-not-found""#
            ),
            (.presence(gone), #""presence",@,"from":"bob@example.org","jid":"bob@example.org","available":false"#),
            (
                .receipt(from: bob, id: "m1"),
                #""receipt",@,"from":"bob@example.org/phone","jid":"bob@example.org","id":"m1""#
            ),
            (
                .subscription(jid: bob, .request, status: "let me"),
                #""subscription",@,"jid":"bob@example.org","action":"request","status":"let me""#
            ),
        ]
    }

    private static func rosters(_ bob: JID) -> [Row] {
        var item = EventRecord.RosterFields(jid: bob.bare, subscription: .both)
        item.name = "Bob"
        item.groups = ["ops", "a \"b\""]
        var asked = EventRecord.RosterFields(jid: bob.bare, subscription: EventRecord.RosterFields.Subscription.none)
        asked.ask = true
        asked.approved = true
        return [
            (
                .roster(item, initial: true),
                #""roster",@,"jid":"bob@example.org","action":"set","name":"Bob","groups":["ops","a \"b\""],"#
                    + #""subscription":"both","initial":true"#
            ),
            (
                .roster(asked, initial: false, ref: "9"),
                #""roster",@,"jid":"bob@example.org","action":"set","groups":[],"subscription":"none","ask":true,"#
                    + #""approved":true,"ref":"9""#
            ),
            (
                .roster(.init(jid: bob.bare, subscription: nil), initial: false),
                #""roster",@,"jid":"bob@example.org","action":"remove""#
            ),
        ]
    }

    private static func outcomes(_ bob: JID) -> [Row] {
        [
            (
                .delivery(ref: "42", to: bob.bare, .acknowledged),
                #""delivery",@,"ref":"42","to":"bob@example.org","stage":"acknowledged""#
            ),
            (
                .delivery(line: 3, to: bob, .failed, id: "i", condition: "item-not-found", text: "no such user"),
                #""delivery",@,"line":3,"to":"bob@example.org/phone","stage":"failed","id":"i","#
                    + #""condition":"item-not-found","text":"no such user""#
            ),
            (.result(ref: "42", ok: true, code: "accepted"), #""result",@,"ref":"42","ok":true,"code":"accepted""#),
            (
                CommandProblem(.badJSON, line: 3, column: 14, text: "expected").event,
                #""result",@,"ok":false,"code":"bad-json","text":"expected","line":3,"column":14"#
            ),
            (
                CommandProblem(.badJID, line: 3, ref: "r", key: "to", text: "x").event,
                #""result",@,"ref":"r","ok":false,"code":"bad-jid","text":"x","key":"to","line":3"#
            ),
        ]
    }

    private static func counts() throws -> [Row] {
        var complaints = Complaints()
        complaints.invalidUTF8 = 3
        complaints.overlongLines = 1
        complaints.splitParts = 2
        complaints.firstLine = 9
        return [
            (
                .gap(reason: "session-lost", text: "x", count: 4),
                #""gap",@,"reason":"session-lost","text":"x","count":4"#
            ),
            (
                .configuration(.reloaded, text: "1 changed", needsRestart: ["account"]),
                #""config",@,"action":"reloaded","text":"1 changed","needs_restart":["account"]"#
            ),
            (
                .stats(lines: 10, accepted: 7, failed: 1, waiting: 2, waitingBytes: 99),
                #""stats",@,"lines":10,"accepted":7,"failed":1,"waiting":2,"waiting_bytes":99"#
            ),
            (
                .error(complaints, source: "stdin"),
                #""error",@,"code":"bad-input","text":"3 × invalid UTF-8 replaced by U+FFFD, 1 × overlong line split, "#
                    + #"2 parts so far, first in line 9","source":"stdin","line":9,"invalid_utf8":3,"#
                    + #""overlong_lines":1,"split_parts":2"#
            ),
            (.limited(text: "dropped", count: 3), #""error",@,"code":"limited","text":"dropped","count":3"#),
            (
                .forged(.rosterPush, from: try JID("eve@example.net")),
                #""error",@,"code":"forged","text":"ignored a roster push from eve@example.net, who has no right to it","#
                    + #""from":"eve@example.net","what":"roster push","count":1"#
            ),
            (
                .forged(.carbon, from: try JID("eve@example.net/x"), count: 12),
                #""error",@,"code":"forged","text":"ignored 12 times a carbon from eve@example.net/x, who has no right "#
                    + #"to it","from":"eve@example.net/x","what":"carbon","count":12"#
            ),
        ]
    }
}

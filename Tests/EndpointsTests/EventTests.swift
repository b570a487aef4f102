import Endpoints
import Routing
import Stanza
import Testing

@Suite struct EventTests {
    /// 2026-11-22T09:40:00.123Z.
    private static let time = WallTime(milliseconds: 1_795_340_400_123)

    private static func write(_ event: EventRecord, seq: UInt64 = 7) -> String {
        var writer = EventWriter(firstSequence: seq)
        var output: [UInt8] = []
        writer.append(event, at: time, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// What each maker makes, behind `event`, `time` and `seq`.
    private static func table() throws -> [(EventRecord, String)] {
        let bob = try JID("bob@example.org/phone")
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
        var presence = EventRecord.PresenceFields(from: bob, available: true)
        presence.show = .away
        presence.status = "lunch"
        presence.priority = -5
        presence.delay = "2026-11-22T09:00:00Z"
        var refused = EventRecord.PresenceFields(from: bob, available: false)
        refused.error = .init(condition: "remote-server-not-found")
        var item = EventRecord.RosterFields(jid: bob.bare, subscription: .both)
        item.name = "Bob"
        item.groups = ["ops", "a \"b\""]
        var asked = EventRecord.RosterFields(jid: bob.bare, subscription: EventRecord.RosterFields.Subscription.none)
        asked.ask = true
        asked.approved = true
        var complaints = Complaints()
        complaints.invalidUTF8 = 3
        complaints.overlongLines = 1
        complaints.splitParts = 2
        complaints.firstLine = 9
        return [
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
            (
                .presence(presence),
                #""presence",@,"from":"bob@example.org/phone","jid":"bob@example.org","available":true,"show":"away","#
                    + #""status":"lunch","priority":-5,"delay":"2026-11-22T09:00:00Z""#
            ),
            (
                .presence(refused),
                #""presence",@,"from":"bob@example.org/phone","jid":"bob@example.org","available":false,"#
                    + #""condition":"remote-server-not-found""#
            ),
            (
                .subscription(jid: bob, .request, status: "let me"),
                #""subscription",@,"jid":"bob@example.org","action":"request","status":"let me""#
            ),
            (
                .roster(item, initial: true),
                #""roster",@,"jid":"bob@example.org","action":"set","name":"Bob","groups":["ops","a \"b\""],"#
                    + #""subscription":"both","initial":true"#
            ),
            (
                .roster(asked, initial: false),
                #""roster",@,"jid":"bob@example.org","action":"set","groups":[],"subscription":"none","ask":true,"#
                    + #""approved":true"#
            ),
            (
                .roster(.init(jid: bob.bare, subscription: nil), initial: false),
                #""roster",@,"jid":"bob@example.org","action":"remove""#
            ),
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
            (
                .gap(reason: "session-lost", text: "x", count: 4),
                #""gap",@,"reason":"session-lost","text":"x","count":4"#
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
        ]
    }

    @Test func everyEventIsWrittenAndFitsTheSchema() throws {
        let validator = SchemaValidator(root: try JSON(reading: Schema.events.utf8))
        var seen: Set<EventRecord.Kind> = []
        for (event, expected) in try Self.table() {
            let text = Self.write(event)
            let head = #""time":"2026-11-22T09:40:00.123Z","seq":7"#
            let parts = expected.split(separator: "@", maxSplits: 1)
            #expect(text == "{\"event\":\(parts[0])\(head)\(parts[1])}\n")
            #expect(validator.complaints(of: try JSON(reading: text.utf8)) == [])
            seen.insert(event.kind)
        }
        #expect(seen == Set(EventRecord.Kind.allCases))
    }

    @Test func everyEnumerationFitsTheSchema() throws {
        let validator = SchemaValidator(root: try JSON(reading: Schema.events.utf8))
        let jid = try JID("a@b")
        var events = EventRecord.SessionState.allCases.map { EventRecord.session($0) }
        events += EventRecord.SubscriptionAction.allCases.map { .subscription(jid: jid, $0) }
        events += EventRecord.DeliveryStage.allCases.map { .delivery(to: jid, $0) }
        events += EventRecord.RosterFields.Subscription.allCases.map {
            .roster(.init(jid: jid, subscription: $0), initial: true)
        }
        events += MessageType.allCases.map { .message(.init(from: jid, type: $0)) }
        events += Show.allCases.map { show in
            var fields = EventRecord.PresenceFields(from: jid, available: true)
            fields.show = show
            return .presence(fields)
        }
        events += CommandProblem.Code.allCases.map { CommandProblem($0, line: 1, text: "x").event }
        for event in events {
            #expect(validator.complaints(of: try JSON(reading: Self.write(event).utf8)) == [], "\(event)")
        }
    }

    @Test func eventsAreNumberedAndAppended() {
        var writer = EventWriter()
        var output = Array("x".utf8)
        for _ in 0..<3 { writer.append(.session(.offline), at: Self.time, to: &output) }
        #expect(writer.nextSequence == 4)
        let lines = String(decoding: output.dropFirst(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3)
        for (index, line) in lines.enumerated() { #expect(line.contains("\"seq\":\(index + 1),")) }
    }

    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("\"\\/", #"\"\\/"#), ("\u{8}\u{C}\n\r\t", #"\b\f\n\r\t"#),
        ("\u{0}\u{1F}\u{B}\u{10}", #"\u0000\u001f\u000b\u0010"#),
        ("\u{7F}\u{80}é漢😀\u{2028}\u{FFFF}", "\u{7F}\u{80}é漢😀\u{2028}\u{FFFF}"),
        ("0123456789\"0123456789abcdef\\x", #"0123456789\"0123456789abcdef\\x"#),
    ])
    func stringsAreEscaped(_ text: String, _ expected: String) throws {
        for value in [EventRecord.Value.string(text), .bytes(Array(text.utf8)), .strings([text])] {
            let written = Self.write(EventRecord(.error, [.init("x", value)]))
            let json = try JSON(reading: written.utf8)
            if case .strings = value {
                #expect(written.hasSuffix("\"x\":[\"\(expected)\"]}\n") && json["x"] == .array([.string(text)]))
            } else {
                #expect(written.hasSuffix("\"x\":\"\(expected)\"}\n") && json["x"] == .string(text))
            }
        }
    }

    @Test(
        arguments: [
            [0xFF], [0x61, 0xC3], [0xF0, 0x9F, 0x98], [0xE2, 0x82, 0x41, 0xED, 0xA0, 0x80], [0xC0, 0x80, 0x0A, 0xE2],
            [0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x80, 0x22],
        ] as [[UInt8]])
    func brokenBytesAreRepaired(_ bytes: [UInt8]) throws {
        let json = try JSON(reading: Self.write(EventRecord(.message, [.init("body", .bytes(bytes))])).utf8)
        #expect(json["body"] == .string(String(decoding: bytes, as: UTF8.self)))
    }

    @Test func otherValuesAndExtremes() {
        let fields: [EventRecord.Field] = [
            .init("a", .int(.min)), .init("b", .int(.max)), .init("c", .bool(true)), .init("d", .bool(false)),
            .init("e", .strings([])), .init("f", .strings(["x", "y", "z"])),
        ]
        let written = Self.write(EventRecord(.gap, fields), seq: .max - 1)
        #expect(
            written.hasSuffix(
                #""seq":18446744073709551614,"a":-9223372036854775808,"b":9223372036854775807,"c":true,"d":false,"#
                    + #""e":[],"f":["x","y","z"]}"# + "\n"))
    }

    // MARK: Text

    @Test func textIsTheBareBodies() throws {
        let from = try JID("a@b/c")
        func message(_ body: String?, error: EventRecord.ErrorFields? = nil) -> EventRecord {
            var fields = EventRecord.MessageFields(from: from, type: .chat)
            fields.body = body.map { Array($0.utf8) }
            fields.error = error
            return .message(fields)
        }
        let writer = TextWriter()
        var output: [UInt8] = []
        #expect(writer.append(message("one"), to: &output))
        #expect(writer.append(message("two\nlines\r\\n é\\"), to: &output))
        #expect(writer.append(message(""), to: &output))
        #expect(!writer.append(message(nil), to: &output))
        #expect(!writer.append(message("back", error: .init(condition: "item-not-found")), to: &output))
        #expect(!writer.append(.session(.online), to: &output))
        #expect(String(decoding: output, as: UTF8.self) == "one\ntwo\\nlines\\r\\\\n é\\\\\n\n")
    }
}

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

    @Test func everyEventIsWrittenAndFitsTheSchema() throws {
        let validator = SchemaValidator(root: try JSON(reading: Schema.events.utf8))
        var seen: Set<EventRecord.Kind> = []
        for (event, expected) in try EventTable.rows() {
            let text = Self.write(event)
            let head = #""time":"2026-11-22T09:40:00.123Z","seq":7"#
            let parts = expected.split(separator: "@", maxSplits: 1)
            #expect(text == "{\"event\":\(parts[0])\(head)\(parts[1])}\n")
            #expect(validator.complaints(of: try JSON(reading: text.utf8)) == [])
            seen.insert(event.kind)
        }
        #expect(seen == Set(EventRecord.Kind.allCases))
    }

    @Test func everyEventIsReadBack() throws {
        for (event, expected) in try EventTable.rows() {
            let text = Self.write(event)
            let (read, time) = try Array(text.utf8).withUnsafeBufferPointer { try EventReader.read($0) }
            #expect(time == Self.time)
            #expect(Self.write(read) == text, "\(expected)")
            var bare: [UInt8] = []
            EventWriter.append(bare: event, to: &bare)
            let again = try bare.withUnsafeBufferPointer { try EventReader.read($0) }
            #expect(again.event == read && again.time == nil)
        }
    }

    @Test(arguments: [
        ("", "column 1: "), ("[]", "expected a JSON object"), ("{}", "the object has no \"event\""),
        (#"{"event":7}"#, "event is no text"), (#"{"event":"nope"}"#, "there is no event \"nope\""),
        (#"{"event":"message","time":"noon"}"#, "time is none of RFC 3339"),
        (#"{"event":"gap","time":1}"#, "time is no text"),
        (#"{"event":"message","a\\b":"x"}"#, "\"a\\b\" is no name of a field"),
        (#"{"event":"message","a\"b":1}"#, "\"a\"b\" is no name"), (#"{"event":"message","":1}"#, "\"\" is no name"),
        (#"{"event":"message","x":{}}"#, "\"x\" is no field"), (#"{"event":"message","x":null}"#, "\"x\" is no field"),
        (#"{"event":"message","x":1.5}"#, "\"x\" is no field"), (#"{"event":"message","x":[1]}"#, "\"x\" is no field"),
    ])
    func whatIsNoEvent(_ text: String, _ expected: String) {
        #expect {
            try Array(text.utf8).withUnsafeBufferPointer { _ = try EventReader.read($0) }
        } throws: { "\($0)".hasPrefix(expected) }
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
        events += EventRecord.MessageFields.Carbon.allCases.map { carbon in
            var fields = EventRecord.MessageFields(from: jid, type: .chat)
            fields.carbon = carbon
            return .message(fields)
        }
        events += EventRecord.BlockAction.allCases.map { .block(jid: jid, $0) }
        events += EventRecord.RoomAction.allCases.map { .room(.init(room: jid, action: $0)) }
        events += EventRecord.OccupantAction.allCases.map { .occupant(.init(room: jid, nick: "n", action: $0)) }
        events += EventRecord.Role.allCases.map { role in
            var fields = EventRecord.OccupantFields(room: jid, nick: "n", action: .changed)
            fields.role = role.rawValue
            return .occupant(fields)
        }
        events += Command.Affiliation.allCases.map { affiliation in
            var fields = EventRecord.OccupantFields(room: jid, nick: nil, action: .affiliation)
            fields.affiliation = affiliation.rawValue
            return .occupant(fields)
        }
        events += EventRecord.SessionState.allCases.map { state in
            var fields = EventRecord.ResultFields(ref: nil, ok: true)
            fields.state = state
            return .result(fields)
        }
        events += EventRecord.Forgery.allCases.map { .forged($0, from: jid) }
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
        ("\u{7F}\u{80}\u{9B}\u{A0}é漢😀\u{2028}\u{FFFF}", "\u{7F}\\u0080\\u009b\u{A0}é漢😀\u{2028}\u{FFFF}"),
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
        #expect(writer.append(message("\u{9B}31m\u{A0}"), to: &output), "a terminal may obey C1 controls")
        #expect(writer.append(message(""), to: &output))
        var said = EventRecord.MessageFields(from: from, type: .groupchat)
        said.room = from.bare
        said.nick = "c"
        said.body = Array("said".utf8)
        #expect(writer.append(.message(said), to: &output), "of a room too the bare body")
        #expect(!writer.append(message(nil), to: &output))
        #expect(!writer.append(message("back", error: .init(condition: "item-not-found")), to: &output))
        #expect(!writer.append(.session(.online), to: &output))
        #expect(!writer.append(.room(.init(room: from.bare, action: .subject)), to: &output))
        #expect(String(decoding: output, as: UTF8.self) == "one\ntwo\\nlines\\r\\\\n é\\\\\n\\u009b31m\u{A0}\n\nsaid\n")
    }
}

import Endpoints
import Routing
import Stanza
import Testing

@Suite struct CommandTests {
    private static func commands() throws -> [(String, Command)] {
        var send = Command.Send(ref: "42", to: [try JID("a@b"), try JID("c@d/e")], body: Array("hi\n\"é\"".utf8))
        send.type = .groupchat
        send.subject = "s"
        send.thread = "t"
        var one = Command.Send(to: [try JID("a@b")], body: Array("x".utf8))
        one.id = "i"
        var presence = Command.Presence(ref: "1.50")
        presence.to = try JID("a@b")
        presence.show = .xa
        presence.status = "away"
        presence.priority = -128
        var gone = Command.Presence()
        gone.available = false
        var asking = Command.Send(to: [try JID("r@c/nick")], body: Array("x".utf8))
        asking.receipt = true
        return [
            (
                #"{"do":"send","ref":42,"to":["a@b","c@d/e"],"body":"hi\n\"\u00e9\"","type":"groupchat","subject":"s","thread":"t"}"#,
                .send(send)
            ),
            (#"{"to":"a@b","body":"x","id":"i","do":"send"}"#, .send(one)),
            (#"{"do":"send","to":"r@c/nick","body":"x","receipt":true}"#, .send(asking)),
            (
                #"{"do":"send","ref":"7","room":"R@c","body":"x"}"#,
                .send(.init(ref: "7", room: try JID("r@c"), body: Array("x".utf8)))
            ),
            (
                #"{"do":"send","room":"r@c","body":"x","type":"groupchat","receipt":false}"#,
                .send(.init(room: try JID("r@c"), body: Array("x".utf8)))
            ),
            (
                #" {"do":"presence","ref":1.50,"to":"a@b","show":"xa","status":"away","priority":-128,"type":"available"} "#,
                .presence(presence)
            ),
            (#"{"do":"presence"}"#, .presence(.init())),
            (#"{"do":"presence","type":"unavailable"}"#, .presence(gone)),
            (#"{"do":"raw","ref":"","xml":"<iq/>"}"#, .raw(.init(ref: "", xml: Array("<iq/>".utf8)))),
        ]
    }

    @Test func readsCommandsThatFitTheSchema() throws {
        let validator = SchemaValidator(root: try JSON(reading: Schema.commands.utf8))
        for (line, command) in try Self.commands() {
            #expect(read(line) == .success(command))
            #expect(validator.complaints(of: try JSON(reading: line.utf8)) == [])
        }
    }

    private typealias Code = CommandProblem.Code

    private static let problems: [(String, Code, String?, String)] = [
        ("[]", .badCommand, nil, #"expected an object, for example {"do":"send",...}, but found a list"#),
        ("\"send\"", .badCommand, nil, #"expected an object, for example {"do":"send",...}, but found a string"#),
        ("{}", .missingKey, "do", "the key \"do\" is missing"),
        (#"{"do":1}"#, .badValue, "do", "expected a string but found a number"),
        (#"{"do":"sned"}"#, .unknownCommand, "do", "no command \"sned\"; did you mean \"send\"?"),
        (#"{"do":"rooster_get"}"#, .unknownCommand, "do", "no command \"rooster_get\"; did you mean \"roster_get\"?"),
        (#"{"do":"roster-get"}"#, .unknownCommand, "do", "no command \"roster-get\"; did you mean \"roster_get\"?"),
        (
            #"{"do":"make coffee"}"#, .unknownCommand, "do",
            "no command \"make coffee\"; \"xmpp-bridge schema commands\" tells what there is"
        ),
        (
            #"{"do":"upload"}"#, .unsupportedCommand, "do",
            "this version cannot do \"upload\" yet; \"xmpp-bridge schema commands\" tells what there is"
        ),
        (#"{"do":"send","body":"x"}"#, .missingKey, "to", "the key \"to\" is missing"),
        (#"{"do":"send","to":"a@b"}"#, .missingKey, "body", "the key \"body\" is missing"),
        (#"{"do":"send","to":"a@b","body":""}"#, .badValue, "body", "expected a text that is not empty"),
        (
            #"{"do":"send","to":"a@b","body":null}"#, .badValue, "body",
            "expected a string but found null; leave the key out where there is nothing to say"
        ),
        (#"{"do":"send","to":"a@b","boby":"x"}"#, .unknownKey, "boby", "no key \"boby\" here; did you mean \"body\"?"),
        (
            #"{"do":"raw","stanza":"x"}"#, .unknownKey, "stanza", "no key \"stanza\" here; expected \"xml\""
        ),
        (#"{"do":"send","to":[],"body":"x"}"#, .badValue, "to", "expected at least one address"),
        (
            #"{"do":"send","to":{},"body":"x"}"#, .badValue, "to",
            "expected an address or a list of them but found an object"
        ),
        (
            #"{"do":"send","to":["a@b",1],"body":"x"}"#, .badValue, "to",
            "expected a list of addresses but found a number"
        ),
        (#"{"do":"send","to":["a@b","a@b"],"body":"x"}"#, .badValue, "to", "the address \"a@b\" stands twice"),
        (
            #"{"do":"send","to":"a@b","body":"x","type":"error"}"#, .badValue, "type",
            "expected \"normal\", \"chat\", \"groupchat\" or \"headline\" but found \"error\""
        ),
        (#"{"do":"send","to":"a@b","body":"x","id":""}"#, .badValue, "id", "expected an id that is not empty"),
        (
            #"{"do":"send","to":["a@b","c@d"],"body":"x","id":"i"}"#, .badValue, "id",
            "one id cannot serve 2 addresses; send one by one"
        ),
        (
            #"{"do":"send","to":"a@b","room":"r@c","body":"x"}"#, .badValue, "room",
            "expected either \"to\" or \"room\", not both"
        ),
        (
            #"{"do":"send","room":"r@c","body":"x","type":"chat"}"#, .badValue, "type",
            "expected \"groupchat\" but found \"chat\""
        ),
        (
            #"{"do":"send","room":"r@c","body":"x","receipt":true}"#, .badValue, "receipt",
            "a room gives no receipts; leave the key out"
        ),
        (
            #"{"do":"send","to":"r@c","type":"groupchat","body":"x","receipt":true}"#, .badValue, "receipt",
            "a room gives no receipts; leave the key out"
        ),
        (
            #"{"do":"send","to":"a@b","body":"x","receipt":"yes"}"#, .badValue, "receipt",
            "expected true or false but found a string"
        ),
        (
            #"{"do":"send","room":"r@c/nick","body":"x"}"#, .badJID, "room",
            "\"r@c/nick\" has a resource; expected a bare address: \"r@c\""
        ),
        (#"{"do":"send","to":"a@b","body":"x","ref":"#, .badJSON, nil, "expected a value but the text ends here"),
        (
            #"{"do":"presence","show":"busy"}"#, .badValue, "show",
            "expected \"away\", \"chat\", \"dnd\" or \"xa\" but found \"busy\""
        ),
        (
            #"{"do":"presence","type":"unavailable","show":"xa"}"#, .badValue, "show",
            "who is unavailable has no show; leave the key out"
        ),
        (
            #"{"do":"presence","priority":128}"#, .badValue, "priority",
            "expected a whole number from -128 to 127 but found 128"
        ),
        (
            #"{"do":"presence","priority":1.5}"#, .badValue, "priority",
            "expected a whole number from -128 to 127 but found 1.5"
        ),
        (
            #"{"do":"presence","priority":"1"}"#, .badValue, "priority",
            "expected a whole number from -128 to 127 but found a string"
        ),
        (#"{"do":"presence","to":["a@b"]}"#, .badValue, "to", "expected a string but found a list"),
        (#"{"do":"raw"}"#, .missingKey, "xml", "the key \"xml\" is missing"),
        (#"{"do":"raw","xml":""}"#, .badValue, "xml", "expected a stanza, for example \"<iq .../>\""),
    ]

    @Test(arguments: problems.indices) func saysWhatIsWrong(_ index: Int) throws {
        let (line, code, key, text) = Self.problems[index]
        guard case .failure(let problem) = read(line) else {
            Issue.record("taken: \(line)")
            return
        }
        #expect(problem.code == code && problem.key == key && problem.text == text && problem.line == 3)
        #expect((problem.column != nil) == (code == .badJSON))
    }

    @Test func anAddressThatIsNoneIsNamed() {
        for (line, found) in [
            (#"{"do":"send","ref":"r","to":"","body":"x"}"#, "\"\""),
            (#"{"do":"send","ref":"r","to":["a@b","a@/x"],"body":"x"}"#, "\"a@/x\""),
            (#"{"do":"presence","ref":"r","to":"@"}"#, "\"@\""),
        ] {
            guard case .failure(let problem) = read(line) else {
                Issue.record("taken: \(line)")
                continue
            }
            #expect(problem.code == .badJID && problem.key == "to" && problem.ref == "r")
            #expect(problem.text.hasPrefix("\(found) is no address: "))
        }
    }

    @Test func theColumnIsThatOfTheByte() {
        for (line, column) in [
            (#"{"do":"send" "to"}"#, 14), ("{", 2), ("é", 1), (#"{"a":"é\x"}"#, 10), ("", 1), ("tail\u{0}", 1),
            ("[nul", 5),
        ] {
            guard case .failure(let problem) = read(line) else {
                Issue.record("taken: \(line)")
                continue
            }
            #expect(problem.code == .badJSON && problem.column == column, "\(line)")
        }
        guard case .failure(let problem) = read(Array("{\"body\":\"ab".utf8) + [0xFF] + Array("\"}".utf8)) else {
            Issue.record("taken")
            return
        }
        #expect(problem.column == 12)
    }

    @Test func theRefComesBackWhereItCouldBeRead() {
        for (ref, echoed) in [("\"x\"", "x"), ("7", "7"), ("-1e3", "-1e3"), ("9007199254740993", "9007199254740993")] {
            guard case .failure(let problem) = read("{\"do\":\"sned\",\"ref\":\(ref)}") else {
                Issue.record("taken: \(ref)")
                continue
            }
            #expect(problem.ref == echoed)
        }
        for ref in ["null", "true", "[]", "{}", "\"\(String(repeating: "x", count: 1_025))\""] {
            guard case .failure(let problem) = read("{\"do\":\"presence\",\"ref\":\(ref)}") else {
                Issue.record("taken: \(ref)")
                continue
            }
            #expect(problem.code == .badValue && problem.key == "ref" && problem.ref == nil)
        }
    }

    @Test func whatXMLForbidsIsMadeVisibleAndCounted() throws {
        var reader = CommandReader()
        let line = #"{"do":"send","to":"a@b","body":"a\u0000b\u001b\uFFFFc\td\n","subject":"\u0007"}"#
        let result = Array(line.utf8).withUnsafeBufferPointer { reader.read($0, number: 8) }
        var send = Command.Send(to: [try JID("a@b")], body: Array("a␀b␛\u{FFFD}c\td\n".utf8))
        send.subject = "␇"
        #expect(result == .success(.send(send)))
        let complaints = reader.takeComplaints()
        #expect(complaints.illegalCharacters == 4 && complaints.firstLine == 8)
        #expect(reader.takeComplaints().isEmpty)
    }

    @Test func limitsHold() throws {
        let many = (0...CommandReader.recipientsMax).map { "\"u\($0)@b\"" }
        guard
            case .failure(let problem) = read(
                "{\"do\":\"send\",\"to\":[\(many.joined(separator: ","))],\"body\":\"x\"}")
        else {
            Issue.record("taken")
            return
        }
        #expect(problem.code == .badValue && problem.text == "expected at most 100 addresses but found 101")
        let long = String(repeating: "x", count: CommandReader.rawBytesMax)
        #expect(read("{\"do\":\"raw\",\"xml\":\"\(long)\"}") == .success(.raw(.init(xml: Array(long.utf8)))))
        guard case .failure(let tooLong) = read("{\"do\":\"raw\",\"xml\":\"\(long)y\"}") else {
            Issue.record("taken")
            return
        }
        #expect(tooLong.code == .tooLong && tooLong.key == "xml")
        #expect(CommandProblem.overlong(line: 4, bytesMax: 100).code == .tooLong)
    }

    /// What each verb alone is answered with.
    @Test func everyVerbIsKnown() {
        for verb in Command.Verb.allCases {
            let line = "{\"do\":\"\(verb.rawValue)\",\"ref\":\"r\"}"
            switch verb {
            case .presence, .rosterGet, .blockList, .disco, .ping, .status:
                #expect((try? read(line).get())?.ref == "r")
            case .send, .raw, .rosterSet, .rosterRemove, .subscribe, .unsubscribe, .approve, .deny, .revoke, .block,
                .unblock, .join, .leave, .subject, .invite, .affiliate, .kick, .version:
                #expect(refused(line)?.code == .missingKey)
            case .history, .upload, .vcard, .publish, .adhoc: #expect(refused(line)?.code == .unsupportedCommand)
            }
        }
        #expect(Command.Verb.allCases.count == 29)
    }

    /// Every problem is an event that fits the schema.
    @Test func problemsFitTheSchema() throws {
        let validator = SchemaValidator(root: try JSON(reading: Schema.events.utf8))
        var writer = EventWriter()
        for (line, _, _, _) in Self.problems {
            guard case .failure(let problem) = read(line) else { continue }
            var output: [UInt8] = []
            writer.append(problem.event, at: WallTime(milliseconds: 0), to: &output)
            #expect(validator.complaints(of: try JSON(reading: output)) == [])
        }
    }
}

import Endpoints
import Routing
import Stanza
import Testing

@Suite struct RoomCommandTests {
    private static func commands() throws -> [(String, Command)] {
        let room = try JID("den@rooms.example.org")
        let bob = try JID("bob@example.org")
        return [
            (#"{"do":"join","room":"den@rooms.example.org"}"#, .join(.init(room: room))),
            (
                #"{"do":"join","ref":"r","room":"DEN@rooms.example.org","nick":"Brücke 2","password":" p\u00e9 ","#
                    + #""create":true,"history":1000}"#,
                .join(
                    .init(ref: "r", room: room, nick: "Brücke 2", password: " pé ", creates: true, history: 1_000))
            ),
            (
                // OpaqueString (RFC 8265 4.2): full-width stays, a space that is not ASCII becomes one, NFC.
                #"{"do":"join","room":"den@rooms.example.org","nick":"e\u0301\u3000x","create":false,"history":0}"#,
                .join(.init(room: room, nick: "é x", history: 0))
            ),
            (#"{"do":"leave","ref":"r","room":"den@rooms.example.org"}"#, .leave(.init(ref: "r", room: room))),
            (
                #"{"do":"leave","room":"den@rooms.example.org","status":"bye"}"#,
                .leave(.init(room: room, status: "bye"))
            ),
            (
                #"{"do":"subject","ref":"r","room":"den@rooms.example.org","subject":"one\ntwo\u0007"}"#,
                .subject(.init(ref: "r", room: room, subject: "one\ntwo␇"))
            ),
            (
                #"{"do":"subject","room":"den@rooms.example.org","subject":""}"#,
                .subject(.init(room: room, subject: ""))
            ),
            (
                #"{"do":"invite","ref":"r","room":"den@rooms.example.org","jid":"bob@example.org"}"#,
                .invite(.init(ref: "r", room: room, jid: bob))
            ),
            (
                #"{"do":"invite","room":"den@rooms.example.org","jid":"bob@example.org/x","reason":"why","direct":true}"#,
                .invite(.init(room: room, jid: try bob.with(resource: "x"), reason: "why", direct: true))
            ),
            (
                #"{"do":"affiliate","ref":"r","room":"den@rooms.example.org","jid":"bob@example.org","#
                    + #""affiliation":"none","reason":"why"}"#,
                .affiliate(.init(ref: "r", room: room, jid: bob, affiliation: .none, reason: "why"))
            ),
            (
                #"{"do":"affiliate","ref":"r","room":"den@rooms.example.org","affiliation":"outcast"}"#,
                .affiliate(.init(ref: "r", room: room, affiliation: .outcast))
            ),
            (
                #"{"do":"kick","ref":"r","room":"den@rooms.example.org","nick":"Bob","reason":"noise"}"#,
                .kick(.init(ref: "r", room: room, nick: "Bob", reason: "noise"))
            ),
            (
                // Not yet assigned in Unicode: nobody may take such a name here, but a room may know somebody by it.
                #"{"do":"kick","room":"den@rooms.example.org","nick":"\u0378"}"#,
                .kick(.init(room: room, nick: "\u{378}"))
            ),
        ]
    }

    @Test func readsCommandsThatFitTheSchema() throws {
        let validator = SchemaValidator(root: try JSON(reading: Schema.commands.utf8))
        for (line, command) in try Self.commands() {
            #expect(read(line) == .success(command))
            #expect(validator.complaints(of: try JSON(reading: line.utf8)) == [], "\(line)")
            #expect((command.ref == nil) == !line.contains(#""ref""#))
        }
    }

    @Test(arguments: Command.Affiliation.allCases) func everyAffiliationCanBeSet(_ affiliation: Command.Affiliation) {
        let line = "{\"do\":\"affiliate\",\"room\":\"r@c\",\"jid\":\"a@b\",\"affiliation\":\"\(affiliation.rawValue)\"}"
        guard case .success(.affiliate(let command)) = read(line) else {
            Issue.record("not taken")
            return
        }
        #expect(command.affiliation == affiliation)
    }

    static let mistakes: [Mistake] = [
        .init(#"{"do":"join"}"#, .missingKey, "room", "the key \"room\" is missing"),
        .init(
            #"{"do":"join","room":"r@c/nick"}"#, .badJID, "room",
            "\"r@c/nick\" has a resource; expected a bare address: \"r@c\""),
        .init(
            #"{"do":"join","room":"rooms.example.org"}"#, .badJID, "room",
            "\"rooms.example.org\" is no room; expected for example \"room@rooms.example.org\""),
        .init(
            #"{"do":"join","jid":"r@c"}"#, .unknownKey, "jid",
            "no key \"jid\" here; expected \"room\", \"nick\", \"password\", \"create\" or \"history\""),
        .init(
            #"{"do":"join","room":"r@c","nikc":"x"}"#, .unknownKey, "nikc",
            "no key \"nikc\" here; did you mean \"nick\"?"),
        .init(#"{"do":"join","room":"r@c","nick":""}"#, .badValue, "nick", "the nick \"\" is empty"),
        .init(
            #"{"do":"join","room":"r@c","nick":"\u0378"}"#, .badValue, "nick",
            "the nick \"\\u{378}\" holds U+0378, which this program's Unicode does not know", fitsSchema: true),
        .init(
            #"{"do":"join","room":"r@c","password":""}"#, .badValue, "password",
            "expected a text that is not empty and that XML can carry"),
        .init(
            #"{"do":"join","room":"r@c","password":"hush\u0000"}"#, .badValue, "password",
            "expected a text that is not empty and that XML can carry", fitsSchema: true),
        .init(
            #"{"do":"join","room":"r@c","password":12345}"#, .badValue, "password",
            "expected a string but found a number"),
        .init(
            #"{"do":"join","room":"r@c","create":"yes"}"#, .badValue, "create",
            "expected true or false but found a string"),
        .init(
            #"{"do":"join","room":"r@c","history":1001}"#, .badValue, "history",
            "expected a whole number from 0 to 1000 but found 1001"),
        .init(
            #"{"do":"join","room":"r@c","history":-1}"#, .badValue, "history",
            "expected a whole number from 0 to 1000 but found -1"),
        .init(
            #"{"do":"leave","room":"r@c","reason":"x"}"#, .unknownKey, "reason",
            "no key \"reason\" here; expected \"room\" or \"status\""),
        .init(#"{"do":"leave"}"#, .missingKey, "room", "the key \"room\" is missing"),
        .init(#"{"do":"subject","room":"r@c"}"#, .missingKey, "subject", "the key \"subject\" is missing"),
        .init(#"{"do":"subject","subject":"x"}"#, .missingKey, "room", "the key \"room\" is missing"),
        .init(#"{"do":"invite","room":"r@c"}"#, .missingKey, "jid", "the key \"jid\" is missing"),
        .init(#"{"do":"invite","jid":"a@b"}"#, .missingKey, "room", "the key \"room\" is missing"),
        .init(
            #"{"do":"invite","room":"r@c","jid":"a@b","direct":0}"#, .badValue, "direct",
            "expected true or false but found a number"),
        .init(
            #"{"do":"affiliate","room":"r@c","jid":"a@b"}"#, .missingKey, "affiliation",
            "the key \"affiliation\" is missing"),
        .init(#"{"do":"affiliate","affiliation":"owner"}"#, .missingKey, "room", "the key \"room\" is missing"),
        .init(
            #"{"do":"affiliate","room":"r@c","jid":"a@b","affiliation":"banned"}"#, .badValue, "affiliation",
            "expected \"owner\", \"admin\", \"member\", \"none\" or \"outcast\" but found \"banned\""),
        .init(
            #"{"do":"affiliate","room":"r@c","affiliation":"none"}"#, .badValue, "affiliation",
            "expected \"owner\", \"admin\", \"member\" or \"outcast\" but found \"none\""),
        .init(
            #"{"do":"affiliate","room":"r@c","jid":"a@b/c","affiliation":"owner"}"#, .badJID, "jid",
            "\"a@b/c\" has a resource; expected a bare address: \"a@b\""),
        .init(
            #"{"do":"affiliate","room":"r@c","affiliation":"owner","reason":"x"}"#, .badValue, "reason",
            "a list has no reason; leave the key out, or name a \"jid\""),
        .init(#"{"do":"kick","room":"r@c"}"#, .missingKey, "nick", "the key \"nick\" is missing"),
        .init(#"{"do":"kick","nick":"x"}"#, .missingKey, "room", "the key \"room\" is missing"),
        .init(#"{"do":"kick","room":"r@c","nick":""}"#, .badValue, "nick", "the nick \"\" is empty"),
        .init(
            #"{"do":"kick","room":"r@c","nick":"a\u0000b"}"#, .badValue, "nick",
            "the nick \"a\\u{0}b\" holds U+0000, which RFC 7622 does not allow", fitsSchema: true),
        .init(
            #"{"do":"kick","room":"r@c","jid":"a@b"}"#, .unknownKey, "jid",
            "no key \"jid\" here; expected \"room\", \"nick\" or \"reason\""),
    ]

    @Test(arguments: mistakes) func saysWhatIsWrong(_ mistake: Mistake) throws { try mistake.check() }

    /// No description shows a room's password, however it is asked for; nor does a problem with it.
    @Test func thePasswordStaysHidden() throws {
        let join = Command.Join(
            ref: "1", room: try JID("r@c"), nick: "n", password: "hush hush", creates: true, history: 5)
        let command = Command.join(join)
        var dumped = ""
        dump(command, to: &dumped)
        for text in ["\(join)", "\(command)", String(reflecting: join), String(reflecting: command), dumped] {
            #expect(!text.contains("hush") && text.contains("r@c"))
        }
        #expect("\(join)" == "join r@c, ref 1, as n, with a password, or create it, history 5")
        for value in [#""hush\u0000""#, #"["hush"]"#, #"{"hush":"hush"}"#] {
            let problem = try #require(refused("{\"do\":\"join\",\"room\":\"r@c\",\"password\":\(value)}"))
            #expect(!"\(problem)".contains("hush"))
        }
    }
}

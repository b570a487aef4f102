import Endpoints
import Routing
import Stanza
import Testing

@Suite struct ContactCommandTests {
    private static func commands() throws -> [(String, Command)] {
        let bob = try JID("bob@example.org")
        return [
            (#"{"do":"roster_get"}"#, .rosterGet(.init())),
            (#"{"do":"roster_get","ref":1}"#, .rosterGet(.init(ref: "1"))),
            (#"{"do":"roster_set","jid":"BOB@example.org"}"#, .rosterSet(.init(jid: bob))),
            (
                #"{"do":"roster_set","ref":"r","jid":"bob@example.org","name":"Bob \u0001","groups":["Ops","ops",""#
                    + #"\u0002"]}"#,
                .rosterSet(.init(ref: "r", jid: bob, name: "Bob ␁", groups: ["Ops", "ops", "␂"]))
            ),
            (
                #"{"do":"roster_set","jid":"example.org","name":"","groups":[]}"#,
                .rosterSet(.init(jid: bob.server, name: "", groups: []))
            ),
            (#"{"do":"roster_remove","ref":"r","jid":"bob@example.org"}"#, .rosterRemove(.init(ref: "r", jid: bob))),
            (
                #"{"do":"subscribe","ref":"r","jid":"bob@example.org","status":"it's me"}"#,
                .subscribe(.init(ref: "r", jid: bob, status: "it's me"))
            ),
            (#"{"do":"subscribe","jid":"bob@example.org"}"#, .subscribe(.init(jid: bob))),
            (#"{"do":"unsubscribe","ref":"r","jid":"bob@example.org"}"#, .unsubscribe(.init(ref: "r", jid: bob))),
            (#"{"do":"approve","ref":"r","jid":"bob@example.org"}"#, .approve(.init(ref: "r", jid: bob))),
            (#"{"do":"deny","ref":"r","jid":"bob@example.org"}"#, .deny(.init(ref: "r", jid: bob))),
            (#"{"do":"revoke","ref":"r","jid":"bob@example.org"}"#, .revoke(.init(ref: "r", jid: bob))),
            (#"{"do":"block","ref":"r","jid":"bob@example.org"}"#, .block(.init(ref: "r", jids: [bob]))),
            (
                #"{"do":"block","jid":["bob@example.org","bob@example.org/x","example.org","example.org/x"]}"#,
                .block(.init(jids: [bob, try bob.with(resource: "x"), bob.server, try JID("example.org/x")]))
            ),
            (#"{"do":"unblock","ref":"r","jid":["bob@example.org"]}"#, .unblock(.init(ref: "r", jids: [bob]))),
            (#"{"do":"unblock","ref":"r","all":true}"#, .unblock(.init(ref: "r", jids: [], all: true))),
            (#"{"do":"block_list","ref":"r"}"#, .blockList(.init(ref: "r"))),
            (#"{"do":"disco","ref":"r"}"#, .disco(.init(ref: "r"))),
            (
                #"{"do":"disco","jid":"bob@example.org/x","node":"n#1","items":true}"#,
                .disco(.init(jid: try JID("bob@example.org/x"), node: "n#1", items: true))
            ),
            (#"{"do":"ping","ref":"r"}"#, .ping(.init(ref: "r"))),
            (#"{"do":"ping","jid":"example.org"}"#, .ping(.init(jid: bob.server))),
            (#"{"do":"version","ref":"r","jid":"example.org"}"#, .version(.init(ref: "r", jid: bob.server))),
            (#"{"do":"status","ref":"r"}"#, .status(.init(ref: "r"))),
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

    private static let long = String(repeating: "é", count: 512)

    static let mistakes: [Mistake] = [
        .init(#"{"do":"roster_get","jid":"a@b"}"#, .unknownKey, "jid", "no key \"jid\" here; expected \"ref\""),
        .init(#"{"do":"roster_set","name":"x"}"#, .missingKey, "jid", "the key \"jid\" is missing"),
        .init(
            #"{"do":"roster_set","jid":"a@b/c"}"#, .badJID, "jid",
            "\"a@b/c\" has a resource; expected a bare address: \"a@b\""),
        .init(
            #"{"do":"roster_set","jid":"a@b","group":"x"}"#, .unknownKey, "group",
            "no key \"group\" here; did you mean \"groups\"?"),
        .init(
            #"{"do":"roster_set","jid":"a@b","name":1}"#, .badValue, "name", "expected a string but found a number"),
        .init(
            #"{"do":"roster_set","jid":"a@b","name":null}"#, .badValue, "name",
            "expected a string but found null; leave the key out where there is nothing to say"),
        .init(
            "{\"do\":\"roster_set\",\"jid\":\"a@b\",\"name\":\"\(long)x\"}", .badValue, "name",
            "expected at most 1024 bytes but found 1025", fitsSchema: true),
        .init(
            #"{"do":"roster_set","jid":"a@b","groups":"x"}"#, .badValue, "groups",
            "expected a list of strings but found a string"),
        .init(
            #"{"do":"roster_set","jid":"a@b","groups":["x",1]}"#, .badValue, "groups",
            "expected a list of strings but found a number"),
        .init(
            #"{"do":"roster_set","jid":"a@b","groups":["x",""]}"#, .badValue, "groups",
            "expected texts that are not empty"),
        .init(#"{"do":"roster_set","jid":"a@b","groups":["x","x"]}"#, .badValue, "groups", "\"x\" stands twice"),
        .init(
            #"{"do":"roster_set","jid":"a@b","groups":["␂","\u0002"]}"#, .badValue, "groups", "\"␂\" stands twice",
            fitsSchema: true),
        .init(
            "{\"do\":\"roster_set\",\"jid\":\"a@b\",\"groups\":[\"\(long)x\"]}", .badValue, "groups",
            "expected at most 1024 bytes but found 1025", fitsSchema: true),
        .init(#"{"do":"roster_remove"}"#, .missingKey, "jid", "the key \"jid\" is missing"),
        .init(
            #"{"do":"roster_remove","jid":"a@b/c"}"#, .badJID, "jid",
            "\"a@b/c\" has a resource; expected a bare address: \"a@b\""),
        .init(#"{"do":"subscribe","status":"x"}"#, .missingKey, "jid", "the key \"jid\" is missing"),
        .init(
            #"{"do":"subscribe","jid":["a@b"]}"#, .badValue, "jid", "expected a string but found a list"),
        .init(
            #"{"do":"subscribe","jid":"a@b","status":{}}"#, .badValue, "status", "expected a string but found an object"
        ),
        .init(
            #"{"do":"unsubscribe","jid":"a@b","status":"x"}"#, .unknownKey, "status",
            "no key \"status\" here; expected \"jid\""),
        .init(
            #"{"do":"approve","jid":"a@b/c"}"#, .badJID, "jid",
            "\"a@b/c\" has a resource; expected a bare address: \"a@b\""),
        .init(#"{"do":"deny","ijd":"a@b"}"#, .unknownKey, "ijd", "no key \"ijd\" here; did you mean \"jid\"?"),
        .init(#"{"do":"revoke","to":"a@b"}"#, .unknownKey, "to", "no key \"to\" here; expected \"jid\""),
        .init(#"{"do":"block"}"#, .missingKey, "jid", "the key \"jid\" is missing"),
        .init(#"{"do":"block","jid":[]}"#, .badValue, "jid", "expected at least one address"),
        .init(#"{"do":"block","jid":"a@b","all":true}"#, .unknownKey, "all", "no key \"all\" here; expected \"jid\""),
        .init(
            #"{"do":"block","jid":["a@b","A@b"]}"#, .badValue, "jid", "the address \"a@b\" stands twice",
            fitsSchema: true),
        .init(#"{"do":"unblock"}"#, .missingKey, "jid", "the key \"jid\" is missing"),
        .init(
            #"{"do":"unblock","jid":"a@b","all":true}"#, .badValue, "all",
            "expected either \"jid\" or \"all\", not both"),
        .init(
            #"{"do":"unblock","all":false}"#, .badValue, "all", "expected true; or say in \"jid\" whom to unblock"),
        .init(
            #"{"do":"unblock","all":"yes"}"#, .badValue, "all", "expected true or false but found a string"),
        .init(#"{"do":"block_list","all":true}"#, .unknownKey, "all", "no key \"all\" here; expected \"ref\""),
        .init(#"{"do":"disco","node":""}"#, .badValue, "node", "expected a node that is not empty"),
        .init(#"{"do":"disco","items":1}"#, .badValue, "items", "expected true or false but found a number"),
        .init(#"{"do":"disco","itmes":true}"#, .unknownKey, "itmes", "no key \"itmes\" here; did you mean \"items\"?"),
        .init(#"{"do":"ping","to":"a@b"}"#, .unknownKey, "to", "no key \"to\" here; expected \"jid\""),
        .init(#"{"do":"version"}"#, .missingKey, "jid", "the key \"jid\" is missing"),
        .init(#"{"do":"status","jid":"a@b"}"#, .unknownKey, "jid", "no key \"jid\" here; expected \"ref\""),
    ]

    @Test(arguments: mistakes) func saysWhatIsWrong(_ mistake: Mistake) throws { try mistake.check() }

    @Test func limitsHold() throws {
        func list(_ count: Int) -> String { (0..<count).map { "\"g\($0)\"" }.joined(separator: ",") }
        for (line, max) in [
            ("{\"do\":\"roster_set\",\"jid\":\"a@b\",\"groups\":[@]}", CommandReader.groupsMax),
            ("{\"do\":\"block\",\"jid\":[@]}", CommandReader.blockedMax),
            ("{\"do\":\"unblock\",\"jid\":[@]}", CommandReader.blockedMax),
        ] {
            let parts = line.split(separator: "@]")
            #expect(refused("\(parts[0])\(list(max))]\(parts[1])") == nil)
            #expect(refused("\(parts[0])\(list(max + 1))]\(parts[1])")?.code == .badValue)
        }
        let name = "{\"do\":\"roster_set\",\"jid\":\"a@b\",\"name\":\"\(Self.long)\",\"groups\":[\"\(Self.long)\"]}"
        #expect(refused(name) == nil)
    }

    @Test func addressesThatAreNoneAreNamed() {
        for verb in [
            "roster_set", "roster_remove", "subscribe", "unsubscribe", "approve", "deny", "revoke", "block", "unblock",
            "disco", "ping", "version",
        ] {
            let problem = refused("{\"do\":\"\(verb)\",\"ref\":7,\"jid\":\"a@b@c\"}")
            #expect(problem?.code == .badJID && problem?.key == "jid" && problem?.ref == "7" && problem?.line == 3)
            #expect(problem?.text.hasPrefix("\"a@b@c\" is no address: ") == true, "\(verb)")
        }
    }
}

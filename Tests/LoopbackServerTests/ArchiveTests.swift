import LoopbackServer
import Stanza
import Testing

/// Archives of accounts and rooms (XEP-0313).
@Suite struct ArchiveTests {
    /// Alice on 1 and bob on 2, with archives.
    private func dialogue(
        faults: [String] = [], _ change: (inout Server.Configuration) -> Void = { _ in }
    ) throws -> Dialogue {
        var room = try Server.Configuration.Room("ops")
        room.affiliations = [(try JID("alice@localhost"), .owner)]
        var dialogue = try Dialogue(faults: faults) {
            $0.archives = true
            $0.roomService.rooms = [room]
            change(&$0)
        }
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        return dialogue
    }

    /// A query: its form's fields and its set.
    private func query(_ fields: [String: String] = [:], _ set: String = "", to: String? = nil) -> String {
        let rows = fields.sorted { $0.key < $1.key }.map { "<field var='\($0.key)'><value>\($0.value)</value></field>" }
        let form =
            fields.isEmpty
            ? ""
            : "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>\(rows.joined())</x>"
        let page = set.isEmpty ? "" : "<set xmlns='http://jabber.org/protocol/rsm'>\(set)</set>"
        let address = to.map { " to='\($0)'" } ?? ""
        return "<iq type='set' id='q'\(address)><query xmlns='urn:xmpp:mam:2' queryid='Q'>\(form)\(page)</query></iq>"
    }

    /// What came of a query: the bodies with their ids, then how the page ends.
    private func gist(_ text: String) -> [String] {
        Reader.elements(text).map { stanza in
            if let result = stanza.child("result", "urn:xmpp:mam:2") {
                let message = result.child("forwarded", "urn:xmpp:forward:0")?.child("message", NS.client)
                return "\(result["id"] ?? "?") \(message?.child("body", NS.client)?.text ?? "?")"
            }
            if let error = stanza.child("error", NS.client) { return error.child(in: NS.stanzas)?.name ?? "?" }
            let fin = stanza.child("fin", "urn:xmpp:mam:2")
            let count = fin?.child("set", "http://jabber.org/protocol/rsm")?.children.first { $0.name == "count" }
            return "\(fin?["complete"] == "true" ? "complete" : "more") of \(count?.text ?? "?")"
        }
    }

    /// Alice says so many things to bob, a second apart.
    private func say(_ count: Int, _ dialogue: inout Dialogue) {
        for number in 1...count {
            dialogue.wall.milliseconds += 1_000
            dialogue.say(1, "<message to='bob@localhost' type='chat'><body>\(number)</body></message>")
        }
        _ = dialogue.hear(1)
        _ = dialogue.hear(2)
    }

    @Test func aMessageHasTheIDOfItsArchiveAndNoOther() throws {
        var dialogue = try dialogue()
        dialogue.say(
            1,
            "<message to='bob@localhost' type='chat'><body>x</body><stanza-id xmlns='urn:xmpp:sid:0' by='bob@localhost' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' by='else' id='kept'/></message>"
        )
        let ids = Reader.elements(dialogue.hear(2))[0].children.filter { $0.hasName("stanza-id") }
        #expect(ids.map { "\($0["by"] ?? "") \($0["id"] ?? "")" } == ["else kept", "bob@localhost 1"])
        #expect(gist(dialogue.ask(2, query())) == ["1 x", "complete of 1"])
        // The sender's archive has it as well, under an id of its own.
        #expect(gist(dialogue.ask(1, query())) == ["2 x", "complete of 1"])
    }

    @Test func aResultIsWholeAndNamed() throws {
        var dialogue = try dialogue()
        dialogue.say(1, "<message to='bob@localhost' type='chat' id='7'><body>x</body></message>")
        _ = dialogue.hear(2)
        #expect(
            dialogue.ask(2, query())
                == "<message to='bob@localhost/phone'><result xmlns='urn:xmpp:mam:2' queryid='Q' id='1'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-11-22T09:40:00.123Z'/><message xmlns='jabber:client' from='alice@localhost/home' to='bob@localhost' type='chat' id='7'><body>x</body></message></forwarded></result></message><iq type='result' id='q' to='bob@localhost/phone'><fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><first index='0'>1</first><last>1</last><count>1</count></set></fin></iq>"
        )
    }

    @Test(arguments: [
        ("<message to='bob@localhost' type='chat'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>", false),
        ("<message to='bob@localhost'><body>x</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>", false),
        ("<message to='bob@localhost' type='headline'><body>x</body></message>", false),
        (
            "<message to='bob@localhost' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
            false
        ),
        ("<message to='bob@localhost' type='chat'><x xmlns='x'/><store xmlns='urn:xmpp:hints'/></message>", true),
        ("<message to='bob@localhost'><body>x</body></message>", true),
        ("<message to='bob@localhost/phone'><body>x</body></message>", true),
        ("<message to='bob@localhost'><received xmlns='urn:xmpp:receipts' id='1'/></message>", true),
    ])
    func keepsWhatIsOfUse(_ message: String, _ isKept: Bool) throws {
        var dialogue = try dialogue()
        dialogue.say(1, message)
        _ = dialogue.hear(2)
        #expect(gist(dialogue.ask(2, query())).count == (isKept ? 2 : 1))
    }

    /// Messages 1 to 5 are a second apart; bob's archive numbers them 1, 3, 5, 7, 9, as alice's has its own.
    @Test(
        arguments: [
            ([:], "<max>2</max>", ["1 1", "3 2", "more of 5"]),
            ([:], "<max>2</max><after>3</after>", ["5 3", "7 4", "more of 5"]),
            ([:], "<max>2</max><after>7</after>", ["9 5", "complete of 5"]),
            ([:], "<max>2</max><after>9</after>", ["complete of 5"]),
            ([:], "<max>2</max><before/>", ["7 4", "9 5", "more of 5"]),
            ([:], "<max>9</max><before>5</before>", ["1 1", "3 2", "complete of 5"]),
            ([:], "<max>1</max><before>5</before>", ["3 2", "more of 5"]),
            ([:], "<max>0</max>", ["more of 5"]),
            ([:], "<after>2</after>", ["item-not-found"]), ([:], "<after>odd</after>", ["item-not-found"]),
            (["start": "2026-11-22T09:40:03.123Z"], "", ["5 3", "7 4", "9 5", "complete of 3"]),
            (["start": "2026-11-22T10:40:04.123+01:00"], "<max>1</max>", ["7 4", "more of 2"]),
            (["end": "2026-11-22T09:40:02.123Z"], "", ["1 1", "3 2", "complete of 2"]),
            (["with": "alice@localhost"], "<max>1</max>", ["1 1", "more of 5"]),
            (["with": "alice@localhost/other"], "", ["complete of 0"]),
            (["with": "carol@localhost"], "", ["complete of 0"]), (["start": "yesterday"], "", ["bad-request"]),
            (["colour": "red"], "", ["feature-not-implemented"]),
        ] as [([String: String], String, [String])])
    func answersInPages(_ fields: [String: String], _ set: String, _ expected: [String]) throws {
        var dialogue = try dialogue()
        say(5, &dialogue)
        #expect(gist(dialogue.ask(2, query(fields, set))) == expected)
    }

    @Test func theOldestGoesPastTheLimitAndPagesAreLimited() throws {
        var dialogue = try dialogue {
            $0.limits.archivedMessagesMax = 3
            $0.limits.archivePageMessagesMax = 2
        }
        say(200, &dialogue)
        #expect(gist(dialogue.ask(2, query())) == ["395 198", "397 199", "more of 3"])
        #expect(gist(dialogue.ask(2, query([:], "<after>391</after>"))) == ["item-not-found"])
    }

    @Test func aRoomHasItsOwn() throws {
        var dialogue = try dialogue()
        dialogue.enter(1, "alice")
        dialogue.speak(1, "one")
        let reflection = Reader.elements(dialogue.hear(1)).last
        #expect(reflection?.children.first { $0.hasName("stanza-id") }?["id"] == "1")
        let room = "ops@conference.localhost"
        #expect(gist(dialogue.ask(1, query(to: room))) == ["1 one", "complete of 1"])
        // Who may enter may read.
        #expect(gist(dialogue.ask(2, query(to: room))) == ["1 one", "complete of 1"])
        #expect(gist(dialogue.ask(1, query())) == ["complete of 0"])
        // It outlives a restart of the service.
        dialogue.input(.ordered(.restart(isTold: false)))
        #expect(gist(dialogue.ask(2, query(to: room))) == ["1 one", "complete of 1"])
        dialogue.enter(1, "alice")
        dialogue.administer(1, "<item affiliation='outcast' jid='bob@localhost'/>")
        _ = dialogue.hear(2)
        #expect(gist(dialogue.ask(2, query(to: room))) == ["forbidden"])
    }

    @Test func saysWhatItHas() throws {
        let info = "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
        var dialogue = try dialogue()
        func features(_ to: String) -> [String] {
            let answer = Reader.elements(dialogue.ask(2, "<iq type='get' id='i' to='\(to)'>\(info)"))[0]
            return answer.children.flatMap { $0.children.compactMap { $0["var"] } }.filter { $0.hasPrefix("urn:") }
        }
        #expect(features("bob@localhost") == ["urn:xmpp:mam:2", "urn:xmpp:sid:0"])
        #expect(features("ops@conference.localhost").contains("urn:xmpp:mam:2"))
        dialogue.input(.orderedOfArchives(.off))
        #expect(features("bob@localhost") == [])
        #expect(!features("ops@conference.localhost").contains("urn:xmpp:mam:2"))
        #expect(gist(dialogue.ask(2, query())) == ["service-unavailable"])
        dialogue.say(1, "<message to='bob@localhost' type='chat'><body>x</body></message>")
        #expect(!dialogue.hear(2).contains("stanza-id"))
    }

    @Test func goesWrongOnOrder() throws {
        var dialogue = try dialogue(faults: ["2:archive=3:refuse=resource-constraint"])
        say(1, &dialogue)
        dialogue.input(.orderedOfArchives(.fallSilent))
        #expect(dialogue.ask(2, query()) == "")
        dialogue.input(.orderedOfArchives(.answer))
        dialogue.input(.orderedOfArchives(.forget))
        #expect(gist(dialogue.ask(2, query())) == ["complete of 0"])
        #expect(gist(dialogue.ask(2, query())) == ["resource-constraint"])
    }

    /// Copies for other sessions carry what their own account's archive says.
    @Test func carbonsHaveTheIDsOfTheirAccount() throws {
        var dialogue = try dialogue()
        dialogue.login(3, "alice", "desk")
        _ = dialogue.ask(3, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
        dialogue.say(1, "<message to='bob@localhost' type='chat'><body>x</body></message>")
        #expect(dialogue.hear(3).contains("<stanza-id xmlns='urn:xmpp:sid:0' by='alice@localhost' id='2'/>"))
        #expect(dialogue.hear(2).contains("<stanza-id xmlns='urn:xmpp:sid:0' by='bob@localhost' id='1'/>"))
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1),
            ("2026-11-22T09:40:00.123Z", 1_795_340_400_123),
            ("2026-11-22T11:10:00.1234567+01:30", 1_795_340_400_123), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("0000-03-01T00:00:00Z", -62_162_035_200_000), ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ] as [(String, Int64)])
    func stampsAreMoments(_ text: String, _ milliseconds: Int64) {
        #expect(WallTime(stamp: text)?.milliseconds == milliseconds)
        let written = WallTime(milliseconds: milliseconds).stamp
        #expect(WallTime(stamp: written)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-11-22", "2026-11-22T09:40:00", "2026-13-22T09:40:00Z", "2026-11-00T09:40:00Z",
        "2026-11-22T25:40:00Z", "2026-11-22T09:60:00Z", "2026-11-22T09:40:00.Z", "2026-11-22T09:40:00+0100",
        "2026-11-22T09:40:00Z ", "+026-11-22T09:40:00Z", "2026-11-22 09:40:00Z",
    ])
    func noMoment(_ text: String) { #expect(WallTime(stamp: text) == nil) }
}

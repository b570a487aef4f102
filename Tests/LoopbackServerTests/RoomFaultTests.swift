import LoopbackServer
import Stanza
import Testing

/// What the room service can be made to do wrong.
@Suite struct RoomFaultTests {
    @Test func anOccupantIsForgottenWithoutAWord() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.input(.ordered(.forget(room: "ops", nick: "bob")))
        for id: UInt64 in 1...3 { #expect(dialogue.hear(id) == "") }
        dialogue.speak(1, "x")
        #expect(dialogue.gist(2) == [])
        #expect(dialogue.gist(3) == ["alice: x"])
        #expect(dialogue.ping(2, "bob") == ["iq not-acceptable cancel"])
        dialogue.speak(2, "y")
        #expect(dialogue.gist(2) == ["message not-acceptable cancel"])
        dialogue.enter(2, "bob")
        #expect(dialogue.gist(2).last == "= ")
    }

    @Test func allAreForgottenWhenAFaultStrikes() throws {
        var dialogue = try Dialogue.withRoom(faults: ["2:groupchat=2:room-forget=ops"])
        dialogue.gather()
        dialogue.speak(2, "1")
        dialogue.speak(2, "2")
        #expect(dialogue.gist(2) == ["bob: 1", "message not-acceptable cancel"])
        #expect(dialogue.ping(1, "alice").last == "iq not-acceptable cancel")
    }

    @Test func silenceAnswersNothing() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.input(.ordered(.fallSilent))
        dialogue.speak(2, "x")
        #expect(dialogue.ping(2, "bob") == [])
        dialogue.enter(2, "rob")
        dialogue.input(.disconnected(3))
        for id: UInt64 in 1...2 { #expect(dialogue.hear(id) == "") }
        dialogue.input(.ordered(.answer))
        #expect(dialogue.ping(2, "bob") == ["result"])
        dialogue.speak(2, "y")
        #expect(dialogue.gist(1) == ["bob: y"])
    }

    @Test func aRestartForgetsAllRooms() throws {
        for isTold in [false, true] {
            var dialogue = try Dialogue.withRoom { $0.settings.subject = "first" }
            dialogue.gather()
            dialogue.say(1, "<message type='groupchat' to='\(Dialogue.room)'><subject>second</subject></message>")
            dialogue.enter(1, "alice", room: "new@conference.localhost")
            for id: UInt64 in 1...3 { _ = dialogue.hear(id) }
            dialogue.input(.ordered(.restart(isTold: isTold)))
            #expect(dialogue.gist(2) == (isTold ? ["-bob none/none 110 332"] : []))
            #expect(dialogue.ping(2, "bob") == ["iq not-acceptable cancel"])
            dialogue.enter(2, "bob")
            #expect(dialogue.gist(2) == ["bob none/participant 110", "= first"])
            _ = dialogue.hear(1)
            dialogue.enter(1, "alice", room: "new@conference.localhost")
            #expect(dialogue.gist(1).first == "alice owner/moderator alice@localhost/home 110 201")
        }
    }

    @Test func aRestartOfTheServerForgetsThemToo() throws {
        var dialogue = try Dialogue.withRoom(faults: ["1:messages=2:restart"])
        dialogue.gather()
        dialogue.speak(1, "before")
        dialogue.speak(1, "x")
        dialogue.login(4, "bob", "phone")
        dialogue.enter(4, "alice")
        #expect(dialogue.gist(4) == ["alice none/participant 110", "= "])
    }

    @Test func messagesVanish() throws {
        var dialogue = try Dialogue.withRoom(faults: ["2:groupchat:rooms-withhold=2"])
        dialogue.gather()
        for body in ["1", "2", "3"] { dialogue.speak(2, body) }
        #expect(dialogue.gist(2) == ["bob: 3"])
        #expect(dialogue.gist(1) == ["bob: 3"])
    }

    @Test func aLimitIsSet() throws {
        var dialogue = try Dialogue.withRoom(faults: ["1:groupchat:rooms-limit=2s"])
        dialogue.gather()
        dialogue.speak(1, "1")
        dialogue.speak(1, "2")
        dialogue.pass(.seconds(2))
        dialogue.speak(1, "3")
        #expect(dialogue.gist(1) == ["alice: 1", "message policy-violation wait", "alice: 3"])
    }

    @Test(arguments: [
        ("join:refuse=remote-server-timeout", "presence remote-server-timeout wait"), ("join:lose", nil),
        ("after-join:rooms-silent", "alice owner/moderator alice@localhost/home 110"),
    ])
    func joinsFail(_ fault: String, _ expected: String?) throws {
        var dialogue = try Dialogue.withRoom(faults: ["1:\(fault)"])
        dialogue.login(1, "alice", "home")
        dialogue.enter(1, "alice")
        #expect(dialogue.gist(1).first == expected)
    }

    @Test func aForgedStanzaCountsLikeAnyOther() throws {
        var dialogue = try Dialogue(faults: ["1:messages:deliver=<message from='mallory@elsewhere' id='f'/>"])
        dialogue.bind(1, "alice", "home")
        let id = dialogue.enable(1)
        dialogue.say(1, "<message type='headline' to='bob@localhost'/>")
        #expect(dialogue.hear(1) == "<message from='mallory@elsewhere' id='f'/><r xmlns='urn:xmpp:sm:3'/>")
        dialogue.input(.forged(to: try JID("alice@localhost/home"), Array("<presence from='x@y'/>".utf8)))
        dialogue.input(.forged(to: try JID("alice@localhost/gone"), Array("<presence from='x@y'/>".utf8)))
        #expect(dialogue.hear(1) == "<presence from='x@y'/>")
        dialogue.input(.disconnected(1))
        dialogue.authenticate(2, "alice")
        _ = dialogue.hear(2)
        #expect(dialogue.resume(2, id, h: 1).range(of: "<presence from='x@y'/>") != nil)
    }
}

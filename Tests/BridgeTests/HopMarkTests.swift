import Routing
import Stanza
import Testing
import Wire

@testable import Bridge

private func mark(_ attributes: String) throws -> HopMark? {
    HopMark(
        of: try StreamParser.stanza(
            Array("<message xmlns='jabber:client'><hop xmlns='urn:xmpp-bridge:hop:0' \(attributes)/></message>".utf8)))
}

@Suite struct HopMarkTests {
    @Test func itIsReadAsItIsWritten() throws {
        let room = try JID("a@rooms.example.org")
        let made = HopMark().passing("one", from: room).passing("two", from: nil)
        var writer = XMLWriter()
        writer.raw("<message xmlns='jabber:client'>")
        made.write(to: &writer)
        writer.raw("</message>")
        let read = HopMark(of: try StreamParser.stanza(writer.bytes))
        #expect(read == made && made.count == 2 && made.bridges == ["one", "two"])
        #expect(writer.bytes.count < made.byteCount)
    }

    @Test func obstacles() throws {
        let a: Endpoint = try Endpoint(parsing: "room:a@rooms.example.org")
        let b: Endpoint = try Endpoint(parsing: "room:b@rooms.example.org")
        let person: Endpoint = try Endpoint(parsing: "xmpp:p@example.org")
        let made = HopMark().passing("one", from: try JID("a@rooms.example.org"))
        #expect(made.obstacle(for: "one", to: person) == .passedBefore)
        #expect(made.obstacle(for: "two", to: person) == nil)
        #expect(made.obstacle(for: "two", to: a) == .saidThere && made.obstacle(for: "two", to: b) == nil)
        var worn = HopMark()
        for number in 0..<HopMark.Limits.hopsMax { worn = worn.passing("b\(number)", from: nil) }
        #expect(worn.obstacle(for: "new", to: b) == .tooManyHops)
    }

    @Test func whatOthersWriteIsNotTrustedToBeSmall() throws {
        #expect(try mark("count='2'")?.count == 2)
        #expect(try mark("count='-5'")?.count == 1 && mark("count='x'")?.count == 1)
        #expect(try mark("by='\(String(repeating: "a ", count: 300))'")?.count == HopMark.Limits.hopsMax)
        #expect(HopMark(of: try StreamParser.stanza(Array("<message xmlns='jabber:client'/>".utf8))) == nil)
    }
}

@Suite struct PumpHopTests {
    private static let relay = """
        bridges:
          - {name: r, from: "xmpp:a@example.org", to: "xmpp:b@example.org"}
          - {name: log, from: "xmpp:a@example.org", to: stdout, body: "{body}"}

        """

    private func running(_ yaml: String) throws -> PumpDialogue {
        var talk = try PumpDialogue([], yaml: yaml, daemon: true)
        try talk.logIn()
        talk.settle()
        talk.forget()
        return talk
    }

    private func heard(_ hop: String) throws -> PumpDialogue {
        var talk = try running(Self.relay)
        try talk.server("<message from='a@example.org/x' type='chat'><body>hello</body>\(hop)</message>")
        return talk
    }

    @Test func whatIsSentOnIsMarked() throws {
        let talk = try heard("")
        #expect(talk.bodies == ["hello"] && talk.printed == "hello\n")
        #expect(talk.socket.contains("<hop xmlns='urn:xmpp-bridge:hop:0' count='1' by='xb-\(PumpDialogue.token)'/>"))
    }

    @Test func anothersMarkIsGrown() throws {
        let talk = try heard("<hop xmlns='urn:xmpp-bridge:hop:0' count='1' by='other'/>")
        #expect(talk.socket.contains("count='2' by='other xb-\(PumpDialogue.token)'"))
    }

    @Test func whatWasHereBeforeGoesNoFurther() throws {
        let talk = try heard("<hop xmlns='urn:xmpp-bridge:hop:0' count='2' by='xb-\(PumpDialogue.token) other'/>")
        // It is still told to those who only listen.
        #expect(talk.bodies == [] && talk.printed == "hello\n" && talk.said == [])
    }

    @Test func whatHasPassedTooManyIsTold() throws {
        let talk = try heard("<hop xmlns='urn:xmpp-bridge:hop:0' count='8'/>")
        #expect(
            talk.bodies == []
                && talk.said == ["warning: a message has passed 8 bridges and is not sent on to xmpp:b@example.org"])
    }

    @Test func linesCarryNoMark() throws {
        var talk = try PumpDialogue.online(["--to", "b@example.org"])
        talk.type("a line\n")
        #expect(talk.bodies == ["a line"] && !talk.socket.contains("<hop"))
    }

    @Test func whatRulesHoldBackKeepsItsMark() throws {
        let yaml = "bridges:\n  - {from: \"xmpp:a@example.org\", to: \"xmpp:b@example.org\", group: {within: 1s}}\n"
        var talk = try running(yaml)
        try talk.server(
            "<message from='a@example.org/x' type='chat'><body>1</body><hop xmlns='urn:xmpp-bridge:hop:0' count='3' by='o'/></message>"
        )
        try talk.server("<message from='a@example.org/x' type='chat'><body>2</body></message>")
        talk.wait(.seconds(2))
        #expect(talk.bodies == ["1\n2"] && talk.socket.contains("count='4' by='o xb-\(PumpDialogue.token)'"))
    }
}

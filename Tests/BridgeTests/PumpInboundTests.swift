import Session
import Stanza
import Testing

@testable import Bridge

/// The session's events to standard output.
@Suite struct PumpInboundTests {
    private static func message(_ body: String, from: String = "bob@example.org/phone", id: String = "m1") -> String {
        "<message from='\(from)' to='bridge@example.org/r' type='chat' id='\(id)'><body>\(body)</body></message>"
    }

    @Test func aMessageIsOneLine() throws {
        var talk = try PumpDialogue.online(["--events"])
        try talk.server(Self.message("hi &lt;you&gt;\n\"there\""))
        #expect(
            talk.events == [
                #"{"event":"message","from":"bob@example.org/phone","jid":"bob@example.org","to":"bridge@example.org/r","#
                    + #""type":"chat","id":"m1","body":"hi <you>\n\"there\""}"#
            ])
        #expect(talk.printed.hasPrefix(#"{"event":"message","time":"2026-11-22T"#))
    }

    @Test func theSequenceNumbersRise() throws {
        var talk = try PumpDialogue(["--events"])
        try talk.logIn()
        for number in 0..<5 { try talk.server(Self.message("\(number)")) }
        let numbers = talk.printed.split(separator: "\n").map { String($0).from("\"seq\":").upTo(",", keeping: false) }
        #expect(numbers.count >= 7)
        #expect(numbers == (1...max(numbers.count, 1)).map(String.init))
    }

    @Test func aRunThatOnlySendsIsNotSeen() throws {
        var talk = try PumpDialogue(["--to", "ops@example.org"])
        try talk.logIn()
        #expect(!talk.socket.contains("<presence"))
        #expect(!talk.socket.contains("jabber:iq:roster"))
        var listener = try PumpDialogue(["--events"])
        try listener.logIn()
        #expect(listener.socket.contains("<presence"))
        #expect(listener.socket.contains("jabber:iq:roster"))
    }

    @Test func aPeersMessagesAloneAndTheStatesOfTheSession() throws {
        var talk = try PumpDialogue(["--from", "bob@example.org"])
        try talk.logIn()
        #expect(talk.events.map { $0.contains("\"event\":\"session\"") } == [true, true])
        talk.forget()
        try talk.server(Self.message("no", from: "eve@example.org/x"))
        try talk.server("<presence from='bob@example.org/phone'/>")
        try talk.server(Self.message("yes"))
        #expect(talk.events.count == 1)
        #expect(talk.events.first?.contains("\"body\":\"yes\"") == true)
    }

    @Test func textIsTheBareBodies() throws {
        var talk = try PumpDialogue(["--from", "bob@example.org", "--output", "text"])
        try talk.logIn()
        try talk.server(Self.message("one\ntwo \\ three"))
        try talk.server(
            "<message from='bob@example.org' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
        )
        try talk.server(Self.message("four"))
        #expect(talk.printed == "one\\ntwo \\\\ three\nfour\n")
    }

    // MARK: - Acknowledging

    @Test func aStanzaCountsOnceItsEventIsWritten() throws {
        var talk = try PumpDialogue.online(["--events"])
        talk.readerWaits = true
        try talk.server(Self.message("x"))
        talk.feed(.batchEnded)
        talk.forget()
        try talk.server("<r xmlns='urn:xmpp:sm:3'/>")
        let before = talk.socket.from("<a xmlns='urn:xmpp:sm:3' h='").upTo("'", keeping: false)
        talk.forget()
        talk.read()
        let after = talk.socket.from("<a xmlns='urn:xmpp:sm:3' h='").upTo("'", keeping: false)
        #expect(Int(after) == Int(before).map { $0 + 1 }, "an owed answer follows by itself")
    }

    @Test func aSlowReaderStopsNeitherAcksNorTheSession() throws {
        var talk = try PumpDialogue.online(["--events"])
        talk.readerWaits = true
        let body = String(repeating: "x", count: 60_000)
        let enough = Int(Pump.Limits.outputWaitingBytesMax) / 60_000 + 20
        for _ in 0..<enough { try talk.server(Self.message(body)) }
        let kept = talk.printed.count(of: "\n")
        #expect(kept < enough)
        #expect(talk.printed.utf8.count < Int(Pump.Limits.outputWaitingBytesMax) + 70_000)
        talk.wait(.seconds(2))
        talk.forget()
        try talk.server("<r xmlns='urn:xmpp:sm:3'/>")
        let handled = Int(talk.socket.from("<a xmlns='urn:xmpp:sm:3' h='").upTo("'", keeping: false)) ?? 0
        #expect(handled >= enough, "in memory what waits is the spool")
        talk.read()
        try talk.server(Self.message("after"))
        #expect(
            talk.events.first
                == #"{"event":"gap","reason":"slow-reader","text":"standard output's reader is too slow","count":\#(enough - kept)}"#
        )
        #expect(talk.events.last?.contains("\"body\":\"after\"") == true)
        #expect(talk.events.count == 2)
    }

    @Test func aGapAtTheEndIsToldToo() throws {
        var talk = try PumpDialogue.online(["--events"])
        talk.readerWaits = true
        let body = String(repeating: "x", count: 60_000)
        for _ in 0..<Int(Pump.Limits.outputWaitingBytesMax) / 60_000 + 20 { try talk.server(Self.message(body)) }
        talk.feed(.stop)
        talk.read()
        talk.closeStream()
        #expect(talk.status == .success)
        #expect(talk.events.last?.hasPrefix("{\"event\":\"gap\"") == true)
    }

    // MARK: - Ends

    @Test func countEndsAfterSoManyMessages() throws {
        var talk = try PumpDialogue.online(["--from", "bob@example.org", "--output", "text", "--count", "2"])
        talk.feed(.inputEnded)
        #expect(!talk.hasLeft, "the end of an input that nobody reads is nothing")
        try talk.server(Self.message("one"))
        try talk.server("<presence from='bob@example.org/phone'/>")
        #expect(!talk.hasLeft)
        try talk.server(Self.message("two"))
        #expect(talk.hasLeft)
        try talk.server(Self.message("three"))
        talk.closeStream()
        #expect(talk.printed == "one\ntwo\n")
        #expect(talk.status == .success)
    }

    @Test func whatCountHasPrintedIsAcknowledgedBeforeTheEnd() throws {
        var talk = try PumpDialogue.online(["--from", "bob@example.org", "--output", "text", "--count", "1"])
        talk.feed(.batchEnded)
        try talk.server("<r xmlns='urn:xmpp:sm:3'/>")
        let before = talk.socket.from("<a xmlns='urn:xmpp:sm:3' h='").upTo("'", keeping: false)
        talk.forget()
        try talk.server(Self.message("one"))
        let last = talk.socket.pieces(by: "<a xmlns='urn:xmpp:sm:3' h='").last?.upTo("'", keeping: false)
        #expect(talk.hasLeft)
        #expect(
            last.flatMap { Int($0) } == Int(before).map { $0 + 1 }, "else the server keeps it and it comes twice")
    }

    @Test func countIsExactWhileRowsWait() throws {
        var talk = try PumpDialogue.online(
            ["--to", "bob@example.org", "--from", "bob@example.org", "--output", "text", "--count", "1"])
        talk.type("question\n")
        try talk.server(Self.message("one"))
        #expect(!talk.hasLeft)
        try talk.server(Self.message("two"))
        talk.settle()
        #expect(talk.hasLeft)
        #expect(talk.printed == "one\n")
    }

    @Test func timeoutEndsAfterThatLongWithoutAMessage() throws {
        var talk = try PumpDialogue.online(["--from", "bob@example.org", "--timeout", "5s"])
        talk.wait(.seconds(4))
        try talk.server(Self.message("one"))
        talk.wait(.seconds(4))
        try talk.server("<presence from='bob@example.org/phone'/>")
        #expect(!talk.hasLeft)
        talk.wait(.seconds(1))
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.said.first?.hasPrefix("error: no message for 5") == true)
        #expect(talk.status == .undelivered)
    }

    @Test func timeoutRunsBeforeTheLoginToo() throws {
        var talk = try PumpDialogue(["--from", "bob@example.org", "--timeout", "3s"])
        talk.wait(.seconds(3))
        #expect(talk.status == .undelivered)
    }

    // MARK: - States

    @Test func theStatesOfTheSessionAreEvents() throws {
        var talk = try PumpDialogue(["--events"])
        try talk.logIn()
        talk.cut()
        let states = talk.events.filter { $0.hasPrefix("{\"event\":\"session\"") }
        #expect(states.count == 3)
        #expect(states.first == #"{"event":"session","state":"connecting"}"#)
        #expect(
            states.dropFirst().first?.contains(#""state":"online","jid":"bridge@example.org/r","resumed":false"#)
                == true)
        #expect(states.last?.contains(#""state":"offline""#) == true)
        #expect(states.last?.contains("retry_in_ms") == true)
    }

    @Test func presenceRosterAndRequestsAreEvents() throws {
        var talk = try PumpDialogue.online(["--events"])
        try talk.server("<presence from='bob@example.org/phone'><show>away</show><status>lunch</status></presence>")
        try talk.server("<presence from='eve@example.org' type='subscribe'/>")
        try talk.server(
            "<iq type='set' id='p1'><query xmlns='jabber:iq:roster'>"
                + "<item jid='bob@example.org' name='Bob' subscription='both'><group>ops</group></item></query></iq>")
        #expect(
            talk.events == [
                #"{"event":"presence","from":"bob@example.org/phone","jid":"bob@example.org","resource":"phone","available":true,"#
                    + #""show":"away","status":"lunch","initial":true}"#,
                #"{"event":"subscription","jid":"eve@example.org","action":"request"}"#,
                #"{"event":"roster","jid":"bob@example.org","action":"set","name":"Bob","groups":["ops"],"subscription":"both"}"#,
            ])
    }

    @Test func aMessageCanBeCarriedOnByARule() throws {
        let yaml = """
            bridges:
              - {from: "xmpp:bob@example.org", to: "xmpp:ops@example.org", body: "bob: {body}"}
            """
        var talk = try PumpDialogue(
            [], yaml: yaml, daemon: true)
        try talk.logIn()
        talk.settle()
        talk.forget()
        try talk.server(Self.message("hello"))
        #expect(talk.bodies == ["bob: hello"])
    }
}

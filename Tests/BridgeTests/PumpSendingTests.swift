import Session
import Stanza
import Testing

@testable import Bridge

/// Standard input to the server.
@Suite struct PumpSendingTests {
    private static let toOps = ["--to", "ops@example.org"]

    @Test func aLineBecomesAMessage() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("disk < 5% & \"full\"\n")
        #expect(
            talk.messages == [
                "<message to='ops@example.org' type='chat' id='xb-T-1'><body>disk &lt; 5% &amp; \"full\"</body>"
                    + "<origin-id xmlns='urn:xmpp:sid:0' id='xb-T-1'/></message>"
            ])
        #expect(talk.socket.hasSuffix("<r xmlns='urn:xmpp:sm:3'/>"), "an acknowledgement is asked for at once")
    }

    @Test func theTypeIsTheFlags() throws {
        var talk = try PumpDialogue.online(Self.toOps + ["--type", "headline"])
        talk.type("x\n")
        #expect(talk.messages.first?.contains("type='headline'") == true)
    }

    @Test func severalRecipientsEachGetTheirOwn() throws {
        var talk = try PumpDialogue.online(["--to", "a@example.org", "--to", "b@example.org/x"])
        talk.type("one\ntwo\n")
        let heads = talk.messages.map {
            $0.from("to='").upTo("'", keeping: false) + " " + $0.from("id='").upTo("'", keeping: false)
        }
        #expect(
            heads == [
                "a@example.org xb-T-1", "b@example.org/x xb-T-2", "a@example.org xb-T-3", "b@example.org/x xb-T-4",
            ])
        #expect(talk.bodies == ["one", "one", "two", "two"])
    }

    @Test func chunksMayEndAnywhere() throws {
        let text = "erste\r\n\nzw\u{00E9}ite 漢\nlast without an end"
        var whole = try PumpDialogue.online(Self.toOps)
        whole.type(text)
        whole.feed(.inputEnded)
        var pieces = try PumpDialogue.online(Self.toOps)
        for byte in text.utf8 { pieces.feed(.inputChunk([byte])) }
        pieces.feed(.inputEnded)
        #expect(whole.bodies == ["erste", "zwéite 漢", "last without an end"])
        #expect(pieces.messages == whole.messages)
    }

    @Test func whatComesBeforeTheLoginIsSentAfterIt() throws {
        var talk = try PumpDialogue(Self.toOps)
        #expect(talk.pump.wantsInput)
        talk.type("early\n")
        #expect(talk.messages == [])
        try talk.logIn()
        #expect(talk.bodies == ["early"])
    }

    @Test func failFastReadsNothingBeforeTheLogin() throws {
        var talk = try PumpDialogue(Self.toOps, retry: .failFast)
        #expect(!talk.pump.wantsInput)
        try talk.authenticate()
        #expect(!talk.pump.wantsInput)
        try talk.bound()
        #expect(talk.pump.wantsInput)
    }

    @Test func aFullSpoolStopsReadingAndResumes() throws {
        var talk = try PumpDialogue(Self.toOps)
        for _ in 0..<Pump.Limits.spoolRowsMax - 1 { talk.type("x\n") }
        #expect(talk.pump.wantsInput)
        talk.type("x\n")
        #expect(!talk.pump.wantsInput)
        try talk.logIn()
        #expect(!talk.pump.wantsInput, "sent is not accepted")
        talk.settle()
        #expect(talk.pump.wantsInput)
        #expect(talk.pump.backlog.count == 0)
        #expect(talk.messages.count == Pump.Limits.spoolRowsMax)
        let ids = talk.messages.map { $0.from("id='").upTo("'", keeping: false) }
        #expect(ids == (1...Pump.Limits.spoolRowsMax).map { "xb-T-\($0)" })
    }

    @Test func aSpoolFullOfBytesStopsReadingToo() throws {
        var talk = try PumpDialogue(Self.toOps)
        let line = String(repeating: "x", count: 60_000) + "\n"
        var lines = 0
        while talk.pump.wantsInput && lines < 1_000 {
            talk.type(line)
            lines += 1
        }
        #expect(talk.pump.backlog.bytes >= Pump.Limits.spoolBytesMax)
        #expect(talk.pump.backlog.bytes < Pump.Limits.spoolBytesMax + 65_000)
    }

    @Test func aLostStreamThatCannotBeResumedSendsAgainWithTheSameIDs() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\ntwo\n")
        let first = talk.messages
        talk.cut()
        talk.forget()
        talk.type("three\n")
        talk.wait(.seconds(2))
        try talk.authenticate()
        #expect(talk.socket.contains("previd='sm-1'"))
        try talk.server(
            "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
        try talk.bound("id='sm-2' resume='true'")
        #expect(Array(talk.messages.prefix(2)) == first)
        #expect(talk.bodies == ["one", "two", "three"])
    }

    @Test func aResumedStreamSendsOnlyWhatTheServerLacks() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        let before = talk.stanzasSeen
        talk.type("one\ntwo\n")
        talk.cut()
        talk.wait(.seconds(2))
        try talk.authenticate()
        talk.forget()
        try talk.server("<resumed xmlns='urn:xmpp:sm:3' previd='sm-1' h='\(before + 1)'/>")
        #expect(talk.socket.contains("<r xmlns='urn:xmpp:sm:3'/>"))
        #expect(!talk.pump.session.isOnline, "a resumption that nobody reads is none")
        try talk.server("<a xmlns='urn:xmpp:sm:3' h='\(before + 1)'/>")
        #expect(talk.pump.session.isOnline)
        #expect(talk.bodies == ["two"])
        #expect(talk.said.contains { $0.hasPrefix("info: online as") && $0.hasSuffix("resumed") })
    }

    @Test func theServersStanzaLimitSplitsLines() throws {
        let limits = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes></limits>"
        var talk = try PumpDialogue.online(Self.toOps, features: limits)
        talk.type(String(repeating: "&", count: 4_000) + "\n")
        talk.settle()
        #expect(talk.messages.count == 3)
        #expect(talk.messages.allSatisfy { $0.utf8.count <= 10_000 })
        #expect(talk.bodies.map { String($0.prefix(8)) } == ["(part 1)", "(part 2)", "(part 3)"])
        #expect(talk.bodies.joined().count(of: "&amp;") == 4_000)
    }

    // MARK: - Bad input

    @Test func badInputIsMendedAndToldOnceAMinute() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        let bad: [UInt8] = [0x61, 0xFF, 0x00, 0x0A]
        talk.feed(.inputChunk(bad))
        talk.settle()
        #expect(talk.bodies == ["a\u{FFFD}␀"])
        #expect(
            talk.said == [
                "warning: standard input: 1 × invalid UTF-8 replaced by U+FFFD, "
                    + "1 × character not allowed in XML made visible, first in line 1"
            ])
        talk.forget()
        talk.feed(.inputChunk(bad))
        talk.settle()
        talk.pass(.seconds(58))
        talk.feed(.inputChunk(bad))
        talk.settle()
        #expect(talk.said == [])
        talk.pass(.seconds(2))
        talk.feed(.inputChunk(bad))
        #expect(talk.said.count == 1)
        #expect(talk.said.first?.contains("3 × invalid UTF-8") == true)
        #expect(talk.said.first?.hasSuffix("first in line 2") == true)
        talk.forget()
        talk.feed(.inputChunk(bad))
        #expect(talk.said == [])
        talk.feed(.inputEnded)
        #expect(talk.said.count == 1, "the end of the input tells what is left")
    }

    @Test func badInputIsAnEventToo() throws {
        var talk = try PumpDialogue.online(Self.toOps + ["--events"])
        talk.feed(.inputChunk([0xFF, 0x0A]))
        #expect(talk.events.count == 1)
        #expect(talk.events.first?.hasPrefix("{\"event\":\"error\",\"code\":\"bad-input\"") == true)
        #expect(talk.events.first?.contains("\"invalid_utf8\":1") == true)
    }

    @Test(arguments: ["split", "refuse"])
    func anOverlongLineIsSplitOrRefused(_ choice: String) throws {
        var talk = try PumpDialogue.online(Self.toOps + ["--overlong", choice])
        talk.type(String(repeating: "y", count: 100_000) + "\nshort\n")
        talk.settle()
        #expect(talk.bodies.last == "short")
        #expect(talk.messages.count == (choice == "split" ? 3 : 1))
        #expect(talk.said.first?.contains("overlong line \(choice == "split" ? "split" : "refused")") == true)
    }

    // MARK: - Rules of a file

    @Test func aFilesRulesPickAndFormat() throws {
        let yaml = """
            bridges:
              - name: errors
                from: stdin
                match: '\\[(?<level>error|crit)\\] (?<text>.*)'
                body: "{level} on {host}: {text}"
                to: xmpp:ops@example.org
            """
        var talk = try PumpDialogue.online([], yaml: yaml)
        talk.type("[info] fine\n[error] broken\n")
        #expect(talk.bodies == ["error on host: broken"])
    }

    @Test func linesThatNoRuleTakesAreAMistake() throws {
        var talk = try PumpDialogue.online([], yaml: "bridges: [{from: events, to: stdout}]\n")
        talk.type("hello?\n")
        #expect(
            talk.said == [
                "error: lines come on standard input and no rule takes them; give --to JID, or a bridge from: stdin"
            ])
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .usage)
    }

    @Test func theStatusLine() throws {
        var talk = try PumpDialogue(Self.toOps)
        talk.type("a\nb\n")
        talk.feed(.status)
        #expect(
            talk.said == [
                "error: offline (\(talk.pump.session.phase)); 2 lines read, 0 of 2 messages accepted, 0 refused, 0 received, "
                    + "0 bytes wait for standard output"
            ])
        try talk.logIn()
        talk.settle()
        talk.forget()
        talk.feed(.status)
        #expect(
            talk.said == [
                "error: online as bridge@example.org/r; 2 lines read, 2 of 2 messages accepted, 0 refused, 0 received, "
                    + "0 bytes wait for standard output"
            ])
    }
}

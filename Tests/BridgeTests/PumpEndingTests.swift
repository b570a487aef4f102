import Session
import Stanza
import Testing

@testable import Bridge

/// How runs end, and with which status (DESIGN 5.1).
@Suite struct PumpEndingTests {
    private static let toOps = ["--to", "ops@example.org"]

    private static func bounce(
        _ id: String, from: String = "ops@example.org", _ condition: String = "service-unavailable"
    ) -> String {
        "<message type='error' from='\(from)' to='bridge@example.org/r' id='\(id)'><error type='cancel'>"
            + "<\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    }

    // MARK: - End of input

    @Test func theEndOfInputWaitsForAcksThenForThePing() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\n")
        talk.feed(.inputEnded)
        #expect(!talk.pump.wantsInput)
        #expect(talk.lastID("accept") == "none", "a ping before the ack would prove nothing")
        #expect(!talk.hasLeft)
        try talk.acknowledge()
        #expect(talk.lastID("accept") != "none")
        #expect(!talk.hasLeft)
        try talk.pong()
        #expect(talk.hasLeft)
        #expect(talk.status == nil)
        talk.closeStream()
        #expect(talk.wanted.last == .closeConnection)
        #expect(talk.status == .success)
        #expect(talk.said == [])
    }

    @Test func anEmptyInputStillLogsIn() throws {
        var talk = try PumpDialogue(Self.toOps)
        talk.feed(.inputEnded)
        #expect(talk.status == nil)
        try talk.logIn()
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success)
    }

    @Test func aServerThatNeverClosesItsStreamHoldsNobody() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.feed(.inputEnded)
        #expect(talk.hasLeft)
        talk.wait(.seconds(5))
        #expect(talk.wanted.last == .abortConnection)
        #expect(talk.status == .success)
    }

    @Test func stayKeepsTheSessionAfterTheEndOfInput() throws {
        var talk = try PumpDialogue.online(Self.toOps + ["--on-eof", "stay"])
        talk.type("one\n")
        talk.feed(.inputEnded)
        talk.settle()
        #expect(!talk.hasLeft)
        talk.feed(.stop)
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success)
    }

    @Test func aFailedReadSendsWhatWasReadAndIsToldByTheStatus() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\ntw")
        talk.feed(.inputFailed("Input/output error"))
        #expect(talk.bodies == ["one", "tw"])
        talk.settle()
        talk.closeStream()
        #expect(talk.said == ["error: reading standard input failed: Input/output error"])
        #expect(talk.status == .io)
    }

    // MARK: - Bounces

    @Test(arguments: [true, false])
    func aBounceIsNamedAndCounts(_ isBeforeTheAck: Bool) throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\ntwo\n")
        talk.feed(.inputEnded)
        if !isBeforeTheAck { try talk.acknowledge() }
        try talk.server(Self.bounce("xb-T-1"))
        if isBeforeTheAck { try talk.acknowledge() }
        try talk.pong()
        talk.closeStream()
        #expect(talk.said == ["error: the message to ops@example.org was not delivered: service-unavailable"])
        #expect(talk.status == .undelivered)
        #expect(talk.pump.counters.rowsAccepted == 1)
    }

    @Test func aLateBounceStillCounts() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\n")
        talk.settle()
        try talk.server(Self.bounce("xb-T-1"))
        talk.feed(.inputEnded)
        talk.closeStream()
        #expect(talk.status == .undelivered)
    }

    @Test func aBounceOfWhatWeNeverSentIsNotOurs() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\n")
        for id in ["xb-OTHER-1", "1", "xb-T-", "xb-T-x", "xb-T-99999999999999999999999"] {
            try talk.server(Self.bounce(id))
        }
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.said == [])
        #expect(talk.status == .success)
    }

    @Test func manyBouncesAreCountedNotListed() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type(String(repeating: "x\n", count: 50))
        for row in 1...50 { try talk.server(Self.bounce("xb-T-\(row)", "remote-server-not-found")) }
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.said.count == Pump.Limits.failuresNamedMax + 1)
        #expect(talk.said.last == "error: 50 messages in all were not delivered")
        #expect(talk.status == .undelivered)
    }

    // MARK: - Signals

    @Test func aStopDrainsAndLeaves() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\n")
        talk.feed(.stop)
        #expect(!talk.pump.wantsInput)
        #expect(!talk.hasLeft)
        talk.settle()
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success)
    }

    @Test func aStopWaitsTenSecondsForTheServerAndSaysWhatIsLost() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\ntwo\n")
        talk.feed(.stop)
        talk.wait(.seconds(9))
        #expect(!talk.hasLeft)
        talk.wait(.seconds(1))
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.said == ["error: 2 messages were not accepted by the server, and not kept"])
        #expect(talk.status == .undelivered)
    }

    @Test func aStopDuringTheDrainGivesItAnEnd() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        talk.type("one\n")
        talk.feed(.inputEnded)
        talk.wait(.seconds(20))
        #expect(talk.status == nil && !talk.hasLeft)
        talk.feed(.stop)
        talk.wait(.seconds(10))
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .undelivered)
    }

    @Test func aStopBeforeTheLoginEndsAtOnceWhereNothingWaits() throws {
        var talk = try PumpDialogue(Self.toOps)
        talk.feed(.stop)
        #expect(talk.wanted.last == .abortConnection)
        #expect(talk.status == .success)
    }

    @Test(arguments: [true, false])
    func aStopWhileOfflineGivesWhatWaitsTenSeconds(_ wasOnline: Bool) throws {
        var talk = try PumpDialogue(Self.toOps) { $0.connectTimeout = .seconds(60) }
        if wasOnline {
            try talk.logIn()
            talk.settle()
        }
        talk.type("one\n")
        if wasOnline { talk.cut() }
        talk.forget()
        talk.feed(.stop)
        #expect(talk.said.last?.hasPrefix("warning: 1 message waits for the server: 10 s at the most") == true)
        talk.wait(.seconds(9))
        #expect(talk.status == nil)
        talk.wait(.seconds(1))
        #expect(talk.said.last == "error: 1 message was not accepted by the server, and not kept")
        #expect(talk.status == .undelivered)
    }

    @Test func aStopWhileOfflineStillDeliversWhereTheServerComesBack() throws {
        var talk = try PumpDialogue(Self.toOps)
        talk.type("one\n")
        talk.feed(.stop)
        try talk.logIn()
        talk.settle()
        #expect(talk.bodies == ["one"])
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success)
    }

    @Test func aStreamLostDuringTheDrainIsResumed() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        let before = talk.stanzasSeen
        talk.type("one\n")
        talk.feed(.inputEnded)
        talk.cut()
        talk.wait(.seconds(2))
        try talk.authenticate()
        try talk.server("<resumed xmlns='urn:xmpp:sm:3' previd='sm-1' h='\(before + 1)'/>")
        try talk.server("<a xmlns='urn:xmpp:sm:3' h='\(before + 1)'/>")
        talk.wait(.seconds(1))
        try talk.pong()
        #expect(talk.bodies.count == 1, "the server had it already")
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success)
    }

    // MARK: - Sessions that end by themselves

    @Test(arguments: ["", "kept\n"])
    func refusedCredentialsStandOverAllElse(_ input: String) throws {
        var talk = try PumpDialogue(Self.toOps)
        if !input.isEmpty { talk.type(input) }
        talk.feed(.session(.connected(.tls(PumpDialogue.facts, peer: PumpDialogue.peer))))
        talk.feed(.session(.streamOpened(PumpDialogue.header)))
        try talk.server(
            "<features xmlns='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                + "<mechanism>PLAIN</mechanism></mechanisms></features>")
        try talk.server("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
        #expect(talk.status == .refused)
        #expect(!talk.said.joined().contains("hunter2"))
        #expect(talk.said.first?.hasPrefix("error: ") == true)
    }

    @Test func aConflictEndsTheRun() throws {
        var talk = try PumpDialogue.online(Self.toOps)
        try talk.server(
            "<error xmlns='http://etherx.jabber.org/streams'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></error>"
        )
        #expect(talk.status == .protocolFailure)
        #expect(talk.said.last?.contains("conflict") == true)
    }

    @Test(arguments: [("", ExitStatus.unreachable), ("kept\n", .undelivered)])
    func aServerOutOfReachIs69OrWithInput75(_ input: String, _ status: ExitStatus) throws {
        var talk = try PumpDialogue(Self.toOps, retry: .within(.seconds(30)))
        if !input.isEmpty { talk.type(input) }
        for _ in 0..<100 where talk.status == nil {
            talk.feed(.session(.disconnected(.unreachable("example.org:5222: connection refused"))))
            talk.wait(.seconds(1))
        }
        #expect(talk.status == status)
        #expect(talk.now < Instant(nanoseconds: 40_000_000_000))
        #expect(talk.said.contains { $0.hasPrefix("warning: ") && $0.contains("; trying again in 0.") })
    }

    @Test func failFastFailsAtTheFirstAttempt() throws {
        var talk = try PumpDialogue(Self.toOps, retry: .failFast)
        talk.feed(.session(.disconnected(.unreachable("example.org:5222: connection refused"))))
        #expect(talk.status == .unreachable)
        #expect(talk.said == ["error: example.org:5222: connection refused"])
    }

    // MARK: - Standard output

    @Test func aReaderGoneWithNothingElseToDoEndsTheRun() throws {
        var talk = try PumpDialogue.online(["--events"])
        talk.feed(.outputFailed("its reader has gone", isGone: true))
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .io)
        #expect(talk.said == ["info: writing standard output failed: its reader has gone"])
    }

    @Test func aReaderGoneWithWorkLeftDoesNotEndTheRun() throws {
        var talk = try PumpDialogue.online(Self.toOps + ["--events"])
        talk.feed(.outputFailed("its reader has gone", isGone: true))
        #expect(!talk.hasLeft)
        #expect(talk.pump.wantsInput)
        talk.type("still\n")
        #expect(talk.bodies == ["still"])
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .io)
        #expect(talk.printed == "")
    }

    @Test func aFullDiskIsAnError() throws {
        var talk = try PumpDialogue.online(["--events"])
        talk.feed(.outputFailed("No space left on device", isGone: false))
        #expect(talk.said == ["error: writing standard output failed: No space left on device"])
        talk.closeStream()
        #expect(talk.status == .io)
    }

    @Test func theEndWaitsForTheReaderAndSaysWhatItDidNotTake() throws {
        var talk = try PumpDialogue.online(["--events"])
        talk.readerWaits = true
        try talk.server("<message from='a@example.org' type='chat'><body>x</body></message>")
        talk.feed(.stop)
        talk.wait(.seconds(4))
        #expect(!talk.hasLeft)
        talk.wait(.seconds(1))
        #expect(talk.hasLeft)
        talk.closeStream()
        talk.wait(.seconds(5))
        #expect(talk.said.last?.hasSuffix("bytes for standard output were not taken by its reader") == true)
        #expect(talk.status == .io)
    }

    @Test func theEndComesAsSoonAsTheReaderHasAll() throws {
        var talk = try PumpDialogue.online(["--events"])
        talk.readerWaits = true
        try talk.server("<message from='a@example.org' type='chat'><body>x</body></message>")
        talk.feed(.stop)
        #expect(!talk.hasLeft)
        talk.read()
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success)
    }

    @Test func aStopTakesInWhatWasRead() throws {
        var talk = try PumpDialogue.online(["--to", "bob@example.org"])
        let lines = (0..<Pump.Limits.spoolRowsMax + 500).map { "line \($0)" }
        talk.feed(.inputChunk(Array((lines.joined(separator: "\n") + "\nunended").utf8)))
        talk.feed(.stop)
        talk.settle()
        #expect(talk.hasLeft)
        #expect(talk.bodies == lines + ["unended"])
    }

    @Test func whatABrokenOutputDidNotPrintStaysWithTheServer() throws {
        var talk = try PumpDialogue.online(["--events"])
        talk.readerWaits = true
        try talk.server("<message from='bob@example.org'><body>never printed</body></message>")
        talk.forget()
        talk.feed(.outputFailed("its reader has gone", isGone: true))
        try talk.server("<r xmlns='urn:xmpp:sm:3'/>")
        #expect(!talk.socket.contains("<a xmlns='urn:xmpp:sm:3' h='2'/>"), "\(talk.socket)")
        talk.closeStream()
        #expect(talk.status == .io)
    }
}

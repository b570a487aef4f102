import Endpoints
import Session
import Spool
import Stanza
import Testing

@testable import Bridge

/// The pump over a durable store: nothing goes before it is safe, and nothing is forgotten before that.
@Suite struct PumpSpoolTests {
    private static let toOps = ["--to", "ops@example.org"]

    private static func online(_ arguments: [String] = toOps, yaml: String? = nil) throws -> PumpDialogue {
        try PumpDialogue.online(arguments, yaml: yaml, store: StoreImage())
    }

    private static func onlineFromFile() throws -> PumpDialogue {
        let place = FilePlace(key: FileKey(device: 1, inode: 2), offset: 0)
        return try PumpDialogue.online(toOps, store: StoreImage(), input: place)
    }

    /// The next run after this one was killed: only what the store holds outlives it.
    static func again(
        _ talk: PumpDialogue, _ arguments: [String] = toOps, yaml: String? = nil, daemon: Bool = false
    ) throws -> PumpDialogue {
        try PumpDialogue.online(arguments, yaml: yaml, daemon: daemon, store: talk.store)
    }

    static func bounce(_ id: String, _ condition: String, type: String = "cancel", from: String = "ops@example.org")
        -> String
    {
        "<message type='error' from='\(from)' to='bridge@example.org/r' id='\(id)'><error type='\(type)'>"
            + "<\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    }

    // MARK: - Out

    @Test func aLineGoesOnceItIsSafeAndIsForgottenThen() throws {
        var talk = try Self.online()
        talk.storeWaits = true
        talk.type("one\ntwo\nthr")
        #expect(talk.bodies == [] && talk.consumed[0] == nil)
        #expect(talk.store?.rows.isEmpty == true)
        talk.answer()
        #expect(talk.bodies == ["one", "two"])
        #expect(talk.consumed[0] == 8, "a line that has not ended is not forgotten")
        #expect(talk.store?.rows.count == 2)
        talk.storeWaits = false
        talk.settle()
        #expect(talk.store?.rows.isEmpty == true)
        talk.type("ee\n")
        #expect(talk.consumed[0] == 14 && talk.bodies.last == "three")
    }

    @Test(arguments: [0, 3]) func aStopLeavesAHalfLineWhereItStillIs(bytes: Int) throws {
        var talk = try Self.online()
        talk.pump.options.leftLineBytesMax = bytes
        talk.type("one\ntwo")
        talk.feed(.stop)
        talk.settle()
        talk.closeStream()
        #expect(talk.bodies == (bytes == 0 ? ["one", "two"] : ["one"]))
        #expect(talk.consumed[0] == (bytes == 0 ? 7 : 4) && talk.status == .success)
        var ended = try Self.online()
        ended.pump.options.leftLineBytesMax = bytes
        ended.type("one\ntwo")
        ended.feed(.inputEnded)
        #expect(ended.bodies == ["one", "two"], "at the end of the input a half line is a line")
    }

    /// The end of a run is told to the store when all else is safe and forgotten at its source: who reads the same file on
    /// would read it twice.
    @Test func theEndIsToldLast() throws {
        var talk = try Self.onlineFromFile()
        talk.storeWaits = true
        talk.type("one\n")
        talk.feed(.stop)
        talk.wait(.seconds(11))
        talk.closeStream()
        // Killed when the transaction was over, and nobody had heard of it.
        for case .store(let batch) in talk.asked { talk.store?.carryOut(batch) }
        #expect(talk.store?.rows.count == 1 && talk.consumed[0] == nil && talk.status == nil)
        #expect(talk.store?.checkpoints["input"] != nil && talk.store?.checkpoints["unclean"] != nil)
        talk.storeWaits = false
        talk.answer()
        #expect(talk.consumed[0] == 4 && talk.status == .undelivered)
        #expect(talk.store?.checkpoints["input"] == nil && talk.store?.checkpoints["unclean"] == nil)
    }

    /// Steps of several batches are one when a kill comes before the offset has moved at all.
    @Test func stepsThatAreSafeBeforeTheOffsetMovesAreOne() throws {
        var talk = try Self.onlineFromFile()
        talk.storeWaits = true
        talk.type("one\n")
        talk.type("two\n")
        talk.feed(.inputEnded)
        for case .store(let batch) in talk.asked { talk.store?.carryOut(batch) }
        #expect(talk.store?.rows.count == 2 && talk.consumed[0] == nil)
        let step = try #require(talk.store?.checkpoints["input"])
        for offset in [0, 4, 8] as [UInt64] {
            #expect(FilePlace(key: FileKey(device: 1, inode: 2), offset: offset).offset(after: step) == 8)
        }
    }

    @Test func theEndComesWithTheLastWriteOfASink() throws {
        var talk = try PumpDialogue(["--from", "bob@example.org"], daemon: true, store: StoreImage())
        try talk.logIn(enabled: "")
        talk.settle()
        talk.readerWaits = true
        try talk.server(
            "<message from='bob@example.org/p' to='bridge@example.org/r' type='chat'><body>hi</body></message>")
        talk.feed(.stop)
        talk.cut()
        #expect(talk.status == nil)
        talk.read()
        #expect(talk.status == .success)
    }

    @Test func whatAKillLeftGoesFirstWithTheSameIDs() throws {
        var first = try Self.online()
        first.type("one\ntwo\n")
        let said = first.messages
        var second = try PumpDialogue(Self.toOps, store: first.store)
        try second.logIn()
        #expect(second.messages == said && second.pump.counters.rowsAppended == 0)
        second.type("three\n")
        second.feed(.inputEnded)
        second.settle()
        second.closeStream()
        #expect(second.status == .success)
        #expect(second.store?.rows.isEmpty == true)
        #expect(said.count == 2 && second.messages.last?.contains("xb-T-3") == true)
    }

    @Test func whatAKillLeftIsSentByARunThatHasNothingElseToDo() throws {
        var first = try PumpDialogue(Self.toOps, store: StoreImage())
        first.type("one\n")
        var second = try PumpDialogue(Self.toOps, store: first.store)
        second.feed(.inputEnded)
        try second.logIn()
        second.settle()
        #expect(second.bodies == ["one"] && second.hasLeft)
        second.closeStream()
        #expect(second.status == .success)
    }

    @Test func whatIsNotAcceptedIsKeptAndSaid() throws {
        var talk = try PumpDialogue(Self.toOps, store: StoreImage())
        talk.type("one\ntwo\n")
        talk.feed(.stop)
        talk.wait(.seconds(10))
        #expect(talk.status == .undelivered, "\(talk.said)")
        #expect(
            talk.said.last
                == "error: 2 messages were not accepted by the server, and kept in /state; the next run sends them")
        #expect(talk.store?.contents.checkpoints["unclean"] == nil)
    }

    @Test func aBacklogOfAnySizeTakesLittleMemoryAndKeepsItsOrder() throws {
        var talk = try PumpDialogue(Self.toOps, store: StoreImage())
        let lines = (0..<6_000).map { "line \($0)" }
        for start in stride(from: 0, to: lines.count, by: 500) {
            talk.type(lines[start..<start + 500].joined(separator: "\n") + "\n")
        }
        #expect(talk.pump.wantsInput && talk.pump.backlog.count == 6_000)
        #expect(talk.pump.backlog.residentRows <= Pump.Limits.spoolRowsMax)
        try talk.logIn()
        talk.settle()
        #expect(talk.bodies == lines)
        #expect(talk.pump.backlog.count == 0 && talk.store?.rows.isEmpty == true)
    }

    @Test func aFullSpoolStopsReading() throws {
        var talk = try PumpDialogue(Self.toOps, store: StoreImage())
        talk.pump.backlog = Backlog(limits: talk.pump.backlog.limits(spoolBytesMax: 10_000), restoring: StoreContents())
        while talk.pump.wantsInput, talk.pump.backlog.count < 1_000 { talk.type("x\n") }
        #expect(talk.pump.backlog.bytes >= 10_000 && talk.pump.backlog.bytes < 10_500)
        try talk.logIn()
        talk.settle()
        #expect(talk.pump.wantsInput)
    }

    // MARK: - A store in trouble

    @Test func aStoreThatCannotWriteStopsReadingAndIsToldOnce() throws {
        var talk = try Self.online()
        talk.storeWaits = true
        talk.feed(.stored(.failing("database or disk is full")))
        talk.feed(.stored(.failing("database or disk is full")))
        #expect(
            talk.said == [
                "error: the spool cannot be written: database or disk is full; nothing is read until it can"
            ])
        for _ in 0..<100 where talk.pump.wantsInput { talk.type(String(repeating: "x", count: 60_000) + "\n") }
        #expect(!talk.pump.wantsInput && talk.bodies == [])
        talk.feed(.stored(.recovered))
        talk.storeWaits = false
        talk.answer()
        talk.settle()
        #expect(talk.pump.wantsInput && talk.said.last == "warning: the spool is written again")
    }

    @Test func aStoreThatIsLostEndsTheRun() throws {
        var talk = try Self.online()
        talk.storeWaits = true
        talk.type("one\n")
        talk.feed(.stored(.broken("database disk image is malformed")))
        #expect(talk.hasLeft && talk.bodies == [])
        talk.closeStream()
        #expect(talk.status == .io)
        #expect(talk.said.first == "error: the spool is lost: database disk image is malformed")
    }

    @Test func theEndWaitsForTheStore() throws {
        var talk = try PumpDialogue(Self.toOps, store: StoreImage())
        talk.storeWaits = true
        talk.type("one\n")
        talk.feed(.stop)
        talk.wait(.seconds(10))
        #expect(talk.status == nil)
        talk.answer()
        #expect(talk.status == .undelivered)
        #expect(talk.store?.rows.count == 1)
    }

    // MARK: - Refusals

    @Test func aPassingRefusalIsTriedAgainAndStopsNobodyElse() throws {
        var talk = try Self.online(["--to", "ops@example.org", "--to", "bob@example.net"])
        talk.type("one\n")
        try talk.server(Self.bounce("xb-T-2", "remote-server-not-found", from: "bob@example.net"))
        #expect(talk.said.last?.hasPrefix("warning: the message to bob@example.net is refused for now: ") == true)
        talk.forget()
        talk.type("two\n")
        #expect(talk.messages.map { $0.from("to='").upTo("'", keeping: false) } == ["ops@example.org"])
        talk.settle()
        #expect(talk.store?.rows.count == 2)
        #expect(talk.store?.refusals[2]?.hasPrefix("remote-server-not-found") == true)
        talk.forget()
        talk.wait(.seconds(31))
        #expect(talk.bodies == ["one", "two"] && talk.messages[0].contains("id='xb-T-2'"))
        talk.settle()
        #expect(talk.store?.rows.isEmpty == true && talk.store?.dead.isEmpty == true)
    }

    @Test(arguments: [-86_400_000, 86_400_000] as [Int64]) func aClockThatIsSetMovesNoAttempt(_ shift: Int64) throws {
        var talk = try Self.online()
        talk.type("one\n")
        try talk.server(Self.bounce("xb-T-1", "resource-constraint", type: "wait"))
        talk.forget()
        talk.clockError = shift
        talk.wait(.seconds(29))
        #expect(talk.bodies == [])
        talk.wait(.seconds(2))
        #expect(talk.bodies == ["one"])
        // Nor does it where the row was postponed before the clock was set, in a run that is over.
        let later = PumpDialogue.began.milliseconds + 86_400_000
        talk.store?.carryOut(StoreBatch(number: 9, orders: [.postpone(1, attempts: 1, until: later)]))
        var next = try Self.again(talk)
        next.wait(.seconds(31))
        #expect(next.bodies == ["one"])
    }

    @Test func aRefusalThatDoesNotPassIsADeadLetterInTheEnd() throws {
        var first = try PumpDialogue(Self.toOps, store: StoreImage())
        first.type("one\n")
        for (attempts, isDead) in [(Refusal.attemptsMax - 1, false), (Refusal.attemptsMax, true)] {
            first.store?.carryOut(StoreBatch(number: 9, orders: [.postpone(1, attempts: attempts, until: 0)]))
            var talk = try PumpDialogue(Self.toOps, store: first.store)
            try talk.logIn()
            #expect(talk.bodies == ["one"])
            try talk.server(Self.bounce("xb-T-1", "resource-constraint", type: "wait"))
            #expect((talk.store?.dead[1]?.reason.condition == "resource-constraint") == isDead)
            #expect(talk.store?.rows[1]?.attempts == (isDead ? nil : attempts + 1))
        }
    }

    /// A resumed stream repeats what the dead run has not handled, before its rows have gone again.
    @Test func aRefusalOfADeadRunsCopyCountsForNothing() throws {
        var first = try Self.online()
        first.type("one\ntwo\n")
        var talk = try PumpDialogue(Self.toOps, store: first.store)
        try talk.authenticate()
        try talk.server("<resumed xmlns='urn:xmpp:sm:3' h='2' previd='sm-1'/>")
        for id in ["xb-T-1", "xb-T-2"] { try talk.server(Self.bounce(id, "resource-constraint", type: "wait")) }
        #expect(talk.bodies == [])
        try talk.resumed(h: 2)
        try talk.account()
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.bodies == ["one", "two"] && talk.status == .success)
        #expect(talk.store?.rows.isEmpty == true && talk.store?.dead.isEmpty == true)
        // Of one that is gone it is told.
        var late = try Self.again(talk)
        try late.server(Self.bounce("xb-T-1", "forbidden", type: "auth"))
        #expect(late.said.last?.hasPrefix("error: the message to ops@example.org was not delivered") == true)
    }

    @Test func aRefusalForGoodIsADeadLetterAtOnce() throws {
        var talk = try Self.online()
        talk.type("one\n")
        try talk.server(Self.bounce("xb-T-1", "forbidden", type: "auth"))
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .undelivered)
        #expect(talk.store?.dead[1]?.lane == "xmpp:ops@example.org")
    }

    @Test func theEndDoesNotWaitForWhatIsPostponed() throws {
        var talk = try Self.online()
        talk.type("one\ntwo\n")
        try talk.server(Self.bounce("xb-T-1", "remote-server-timeout", type: "wait"))
        talk.feed(.inputEnded)
        talk.settle()
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .undelivered)
        #expect(
            talk.said.last
                == "error: 1 message was not accepted by the server, and kept in /state; the next run sends it")
        // The next run knows when it may go.
        var next = try Self.again(talk)
        #expect(next.bodies == [])
        next.wait(.seconds(31))
        #expect(next.bodies == ["one"])
    }

    // MARK: - Rooms

    @Test func whatWaitsForARoomIsKeptWhereItIsNotEnteredInTime() throws {
        var talk = try PumpDialogue.online(
            ["--to", "room:\(PumpRoomTests.room)"], retry: .within(.seconds(60)), store: StoreImage())
        talk.type("one\n")
        try talk.refuseRoom("remote-server-timeout", type: "wait")
        for _ in 0..<70 where talk.status == nil {
            talk.pass(.seconds(1))
            talk.settle()
        }
        talk.closeStream()
        #expect(talk.status == .undelivered)
        #expect(talk.said.contains { $0.hasSuffix("not entered within 60 s; 1 message was kept in the spool") })
        #expect(talk.store?.rows.count == 1)
    }

    @Test func aRunJoinsTheRoomsThatAnEarlierOneLeftMessagesFor() throws {
        var first = try PumpDialogue(["--to", "room:\(PumpRoomTests.room)"], store: StoreImage())
        first.type("one\n")
        var second = try PumpDialogue.online(Self.toOps, store: first.store)
        try second.enterRoom()
        #expect(second.bodies == ["one"])
        try second.show(second.messages[0])
        #expect(second.store?.rows.isEmpty == true)
    }

    @Test func aRoomThatRefusesUsLeavesDeadLetters() throws {
        var talk = try PumpDialogue.online(["--to", "room:\(PumpRoomTests.room)"], store: StoreImage())
        talk.type((0..<3_000).map { "line \($0)\n" }.joined())
        try talk.refuseRoom("registration-required", type: "auth")
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .undelivered)
        #expect(talk.store?.dead.count == 3_000 && talk.store?.rows.isEmpty == true, "\(talk.said)")
    }
}

extension Backlog {
    fileprivate func limits(spoolBytesMax: Int) -> Limits {
        var limits = limits
        limits.spoolBytesMax = spoolBytesMax
        return limits
    }
}

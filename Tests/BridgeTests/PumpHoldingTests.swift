import Endpoints
import Routing
import Session
import Spool
import Stanza
import Testing

@testable import Bridge

/// What is held back, and what slow sinks have not written, outlives the process; a source forgets nothing before.
@Suite struct PumpHoldingTests {
    private static let digest = """
        bridges:
          - {name: slow, from: stdin, to: "xmpp:ops@example.org", limit: {rate: 1/h, burst: 1, overflow: digest}}
        """

    private static func again(_ talk: PumpDialogue, yaml: String) throws -> PumpDialogue {
        try PumpDialogue([], yaml: yaml, store: talk.store)
    }

    // MARK: - Held back

    @Test func whatALimitHoldsBackIsKept() throws {
        var talk = try PumpDialogue.online([], yaml: Self.digest, store: StoreImage())
        talk.type("one\ntwo\ntwo\nthree\n")
        #expect(talk.bodies == ["one"] && talk.consumed[0] == 18)
        let held = try #require(talk.store?.contents.held)
        #expect(held.map { String(decoding: $0.bytes, as: UTF8.self) } == ["two", "two", "three"])
        #expect(held.allSatisfy { $0.rule == "slow" && $0.place == "xmpp:ops@example.org" && !$0.isLine })
        // Killed here; the next run counts on from what was held.
        talk = try Self.again(talk, yaml: Self.digest)
        try talk.logIn()
        talk.type("four\n")
        #expect(talk.store?.contents.held.isEmpty == false)
        talk.feed(.inputEnded)
        talk.settle()
        #expect(talk.store?.contents.held.isEmpty == true)
        let all = talk.bodies.joined(separator: "|")
        #expect(all.contains("two") && all.contains("four"), "\(all)")
    }

    @Test func whatGoesOnAtOnceIsNeverKept() throws {
        var talk = try PumpDialogue.online([], yaml: Self.digest, store: StoreImage())
        talk.storeWaits = true
        talk.type("one\n")
        let kept = talk.ordered.filter { if case .hold = $0 { true } else if case .unhold = $0 { true } else { false } }
        #expect(kept.isEmpty)
    }

    @Test func aRecordThatIsBeingJoinedIsKept() throws {
        let yaml = """
            bridges:
              - {name: traces, from: stdin, to: "xmpp:ops@example.org", group: {continue: '^ ', within: 5s}}
            """
        var talk = try PumpDialogue.online([], yaml: yaml, store: StoreImage())
        talk.type("error\n  at a\n")
        #expect(talk.bodies == [] && talk.store?.contents.held.map(\.isLine) == [true, true])
        talk = try Self.again(talk, yaml: yaml)
        try talk.logIn()
        talk.type("  at b\nnext\n")
        #expect(talk.bodies == ["error\n  at a\n  at b"])
        #expect(talk.store?.contents.held.map { String(decoding: $0.bytes, as: UTF8.self) } == ["next"])
    }

    @Test func whatARuleHeldThatHasGoneIsSentAsItIs() throws {
        var talk = try PumpDialogue.online([], yaml: Self.digest, store: StoreImage())
        talk.type("one\ntwo\n")
        talk.settle()
        talk = try Self.again(talk, yaml: "bridges: [{from: stdin, to: 'xmpp:bob@example.org'}]\n")
        try talk.logIn()
        #expect(talk.bodies == ["two"] && talk.messages[0].contains("to='ops@example.org'"))
        #expect(talk.store?.contents.held.isEmpty == true)
    }

    @Test func aLineWhoseRuleHasGoneIsDroppedWithAWord() throws {
        var image = StoreImage()
        let input = HeldInput(token: 3, rule: "gone", place: "stdin", isLine: true, bytes: Array("x".utf8))
        image.carryOut(StoreBatch(number: 1, orders: [.hold(input)]))
        let talk = try PumpDialogue(["--to", "ops@example.org"], store: image)
        #expect(talk.said == ["error: 1 line is dropped that bridges held back which are not there any more"])
        #expect(talk.store?.contents.held.isEmpty == true)
    }

    // MARK: - Sources and sinks

    private static let toFile = "bridges: [{from: stdin, to: 'file:/x'}, {from: stdin, to: 'xmpp:ops@example.org'}]\n"

    @Test func aLineForASinkIsForgottenOnceItIsWritten() throws {
        var talk = try PumpDialogue.online([], yaml: Self.toFile, store: StoreImage())
        talk.type("one\n")
        #expect(talk.bodies == ["one"] && talk.consumed[0] == nil)
        talk.feed(.outputWritten(4, sink: 1))
        #expect(talk.consumed[0] == 4)
    }

    @Test func whatASlowSinkHasNotWrittenIsSpilledAndWrittenFirstByTheNextRun() throws {
        var talk = try PumpDialogue.online([], yaml: Self.toFile, store: StoreImage())
        talk.type("one\ntwo\n")
        _ = talk.pump.takeParcels(for: 1)
        talk.feed(.outputWritten(4, sink: 1))
        talk.wait(.seconds(1))
        #expect(talk.consumed[0] == 8)
        #expect(talk.store?.contents.spilled.map(\.bytes) == [Array("one\ntwo\n".utf8)])
        #expect(talk.store?.contents.spilled.first?.sink == "file:/x")
        var next = try Self.again(talk, yaml: Self.toFile)
        next.type("three\n")
        #expect(next.pump.takeParcels(for: 1).flatMap(\.bytes) == Array("one\ntwo\nthree\n".utf8))
        next.feed(.outputWritten(8, sink: 1))
        #expect(next.store?.contents.spilled.isEmpty == true)
        // In the same run what is written later leaves the store too.
        talk.feed(.outputWritten(8, sink: 1))
        #expect(talk.store?.contents.spilled.isEmpty == true)
    }

    @Test func whatIsNotWrittenAtTheEndIsTheNextRuns() throws {
        let yaml = "bridges: [{from: stdin, to: 'fifo:/x'}]\n"
        var talk = try PumpDialogue.online([], yaml: yaml, store: StoreImage())
        talk.type("one\n")
        _ = talk.pump.takeParcels(for: 1)
        talk.feed(.inputEnded)
        talk.wait(.seconds(5))
        talk.closeStream()
        #expect(talk.status == nil)
        talk.wait(.seconds(5))
        #expect(talk.status == .undelivered, "\(talk.said)")
        #expect(talk.said.last == "error: 4 bytes for fifo:/x were kept in the spool")
        #expect(talk.store?.contents.spilled.map(\.bytes) == [Array("one\n".utf8)])
    }

    @Test func theNumbersOfWhatIsSpilledRise() throws {
        var talk = try PumpDialogue.online([], yaml: Self.toFile, store: StoreImage())
        for text in ["one\n", "two\n"] {
            talk.type(text)
            _ = talk.pump.takeParcels(for: 1)
            talk.wait(.seconds(1))
        }
        #expect(talk.store?.contents.spilled.map(\.number) == [1, 2])
        talk = try Self.again(talk, yaml: Self.toFile)
        talk.type("three\n")
        talk.wait(.seconds(1))
        #expect(talk.store?.contents.spilled.map(\.number) == [1, 2, 3])
        #expect(talk.store?.contents.spilled.last?.bytes == Array("three\n".utf8))
    }

    /// The offset that a file on standard input shares with others moves behind the commit: a run that dies in between
    /// has kept where it would have stood.
    @Test func aStepOfStandardInputIsKeptWithItsRows() throws {
        let place = FilePlace(key: FileKey(device: 1, inode: 2), offset: 100)
        #expect(place.offset(after: place.step(to: 110)) == 110)
        var other = place
        other.offset = 110
        #expect(other.offset(after: place.step(to: 110)) == 110, "it has moved")
        other = FilePlace(key: FileKey(device: 1, inode: 3), offset: 100)
        #expect(other.offset(after: place.step(to: 110)) == 100 && place.offset(after: [1]) == 100)
        var talk = try PumpDialogue.online(["--to", "ops@example.org"], store: StoreImage(), input: place)
        talk.type("one\ntwo\n")
        talk.type("three\n")
        let step = try #require(talk.store?.contents.checkpoints["input"])
        other = FilePlace(key: place.key, offset: 108)
        #expect(other.offset(after: step) == 114 && place.offset(after: step) == 100)
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.store?.contents.checkpoints["input"] == nil)
    }

    @Test func aPositionMovesWithTheRowsOfItsLines() throws {
        let yaml = "bridges: [{from: 'tail:/log', to: 'xmpp:ops@example.org'}]\n"
        var talk = try PumpDialogue([], yaml: yaml, daemon: true, store: StoreImage())
        let start = TailPosition(path: "/log", key: FileKey(device: 1, inode: 2), headBytes: 0, headHash: 0)
        talk.feed(.tailed(.began(stream: 1, start), source: 1))
        #expect(talk.position == start)
        var end = start
        end.move(to: 6, behind: Array("one\ntw".utf8))
        talk.storeWaits = true
        talk.feed(.tailed(.bytes(stream: 1, Array("one\ntw".utf8), end), source: 1))
        #expect(talk.position == start && talk.store?.rows.isEmpty == true)
        talk.answer()
        #expect(talk.position?.offset == 4 && talk.store?.rows.count == 1, "an unfinished line is read again")
    }

    // MARK: - Inbound

    @Test func aStanzaIsAcknowledgedOnceWhatItMadeIsSafe() throws {
        let yaml = "bridges: [{from: 'xmpp:bob@example.org', to: 'xmpp:ops@example.org', body: '{body}'}]\n"
        var talk = try PumpDialogue.online([], yaml: yaml, daemon: true, store: StoreImage())
        talk.storeWaits = true
        try talk.server("<message from='bob@example.org' type='chat'><body>hi</body></message>")
        talk.feed(.batchEnded)
        try talk.server("<r xmlns='urn:xmpp:sm:3'/>")
        let before = talk.acknowledged
        talk.answer()
        talk.storeWaits = false
        try talk.server("<r xmlns='urn:xmpp:sm:3'/>")
        #expect(talk.acknowledged > before && talk.bodies == ["hi"], "\(talk.socket)")
        let kept = talk.store?.contents.checkpoints["inbound"].flatMap(Pump.count(of:))
        #expect(kept == talk.acknowledged, "the count is safe before it is said")
    }

    /// A store that is slower than a second is no reason to keep a lower count behind a higher one.
    @Test func theCountThatIsKeptNeverFalls() throws {
        var talk = try PumpDialogue.online(["--events"], store: StoreImage())
        talk.storeWaits = true
        try talk.server("<message from='bob@example.org' type='chat'><body>hi</body></message>")
        try talk.server("<iq type='result' from='example.org' id='nobody-asked'/>")
        talk.feed(.batchEnded)
        talk.wait(.seconds(2))
        talk.answer()
        talk.storeWaits = false
        try talk.server("<r xmlns='urn:xmpp:sm:3'/>")
        let kept = talk.store?.contents.checkpoints["inbound"].flatMap(Pump.count(of:))
        #expect(kept == talk.acknowledged)
    }

    /// What a killed run had got is given again, and marked until the server has answered.
    @Test func whatMayHaveBeenToldBeforeSaysSo() throws {
        var talk = try PumpDialogue.online(["--events"], store: StoreImage())
        talk = try PumpDialogue(["--events"], store: talk.store)
        try talk.authenticate()
        let h = talk.socket.from("<resume ").from("h='").upTo("'", keeping: false)
        try talk.server("<resumed xmlns='urn:xmpp:sm:3' previd='sm-1' h='1'/>")
        #expect(UInt32(h) != nil)
        try talk.server("<message from='bob@example.org' type='chat'><body>again</body></message>")
        #expect(talk.printed.contains("\"body\":\"again\",\"redelivered\":true"), "\(talk.printed)")
        // The server answers what we asked behind the resumption.
        try talk.server("<a xmlns='urn:xmpp:sm:3' h='1'/>")
        try talk.server("<message from='bob@example.org' type='chat'><body>fresh</body></message>")
        #expect(talk.printed.contains("\"body\":\"fresh\"}"), "\(talk.printed)")
    }

    @Test func aRunThatEndedInGoodOrderRepeatsNothing() throws {
        var talk = try PumpDialogue.online(["--events"], store: StoreImage())
        talk.feed(.stop)
        talk.closeStream()
        #expect(talk.status == .success)
        let kept = talk.store?.contents.checkpoints.keys.sorted()
        #expect(kept == ["inbound", "token"], "neither a stream nor the mark of a run that lives")
    }

    @Test func aSlowReaderIsSpilledForAndTheNextRunPrintsIt() throws {
        var talk = try PumpDialogue.online(["--events"], store: StoreImage())
        talk.readerWaits = true
        try talk.server("<message from='bob@example.org' type='chat'><body>first</body></message>")
        talk.feed(.batchEnded)
        #expect(talk.store?.contents.spilled.isEmpty == true)
        talk.wait(.seconds(2))
        let spilled = try #require(talk.store?.contents.spilled.first)
        #expect(spilled.sink == "stdout" && String(decoding: spilled.bytes, as: UTF8.self).contains("first"))
        try talk.server("<r xmlns='urn:xmpp:sm:3'/>")
        #expect(talk.acknowledged > 0)
        let next = try PumpDialogue(["--events"], store: talk.store)
        #expect(next.printed.contains("first") && next.store?.contents.spilled.isEmpty == true)
    }
}

extension PumpDialogue {
    /// What the store was asked to do and has not done.
    fileprivate var ordered: [StoreOrder] {
        asked.flatMap { action -> [StoreOrder] in if case .store(let batch) = action { batch.orders } else { [] } }
    }

    /// Where the store says that the one file stands.
    fileprivate var position: TailPosition? {
        store?.contents.positions["/log"].flatMap(TailPositions.read)?.first
    }

    /// The count that was acknowledged last.
    fileprivate var acknowledged: UInt32 {
        let last = socket.pieces(by: "<a xmlns='urn:xmpp:sm:3' h='").last ?? ""
        return UInt32(last.upTo("'", keeping: false)) ?? 0
    }
}

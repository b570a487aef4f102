import Stanza
import Testing

@testable import Bridge

/// Grouping, limits, repetitions and edits through the whole pump.
@Suite struct PumpShapingTests {
    private static func online(_ keys: String, more: String = "") throws -> PumpDialogue {
        try PumpDialogue.online(
            [], yaml: "bridges:\n  - {name: lines, from: stdin, to: xmpp:ops@example.org, \(keys)}\n\(more)")
    }

    private static let events = "  - {name: all, from: events, to: stdout}\n"

    private func replaced(_ talk: PumpDialogue) -> [String] {
        talk.messages.map {
            $0.from("<replace xmlns='urn:xmpp:message-correct:0' id='").upTo("'", keeping: false)
        }
    }

    // MARK: - group

    @Test func linesAreJoinedBeforeTheRuleSeesThem() throws {
        var talk = try Self.online(
            #"match: '(?s)^E.*at line (\d+)', body: "{1}: {line}", group: {continue: '^ ', within: 2s}"#)
        talk.type("noise\nError\n at line 7\n at line 8\nnoise\n at line 9\n")
        #expect(talk.bodies == ["8: Error\n at line 7\n at line 8"])
        #expect(talk.pump.waitingCount == 3, "what is being joined is taken in")
        talk.type("Error\n at line 3\n")
        talk.wait(.seconds(2))
        #expect(talk.bodies.last == "3: Error\n at line 3")
        talk.type("Error\n at line 5")
        talk.feed(.inputEnded)
        #expect(talk.bodies.last == "5: Error\n at line 5")
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .success && talk.bodies.count == 3)
    }

    @Test func otherRulesSeeTheLinesThemselves() throws {
        var talk = try Self.online(
            "group: {start: '^E'}", more: "  - {from: stdin, to: xmpp:bot@example.org, match: 7}\n")
        talk.type("E\n7\nE\n")
        #expect(talk.bodies == ["7", "E\n7"])
    }

    @Test func aWindowIsOneMessage() throws {
        var talk = try Self.online("group: {within: 2s}")
        talk.type("one\ntwo\n")
        talk.settle()
        talk.type("three\n")
        #expect(talk.bodies == [] && talk.pump.waitingCount == 3)
        talk.wait(.seconds(2))
        #expect(talk.bodies == ["one\ntwo\nthree"])
        talk.settle()
        #expect(talk.pump.waitingCount == 0)
    }

    @Test func anEndOfInputThatLeavesTheRunGoingEndsTheRecord() throws {
        var talk = try PumpDialogue.online(
            ["--on-eof", "stay"],
            yaml: "bridges:\n  - {from: stdin, to: xmpp:a@b, group: {start: '^E', within: 1h}}\n")
        talk.type("E\nx\n")
        talk.feed(.inputEnded)
        #expect(talk.bodies == ["E\nx"] && talk.status == nil)
    }

    // MARK: - limit

    @Test func aQueueWaitsAndAStopSendsItAtOnce() throws {
        var talk = try Self.online("limit: {rate: 1/min}")
        talk.type("1\n2\n3\n4\n")
        talk.settle()
        #expect(talk.bodies == ["1"] && talk.pump.waitingCount == 3)
        talk.wait(.seconds(60))
        #expect(talk.bodies == ["1", "2"])
        talk.feed(.stop)
        #expect(talk.bodies == ["1", "2", "3", "4"])
        #expect(talk.pump.held.count == 0 && !talk.hasLeft)
        talk.settle()
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success)
    }

    @Test func whatIsHeldIsNotLostInSilence() throws {
        var talk = try PumpDialogue(
            [], yaml: "bridges:\n  - {from: stdin, to: xmpp:a@b, limit: {rate: 1/min, overflow: digest}}\n")
        talk.type("1\n2\n3\n")
        talk.feed(.stop)
        #expect(talk.said.contains { $0.contains("2 messages wait for the server") }, "\(talk.said)")
        talk.wait(.seconds(11))
        talk.closeStream()
        #expect(talk.status == .undelivered)
    }

    @Test func aLimitReachesTheProducer() throws {
        var talk = try Self.online("limit: {rate: 1/s}")
        for _ in 0..<Pump.Limits.spoolRowsMax { talk.type("x\n") }
        talk.settle()
        #expect(talk.pump.wantsInput)
        talk.type("x\nx\nx\n")
        #expect(!talk.pump.wantsInput)
        #expect(talk.pump.waitingCount >= Pump.Limits.spoolRowsMax)
        talk.wait(.seconds(10))
        talk.settle()
        #expect(talk.pump.wantsInput)
    }

    @Test func bytesThatAreHeldReachTheProducerToo() throws {
        var talk = try Self.online("limit: {rate: 1/min}")
        let line = String(repeating: "x", count: 60_000) + "\n"
        talk.type(line)
        talk.settle()
        for _ in 0..<30 where talk.pump.wantsInput { talk.type(line) }
        let isRead = talk.pump.wantsInput
        #expect(!isRead && talk.pump.backlog.count == 0)
        #expect(talk.pump.held.bytes < Pump.Limits.spoolBytesMax + 130_000)
    }

    @Test func aDigestAndARepetitionHoldLittleHoweverMuchComes() throws {
        var talk = try Self.online("repeat: 10m, limit: {rate: 1/min, overflow: digest}")
        for _ in 0..<50 { talk.type(String(repeating: "same\n", count: 100)) }
        for _ in 0..<50 { talk.type(String(repeating: "a\nb\n", count: 50)) }
        #expect(talk.pump.wantsInput)
        #expect(talk.pump.held.count == 1)
        talk.feed(.inputEnded)
        talk.settle()
        #expect(
            talk.bodies == [
                "same",
                "5001 messages were held back\nfirst: repeated 4999 times: same\nlast: b\n"
                    + "most frequent (2500 times): a",
            ])
    }

    @Test func whatIsDroppedIsToldOnceAMinute() throws {
        var talk = try Self.online("limit: {rate: 1/h, overflow: drop}", more: Self.events)
        talk.type("1\n2\n3\n")
        talk.settle()
        let first =
            ##"{"event":"error","code":"limited","text":"bridge lines has dropped 2 messages beyond its limit","##
        #expect(talk.events == [first + ##""count":2}"##])
        #expect(talk.said == ["warning: bridge lines has dropped 2 messages beyond its limit"])
        talk.forget()
        talk.type("4\n")
        talk.settle()
        talk.pass(.seconds(58))
        talk.settle()
        #expect(talk.events == [] && talk.said == [])
        talk.pass(.seconds(2))
        talk.settle()
        #expect(talk.said == ["warning: bridge lines has dropped 1 message beyond its limit"])
        talk.type("5\n")
        talk.feed(.inputEnded)
        talk.settle()
        #expect(talk.said.count == 2, "the end tells the rest")
        talk.closeStream()
        #expect(talk.status == .success, "that is what the rule says")
    }

    @Test func aFullQueueIsAFailure() throws {
        var talk = try Self.online("limit: {rate: 1/h, queue: 2}")
        talk.type("1\n2\n3\n4\n5\n")
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.bodies == ["1", "2", "3"])
        #expect(talk.said.contains("warning: bridge lines has dropped 2 messages: its queue is full"))
        #expect(talk.status == .undelivered)
    }

    /// The report of a drop goes through the rule that has dropped, is dropped, and makes no report.
    @Test func reportsDoNotFeedThemselves() throws {
        var talk = try PumpDialogue.online(
            [],
            yaml: "bridges:\n  - {name: e, from: [events], to: xmpp:ops@example.org, body: '{event} {code}', "
                + "limit: {rate: 1/h, overflow: drop}}\n  - {from: stdin, to: stdout}\n")
        for one in 1...3 { try talk.server("<message from='a@example.org/x' id='\(one)'><body>hi</body></message>") }
        for _ in 0..<10 { talk.wait(.seconds(60)) }
        #expect(talk.said.filter { $0.contains("has dropped") }.count <= 2, "\(talk.said)")
        #expect(talk.bodies.count <= 1)
    }

    // MARK: - update

    @Test func aLaterMessageEditsTheFirst() throws {
        var talk = try Self.online("update: true")
        talk.type("1%\n2%\n")
        talk.settle()
        talk.type("3%\n")
        #expect(talk.bodies == ["1%", "2%", "3%"])
        #expect(replaced(talk) == ["", "xb-T-1", "xb-T-1"])
        #expect(talk.messages[1].from(" id='").hasPrefix("xb-T-2'"), "an edit has an id of its own")
    }

    @Test func inARoomToo() throws {
        var talk = try PumpDialogue.online(
            [], yaml: "bridges:\n  - {from: stdin, to: 'room:\(PumpRoomTests.room)', update: true}\n")
        talk.type("1%\n2%\n3%\n")
        try talk.enterRoom()
        for index in 0..<2 { try talk.show(talk.messages[index]) }
        #expect(talk.bodies == ["1%", "2%", "3%"])
        let id = talk.messages[0].from(" id='").upTo("'", keeping: false)
        #expect(id.hasPrefix("xb-T-") && replaced(talk) == ["", id, id])
        try talk.show(talk.messages[2])
        #expect(talk.pump.waitingCount == 0)
    }

    @Test func whatTakesSeveralStanzasIsNotEdited() throws {
        let limits = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes></limits>"
        var talk = try PumpDialogue.online(
            [], yaml: "bridges:\n  - {from: stdin, to: xmpp:a@b, update: true}\n", features: limits)
        talk.type("1\n\(String(repeating: "x", count: 15_000))\n2\n3\n")
        talk.settle()
        #expect(replaced(talk) == ["", "", "", "", "xb-T-4"])
    }

    @Test func ofEditsThatWaitTheNewestIsSent() throws {
        var talk = try Self.online("update: true, limit: {rate: 1/s}")
        for percent in 1...100 { talk.type("\(percent)%\n") }
        talk.settle()
        talk.wait(.seconds(1))
        #expect(talk.bodies == ["1%", "100%"] && replaced(talk) == ["", "xb-T-1"])
    }
}

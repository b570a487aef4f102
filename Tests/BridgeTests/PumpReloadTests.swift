import Endpoints
import Routing
import Session
import Stanza
import Testing

@testable import Bridge
@testable import Config

private func rules(_ yaml: String) throws -> [Rule] {
    try Load.plan(yaml: Array("bridges:\n\(yaml)".utf8), file: "f").get().rules
}

extension PumpDialogue {
    fileprivate mutating func reload(_ yaml: String, rooms: [RoomChoice] = [], lasting: [String] = []) throws {
        var change = Reload(rules: try rules(yaml), rooms: rooms)
        change.lasting = lasting
        feed(.reload(change))
    }

    fileprivate static func running(_ yaml: String) throws -> PumpDialogue {
        var talk = try PumpDialogue([], yaml: "bridges:\n\(yaml)", daemon: true)
        try talk.logIn()
        talk.settle()
        talk.forget()
        return talk
    }
}

@Suite struct PumpReloadTests {
    private static let first = """
          - {name: a, from: "fifo:/f", body: "old {line}", to: "xmpp:one@example.org"}
          - {from: "fifo:/f", match: keep, to: "file:/log"}
          - {name: events, from: events, to: "file:/events"}

        """

    @Test func aChangedRuleIsInForceFromTheNextLineOn() throws {
        var talk = try PumpDialogue.running(Self.first)
        talk.feed(.inputChunk(Array("1\n".utf8), source: 1))
        try talk.reload(Self.first.replacing("old", "new"))
        talk.feed(.inputChunk(Array("2\n".utf8), source: 1))
        #expect(talk.bodies == ["old 1", "new 2"])
        #expect(talk.opened.isEmpty)
        #expect(talk.said == ["info: the configuration is loaded again; bridges: 1 changed"])
    }

    @Test func halfALineIsKept() throws {
        var talk = try PumpDialogue.running(Self.first)
        talk.feed(.inputChunk(Array("hal".utf8), source: 1))
        try talk.reload(Self.first.replacing("old", "new"))
        talk.feed(.inputChunk(Array("f\n".utf8), source: 1))
        #expect(talk.bodies == ["new half"])
    }

    @Test func endsComeAndGo() throws {
        var talk = try PumpDialogue.running(Self.first)
        try talk.reload(
            """
              - {name: b, from: "fifo:/g", to: ["xmpp:two@example.org", "file:/other"]}
              - {name: events, from: events, to: "file:/events"}

            """)
        #expect(talk.opened == ["close 1", "open 2", "sink 3"])
        talk.feed(.inputChunk(Array("x\n".utf8), source: 2))
        #expect(talk.bodies == ["x"])
        #expect(talk.pump.wants(2) && !talk.pump.wants(1))
        // And back: the FIFO is opened again under its number, the file was never closed.
        talk.opened = []
        try talk.reload(Self.first)
        #expect(talk.opened == ["open 1", "close 2"])
        #expect(talk.pump.wants(1) && !talk.pump.wants(2))
        talk.feed(.inputChunk(Array("y\n".utf8), source: 1))
        #expect(talk.bodies == ["x", "old y"])
    }

    @Test func whatIsHeldBackStaysOrGoesOut() throws {
        let held = """
              - {name: a, from: "fifo:/f", to: "xmpp:one@example.org", group: {within: 10s}}
              - {name: b, from: "fifo:/f", to: "xmpp:two@example.org", group: {within: 10s}}
              - {name: c, from: "fifo:/f", match: "^x", to: "xmpp:three@example.org", group: {start: "^x", within: 10s}}

            """
        var talk = try PumpDialogue.running(held)
        talk.feed(.inputChunk(Array("x1\n".utf8), source: 1))
        #expect(talk.bodies == [])
        // b is another, c is gone, a is as it was: in another place.
        try talk.reload(
            """
              - {name: b, from: "fifo:/f", to: "xmpp:two@example.org", group: {within: 1s}}
              - {name: a, from: "fifo:/f", to: "xmpp:one@example.org", group: {within: 10s}}

            """)
        #expect(talk.bodies == ["x1", "x1"])
        talk.feed(.inputChunk(Array("2\n".utf8), source: 1))
        talk.pass(.seconds(11))
        #expect(talk.bodies.sorted() == ["2", "x1", "x1", "x1\n2"])
    }

    private static let without = "  - {name: events, from: events, to: \"file:/events\"}\n"

    /// The rules are fewer than the sources that are still known: nothing may be looked up by an old number.
    @Test func whatASourceBringsTooLateIsTold() throws {
        var talk = try PumpDialogue.running(Self.first)
        try talk.reload(Self.without)
        talk.feed(.inputChunk(Array("late\n".utf8), source: 1))
        #expect(talk.bodies == [])
        #expect(talk.said.last == "warning: 5 bytes of fifo:/f were read too late: no bridge reads it any more")
        talk.feed(.stop)
        #expect(talk.bodies == [])
    }

    @Test func theLastLineOfAFIFOThatGoes() throws {
        var talk = try PumpDialogue.running(Self.first)
        talk.feed(.inputChunk(Array("whole\nhal".utf8), source: 1))
        try talk.reload(Self.without)
        #expect(talk.bodies == ["old whole", "old hal"])
        try talk.reload(Self.first)
        talk.feed(.inputChunk(Array("next\n".utf8), source: 1))
        #expect(talk.bodies == ["old whole", "old hal", "old next"])
    }

    @Test func aFollowedFileThatGoesAndComesBack() throws {
        let tail = "  - {name: t, from: \"tail:/log\", to: \"xmpp:one@example.org\"}\n"
        var talk = try PumpDialogue.running(tail)
        let position = TailPosition(path: "/log", key: FileKey(device: 1, inode: 1), headBytes: 0, headHash: 0)
        talk.feed(.tailed(.began(stream: 1, position), source: 1))
        try talk.reload(Self.without)
        talk.feed(.tailed(.bytes(stream: 1, Array("late\n".utf8), position), source: 1))
        talk.feed(.tailed(.began(stream: 2, position), source: 1))
        talk.feed(.tailed(.bytes(stream: 2, Array("late\n".utf8), position), source: 1))
        talk.feed(.tailed(.ended(stream: 2), source: 1))
        #expect(talk.bodies == [])
        try talk.reload(tail)
        talk.feed(.tailed(.bytes(stream: 1, Array("again\n".utf8), position), source: 1))
        #expect(talk.bodies == ["again"])
    }

    @Test func aRoomIsNotLeftBeforeItHasShownWhatWasSaid() throws {
        let rule = "  - {name: r, from: \"fifo:/f\", to: \"room:\(PumpRoomTests.room)\"}\n"
        var talk = try PumpDialogue.running(rule)
        try talk.enterRoom()
        talk.feed(.inputChunk(Array("said\n".utf8), source: 1))
        let message = try #require(talk.messages.last)
        talk.forget()
        try talk.reload(Self.without)
        #expect(!talk.socket.contains("unavailable"))
        try talk.show(message)
        #expect(talk.pump.failures.count == 0 && talk.pump.waitingCount == 0)
        // Where nothing is on its way it is left.
        var idle = try PumpDialogue.running(rule)
        try idle.enterRoom()
        idle.forget()
        try idle.reload(Self.without)
        #expect(idle.socket.contains("unavailable"))
    }

    @Test func mistakesChangeNothing() throws {
        var talk = try PumpDialogue.running(Self.first)
        talk.feed(.reloadRefused(["f:2:3: wrong; mend it"]))
        #expect(
            talk.said == [
                "error: f:2:3: wrong; mend it",
                "error: the configuration has a mistake and was not loaded: the old one goes on",
            ])
        talk.feed(.inputChunk(Array("1\n".utf8), source: 1))
        #expect(talk.bodies == ["old 1"])
    }

    @Test func whatTakesARestartIsTold() throws {
        var talk = try PumpDialogue.running(Self.first)
        try talk.reload(Self.first + "  - {from: stdin, to: stdout}\n", lasting: ["account"])
        #expect(talk.said.last == "warning: needs a restart, and goes on as before: account, from: stdin, to: stdout")
    }

    @Test func succession() throws {
        let old = try rules(
            "  - {name: a, from: events, to: stdout}\n  - {from: stdin, to: stdout}\n  - {name: c, from: stdin, to: stdout}\n"
        )
        let new = try rules(
            "  - {from: stdin, to: stdout}\n  - {name: a, from: stdin, to: stdout}\n  - {from: stdin, to: stdout}\n")
        let succession = Succession(from: old, to: new)
        #expect(succession.heirs == [1, 0, nil])
        #expect((succession.new, succession.changed, succession.gone) == (1, 1, 1))
    }
}

extension String {
    fileprivate func replacing(_ word: String, _ other: String) -> String {
        guard let range = firstRange(of: word) else { return self }
        return self[..<range.lowerBound] + other + self[range.upperBound...]
    }
}

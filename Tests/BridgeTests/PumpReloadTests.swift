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

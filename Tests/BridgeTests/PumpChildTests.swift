import Stanza
import Testing

@testable import Bridge

/// A co-process in place of standard input and output, without one.
@Suite struct PumpChildTests {
    private static func talk(_ arguments: [String] = ["--to", "ops@example.org"]) throws -> PumpDialogue {
        try PumpDialogue.online(arguments, command: ["cat"])
    }

    private static func say(_ text: String, _ talk: inout PumpDialogue) throws {
        try talk.server(
            "<message from='ops@example.org/phone' type='chat' id='m1'><body>\(text)</body></message>")
    }

    @Test func itHearsWhomItTalksTo() throws {
        var talk = try Self.talk()
        talk.type("hello\n")
        #expect(talk.bodies == ["hello"])
        try Self.say("and you", &talk)
        #expect(talk.printed == "and you\n")
        var other = try Self.talk(["--to", "ops@example.org", "--from", "boss@example.org"])
        try Self.say("not to you", &other)
        #expect(other.printed == "")
        var events = try Self.talk(["--to", "ops@example.org", "--output", "ndjson"])
        try Self.say("and you", &events)
        #expect(events.events.contains { $0.hasPrefix("{\"event\":\"message\"") }, "\(events.printed)")
    }

    @Test func theEndOfItsOutputIsNotItsEnd() throws {
        var talk = try Self.talk()
        talk.type("last")
        talk.feed(.inputEnded)
        #expect(talk.bodies == ["last"])
        talk.settle()
        #expect(talk.status == nil && !talk.hasLeft)
        try Self.say("still there?", &talk)
        #expect(talk.printed == "still there?\n")
    }

    /// What it ended with, whether a message was refused, what the process ends with.
    static let ends: [(ChildEnd, Bool, Int32)] = [
        (.exited(0), false, 0), (.exited(3), false, 3), (.killed(9), false, 137), (.exited(0), true, 75),
        (.exited(3), true, 75),
    ]

    @Test(arguments: ends) func itsEndEndsTheRun(_ end: ChildEnd, _ isRefused: Bool, _ code: Int32) throws {
        var talk = try Self.talk()
        talk.type("one\ntwo")
        let id = talk.messages.first?.from("id='").upTo("'", keeping: false) ?? ""
        talk.feed(.childEnded(end))
        #expect(talk.bodies == ["one", "two"])
        #expect(!talk.hasLeft, "what it printed is delivered first")
        if isRefused {
            try talk.server(
                "<message from='ops@example.org' id='\(id)' type='error'><error type='cancel'>"
                    + "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        }
        talk.settle()
        talk.closeStream()
        let status = try #require(talk.status)
        #expect(talk.pump.exitCode(of: status) == code)
        let tells = talk.said.contains { $0.hasPrefix("warning: the command ") }
        #expect(tells == (end != .exited(0)), "\(talk.said)")
    }

    @Test func aStopIsPassedOnAndItsLastWordsAreDelivered() throws {
        var talk = try Self.talk()
        talk.feed(.stop)
        #expect(talk.childTold == ["stop"])
        talk.type("last words\n")
        #expect(talk.bodies == ["last words"] && !talk.hasLeft)
        talk.feed(.childEnded(.killed(15)))
        talk.settle()
        talk.closeStream()
        let status = try #require(talk.status)
        #expect(talk.pump.exitCode(of: status) == 0, "it did as it was told")
        #expect(talk.said == [])
    }

    @Test func oneThatDoesNotGoIsKilled() throws {
        var talk = try Self.talk()
        talk.feed(.stop)
        talk.wait(.seconds(Pump.Limits.childSeconds - 1))
        #expect(talk.childTold == ["stop"])
        talk.wait(.seconds(1))
        #expect(talk.childTold == ["stop", "die"])
        talk.feed(.childEnded(.killed(9)))
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .success)
        #expect(talk.said.count == 1)
    }

    @Test func oneThatDoesNotListenGoesOnTalking() throws {
        var talk = try Self.talk()
        talk.feed(.outputFailed("Broken pipe", isGone: true))
        try Self.say("hello?", &talk)
        talk.type("I am not listening\n")
        #expect(talk.bodies == ["I am not listening"] && talk.printed == "")
        talk.feed(.childEnded(.exited(0)))
        talk.settle()
        talk.closeStream()
        let status = try #require(talk.status)
        #expect(talk.pump.exitCode(of: status) == 0)
    }

    @Test func linesThatNoRuleTakesAreAMistake() throws {
        var talk = try Self.talk(["--from", "ops@example.org"])
        talk.type("to whom?\n")
        #expect(talk.said.contains { $0.contains("lines come on the command's output and no rule takes them") })
    }
}

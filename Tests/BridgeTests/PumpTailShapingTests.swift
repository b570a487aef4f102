import Endpoints
import Stanza
import Testing

@testable import Bridge

/// Lines of several files that one `tail:` follows.
@Suite struct PumpTailShapingTests {
    private static func bytes(_ stream: UInt64, _ text: String) -> Pump.Input {
        .tailed(.late(stream: stream, Array(text.utf8)), source: 1)
    }

    private static func began(_ stream: UInt64, _ path: String) -> Pump.Input {
        let key = FileKey(device: 1, inode: stream)
        let position = TailPosition(path: path, key: key, headBytes: 0, headHash: TailPosition.hash([]))
        return .tailed(.began(stream: stream, position), source: 1)
    }

    @Test func eachFileJoinsItsOwnAndIsNamed() throws {
        let yaml = """
            bridges:
              - from: tail:/l/*.log
                to: xmpp:ops@example.org
                group: {continue: '^ ', within: 1s}
                body: "{source}: {line}"
            """
        var talk = try PumpDialogue([], yaml: yaml, daemon: true)
        try talk.logIn()
        talk.settle()
        talk.forget()
        talk.feed(Self.began(1, "/l/a.log"))
        talk.feed(Self.began(2, "/l/b.log"))
        talk.feed(Self.bytes(1, "a one\n"))
        talk.feed(Self.bytes(2, "b one\n b two\n"))
        talk.feed(Self.bytes(1, " a two\na next\n"))
        #expect(talk.bodies == ["/l/a.log: a one\n a two"])
        // The end of one file is none of the other's.
        talk.feed(.tailed(.ended(stream: 1), source: 1))
        #expect(talk.bodies == ["/l/a.log: a one\n a two", "/l/a.log: a next"])
        talk.feed(Self.bytes(2, " b three\n"))
        talk.wait(.seconds(1))
        #expect(talk.bodies.last == "/l/b.log: b one\n b two\n b three")
    }
}

import Stanza
import Testing

@testable import Bridge

/// The program in processes of its own in a room that goes wrong on order. The listener is the first to connect, the
/// sender the second.
@Suite struct RoomFaultTests {
    private static let room = "ops@conference.localhost"
    private static let lines = (1...60).map { "line \($0)" }

    /// Every line is heard once and in its order, whatever happens in between.
    @Test(arguments: [
        [],
        // The service forgets the sender without a word: the next line comes back, and goes again once it is in.
        ["2:after-groupchat=20:room-forget=ops/a"],
        ["2:after-groupchat=1:room-forget=ops/a", "2:after-groupchat=40:room-forget=ops/a"],
        // A limit on how much is said.
        ["2:after-groupchat=10:rooms-limit=20ms"],
        // Joining fails at first.
        ["2:join:refuse=remote-server-timeout"], ["2:join:lose", "2:after-groupchat=30:room-forget=ops/a"],
        // The connection goes, and comes back.
        ["2:messages=30:abort"],
    ])
    func everyLineIsHeardOnce(_ faults: [String]) async throws {
        try await scenario {
            let stage = try LoopbackStage(faults, rooms: ["ops"])
            let listener = try Self.listener(stage)
            let sender = try stage.filter(["--to", "room:\(Self.room)", "--retry", "60s"])
            sender.write(Self.lines.joined(separator: "\n") + "\n")
            sender.closeInput()
            #expect(sender.wait(seconds: 60) == 0, "\(sender.errors.text)")
            let isThere = listener.output.wait(seconds: LoopbackStage.secondsMax) { $0 == Self.lines.last }
            #expect(isThere, "\(listener.output.lines.suffix(3)); it said: \(listener.errors.text)")
            #expect(listener.output.lines == Self.lines)
        }
    }

    @Test(arguments: [
        ("2:join:refuse=not-authorized", "password"), ("2:join:refuse=registration-required", "member"),
        ("2:join:refuse=forbidden", "ban"),
    ])
    func aRoomThatDoesNotLetUsInIsOneLine(_ fault: String, _ words: String) async throws {
        try await scenario {
            let stage = try LoopbackStage([fault], rooms: ["ops"])
            let listener = try stage.listener()
            let sender = try stage.filter(["--to", "room:\(Self.room)"])
            sender.write("hello\n")
            #expect(sender.wait(seconds: LoopbackStage.secondsMax) == 75, "\(sender.errors.text)")
            #expect(sender.errors.lines.count == 1, "\(sender.errors.text)")
            #expect(sender.errors.text.contains(words), "\(sender.errors.text)")
            _ = listener
        }
    }

    private static func listener(_ stage: LoopbackStage) throws -> Process {
        let listener = try stage.filter(
            ["--from", "room:\(room)", "--output", "text", "--log-level", "info"], as: "b")
        let isIn = listener.errors.wait(seconds: LoopbackStage.secondsMax) { $0.contains("in the room") }
        try #require(isIn, "the listener said: \(listener.errors.text)")
        return listener
    }
}

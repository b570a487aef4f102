import Glibc
import Testing

@testable import Bridge

/// `fifo:` on both sides, through the program.
@Suite struct FIFOTests {
    private static func daemon(_ bridges: String, _ stage: LoopbackStage, _ scratch: Scratch) throws -> Process {
        let yaml = "bridges: \(bridges.replacing("DIR", with: scratch.path))\n"
        let daemon = try stage.filter(
            ["run", "--config", try scratch.write(yaml, to: "bridges.yaml"), "--log-level", "info"])
        let isOnline = daemon.errors.wait(seconds: LoopbackStage.secondsMax) { $0.contains("online as") }
        try #require(isOnline, "\(daemon.errors.text)")
        return daemon
    }

    private static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    private static func say(_ text: String, _ stage: LoopbackStage) throws {
        let speaker = try stage.filter(["--to", "a@localhost"], as: "b")
        speaker.write(text)
        speaker.closeInput()
        #expect(speaker.wait(seconds: LoopbackStage.secondsMax) == 0, "\(speaker.errors.text)")
    }

    @Test func writersComeAndGo() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let scratch = try Scratch()
            let listener = try stage.listener()
            let run = try Self.daemon("[{from: \"fifo:DIR/in\", to: \"xmpp:b@localhost\"}]", stage, scratch)
            var status = stat()
            #expect(stat("\(scratch.path)/in", &status) == 0 && status.st_mode & 0o7777 == 0o600)
            for writer in 0..<100 {
                let lines = (0..<10).map { "\(writer) \($0)\n" }
                try Self.write(lines.joined(), to: "\(scratch.path)/in")
            }
            let isThere = listener.output.wait(seconds: LoopbackStage.secondsMax) { $0 == "99 9" }
            #expect(isThere, "\(run.errors.text)")
            #expect(listener.output.lines == (0..<100).flatMap { writer in (0..<10).map { "\(writer) \($0)" } })
            // What lies in the FIFO when the end is ordered is not left behind.
            try Self.write("last words\n", to: "\(scratch.path)/in")
            run.kill(SIGTERM)
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 0, "\(run.errors.text)")
            #expect(listener.output.wait(seconds: LoopbackStage.secondsMax) { $0 == "last words" })
        }
    }

    @Test func aReaderThatComesLateGetsAll() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let scratch = try Scratch()
            let run = try Self.daemon(
                "[{from: \"xmpp:b@localhost\", to: \"fifo:DIR/out\", body: \"{body}\"}]", stage, scratch)
            try Self.say("one\ntwo\n", stage)
            let first = Collected(open("\(scratch.path)/out", O_RDONLY | O_CLOEXEC))
            #expect(first.wait(seconds: LoopbackStage.secondsMax) { $0 == "two" })
            #expect(first.lines == ["one", "two"])
            first.stop()
            try Self.say("three\n", stage)
            let second = Collected(open("\(scratch.path)/out", O_RDONLY | O_CLOEXEC))
            #expect(second.wait(seconds: LoopbackStage.secondsMax) { $0 == "three" })
            run.kill(SIGTERM)
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 0, "\(run.errors.text)")
        }
    }

    @Test func somethingElseInItsPlaceIsRefused() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let scratch = try Scratch()
            try scratch.write("precious\n", to: "in")
            let yaml = "bridges: [{from: \"fifo:\(scratch.path)/in\", to: \"xmpp:b@localhost\"}]\n"
            let run = try stage.filter(["run", "--config", try scratch.write(yaml, to: "bridges.yaml")])
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 73)
            let told = "xmpp-bridge: \(scratch.path)/in is there and no FIFO; remove it, or name another path"
            #expect(run.errors.lines == [told])
        }
    }
}

/// What waits for a FIFO that nobody reads.
@Suite struct OverflowTests {
    private static let line = String(repeating: "x", count: 60_000)

    private static func talk(_ overflow: String) throws -> PumpDialogue {
        let yaml = """
            bridges:
              - {from: stdin, to: "fifo:/f", overflow: \(overflow)}
              - {from: events, to: stdout}
            """
        return try PumpDialogue.online([], yaml: yaml)
    }

    @Test func blockStopsItsSource() throws {
        var talk = try Self.talk("block")
        var lines = 0
        while talk.pump.wantsInput, lines < 1_000 {
            talk.type(Self.line + "\n")
            lines += 1
        }
        #expect(lines == Int(Pump.Limits.blockBytesMax) / 60_001 + 1)
        let bytes = talk.pump.takeParcels(for: 1).reduce(0) { $0 + $1.bytes.count }
        #expect(bytes == lines * 60_001)
        talk.feed(.outputWritten(UInt64(bytes), sink: 1))
        #expect(talk.pump.wantsInput)
    }

    @Test func dropOldestKeepsTheNewestAndTellsTheGap() throws {
        var talk = try Self.talk("drop-oldest")
        let all = Int(Pump.Limits.outputWaitingBytesMax) / 60_001 * 2
        // The writer holds what it was given, and no more.
        talk.type("0 \(Self.line)\n1 \(Self.line)\n")
        var parcels = talk.pump.takeParcels(for: 1)
        #expect(parcels.reduce(0) { $0 + $1.bytes.count } == 2 * 60_003)
        for number in 2..<all {
            talk.type("\(number) " + Self.line + "\n")
            #expect(talk.pump.wantsInput)
            #expect(talk.pump.takeParcels(for: 1).isEmpty)
        }
        #expect(talk.pump.sinks[1].waiting <= Pump.Limits.outputWaitingBytesMax + 60_010)
        var written: UInt64 = 0
        var numbers: [Int] = []
        while !parcels.isEmpty {
            for parcel in parcels {
                written += UInt64(parcel.bytes.count)
                let lines = String(decoding: parcel.bytes, as: UTF8.self).split(separator: "\n")
                numbers += lines.compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }
            }
            talk.feed(.outputWritten(written, sink: 1))
            parcels = talk.pump.takeParcels(for: 1)
        }
        #expect(talk.pump.sinks[1].waiting == 0)
        #expect(numbers.prefix(2) == [0, 1])
        let kept = numbers.count - 2
        #expect(numbers.dropFirst(2) == ArraySlice(all - kept..<all), "one hole, in front of the newest")
        let gaps = talk.events.filter { $0.contains("\"gap\"") }
        #expect(gaps.count == 1)
        #expect(gaps.first?.contains("\"count\":\(all - 2 - kept),\"sink\":\"fifo:/f\"") == true, "\(gaps)")
    }
}

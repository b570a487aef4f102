import Glibc
import Spool
import Stanza
import Testing

@testable import Bridge

/// `tail:` through the program.
@Suite struct TailFileTests {
    private final class Play {
        let stage: LoopbackStage
        let scratch: Scratch
        let listener: Process
        private let file: String

        init(_ tail: String) throws {
            stage = try LoopbackStage([])
            scratch = try Scratch()
            listener = try stage.listener()
            let yaml = "bridges: [{from: \"tail:\(scratch.path)/\(tail)\", to: \"xmpp:b@localhost\"}]\n"
            file = try scratch.write(yaml, to: "bridges.yaml")
        }

        func run() throws -> Process {
            let run = try Process(
                ["run", "--config", file, "--log-level", "info", "--state", "\(scratch.path)/state"], stage.environment)
            let isOnline = run.errors.wait(seconds: LoopbackStage.secondsMax) { $0.contains("online as") }
            try #require(isOnline, "\(run.errors.text)")
            return run
        }

        func append(_ text: String, _ name: String = "app.log") throws {
            let descriptor = open("\(scratch.path)/\(name)", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            let bytes = Array(text.utf8)
            try #require(write(descriptor, bytes, bytes.count) == bytes.count)
        }

        func rotate() { rename("\(scratch.path)/app.log", "\(scratch.path)/app.log.1") }

        /// Waits for a position in the state directory: then the file was seen.
        func isSeen() -> Bool {
            let end = Clock.monotonic() + .seconds(LoopbackStage.secondsMax)
            while Clock.monotonic() < end {
                let path = "\(scratch.path)/state/part-1/spool.db"
                if access(path, F_OK) == 0, let contents = try? SQLiteStore(path: path).contents(),
                    !contents.positions.isEmpty
                {
                    return true
                }
                listener.errors.waitForChange(milliseconds: 20)
            }
            return false
        }

        func hears(_ line: String) -> Bool { listener.output.wait(seconds: LoopbackStage.secondsMax) { $0 == line } }

        func end(_ run: Process) {
            run.kill(SIGTERM)
            let status = run.wait(seconds: LoopbackStage.secondsMax)
            #expect(status == 0, "\(run.errors.text)")
        }
    }

    @Test func linesAreReadOnceOverRotationAndRestart() async throws {
        try await scenario {
            let play = try Play("app.log")
            try play.append("old\n")
            var run = try play.run()
            #expect(play.isSeen(), "\(run.errors.text)")
            try play.append("one\ntwo\n")
            #expect(play.hears("two"), "\(run.errors.text)")
            play.rotate()
            try play.append("three\n", "app.log.1")
            try play.append("four\nunended")
            #expect(play.hears("four"))
            play.end(run)
            // A line that was not ended is the next run's.
            try play.append("\nfive\n")
            play.rotate()
            try play.append("six\n")
            run = try play.run()
            #expect(play.hears("six"), "\(run.errors.text)")
            play.end(run)
            let heard = play.listener.output.lines
            #expect(heard == ["one", "two", "three", "four", "unended", "five", "six"])
        }
    }

    @Test func aFileThatComesLaterIsReadFromItsBeginning() async throws {
        try await scenario {
            let play = try Play("*.log")
            try play.append("old\n", "a.log")
            let run = try play.run()
            #expect(play.isSeen(), "\(run.errors.text)")
            try play.append("first\n", "b.log")
            #expect(play.hears("first"), "\(run.errors.text)")
            try play.append("second\n", "a.log")
            #expect(play.hears("second"))
            play.end(run)
            #expect(play.listener.output.lines == ["first", "second"])
        }
    }

    @Test func anotherRunWithTheSameStateIsRefused() async throws {
        try await scenario {
            let play = try Play("app.log")
            let run = try play.run()
            let yaml = "\(play.scratch.path)/bridges.yaml"
            let other = try Process(
                ["run", "--config", yaml, "--state", "\(play.scratch.path)/state"], play.stage.environment)
            #expect(other.wait(seconds: LoopbackStage.secondsMax) == 73)
            #expect(other.errors.text.contains("another run follows files"))
            play.end(run)
        }
    }
}

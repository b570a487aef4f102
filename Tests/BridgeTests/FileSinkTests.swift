import Glibc
import Routing
import Stanza
import Testing

@testable import Bridge

/// What goes to `file:`, through the program.
@Suite struct FileSinkTests {
    /// A daemon that writes what b says into a file, and b's own filter to say it with.
    private final class Play {
        let stage: LoopbackStage
        let scratch: Scratch
        let daemon: Process
        private let speaker: Process

        init(_ file: String) throws {
            stage = try LoopbackStage([])
            scratch = try Scratch()
            let yaml =
                "bridges: [{from: \"xmpp:b@localhost\", to: \"file:\(scratch.path)/\(file)\", body: \"<{jid}> {body}\"}]\n"
            daemon = try stage.filter(
                ["run", "--config", try scratch.write(yaml, to: "bridges.yaml"), "--log-level", "info"])
            let isOnline = daemon.errors.wait(seconds: LoopbackStage.secondsMax) { $0.contains("online as") }
            try #require(isOnline, "\(daemon.errors.text)")
            speaker = try stage.filter(["--to", "a@localhost"], as: "b")
        }

        func say(_ line: String) { speaker.write(line + "\n") }

        func lines(_ name: String) -> [String] {
            guard let bytes = try? SmallFile.read("\(scratch.path)/\(name)") else { return [] }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }

        /// Waits until the file holds exactly these lines.
        func hasWritten(_ expected: [String], to name: String) -> Bool {
            let end = Clock.monotonic() + .seconds(LoopbackStage.secondsMax)
            while Clock.monotonic() < end {
                if lines(name) == expected { return true }
                daemon.errors.waitForChange(milliseconds: 20)
            }
            return false
        }
    }

    @Test func aFileThatWasMovedAwayIsMadeAgain() async throws {
        try await scenario {
            let play = try Play("chat.log")
            play.say("one")
            #expect(play.hasWritten(["<b@localhost> one"], to: "chat.log"), "\(play.daemon.errors.text)")
            var status = stat()
            #expect(stat("\(play.scratch.path)/chat.log", &status) == 0 && status.st_mode & 0o777 & ~0o640 == 0)
            rename("\(play.scratch.path)/chat.log", "\(play.scratch.path)/chat.log.1")
            play.say("two")
            #expect(play.hasWritten(["<b@localhost> two"], to: "chat.log"))
            unlink("\(play.scratch.path)/chat.log")
            play.daemon.kill(SIGHUP)
            play.say("three\\n\nfour")
            #expect(play.hasWritten(["<b@localhost> three\\\\n", "<b@localhost> four"], to: "chat.log"))
            #expect(play.lines("chat.log.1") == ["<b@localhost> one"])
            play.daemon.kill(SIGTERM)
            #expect(play.daemon.wait(seconds: LoopbackStage.secondsMax) == 0, "\(play.daemon.errors.text)")
        }
    }

    @Test func whatCannotBeWrittenWaitsUntilItCan() async throws {
        try await scenario {
            let play = try Play("sub/chat.log")
            play.say("one")
            let isTold = play.daemon.errors.wait(seconds: LoopbackStage.secondsMax) {
                $0.contains("sub/chat.log failed: No such file or directory") && $0.contains("it is tried again")
            }
            #expect(isTold, "\(play.daemon.errors.text)")
            play.say("two")
            mkdir("\(play.scratch.path)/sub", 0o700)
            #expect(play.hasWritten(["<b@localhost> one", "<b@localhost> two"], to: "sub/chat.log"))
            let isBack = play.daemon.errors.wait(seconds: LoopbackStage.secondsMax) { $0.contains("works again") }
            #expect(isBack)
        }
    }

    @Test func theNameFollowsTheDate() async throws {
        try await scenario {
            let play = try Play("chat-%Y.log")
            let year = try DatedPathOfNow.year()
            play.say("one")
            #expect(play.hasWritten(["<b@localhost> one"], to: "chat-\(year).log"), "\(play.daemon.errors.text)")
        }
    }

    private enum DatedPathOfNow {
        static func year() throws -> Int {
            var now = time(nil)
            var civil = tm()
            try #require(localtime_r(&now, &civil) != nil)
            return Int(civil.tm_year) + 1_900
        }
    }

    @Test func noLineIsTornWhereTheDiskIsFull() throws {
        let scratch = try Scratch()
        // A limit on the size of files stands for a full disk; it holds for this whole process, so it is large.
        let path = "\(scratch.path)/full.log"
        signal(SIGXFSZ, SIG_IGN)
        let start = 64 * 1_024 * 1_024
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0 && ftruncate(descriptor, off_t(start)) == 0)
        close(descriptor)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let outcomes = Mailbox<SinkOutcome>()
        var tight = limit
        tight.rlim_cur = rlim_t(start + 25)
        try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &tight) == 0)
        let writer = FileWriter(try DatedPath(parsing: path)) { outcomes.post($0) }
        writer.write([Parcel(bytes: Array("1234567890\n1234567890\n1234567890\n".utf8), time: Clock.wall())])
        var told: [SinkOutcome] = []
        while !told.contains(where: { if case .failing = $0 { true } else { false } }) { told += outcomes.take() }
        #expect(size(path) == start + 22, "the third line is not begun")
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        writer.reopen()
        while !told.contains(where: { if case .recovered = $0 { true } else { false } }) { told += outcomes.take() }
        #expect(size(path) == start + 33)
    }

    private func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_size : -1
    }
}

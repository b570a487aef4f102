import Glibc
import Stanza
import Testing

@testable import Bridge

/// The program as a shell would run it: pipes, signals, and what comes on them.
@Suite struct ProcessTests {
    @Test func anAnswerComesBackOnStandardOutput() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let listener = try stage.filter([
                "--from", "b@localhost", "--output", "text", "--count", "2", "--log-level", "info",
            ])
            #expect(listener.errors.wait(seconds: LoopbackStage.secondsMax) { $0.contains("online as") })
            let run = try stage.filter(["--to", "a@localhost"], as: "b")
            run.write("one\ntwo\\ \u{1F98A}")
            run.closeInput()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 0, "\(run.errors.text)")
            #expect(run.errors.text == "" && run.output.text == "")
            #expect(listener.wait(seconds: LoopbackStage.secondsMax) == 0, "\(listener.errors.text)")
            #expect(listener.output.text == "one\ntwo\\\\ \u{1F98A}\n")
        }
    }

    @Test func anUnknownRecipientIsNamedAndTheStatusIs75() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let run = try stage.filter(["--to", "nobody@localhost"])
            run.write("hello\n")
            run.closeInput()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 75)
            #expect(
                run.errors.lines == [
                    "xmpp-bridge: the message to nobody@localhost was not delivered: service-unavailable"
                ])
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aSignalDrainsAndLeaves(_ signal: Int32) async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let listener = try stage.listener()
            let run = try stage.filter(["--to", "b@localhost"])
            run.write("before\n")
            #expect(listener.output.wait(seconds: LoopbackStage.secondsMax) { $0 == "before" })
            run.kill(signal)
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 0, "\(run.errors.text)")
        }
    }

    @Test func aSecondSignalEndsAtOnceAndTheLossIsInTheStatus() async throws {
        try await scenario {
            let stage = try LoopbackStage(["2:request:withhold-acks"])
            let listener = try stage.listener()
            let run = try stage.filter(["--to", "b@localhost"])
            run.write("never acknowledged\n")
            #expect(listener.output.wait(seconds: LoopbackStage.secondsMax) { $0 == "never acknowledged" })
            run.kill(SIGUSR1)
            #expect(run.errors.wait(seconds: LoopbackStage.secondsMax) { $0.contains("0 of 1 messages accepted") })
            run.kill(SIGTERM)
            run.kill(SIGINT)
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 75)
        }
    }

    @Test func aSecondSignalDoesNotForgetABounce() async throws {
        try await scenario {
            let stage = try LoopbackStage(["1:close:stall"])
            let run = try stage.filter(["--to", "nobody@localhost"])
            run.write("hello\n")
            #expect(run.errors.wait(seconds: LoopbackStage.secondsMax) { $0.contains("was not delivered") })
            run.kill(SIGTERM)
            run.kill(SIGINT)
            let status = run.wait(seconds: LoopbackStage.secondsMax)
            #expect(status == 75)
        }
    }

    @Test func aPasswordCommandThatStaysDoesNotHoldTheRun() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let scratch = try Scratch()
            let yaml = "account: {password: {command: [sh, -c, \"echo secret; exec sleep 15\"]}}\n"
            let file = try scratch.write(yaml, to: "bridges.yaml")
            let run = try stage.filter(["--events", "--config", file], password: "")
            let isOnline = run.output.wait(seconds: 8) { $0.contains("\"state\":\"online\"") }
            run.kill(SIGTERM)
            let status = run.wait(seconds: 3)
            #expect(isOnline)
            #expect(status == 0)
        }
    }

    @Test func aReaderThatHasEnoughEndsTheRun() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let run = try stage.filter(["--events", "--log-level", "info"])
            #expect(run.output.wait(seconds: LoopbackStage.secondsMax) { $0.contains("\"state\":\"online\"") })
            run.output.stop()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 74, "\(run.errors.text)")
        }
    }

    @Test func linesThatNoRuleTakesAreAUsageError() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let scratch = try Scratch()
            let file = try scratch.write("bridges: [{from: events, to: stdout}]\n", to: "bridges.yaml")
            let run = try stage.filter(["--config", file])
            run.write("hello?\n")
            let isTold = run.errors.wait(seconds: 5) { $0.contains("no rule takes them") }
            #expect(isTold)
            if !isTold { run.kill(SIGTERM) }
            let status = run.wait(seconds: LoopbackStage.secondsMax)
            #expect(status == 64)
        }
    }

    @Test func commandsInResultsOut() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let run = try stage.filter(["--input", "ndjson"])
            run.write(
                #"{"do":"raw","ref":"r","xml":"<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"}"#
                    + "\n")
            run.write(#"{"do":"send","ref":"s","to":"b@localhost","body":"x"}"# + "\n")
            run.write("nonsense\n")
            run.closeInput()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 65, "\(run.errors.text)")
            let lines = run.output.lines
            #expect(lines.contains { $0.contains(#""ref":"s","to":"b@localhost","stage":"acknowledged""#) }, "\(lines)")
            #expect(lines.contains { $0.contains(#""ok":false,"code":"bad-json""#) && $0.contains("\"line\":3") })
        }
    }

    @Test func theDemoPlaysAndEndsByItself() async throws {
        try await scenario {
            let run = try Process(["demo"])
            run.closeInput()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 0, "\(run.output.text)\(run.errors.text)")
            #expect(run.output.text.contains("error: upstream timed out (110)"))
            #expect(run.output.text.contains("The receiver left with status 0, the sender with 0."))
        }
    }

    @Test(arguments: [
        ["--to", "@"], ["--nonsense"], ["demo", "--fault", "x"], ["demo", "--account", "x"], ["run", "--to", "a@b"],
    ])
    func mistakesOnTheCommandLineAre64(_ arguments: [String]) async throws {
        try await scenario {
            let run = try Process(
                arguments, ["XMPP_BRIDGE_JID=a@localhost", "XMPP_BRIDGE_PASSWORD=x", "HOME=/nonexistent"])
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 64, "\(run.errors.text)")
            #expect(run.errors.lines.count == 1)
            #expect(run.errors.text.hasPrefix("xmpp-bridge: "))
            #expect(run.output.text == "")
        }
    }
}

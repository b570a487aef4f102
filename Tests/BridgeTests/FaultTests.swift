import Stanza
import Testing

@testable import Bridge

/// The program in processes of its own against a server that goes wrong on order.
///
/// The listener is the first to connect, the sender the second; its further attempts are the third and so on.
@Suite struct FaultTests {
    private static let lines = (1...500).map { "line \($0)" }

    // MARK: - Failures that end the run at once

    struct Ending: Sendable, CustomTestStringConvertible {
        var fault: String
        var status: Int32
        var words: String
        var testDescription: String { fault }
    }

    @Test(arguments: [
        Ending(fault: "*:auth:refuse=not-authorized", status: 77, words: "refused"),
        Ending(fault: "*:response:refuse=not-authorized", status: 77, words: "refused"),
        Ending(fault: "*:auth:refuse=account-disabled", status: 77, words: "account-disabled"),
        Ending(fault: "*:proceed:inject", status: 76, words: "sent bytes in clear behind <proceed/>"),
        Ending(fault: "*:starttls:refuse=x", status: 76, words: "TLS"),
        Ending(fault: "*:header:send=HTTP/1.1 400 Bad Request\\n\\n", status: 76, words: "does not speak XMPP"),
        Ending(fault: "*:bind:refuse=not-allowed", status: 76, words: "not-allowed"),
        Ending(fault: "*:header:close=host-unknown", status: 76, words: "host-unknown"),
        Ending(fault: "*:connect:abort", status: 69, words: "127.0.0.1"),
        Ending(fault: "*:features=2:close=system-shutdown", status: 69, words: "system-shutdown"),
    ])
    func failFastEndsWithTheRightStatus(_ ending: Ending) async throws {
        try await scenario {
            let stage = try LoopbackStage([ending.fault])
            let run = try stage.filter(["--to", "b@localhost", "--retry", "fail-fast"])
            run.write("hello\n")
            run.closeInput()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == ending.status, "\(run.errors.text)")
            Self.expectOneLine(run.errors, ending.words)
            #expect(run.output.text == "")
        }
    }

    @Test func aWrongPasswordIs77AndIsNotShown() async throws {
        try await scenario {
            let stage = try LoopbackStage([])
            let run = try stage.filter(["--to", "b@localhost", "--retry", "20s"], password: "hunter2hunter2")
            run.write("hello\n")
            run.closeInput()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 77)
            #expect(!run.errors.text.contains("hunter2"))
        }
    }

    private static func expectOneLine(_ errors: Collected, _ words: String) {
        #expect(errors.lines.count == 1, "\(errors.text)")
        #expect(errors.lines.first?.hasPrefix("xmpp-bridge: ") == true)
        #expect(errors.text.contains(words), "\(errors.text)")
    }

    // MARK: - Stalls

    @Test(arguments: [
        "connect", "header", "features", "starttls", "proceed", "secured", "features=2", "auth", "challenge",
        "response",
        "success", "features=3", "bind", "enable",
    ])
    func aServerThatStallsIsLeftAtTheDeadline(_ phase: String) async throws {
        try await scenario {
            let stage = try LoopbackStage(["*:\(phase):stall"])
            let began = Clock.monotonic()
            let run = try stage.filter(["--to", "b@localhost", "--retry", "fail-fast", "--connect-timeout", "2s"])
            run.write("hello\n")
            run.closeInput()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 69, "\(run.errors.text)")
            let took = Clock.monotonic() - began
            #expect(took >= .seconds(2))
            #expect(took < .seconds(10))
            Self.expectOneLine(run.errors, "did not answer")
        }
    }

    // MARK: - Losses that are mended

    struct Loss: Sendable, CustomTestStringConvertible {
        var faults: [String]
        /// Whether the session can be resumed, so that nothing comes twice.
        var isExact = true
        var isDirectTLS = false
        /// The fault that is no loss.
        static let refusedManagement = "2:enable:refuse=feature-not-implemented"
        /// Whether the process on that connection must have lost its stream.
        func hits(_ connection: Int) -> Bool {
            faults.contains { $0.hasPrefix("\(connection):") && $0 != Self.refusedManagement }
        }
        var testDescription: String { faults.joined(separator: " ") }
    }

    static let losses: [Loss] = [
        Loss(faults: []),
        Loss(faults: ["2:header:abort"]), Loss(faults: ["2:proceed:abort"]), Loss(faults: ["2:secured:abort"]),
        Loss(faults: ["2:challenge:abort"]), Loss(faults: ["2:success:abort", "3:features=3:abort"]),
        Loss(faults: ["2:bind:abort"]), Loss(faults: ["2:after-bind:abort"]), Loss(faults: ["2:enable:abort"]),
        Loss(faults: ["2:after-enable:abort"]),
        Loss(faults: ["2:bytes-out=300:abort"]), Loss(faults: ["2:bytes-out=1500:abort"]),
        Loss(faults: ["2:bytes-in=2000:abort"]), Loss(faults: ["2:bytes-in=9999:abort"]),
        Loss(faults: ["2:bytes-in=40000:abort", "3:bytes-in=20000:abort"]),
        Loss(faults: ["2:messages=1:abort"]), Loss(faults: ["2:after-messages=1:abort"]),
        Loss(faults: ["2:messages=250:abort"]), Loss(faults: ["2:after-messages=500:abort"]),
        Loss(faults: ["2:messages=100:abort", "3:messages=100:abort", "4:messages=100:abort"]),
        Loss(faults: ["2:messages=250:close=system-shutdown"]),
        Loss(faults: ["2:messages=50:withhold-acks", "2:messages=100:abort"]),
        Loss(faults: ["2:request=2:withhold-acks", "2:messages=100:abort", "3:after-resume:abort"]),
        Loss(faults: ["2:messages=100:ack=-3", "2:messages=300:abort"]),
        Loss(faults: ["2:messages=100:abort", "3:resume:abort", "4:after-resume:abort"]),
        Loss(faults: ["2:messages=100:abort", "3:request:abort"]),
        Loss(faults: ["1:sent=100:abort"]), Loss(faults: ["1:sent=100:abort", "2:messages=300:abort"]),
        Loss(faults: ["1:ack=1:abort"]),
        Loss(faults: ["2:messages=100:pause=700ms", "2:messages=300:abort"]),
        Loss(faults: ["2:bytes-in=9999:abort", "3:bytes-out=900:abort"], isDirectTLS: true),
        Loss(faults: ["2:messages=250:abort", "3:after-resume:abort"], isDirectTLS: true),
        Loss(faults: ["2:messages=250:restart"], isExact: false),
        Loss(faults: ["2:messages=100:forget", "2:messages=250:abort"], isExact: false),
        Loss(faults: ["2:messages=250:abort", "3:resume:forget"], isExact: false),
        Loss(faults: ["2:messages=250:abort", "3:resume:refuse=item-not-found"], isExact: false),
        Loss(faults: ["2:request=2:ack=+100000"], isExact: false),
        Loss(faults: ["2:messages=100:ack=4000000000"], isExact: false),
        Loss(faults: [Loss.refusedManagement]),
        Loss(faults: [Loss.refusedManagement, "2:messages=250:abort"], isExact: false),
    ]

    @Test(arguments: losses)
    func everyLineArrives(_ loss: Loss) async throws {
        try await scenario {
            let stage = try LoopbackStage(loss.faults)
            let listener = try stage.listener()
            let way = loss.isDirectTLS ? ["--server", "tls://127.0.0.1:\(stage.directTLSPort)"] : []
            let run = try stage.filter(["--to", "b@localhost", "--retry", "20s", "--connect-timeout", "5s"] + way)
            run.write(Self.lines.map { $0 + "\n" }.joined())
            run.closeInput()
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 0, "\(run.errors.text)")
            #expect(run.errors.text.contains("trying again") == loss.hits(2), "\(loss.faults) \(run.errors.text)")
            let arrived = try stage.awaitAll(listener)
            if loss.hits(1) { #expect(listener.errors.text.contains("trying again"), "\(listener.errors.text)") }
            if loss.isExact {
                Self.expectSame(arrived, Self.lines)
            } else {
                var seen: Set<String> = []
                Self.expectSame(arrived.filter { seen.insert($0).inserted }, Self.lines)
            }
        }
    }

    /// Says where two lists part, not both of them whole.
    private static func expectSame(_ found: [String], _ wanted: [String]) {
        guard found != wanted else { return }
        let at = zip(found, wanted).enumerated().first { $1.0 != $1.1 }?.offset ?? min(found.count, wanted.count)
        Issue.record(
            "\(found.count) lines for \(wanted.count); from line \(at + 1) on: \(found.dropFirst(at).prefix(3)) for \(wanted.dropFirst(at).prefix(3))"
        )
    }
}

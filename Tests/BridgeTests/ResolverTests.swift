import Session
import Stanza
import Testing

@testable import Bridge

/// SRV look-ups against a name server of the test's own (RFC 2782), and what the program does with them.
@Suite struct ResolverTests {
    private static let service = "_xmpp-client._tcp.example.test"

    private static func ask(_ answer: NameServer.Answer) async throws -> Resolver.Answer {
        let server = try NameServer([service: answer])
        return await withCheckedContinuation { done in
            startThread(named: "ask") {
                let resolver = Resolver(nameserver: ("127.0.0.1", server.port))
                done.resume(returning: resolver.services("xmpp-client", domain: "example.test"))
            }
        }
    }

    private static let two: [NameServer.Record] = [
        .service(priority: 10, weight: 5, port: 5_222, target: "one.example.test"),
        .service(priority: 20, weight: 0, port: 5_299, target: "two.example.test"),
    ]
    private static let found = Resolver.Answer.records([
        ServiceRecord(priority: 10, weight: 5, port: 5_222, target: "one.example.test"),
        ServiceRecord(priority: 20, weight: 0, port: 5_299, target: "two.example.test"),
    ])

    @Test func recordsWithTheirPriorities() async throws {
        #expect(try await Self.ask(.records(Self.two)) == Self.found)
    }

    @Test func aTargetOfADotIsKept() async throws {
        let none = NameServer.Record.service(priority: 0, weight: 0, port: 0, target: ".")
        let record = ServiceRecord(priority: 0, weight: 0, port: 0, target: ".")
        #expect(try await Self.ask(.records([none])) == .records([record]))
    }

    @Test func noSuchNameAndNoSuchRecordAreNone() async throws {
        #expect(try await Self.ask(.code(3)) == .none)
        #expect(try await Self.ask(.records([])) == .none)
    }

    @Test func aFailureIsAFailure() async throws {
        for code: UInt8 in [2, 5] {
            guard case .failed = try await Self.ask(.code(code)) else {
                Issue.record("response code \(code) is a failure")
                continue
            }
        }
    }

    @Test func aTruncatedAnswerIsAskedForByTCP() async throws {
        #expect(try await Self.ask(.overTCP(Self.two)) == Self.found)
    }

    @Test func addressesOfAHost() async throws {
        let server = try NameServer([
            "one.example.test": .records([.address([127, 0, 0, 1]), .address([127, 0, 0, 2])])
        ])
        let resolver = Resolver(nameserver: ("127.0.0.1", server.port))
        #expect(resolver.addresses(of: "one.example.test") == ["127.0.0.1", "127.0.0.2"])
        #expect(resolver.addresses(of: "other.example.test") == nil)
        #expect(Resolver().addresses(of: "one.example.test") == nil)
    }

    // MARK: - Hostile answers

    private static let whole = two.flatMap(\.bytes)

    /// A record that ends early, lies about its length, or names its target in a circle.
    @Test(
        arguments: [
            [], [0xC0], [0xC0, 0x0C, 0, 33, 0, 1], [0xC0, 0x0C, 0, 33, 0, 1, 0, 0, 0, 60, 0xFF, 0xFF, 0, 0],
            [0xC0, 0x0C, 0, 33, 0, 1, 0, 0, 0, 60, 0, 6, 0, 1, 0, 1, 0, 1],
            [0xC0, 0x0C, 0, 33, 0, 1, 0, 0, 0, 60, 0, 3, 0, 1, 0],
            [0xC0, 0x0C, 0, 33, 0, 1, 0, 0, 0, 60, 0, 0],
            [0xC0, 0x0C, 0, 33, 0, 1, 0, 0, 0, 60, 0, 8, 0, 1, 0, 1, 0, 1, 0xC0, 0xFF],
            [0xC0, 0x0C, 0, 33, 0, 1, 0, 0, 0, 60, 0, 9, 0, 1, 0, 1, 0, 1, 0x3F, 0x61, 0x62],
            [0xC0, 0xFF, 0, 33, 0, 1, 0, 0, 0, 60, 0, 7, 0, 1, 0, 1, 0, 1, 0],
        ] as [[UInt8]])
    func aBrokenRecordIsNeverATarget(_ bytes: [UInt8]) async throws {
        if case .records(let records) = try await Self.ask(.garbage(bytes)) {
            Issue.record("\(records) out of \(bytes)")
        }
    }

    @Test func silenceEndsBeforeTheConnectDeadlineDoes() async throws {
        let server = try NameServer([Self.service: .silence])
        let (answer, took) = await withCheckedContinuation { done in
            startThread(named: "ask") {
                let began = Clock.monotonic()
                let answer = Resolver(nameserver: ("127.0.0.1", server.port)).services(
                    "xmpp-client", domain: "example.test")
                done.resume(returning: (answer, Clock.monotonic() - began))
            }
        }
        guard case .failed = answer else {
            Issue.record("silence is a failure, not \(answer)")
            return
        }
        #expect(took < .seconds(10))
    }

    @Test(arguments: [0, 5, 11, 12, 30, 50, 70])
    func anAnswerThatIsCutShortIsNoAnswer(_ bytes: Int) async throws {
        if case .records(let records) = try await Self.ask(.cut(Self.two, bytes: bytes)) {
            Issue.record("\(records) out of \(bytes) bytes")
        }
    }

    // MARK: - The program

    /// Runs the filter for a@example.test with these services, `PORT` standing for the built-in server's.
    private static func run(
        _ records: @escaping @Sendable (LoopbackStage) -> [String: NameServer.Answer], _ more: [String] = [],
        expect: @escaping @Sendable (Process, LoopbackStage) throws -> Void
    ) async throws {
        try await scenario {
            let stage = try LoopbackStage([], domain: "example.test")
            let names = try NameServer(records(stage))
            let run = try stage.filter(
                ["--to", "b@example.test", "--retry", "fail-fast"] + more,
                environment: ["XMPP_BRIDGE_NAMESERVER=127.0.0.1:\(names.port)"])
            run.write("hello\n")
            run.closeInput()
            try expect(run, stage)
        }
    }

    private static let host = NameServer.Answer.records([.address([127, 0, 0, 1])])

    @Test func servicesAreTriedInTheirOrder() async throws {
        try await Self.run({ stage in
            [
                Self.service: .records([
                    .service(priority: 20, weight: 0, port: UInt16(stage.port), target: "good.example.test"),
                    .service(priority: 10, weight: 0, port: 1, target: "good.example.test"),
                ]), "good.example.test": Self.host,
            ]
        }) { run, _ in
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 0, "\(run.errors.text)")
        }
    }

    @Test func directTLSIsAService() async throws {
        try await Self.run({ stage in
            [
                "_xmpps-client._tcp.example.test": .records([
                    .service(priority: 1, weight: 0, port: UInt16(stage.directTLSPort), target: "good.example.test")
                ]), "good.example.test": Self.host,
            ]
        }) { run, _ in
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 0, "\(run.errors.text)")
        }
    }

    @Test func aDomainWithoutTheServiceIsNotTried() async throws {
        try await Self.run({ _ in
            [
                Self.service: .records([.service(priority: 0, weight: 0, port: 0, target: ".")]),
                "example.test": Self.host,
            ]
        }) { run, _ in
            #expect(run.wait(seconds: LoopbackStage.secondsMax) == 69)
            #expect(run.errors.text.contains("offers no XMPP to clients"), "\(run.errors.text)")
        }
    }

    @Test func aSilentNameServerIsLeftAtTheConnectDeadline() async throws {
        try await Self.run(
            { _ in
                [Self.service: .silence, "_xmpps-client._tcp.example.test": .silence, "example.test": .silence]
            }, ["--connect-timeout", "2s"]
        ) { run, _ in
            #expect(run.wait(seconds: 10) == 69)
            #expect(run.errors.lines.count == 1, "\(run.errors.text)")
            #expect(run.errors.text.contains("example.test"))
        }
    }
}

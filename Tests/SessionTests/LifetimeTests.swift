import Stanza
import Testing

@testable import Session

@Suite struct LifetimeTests {
    // MARK: - Deadlines

    /// Stops the server at each phase, in order.
    static let phases: [(String, @Sendable (inout Dialogue) -> Void)] = [
        ("example.org: no connection in time", { _ in }),
        (
            "xmpp.example.org:5222 did not answer: waiting for the stream header",
            { $0.feed(.connected(.plain(peer: Dialogue.peer))) }
        ),
        (
            "xmpp.example.org:5222 did not answer: waiting for stream features",
            { $0.feed(.streamOpened(Dialogue.header)) }
        ),
        ("xmpp.example.org:5222 did not answer: waiting for the answer to STARTTLS", { $0.features() }),
        ("xmpp.example.org:5222 did not answer: waiting for the TLS handshake", { $0.server(Dialogue.proceed) }),
        (
            "xmpp.example.org:5222 did not answer: waiting for the stream header inside TLS",
            { $0.feed(.secured(Dialogue.facts)) }
        ),
        (
            "xmpp.example.org:5222 did not answer: waiting for stream features",
            { $0.feed(.streamOpened(Dialogue.header)) }
        ),
        (
            "xmpp.example.org:5222 did not answer: waiting for the answer to authentication",
            { $0.features(Dialogue.plain) }
        ),
        (
            "xmpp.example.org:5222 did not answer: waiting for the stream header after authentication",
            { $0.server(Dialogue.success) }
        ),
        (
            "xmpp.example.org:5222 did not answer: waiting for stream features after authentication",
            { $0.feed(.streamOpened(Dialogue.header)) }
        ),
        (
            "xmpp.example.org:5222 did not answer: waiting for the resource to be bound",
            {
                $0.features(
                    Dialogue.bind, Dialogue.sm, "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>")
            }
        ),
        (
            "xmpp.example.org:5222 did not answer: waiting for the session to be established",
            { $0.bound() }
        ),
        (
            "xmpp.example.org:5222 did not answer: waiting for the answer to stream management",
            { $0.server("<iq type='result' id='\($0.lastID("session"))'/>") }
        ),
    ]

    @Test(arguments: phases.indices)
    func everyPhaseHasTheOneDeadline(_ stop: Int) throws {
        var talk = try Dialogue { $0.retry = .failFast }
        talk.feed(.start)
        for (_, step) in Self.phases[...stop] {
            talk.now = talk.now + .milliseconds(100)
            step(&talk)
        }
        #expect(talk.session.deadline == Instant(nanoseconds: 10_000_000_000))
        _ = talk.did()
        talk.now = Instant(nanoseconds: 9_999_999_999)
        talk.feed(.timeout)
        #expect(talk.did() == [])
        talk.passToDeadline()
        #expect(talk.did() == [.abortConnection, .ended(.unreachable(Self.phases[stop].0))])
        #expect(talk.session.deadline == nil)
    }

    @Test func silenceIsAskedAboutAndThenDeath() throws {
        var talk = try Dialogue.online()
        #expect(talk.session.deadline == talk.now + .seconds(60))
        talk.passToDeadline()
        #expect(talk.written() == "<r xmlns='urn:xmpp:sm:3'/>")
        #expect(talk.session.deadline == talk.now + .seconds(30))
        talk.pass(.seconds(29))
        #expect(talk.did() == [])
        talk.ack(0)
        #expect(talk.session.deadline == talk.now + .seconds(60))
        talk.passToDeadline()
        talk.passToDeadline()
        let actions = talk.did()
        #expect(actions.first == .abortConnection)
        #expect(actions.offline?.reason == "xmpp.example.org:5222 has not answered for 30 s")
    }

    @Test func anythingReceivedIsLife() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        for _ in 0..<3 {
            talk.pass(.seconds(29))
            talk.server("<message from='a@example.org'/>")
        }
        #expect(talk.session.isOnline)
        // What is on its way takes some milliseconds more at the slowest rate that is reckoned with.
        talk.pass(.seconds(31))
        #expect(!talk.session.isOnline)
    }

    @Test func aServerThatSendsButNeverAcknowledgesIsGivenUp() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        for _ in 0..<12 {
            talk.pass(.seconds(10))
            talk.server("<presence from='a@example.org/x'/>")
        }
        #expect(!talk.session.isOnline)
        #expect(talk.actions.offline?.reason.contains("requests for acknowledgement") == true)
    }

    @Test func withoutStreamManagementAPingAsks() throws {
        var talk = try Dialogue.online(managed: false)
        talk.passToDeadline()
        #expect(talk.output.contains("urn:xmpp:ping"))
        talk.pong("alive")
        #expect(talk.session.deadline == talk.now + .seconds(60))
    }

    @Test func theServersOwnIdleLimitIsKept() throws {
        let limits =
            "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes><idle-seconds>40</idle-seconds></limits>"
        var talk = try Dialogue()
        talk.feed(.start)
        talk.logIn(features: limits)
        #expect(talk.did().events.contains(.stanzaLimit(bytes: 10_000)))
        #expect(talk.session.deadline == talk.now + .seconds(20))
    }

    // MARK: - Policies

    @Test func theBackoffDoublesWithJitter() {
        let table: [(Int, UInt16, Duration)] = [
            (0, 0, .milliseconds(250)), (0, .max, .milliseconds(500)), (1, 0, .milliseconds(500)),
            (1, .max, .seconds(1)), (3, .max, .seconds(4)), (6, .max, .seconds(32)), (7, .max, .seconds(60)),
            (7, 0, .seconds(30)), (1_000, .max, .seconds(60)),
        ]
        for (failures, chance, wait) in table {
            let found = RetrySchedule.wait(
                failures: failures, first: .milliseconds(500), longest: .seconds(60), chance: chance)
            #expect(found == wait, "\(failures) failures, \(chance)")
        }
    }

    @Test func theBackoffBeginsAgainOnlyAfterAWhileOnline() throws {
        var talk = try Dialogue.online()
        func lose(after span: Duration) -> Duration? {
            talk.now = talk.now + span
            talk.feed(.disconnected(.closed("reset")))
            let wait = talk.did().offline?.retryIn
            talk.passToDeadline()
            talk.authenticate()
            talk.features(Dialogue.bind, Dialogue.sm)
            talk.resume(0)
            return wait
        }
        #expect(lose(after: .seconds(1)) == .milliseconds(250))
        #expect(lose(after: .seconds(1)) == .milliseconds(500))
        #expect(lose(after: .seconds(1)) == .seconds(1))
        #expect(lose(after: .seconds(31)) == .milliseconds(250))
    }

    @Test func failFastEndsWithTheFirstFailure() throws {
        var talk = try Dialogue { $0.retry = .failFast }
        talk.feed(.start)
        _ = talk.did()
        talk.feed(.disconnected(.name("example.org: no such host")))
        #expect(talk.did() == [.ended(.unreachable("example.org: no such host"))])
    }

    @Test func withinEndsWhenItsTimeRunsOut() throws {
        var talk = try Dialogue { $0.retry = .within(.seconds(30)) }
        talk.feed(.start)
        var attempts = 0
        while talk.session.deadline != nil, attempts < 100 {
            attempts += 1
            talk.feed(.disconnected(.unreachable("refused")))
            talk.passToDeadline()
        }
        #expect(talk.now == Instant(nanoseconds: 30_000_000_000))
        #expect(talk.actions.ending == .unreachable("refused"))
        #expect(attempts == 7)  // 0.25 + 0.5 + 1 + 2 + 4 + 8 + 14.25
    }

    @Test func withinCutsAnAttemptShort() throws {
        var talk = try Dialogue { $0.retry = .within(.seconds(3)) }
        talk.feed(.start)
        #expect(talk.session.deadline == Instant(nanoseconds: 3_000_000_000))
        talk.passToDeadline()
        #expect(talk.actions.ending == .unreachable("example.org: no connection in time"))
    }

    @Test func withinBeginsAgainEachTimeItIsOnline() throws {
        var talk = try Dialogue.online { $0.retry = .within(.seconds(10)) }
        talk.pass(.seconds(20))
        talk.feed(.disconnected(.closed("reset")))
        #expect(talk.did().offline?.retryIn != nil)
    }

    // MARK: - Leaving

    @Test func leavingIsOrderly() throws {
        var talk = try Dialogue.online(presence: .init())
        talk.server("<message from='a@example.org'/>")
        _ = talk.did()
        talk.feed(.handled(upTo: talk.session.inboundStanza))
        talk.feed(.leave)
        #expect(
            talk.written() == "<a xmlns='urn:xmpp:sm:3' h='1'/><presence type='unavailable'/></stream:stream>")
        #expect(talk.did() == [] && !talk.session.canSend)
        talk.server("<message from='a@example.org'/>")
        #expect(talk.did() == [])
        talk.feed(.streamClosed)
        #expect(talk.did() == [.closeConnection, .keepStream(nil), .ended(.left)])
        #expect(talk.session.deadline == nil)
        talk.feed(.start)
        #expect(talk.did() == [])
    }

    @Test func leavingHasADeadline() throws {
        var talk = try Dialogue.online()
        talk.feed(.leave)
        #expect(talk.written() == "<a xmlns='urn:xmpp:sm:3' h='0'/></stream:stream>")
        #expect(talk.session.deadline == talk.now + .seconds(5))
        talk.passToDeadline()
        #expect(talk.did() == [.abortConnection, .keepStream(nil), .ended(.left)])
    }

    @Test func leavingWithoutAStreamEndsAtOnce() throws {
        var idle = try Dialogue()
        idle.feed(.leave)
        #expect(idle.did() == [.ended(.left)])
        var connecting = try Dialogue()
        connecting.feed(.start)
        connecting.connectTLS()
        _ = connecting.did()
        connecting.feed(.leave)
        #expect(connecting.did() == [.abortConnection, .ended(.left)])
        var waiting = try Dialogue.online()
        waiting.feed(.disconnected(.closed("reset")))
        _ = waiting.did()
        waiting.feed(.leave)
        #expect(waiting.did() == [.ended(.left)])
    }

    /// The order to bind of an attempt that was given up may come to the server late, and take the resource from the next.
    @Test(arguments: [0, 60, 150]) func aConflictWithOurOwnGhostIsForgivenOnce(_ seconds: Int) throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.passToDeadline()
        #expect(talk.did().offline?.reason.contains("bound") == true)
        talk.passToDeadline()
        talk.logIn()
        #expect(talk.session.isOnline)
        talk.now = talk.now + .seconds(seconds)
        _ = talk.did()
        talk.server("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        #expect((talk.did().ending == nil) == (seconds < 120))
        if seconds >= 120 { return }
        while !talk.actions.contains(.connect(.account)) { talk.passToDeadline() }
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        talk.bound()
        talk.server(Dialogue.enabled)
        talk.server("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        #expect(talk.did().ending?.reason.hasPrefix("conflict") == true)
    }
}

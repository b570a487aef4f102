import Stanza
import Testing

@testable import Session

/// Faults of the peer, and what each means for the session.
@Suite struct FaultTests {
    enum Expected: Equatable { case refused, protocolFailure, retried }
    static let faults: [(String, Expected, Expected, @Sendable (inout Dialogue) -> Void)] = [
        (
            "wrong password", .refused, .refused,
            {
                $0.connectTLS()
                $0.features(Dialogue.plain)
                $0.server("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
            }
        ),
        (
            "temporary failure", .retried, .retried,
            {
                $0.connectTLS()
                $0.features(Dialogue.plain)
                $0.server("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure>")
            }
        ),
        (
            "no shared mechanism", .protocolFailure, .retried,
            {
                $0.connectTLS()
                $0.features(
                    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>X</mechanism></mechanisms>")
            }
        ),
        ("certificate", .protocolFailure, .retried, { $0.feed(.disconnected(.certificate("expired"))) }),
        ("injection", .protocolFailure, .retried, { $0.feed(.disconnected(.injected)) }),
        (
            "not XMPP", .protocolFailure, .retried,
            {
                $0.feed(.connected(.plain(peer: Dialogue.peer)))
                $0.feed(.disconnected(.malformed(condition: "not-well-formed", "no XML")))
            }
        ),
        (
            "no version", .protocolFailure, .retried,
            {
                $0.feed(.connected(.plain(peer: Dialogue.peer)))
                $0.feed(.streamOpened(StreamHeader(id: nil, from: nil, version: nil)))
            }
        ),
        (
            "STARTTLS refused", .protocolFailure, .retried,
            {
                $0.feed(.connected(.plain(peer: Dialogue.peer)))
                $0.feed(.streamOpened(Dialogue.header))
                $0.features()
                $0.server("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            }
        ),
        (
            "host unknown", .protocolFailure, .retried,
            {
                $0.connectTLS()
                $0.server(
                    "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
            }
        ),
        (
            "going down", .retried, .retried,
            {
                $0.connectTLS()
                $0.server(
                    "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
            }
        ),
        ("refused port", .retried, .retried, { $0.feed(.disconnected(.unreachable("refused"))) }),
        (
            "an answer out of place", .protocolFailure, .retried,
            {
                $0.connectTLS()
                $0.server("<message/>")
            }
        ),
    ]

    @Test(arguments: faults.indices, [false, true])
    func whatNoRetryMends(_ index: Int, _ wasOnline: Bool) throws {
        let (name, first, later, play) = Self.faults[index]
        var talk = try wasOnline ? Dialogue.online() : Dialogue()
        if wasOnline { talk.feed(.disconnected(.closed("reset"))) } else { talk.feed(.start) }
        if wasOnline { talk.passToDeadline() }
        _ = talk.did()
        play(&talk)
        let found: Expected =
            switch talk.did().ending {
            case .refused: .refused
            case .protocolFailure: .protocolFailure
            case nil: .retried
            case .left, .conflict, .unreachable: .retried
            }
        #expect(found == (wasOnline ? later : first), "\(name)")
        #expect((found == .retried) == (talk.session.deadline != nil))
    }

    @Test func aWrongPasswordSaysSo() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        Self.faults[0].3(&talk)
        guard case .refused(let words) = talk.did().ending else {
            Issue.record("not refused")
            return
        }
        #expect(
            words.hasPrefix(
                "bridge@example.org at xmpp.example.org:5222: authentication refused (not-authorized); check the account's"
            ))
    }

    @Test func malformedIsAnsweredByItsStreamError() throws {
        var talk = try Dialogue.online()
        talk.feed(.disconnected(.malformed(condition: "restricted-xml", "a comment")))
        #expect(
            talk.written()
                == "<stream:error><restricted-xml xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                + "</stream:stream>")
        #expect(talk.did().first == .closeConnection)
    }

    @Test func conflictEndsTheSession() throws {
        var talk = try Dialogue.online()
        talk.server("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        let words =
            "conflict: another client bound the resource r of bridge@example.org; "
            + "stop it, or give this one a resource of its own"
        #expect(
            talk.did() == [
                .closeConnection, .event(.offline(reason: words, retryIn: nil)), .keepStream(nil),
                .ended(.conflict(words)),
            ])
        #expect(talk.written() == "</stream:stream>")
    }

    /// After a first login the resource may be held by the ghost of our own last stream.
    @Test(arguments: [false, true])
    func aConflictOfBindEndsAFirstLogin(_ wasOnline: Bool) throws {
        var talk = try wasOnline ? Dialogue.online(managed: false) : Dialogue()
        if wasOnline { talk.feed(.disconnected(.closed("reset"))) } else { talk.feed(.start) }
        if wasOnline { talk.passToDeadline() }
        talk.authenticate()
        talk.features(Dialogue.bind)
        talk.server(
            "<iq type='error' id='\(talk.lastID("bind"))'><error type='cancel'>"
                + "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
        let words =
            "xmpp.example.org:5222 does not bind the resource r: conflict; "
            + "another client holds it: give this one a resource of its own"
        #expect(talk.actions.ending == (wasOnline ? nil : .conflict(words)))
        if wasOnline { #expect(talk.actions.offline?.reason == words && talk.session.deadline != nil) }
    }

    @Test func anotherResourceThanAskedForIsAWarning() throws {
        var talk = try Dialogue(resource: "mine")
        talk.feed(.start)
        talk.logIn(managed: false)
        #expect(
            talk.did().events.contains(
                .warning("xmpp.example.org:5222 bound bridge@example.org/r instead of the resource mine")))
    }

    @Test func seeOtherHostIsFollowedSoOften() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        for round in 0..<4 {
            _ = talk.did()
            talk.connectTLS()
            talk.server(
                "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>b.example:99"
                    + "</see-other-host></stream:error>")
            let actions = talk.did()
            if round < 3 {
                #expect(actions.last == .connect(.location(host: "b.example", port: 99)))
            } else {
                #expect(actions.last == .connect(.account))
            }
        }
    }

    @Test func theServersWordsAreShownOnOneLine() throws {
        var talk = try Dialogue.online()
        talk.server(
            "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                + "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>too\nmuch</text></stream:error>")
        #expect(
            talk.did().offline?.reason == "xmpp.example.org:5222 ended the stream: policy-violation (too much)")
    }
}

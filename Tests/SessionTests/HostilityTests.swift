import Stanza
import Testing

@testable import Session

/// Anything from the peer at any time: the session never traps, and its orders to the driver stay in order.
@Suite struct HostilityTests {
    static let elements = [
        "<stream:features/>", "<stream:features>\(Dialogue.startTLS)\(Dialogue.plain)</stream:features>",
        "<stream:features>\(Dialogue.plain)</stream:features>",
        "<stream:features>\(Dialogue.bind)\(Dialogue.sm)</stream:features>",
        "<stream:features>\(Dialogue.bind)</stream:features>", Dialogue.proceed, Dialogue.success, Dialogue.enabled,
        "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AA==</challenge>",
        "<failed xmlns='urn:xmpp:sm:3'/>", "<failed xmlns='urn:xmpp:sm:3' h='4'/>",
        "<resumed xmlns='urn:xmpp:sm:3' h='1' previd='sm-1'/>", "<r xmlns='urn:xmpp:sm:3'/>",
        "<a xmlns='urn:xmpp:sm:3' h='0'/>", "<a xmlns='urn:xmpp:sm:3' h='3'/>", "<a xmlns='urn:xmpp:sm:3'/>",
        "<iq type='result' id='aaaaaa-bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            + "<jid>bridge@example.org/r</jid></bind></iq>",
        "<iq type='result' id='aaaaaa-accept-1'/>", "<iq type='result' id='aaaaaa-accept-3'/>", "<iq/>",
        "<iq type='get'/>", "<iq type='set' id='1'><query xmlns='jabber:iq:roster'/></iq>",
        "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "<message/>", "<message type='error'/>",
        "<iq type='result' id='aaaaaa-blocks-3'><blocklist xmlns='urn:xmpp:blocking'><item/></blocklist></iq>",
        "<iq type='error' id='aaaaaa-blocks-3'/>", "<iq type='result' id='aaaaaa-ask-5'/>",
        "<iq type='error' id='aaaaaa-ask-6'><error type='cancel'>"
            + "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<iq type='set' id='1'><block xmlns='urn:xmpp:blocking'><item jid='a@b'/></block></iq>",
        "<iq type='set' id='1'><unblock xmlns='urn:xmpp:blocking'/></iq>",
        "<iq type='set' id='1'><query xmlns='jabber:iq:privacy'><list name='xmpp-bridge'/></query></iq>",
        "<message from='a@b/c' id='1'><body>?OTR</body><request xmlns='urn:xmpp:receipts'/></message>",
        "<message><received xmlns='urn:xmpp:carbons:2'/></message>",
        "<message><sent xmlns='urn:xmpp:carbons:2'/></message>",
        "<presence/>", "<presence type='subscribe' from='a@b'/>", "<presence type='error'/>", "<other xmlns='x'/>",
        "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", "<stream:error/>",
        "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>x:1</see-other-host></stream:error>",
    ].map(TestXML.element)

    /// What the driver holds.
    enum Connection { case none, attempted, open }

    struct Play {
        var random: WorldTests.World.Dice
        var talk: Dialogue
        var connection = Connection.none
        var row: UInt64 = 0
        var hasEnded = false
        var asked: UInt64 = 0
        var waiting: Set<UInt64> = []

        mutating func obey() {
            for action in talk.did() {
                #expect(!hasEnded, "nothing after the end")
                switch action {
                case .connect:
                    #expect(connection == .none)
                    connection = .attempted
                case .closeConnection, .abortConnection:
                    #expect(connection != .none)
                    connection = .none
                case .startTLS, .restartStream, .derive: #expect(connection == .open)
                case .ended:
                    #expect(connection == .none && waiting.isEmpty)
                    hasEnded = true
                case .event(.answered(let tag, _)): #expect(waiting.remove(tag) != nil)
                case .event, .accepted, .foundInArchive, .returned, .writable, .spill, .keepStream, .drained: break
                }
            }
        }

        mutating func step() {
            switch random.roll(10) {
            case 0: talk.pass(.milliseconds(random.roll(3_000)))
            case 1: talk.passToDeadline()
            case 2:
                if connection != .none {
                    let failures: [TransportFailure] = [.closed("x"), .unreachable("x"), .handshake("x"), .injected]
                    connection = .none
                    talk.feed(.disconnected(failures[random.roll(4)]))
                }
            case 3:
                if connection == .open { talk.feed(.streamClosed) }
            case 4:
                for _ in 0...random.roll(5) where talk.session.canSend {
                    row += 1
                    talk.send(row)
                }
                talk.flush()
            case 5:
                talk.feed(.handled(upTo: UInt64(random.roll(50))))
                ask()
            case 6, 7:
                // A connection now and then goes the right way for a while.
                if connection == .attempted {
                    connection = .open
                    talk.feed(.connected(.tls(Dialogue.facts, peer: Dialogue.peer)))
                    obey()
                    if random.roll(3) > 0 { behave() }
                }
            case _:
                if connection == .open {
                    switch random.roll(12) {
                    case 0: talk.feed(.streamOpened(Dialogue.header))
                    case 1: talk.feed(.secured(Dialogue.facts))
                    case 2:
                        let unasked = KeyDerivation(hash: .sha1, password: Secret(""), salt: [], iterations: 1)
                        talk.feed(.derived(DerivedKeys(saltedPassword: [], of: unasked)))
                    case _: talk.feed(.element(HostilityTests.elements[random.roll(HostilityTests.elements.count)]))
                    }
                }
            }
            obey()
            check()
        }

        /// Any question, of which each is answered once.
        mutating func ask() {
            asked += 1
            let questions: [Question] = [.rosterGet, .blockList, .block([]), .ping(nil), .unblock([])]
            do {
                try talk.session.ask(questions[random.roll(5)], tag: asked, at: talk.now)
                talk.flush()
                waiting.insert(asked)
            } catch { #expect(error == .offline) }
        }

        mutating func behave() {
            for text in ["<stream:features>\(Dialogue.plain)</stream:features>", Dialogue.success] {
                talk.feed(.streamOpened(Dialogue.header))
                obey()
                if connection == .open { talk.server(text) }
                obey()
            }
            guard connection == .open else { return }
            talk.feed(.streamOpened(Dialogue.header))
            talk.features(Dialogue.bind, Dialogue.sm)
            obey()
            if connection == .open && !talk.session.isOnline { talk.bound() }
            obey()
            if connection == .open && random.roll(2) == 0 { talk.server(Dialogue.enabled) }
        }

        func check() {
            #expect(!talk.session.canSend || talk.session.isOnline)
            #expect((talk.session.deadline == nil) == hasEnded)
            #expect(!talk.session.isOnline || connection == .open)
            if hasEnded { #expect(!talk.session.isOnline) }
        }
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func anythingAtAnyTime(_ seed: UInt64) throws {
        // After a first login faults are retried, so the play goes on.
        let presence = seed % 2 == 0 ? nil : Configuration.Presence()
        var talk = try seed % 4 == 0 ? Dialogue(presence: presence) : Dialogue.online(presence: presence)
        if seed % 4 == 0 { talk.feed(.start) }
        var play = Play(random: .init(random: .init(state: seed)), talk: talk)
        if seed % 4 != 0 { play.connection = .open }
        play.obey()
        for _ in 0..<300 { play.step() }
        play.talk.feed(.leave)
        play.obey()
        play.talk.passToDeadline()
        play.obey()
        #expect(play.hasEnded)
    }

    @Test func nothingOfTheSessionShowsThePassword() throws {
        var talk = try Dialogue { $0.credentials = .password(Secret("correct horse")) }
        _ = talk.session.handle(.start, at: talk.now)
        talk.connectTLS()
        _ = talk.session.handle(
            .element(TestXML.element("<stream:features>\(Dialogue.plain)</stream:features>")), at: talk.now)
        var dumped = ""
        dump(talk.session, to: &dumped)
        for text in [dumped, "\(talk.session)", String(reflecting: talk.session), "\(talk.session.negotiation)"] {
            #expect(!text.contains("horse") && !text.contains("Y29ycmVjdCBob3JzZQ"))
        }
        #expect(dumped.contains("waiting for the answer to authentication"))
    }

    @Test func presenceCanChange() throws {
        var talk = try Dialogue.online()
        talk.session.show(.init(show: "dnd"), at: talk.now)
        talk.flush()
        #expect(talk.written().hasPrefix("<presence><show>dnd</show><c "))
        talk.feed(.leave)
        #expect(talk.written().contains("<presence type='unavailable'/>"))
    }
}

extension WorldTests.World {
    /// Chance from a seed.
    struct Dice {
        var random: WorldTests.Random
        mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &random) }
    }
}

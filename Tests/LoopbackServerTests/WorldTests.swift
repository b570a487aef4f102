import LoopbackServer
import Stanza
import Testing

/// A small generator: the same numbers for the same seed, everywhere.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func roll(_ sides: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(sides))
    }

    mutating func pick<Item>(_ items: [Item]) -> Item { items[roll(items.count)] }
}

/// Whole worlds, each from one seed.
@Suite struct WorldTests {
    /// A client that keeps what is not acknowledged and sends it again after a resumption or a fresh bind.
    struct Client {
        let name: String
        var connection: UInt64 = 0
        var previous = ""
        /// Stanzas taken in this session.
        var handled: UInt32 = 0
        /// Messages not acknowledged yet, the oldest first, and how many stanzas were acknowledged before them.
        var kept: [String] = []
        var acknowledged: UInt32 = 0
        var bodies: [String] = []

        mutating func take(_ text: String, _ dialogue: inout Dialogue) {
            for element in Reader.elements(text) {
                switch element.name {
                case "message":
                    handled &+= 1
                    bodies.append(element.child("body", NS.client)?.text ?? "")
                case "iq", "presence": handled &+= 1
                case "r": dialogue.say(connection, "<a xmlns='urn:xmpp:sm:3' h='\(handled)'/>")
                case "a", "resumed": forget(UInt32(element["h"] ?? "") ?? 0)
                default: break
                }
            }
        }

        /// The presence of the login is the first stanza that counts.
        mutating func forget(_ h: UInt32) {
            kept.removeFirst(min(Int(h &- acknowledged), kept.count))
            acknowledged = h
        }

        mutating func send(_ body: String, _ dialogue: inout Dialogue) {
            let message = "<message to='bob@localhost' type='chat'><body>\(body)</body></message>"
            kept.append(message)
            dialogue.say(connection, message)
        }

        mutating func start(_ id: UInt64, _ dialogue: inout Dialogue) {
            connection = id
            dialogue.bind(id, name, "home")
            previous = dialogue.enable(id)
            handled = 0
            acknowledged = 0
            let again = kept
            kept = ["<presence/>"] + again
            for stanza in kept { dialogue.say(id, stanza) }
        }

        mutating func reconnect(_ id: UInt64, _ dialogue: inout Dialogue) {
            connection = id
            dialogue.authenticate(id, name)
            _ = dialogue.hear(id)
            let answer = dialogue.resume(id, previous, h: handled)
            guard answer.hasPrefix("<resumed ") else {
                if let h = attribute("h", of: answer).flatMap({ UInt32($0) }) { forget(h) }
                kept.removeAll { $0 == "<presence/>" }
                start(id, &dialogue)
                return
            }
            take(answer, &dialogue)
            for stanza in kept { dialogue.say(id, stanza) }
        }
    }

    /// Connections break in the middle of everything; what was sent arrives, and where every session could be resumed,
    /// in order and once.
    @Test(arguments: 1...24) func nothingIsLostByBrokenConnections(_ seed: Int) throws {
        let (sent, arrived) = try world(seed, faults: [])
        #expect(sent.count > 100)
        if seed % 3 == 0 {
            #expect(Set(arrived) == Set(sent))
        } else {
            #expect(arrived == sent)
        }
    }

    /// The canary: one message acknowledged but lost is seen by the test above.
    @Test(arguments: 1...5) func aLostMessageIsMissed(_ seed: Int) throws {
        let (sent, arrived) = try world(seed, faults: ["*:messages=3:lose"])
        #expect(Set(arrived) != Set(sent))
    }

    private func world(_ seed: Int, faults: [String]) throws -> (sent: [String], arrived: [String]) {
        var dice = Dice(seed: UInt64(seed))
        let mayExpire = seed % 3 == 0
        var dialogue = try Dialogue(faults: faults) { $0.resumptionTimeout = .seconds(10) }
        var alice = Client(name: "alice")
        var bob = Client(name: "bob")
        var next: UInt64 = 3
        alice.start(1, &dialogue)
        bob.start(2, &dialogue)
        var sent: [String] = []
        for _ in 0..<300 {
            switch dice.roll(10) {
            case 0...5:
                sent.append("\(sent.count)")
                alice.send("\(sent.count - 1)", &dialogue)
            case 6: bob.take(dialogue.hear(bob.connection), &dialogue)
            case 7:
                dialogue.say(alice.connection, "<r xmlns='urn:xmpp:sm:3'/>")
                alice.take(dialogue.hear(alice.connection), &dialogue)
            case 8:
                if dice.roll(3) == 0 { _ = dialogue.hear(bob.connection) }  // lost on the way, else read before the end
                bob.take(dialogue.hear(bob.connection), &dialogue)
                dialogue.input(.disconnected(bob.connection))
                if mayExpire && dice.roll(2) == 0 { dialogue.pass(.seconds(11)) }
                bob.reconnect(next, &dialogue)
                next += 1
            default:
                dialogue.input(.disconnected(alice.connection))
                if mayExpire && dice.roll(2) == 0 { dialogue.pass(.seconds(11)) }
                alice.reconnect(next, &dialogue)
                next += 1
            }
        }
        bob.take(dialogue.hear(bob.connection), &dialogue)
        return (sent, bob.bodies)
    }

    /// Clients say anything at any time, faults strike anywhere: nothing is written behind the end of a connection,
    /// and the same seed does the same.
    @Test(arguments: 1...10) func anythingCanBeSaid(_ seed: Int) throws {
        let first = try run(seed)
        #expect(first.count > 300)
        #expect(try run(seed) == first)
    }

    private func run(_ seed: Int) throws -> [Server.Action] {
        var dice = Dice(seed: UInt64(seed))
        var server = try Self.server(&dice)
        var sockets = Sockets()
        var now = Instant(nanoseconds: 0)
        for step in 0..<1_000 {
            now = now + .milliseconds(dice.roll(100))
            for input in sockets.inputs(&dice, fresh: UInt64(step + 1)) {
                let actions = server.handle(input, at: now, wall: WallTime(milliseconds: Int64(step)))
                for action in actions { sockets.check(action) }
            }
        }
        return sockets.done
    }

    private static func server(_ dice: inout Dice) throws -> Server {
        let triggers = Fault.Trigger.allCases.filter { $0 != .bytesIn && $0 != .bytesOut }.map(\.rawValue)
        let effects = [
            "abort", "close=reset", "stall", "pause=5ms", "withhold-acks", "ack=+1", "forget", "restart",
            "restart-keeping", "repeat-acks", "send=x",
            "deliver=<message/>", "room-forget=ops", "rooms-silent", "rooms-answer", "rooms-restart", "rooms-shutdown",
            "rooms-withhold=2", "rooms-limit=50ms",
        ]
        var faults: [Fault] = []
        for _ in 0..<6 {
            let moment = (dice.roll(2) == 0 ? "" : "after-") + dice.pick(triggers)
            let text = "\(dice.roll(8) + 1):\(moment)=\(dice.roll(3) + 1):\(dice.pick(effects))"
            faults.append(try Fault(parsing: text))
        }
        var configuration = try Server.Configuration(
            domain: "localhost", accounts: [("alice", "secret"), ("bob", "secret")])
        configuration.saslMechanisms = [.plain]
        configuration.profile = dice.pick(Server.Configuration.Profile.allCases)
        var room = try Server.Configuration.Room("ops")
        room.affiliations = [(try JID("alice@localhost"), .owner)]
        configuration.roomService.rooms = [room]
        configuration.limits.offlineStanzasMax = 5
        configuration.limits.unacknowledgedStanzasMax = 20
        return Server(configuration, faults: faults, random: Dialogue.counting())
    }

    /// The sockets of a driver, and what must be true of what it is told to do with them.
    private struct Sockets {
        var open: [UInt64] = []
        /// Ended by the server; the driver has not said so yet.
        var gone: [UInt64] = []
        var over: Set<UInt64> = []
        var done: [Server.Action] = []

        mutating func inputs(_ dice: inout Dice, fresh: UInt64) -> [Server.Input] {
            if !gone.isEmpty && dice.roll(3) == 0 { return [.disconnected(gone.removeFirst())] }
            if open.count < 3 || dice.roll(100) == 0 {
                open.append(fresh)
                return [.connected(fresh, directTLS: dice.roll(2) == 0)]
                    + WorldTests.login(fresh, dice.pick(["alice", "bob"]))
            }
            let id = dice.pick(open)
            switch dice.roll(200) {
            case 0:
                open.removeAll { $0 == id }
                return [.disconnected(id)]
            case 1: return [.streamClosed(id)]
            case 2: return [.streamBroken(id, condition: "not-well-formed")]
            case 3: return [.secured(id)]
            case 4: return [.streamOpened(id, WorldTests.header)]
            case 5: return [.timeout]
            case 6...9: return [.element(id, dice.pick(WorldTests.ends))]
            default: return [.element(id, dice.pick(WorldTests.pieces))]
            }
        }

        mutating func check(_ action: Server.Action) {
            switch action {
            case .write(let id, let bytes): #expect(!over.contains(id) && !bytes.isEmpty)
            case .startTLS(let id), .restartStream(let id): #expect(!over.contains(id))
            case .close(let id), .abort(let id):
                #expect(over.insert(id).inserted)
                open.removeAll { $0 == id }
                gone.append(id)
            case .observed: break
            }
            done.append(action)
        }
    }

    private static let header = Element("stream", NS.stream.description, ["to": "localhost", "version": "1.0"])

    private static func login(_ id: UInt64, _ name: String) -> [Server.Input] {
        let word = name == "alice" ? "AGFsaWNlAHNlY3JldA==" : "AGJvYgBzZWNyZXQ="
        let auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(word)</auth>"
        return [
            .streamOpened(id, header), .element(id, Reader.element(auth)), .streamOpened(id, header),
            .element(id, Reader.element(FaultTests.bind)),
            .element(id, Reader.element("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")),
        ]
    }

    private static let pieces = [
        "<presence/>", "<presence type='unavailable'/>", "<presence to='bob@localhost/home'/>",
        "<presence type='subscribe' to='bob@localhost'/>", "<presence type='subscribed' to='alice@localhost'/>",
        "<presence type='unsubscribe' to='alice@localhost'/>", "<presence type='unsubscribed' to='bob@localhost'/>",
        "<message to='bob@localhost'><body>b</body></message>",
        "<message to='alice@localhost'><body>a</body></message>",
        "<message to='alice@localhost/home'><body>h</body></message>", "<message to='x@localhost' type='chat'/>",
        "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
        "<iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='bob@localhost'/></query></iq>",
        "<iq type='set' id='3'><query xmlns='jabber:iq:roster'><item jid='bob@localhost' subscription='remove'/></query></iq>",
        "<iq type='get' id='4' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", "<iq type='odd'/>",
        "<iq type='get' id='5' to='bob@localhost/home'><query xmlns='urn:x'/></iq>",
        "<presence to='ops@conference.localhost/a'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
        "<presence to='ops@conference.localhost/b'/>", "<presence type='unavailable' to='ops@conference.localhost/a'/>",
        "<presence to='new@conference.localhost/a'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
        "<message type='groupchat' to='ops@conference.localhost'><body>b</body></message>",
        "<message type='chat' to='ops@conference.localhost/b'><body>b</body></message>",
        "<iq type='set' id='6' to='ops@conference.localhost'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='b' role='none'/></query></iq>",
        "<iq type='set' id='7' to='new@conference.localhost'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>",
        "<iq type='get' id='8' to='ops@conference.localhost/a'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq type='set' id='9'><enable xmlns='urn:xmpp:carbons:2'/></iq>",
        "<iq type='set' id='10'><block xmlns='urn:xmpp:blocking'><item jid='bob@localhost'/></block></iq>",
        "<iq type='set' id='11'><unblock xmlns='urn:xmpp:blocking'/></iq>",
        "<r xmlns='urn:xmpp:sm:3'/>", "<enable xmlns='urn:xmpp:sm:3' resume='1'/>",
        "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>",
    ].map { Reader.element($0) }

    /// What mostly ends a stream.
    private static let ends = [
        "<a xmlns='urn:xmpp:sm:3' h='1'/>", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<letter/>",
        "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>YQ==</response>", "<message from='x@y'/>",
    ].map { Reader.element($0) }
}

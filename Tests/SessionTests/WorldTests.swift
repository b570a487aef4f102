import Stanza
import Testing

@testable import Session

/// A server that loses connections, forgets sessions and acknowledges when it likes, all from one seed: whatever the
/// interleaving, every row is accepted exactly once, in order, after the server has seen it, and `h` names nothing
/// that no sink has written.
@Suite struct WorldTests {
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// The server's side: what it has seen on the wire, and what it owes.
    struct Server {
        var managed: Bool
        /// Stanzas counted in the session that can be resumed.
        var handled: UInt32 = 0
        /// The first stanza of ours that `handled` counts was seen under this session id.
        var id = 0
        /// Rows in the order of their first arrival.
        var rows: [UInt64] = []
        var pings: [String] = []
        var requests = 0
        /// Stanzas to the client in this session.
        var sent: [String] = []

        /// Reads what the client wrote; the dialogue's stanzas are flat enough to be split at their ends.
        mutating func read(_ text: String) -> [String] {
            var orders: [String] = []
            for piece in text.split(separator: "<").map(String.init) {
                if piece.hasPrefix("message id='") {
                    handled &+= 1
                    let row = UInt64(piece.dropFirst(12).prefix { $0 != "'" }) ?? 0
                    if rows.last.map({ $0 < row }) ?? true { rows.append(row) }
                } else if piece.hasPrefix("iq ") {
                    handled &+= 1
                    let id = piece.split(separator: "id='")[1].prefix { $0 != "'" }
                    if id.contains("accept") || id.contains("alive") { pings.append(String(id)) }
                } else if piece.hasPrefix("presence") {
                    handled &+= 1
                } else if piece.hasPrefix("r ") {
                    requests += 1
                } else if piece.hasPrefix("resume ") {
                    orders.append(String(piece.split(separator: "h='")[1].prefix { $0 != "'" }))
                }
            }
            return orders
        }
    }

    struct World {
        var random: Random
        var talk: Dialogue
        var server: Server
        var nextRow: UInt64 = 1
        var accepted: UInt64 = 0
        /// Numbers of stanzas whose events wait, and the newest that was handled.
        var told: UInt64 = 0
        /// The number of the last stanza before the server's session began.
        var origin: UInt64 = 0
        var handledByUs: UInt64 = 0
        /// Messages from the server by their ids, in the order the bridge heard of them.
        var heard: [Int] = []
        /// The numbers the session gave them.
        var numbers: [UInt64] = []
        var nextMessage = 1

        mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &random) }

        /// What the session has written and asked for since the last look.
        mutating func look() {
            _ = server.read(talk.written())
            told = max(told, talk.session.inboundStanza)
            for action in talk.did() {
                switch action {
                case .accepted(let row):
                    #expect(row > accepted && row < nextRow)
                    #expect(server.rows.last.map { $0 >= row } ?? false)
                    accepted = row
                case .event(.message(let message)):
                    heard.append(message.stanza["id"].flatMap { Int($0) } ?? 0)
                    numbers.append(talk.session.inboundStanza)
                case .spill(let number):
                    handledByUs = max(handledByUs, number)
                    talk.feed(.handled(upTo: number))
                case .event, .foundInArchive, .returned, .writable, .connect, .restartStream, .startTLS, .derive,
                    .drained,
                    .keepStream,
                    .closeConnection, .abortConnection, .ended:
                    break
                }
            }
        }

        mutating func step() {
            switch roll(12) {
            case 0...3:
                for _ in 0...roll(6) where talk.session.canSend {
                    talk.send(nextRow)
                    nextRow += 1
                }
                talk.flush()
            case 4, 5:
                if server.managed, server.requests > 0 {
                    server.requests -= 1
                    talk.ack(server.handled)
                }
            case 6:
                if !server.pings.isEmpty {
                    say("<iq type='result' from='example.org' id='\(server.pings.removeFirst())'/>")
                }
            case 7:
                let xml = "<message from='a@example.org' id='\(nextMessage)'/>"
                nextMessage += 1
                say(xml)
            case 8:
                handledByUs = max(handledByUs, min(told, handledByUs + UInt64(roll(9))))
                talk.feed(.handled(upTo: handledByUs))
            case 9: talk.pass(.milliseconds(150))
            case 10: if server.managed { talk.server("<r xmlns='urn:xmpp:sm:3'/>") }
            case _: if roll(4) == 0 { reconnect() }
            }
            look()
        }

        /// The connection breaks, perhaps before the server has read what was written last.
        mutating func reconnect() {
            look()
            if server.managed && roll(2) == 0 {
                // These come by the replay of a resumption, or not at all.
                say("<message from='a@example.org' id='\(nextMessage)'/>", arrives: false)
                nextMessage += 1
            }
            if roll(2) == 0 {
                while talk.session.canSend && roll(3) > 0 {
                    talk.send(nextRow)
                    nextRow += 1
                }
                talk.flush()
                _ = talk.written()
            }
            talk.feed(.disconnected(.closed("reset")))
            look()
            talk.now = talk.now + .seconds(1)
            talk.feed(.timeout)
            while !talk.actions.contains(.connect(.account)) { talk.passToDeadline() }
            talk.authenticate()
            _ = talk.written()
            talk.features(Dialogue.bind, server.managed ? Dialogue.sm : "")
            var output = talk.written()
            server.requests = 0
            if let h = server.read(output).first.flatMap({ UInt64($0) }) {
                #expect(!numbers.contains { $0 > handledByUs && $0 <= origin + h }, "only what the sinks have written")
                if roll(3) > 0 { return resume(Int(h)) }
                let h = roll(2) == 0 ? " h='\(server.handled)'" : ""
                talk.server("<failed xmlns='urn:xmpp:sm:3'\(h)/>")
                output = talk.written()
            }
            server.handled = 0
            server.pings = []
            server.sent = []
            server.id += 1
            talk.output = output
            talk.bound()
            talk.output.removeFirst(output.count)
            if server.managed {
                _ = talk.written()
                talk.server("<enabled xmlns='urn:xmpp:sm:3' id='\(server.id)' resume='true'/>")
            }
            origin = talk.session.inbound.last
        }

        mutating func resume(_ h: Int) {
            talk.server("<resumed xmlns='urn:xmpp:sm:3' h='\(server.handled)' previd='\(server.id)'/>")
            look()
            for xml in server.sent[h...] {
                talk.server(xml)
                look()
            }
            server.requests -= 1
            talk.ack(server.handled)
        }

        /// The server sends a stanza; perhaps the connection breaks before it comes.
        mutating func say(_ xml: String, arrives: Bool = true) {
            server.sent.append(xml)
            if arrives { talk.server(xml) }
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>, [true, false])
    func everyRowIsAcceptedOnceAndInOrder(_ seed: UInt64, _ managed: Bool) throws {
        let id = "<enabled xmlns='urn:xmpp:sm:3' id='0' resume='true'/>"
        let talk = try Dialogue.online(managed: managed, enabled: id) {
            $0.limits.windowStanzas = 20
            $0.limits.inboundUnacknowledgedStanzas = 8
        }
        var world = World(random: Random(state: seed), talk: talk, server: Server(managed: managed))
        for _ in 0..<400 { world.step() }
        // The server becomes kind, and all ends well.
        for _ in 0..<60 {
            if managed { world.talk.ack(world.server.handled) }
            world.look()
            while !world.server.pings.isEmpty {
                world.say("<iq type='result' from='example.org' id='\(world.server.pings.removeFirst())'/>")
            }
            world.look()
            world.talk.pass(.milliseconds(250))
            world.look()
        }
        #expect(world.talk.session.isOnline)
        #expect(world.accepted == world.nextRow - 1)
        #expect(world.server.rows == Array(1..<world.nextRow))
        #expect(world.talk.session.unacceptedRows == 0 && world.talk.session.queue.unacceptedBytes == 0)
        #expect(zip(world.heard, world.heard.dropFirst()).allSatisfy { $0 < $1 }, "each message once, in order")
        #expect(world.talk.session.inbound.last == world.talk.session.inbound.current)
    }
}

import LoopbackServer
import Stanza
import Wire

/// Runs the server, in the manner of `LoopbackDriver`: connections of the bridge come through the network, those of the
/// peers are there at once.
final class ServerHost {
    /// What comes of a message that the server takes.
    enum Fate {
        /// It stays where it goes.
        case taken
        /// The contact's server sends it back, for good.
        case bounced
        /// The contact's server sends it back, for now.
        case postponed
    }

    private unowned let world: World
    private var server: LoopbackServer
    private var ends: [UInt64: ServerEnd] = [:]
    private var waiting: [LoopbackServer.Input] = []
    private var isFeeding = false
    private var timer: Instant?
    private var parties: [UInt64: Peer] = [:]
    private var lastPeer: UInt64 = 1 << 32
    /// Messages of the moody contact's server that come back once the next ping is read.
    private var bounces: [(to: JID, bytes: [UInt8])] = []

    init(_ world: World, _ configuration: LoopbackServer.Configuration) {
        self.world = world
        server = LoopbackServer(configuration, random: world.random(2))
    }

    // MARK: - Connections

    func accept(_ link: Link) {
        let end = ServerEnd(link, self)
        ends[link.number] = end
        feed(.connected(link.number, directTLS: true))
    }

    func received(_ bytes: [UInt8], on link: Link) { ends[link.number]?.received(bytes) }

    /// The connection is over, whoever ended it.
    func lost(_ link: Link) {
        guard !link.isServerTold else { return }
        link.isServerTold = true
        ends[link.number] = nil
        feed(.disconnected(link.number))
    }

    /// A peer connects; a number of its own.
    func join(_ peer: Peer) -> UInt64 {
        lastPeer += 1
        parties[lastPeer] = peer
        feed(.connected(lastPeer, directTLS: true))
        return lastPeer
    }

    // MARK: - Feeding

    func feed(_ input: LoopbackServer.Input) {
        waiting.append(input)
        guard !isFeeding else { return }
        isFeeding = true
        var next = 0
        while next < waiting.count {
            let actions = server.handle(waiting[next], at: world.now, wall: world.trueWall)
            next += 1
            for action in actions { perform(action) }
        }
        waiting.removeAll(keepingCapacity: true)
        isFeeding = false
        schedule()
    }

    /// What a client's parser found.
    func tell(_ event: StreamParser.Event, on link: Link) {
        switch event {
        case .opened(let header): feed(.streamOpened(link.number, header))
        case .element(let element):
            if !bounces.isEmpty, element.child("ping", NS.ping) != nil { sendBounces() }
            feed(.element(link.number, element))
        case .closed: feed(.streamClosed(link.number))
        }
    }

    private func sendBounces() {
        let due = bounces
        bounces = []
        for (to, bytes) in due { feed(.forged(to: to, bytes)) }
    }

    private func perform(_ action: LoopbackServer.Action) {
        switch action {
        case .write(let id, let bytes):
            if let end = ends[id] { world.transmit(world.spoilAcks(bytes), .down, on: end.link) }
        case .startTLS: preconditionFailure("a server of direct TLS offers no STARTTLS")
        case .restartStream(let id): ends[id]?.restartStream()
        case .close(let id), .abort(let id):
            if let peer = parties.removeValue(forKey: id) {
                feed(.disconnected(id))
                return world.peerLost(peer)
            }
            guard let end = ends[id] else { return }
            end.isOver = true
            world.shut(.down, on: end.link)
            world.add(.over(end.link, .up), at: world.now + .milliseconds(1))
        case .observed(let observation): observe(observation)
        }
    }

    private func observe(_ observation: LoopbackServer.Observation) {
        switch observation {
        case .message(let message):
            guard message.from.bare == world.cast.account, let lane = world.cast.lane(of: message.to) else { return }
            let fate = world.fate(of: message, in: lane)
            if fate != .taken {
                bounces.append((message.from, world.cast.bounce(message, isForNow: fate == .postponed)))
            }
            world.oracle.outbound.arrived(message, in: lane, fate: fate)
        case .login(let jid, let resumed):
            guard jid.bare == world.cast.account else { return }
            world.oracle.loggedIn(resumed: resumed)
        case .logout, .refused, .fault: break
        }
    }

    /// The server goes away and comes back at once; where it forgets, no session can be resumed.
    func restart(forgets: Bool) {
        if forgets { bounces = [] }
        feed(.restarted(keepsSessions: !forgets))
    }

    func timeout() {
        timer = nil
        feed(.timeout)
    }

    private func schedule() {
        guard let deadline = server.deadline, deadline < timer ?? Instant(nanoseconds: .max) else { return }
        timer = deadline
        world.add(.serverTimer(deadline), at: max(deadline, world.now))
    }

    /// Whether that timer is the one that was set last.
    func isDue(_ deadline: Instant) -> Bool { timer == deadline }
}

/// The server's end of a connection.
final class ServerEnd {
    let link: Link
    private unowned let host: ServerHost
    private var parser = StreamParser()
    private var isParsing = false
    private var wantsRestart = false
    var isOver = false

    init(_ link: Link, _ host: ServerHost) {
        self.link = link
        self.host = host
    }

    func restartStream() {
        wantsRestart = true
        if !isParsing { renewParser() }
    }

    func received(_ bytes: [UInt8]) { if !isOver { bytes.withUnsafeBufferPointer(parse) } }

    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) {
        var rest = bytes
        while !rest.isEmpty, !isOver {
            isParsing = true
            let consumed: Int
            do throws(StreamParser.Failure) {
                consumed = try parser.parse(rest) { event in
                    host.tell(event, on: link)
                    return isOver || wantsRestart ? .stop : .continue
                }
            } catch {
                isParsing = false
                return host.feed(.streamBroken(link.number, condition: error.condition))
            }
            isParsing = false
            rest = UnsafeBufferPointer(rebasing: rest[consumed...])
            if wantsRestart { renewParser() }
        }
    }

    private func renewParser() {
        wantsRestart = false
        parser = StreamParser()
    }
}

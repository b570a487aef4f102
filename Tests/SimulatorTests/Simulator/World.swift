import Endpoints
import LoopbackServer
import Routing
import Session
import Spool
import Stanza
import Synchronization

@testable import Bridge

/// Everything around the bridge, and the bridge: one thread, one clock that moves from event to event, one seed.
final class World {
    /// What is on the agenda.
    enum Event {
        /// The happening of that index.
        case happens(Int)
        /// Bytes arrive at one end.
        case arrived(Link, Way, [UInt8])
        /// A connection breaks.
        case cut(Link)
        /// One end hears that it is over: the server's for ``Way/up``.
        case over(Link, Way)
        /// An attempt to connect succeeds, where the server still takes connections.
        case connected(Int, Int)
        /// It is refused.
        case refused(Int, Int)
        /// A process's timer.
        case bridgeTimer(Int, Instant)
        case serverTimer(Instant)
        /// A read of a source is done.
        case read(Int, Int)
        /// A write is done.
        case wrote(Int, Int)
        /// The writer tells what is written in all.
        case told(Int, Int, UInt64)
        /// What the store had to do is done.
        case stored(Int)
        /// The store answers.
        case replied(Int, StoreReply)
        /// A peer logs in again.
        case enters(Peer)
        /// A process begins.
        case begins
        /// One is killed that has come so far.
        case dies(Int, isSilent: Bool)
        /// All trouble is over.
        case heals
        /// Looks whether all is done.
        case looks
    }

    /// Chances of their own for each purpose.
    struct Chances {
        var latency: Chance
        var pieces: Chance
        var local: Chance

        init(_ seed: UInt64) {
            let all = Chance(seed: seed)
            latency = all.branch(10)
            pieces = all.branch(11)
            local = all.branch(12)
        }
    }

    let story: Story
    let cast: Cast
    var setting: Setting { story.setting }
    var now = Instant(nanoseconds: 0)
    /// How far the bridge's wall clock is off, in milliseconds.
    var wallShift: Int64 = 0
    var chances: Chances
    var trace: Trace
    var oracle: Oracle
    var links: [Link] = []
    var lastLink: UInt64 = 0
    /// Until when connections are refused, or ignored.
    var refusesUntil = Instant(nanoseconds: 0)
    var isSilent = false
    /// Whether the server itself is away meanwhile.
    var isServerAway = false
    var acksLostUntil = Instant(nanoseconds: 0)
    var acksDoubledUntil = Instant(nanoseconds: 0)
    /// Whether all trouble is over.
    var isKind = false
    var isOver = false
    private var agenda = Agenda<Event>()
    private var eventCount = 0

    private(set) var hosted: ServerHost?
    let peers: [Peer]
    let sources: [LocalSource]
    let sinks: [LocalSink]
    let log = LogFolder()
    let store = StoreModel()
    /// What is known of the bridge's stream, over connections and processes.
    var tap = StreamTap()
    let canary: Canary?
    /// How often a busy contact has refused each line.
    var refusals: [Mark: Int] = [:]
    var process: BridgeProcess?
    var processCount = 0

    init(_ story: Story, canary: Canary?, isTraced: Bool) throws {
        self.story = story
        self.canary = canary
        cast = try Cast()
        chances = Chances(story.seed)
        trace = Trace(isKept: isTraced)
        oracle = Oracle(story.setting)
        peers = ["bob", "mia"].map { Peer($0) }
        sources = [Voice.stdin, .fifo].map { LocalSource($0, isFile: $0 == .stdin && story.setting.stdinIsFile) }
        sinks = Sink.allCases.map { LocalSink($0) }
        hosted = ServerHost(self, try cast.server(story.setting))
    }

    /// The server; there from the beginning.
    var host: ServerHost {
        guard let hosted else { preconditionFailure("the server is made with the world") }
        return hosted
    }

    /// Random bytes for a machine.
    func random(_ purpose: UInt64) -> @Sendable (Int) -> [UInt8] {
        let chance = Mutex(Chance(seed: story.seed).branch(purpose))
        let box = Box(chance)
        return { count in box.chance.withLock { $0.bytes(count) } }
    }

    /// The bridge's wall clock; it may be wrong.
    var wall: WallTime { WallTime(milliseconds: trueWall.milliseconds + wallShift) }
    var trueWall: WallTime { WallTime(milliseconds: 1_795_340_400_000 + now.nanoseconds / 1_000_000) }

    func add(_ event: Event, at time: Instant) { agenda.add(event, at: max(time, now)) }

    /// Whether a message is where it was to go, or in the store.
    private func safety(_ outbound: OutboundOracle) -> InboundOracle.Safety {
        let store = store
        let addresses = cast.lanes.mapValues(\.text)
        return .init(
            kept: store.inboundCount, forSink: { store.holds($0, for: $1) },
            forLane: { mark, lane in
                outbound.hasArrived(mark, at: lane) || store.holds(mark, to: addresses[lane] ?? "")
            })
    }

    // MARK: - The run

    /// Runs the story to its end.
    func run() {
        for peer in peers { enter(peer) }
        for (index, happening) in story.happenings.enumerated() {
            add(.happens(index), at: Instant(nanoseconds: Int64(happening.at) * 1_000_000))
        }
        for source in sources where source.isFile { source.isEnded = true }
        add(.begins, at: now)
        add(.heals, at: now + .milliseconds(setting.chaosEnd))
        while !isOver, let (time, event) = agenda.next() {
            now = time
            eventCount += 1
            if eventCount > Self.eventsMax {
                oracle.accuse("it never rests: \(eventCount) events by \(Trace.clock(now)) s")
                break
            }
            trace.mix(UInt64(bitPattern: now.nanoseconds))
            perform(event)
            if oracle.isBroken { break }
        }
    }

    /// More than any run that makes progress needs.
    private static let eventsMax = 400_000

    private func perform(_ event: Event) {
        switch event {
        case .happens(let index): perform(story.happenings[index].deed)
        case .arrived(let link, let way, let bytes):
            trace.mix(bytes)
            trace.note(now, "  \(way == .up ? ">" : "<") \(link.number) \(String(decoding: bytes, as: UTF8.self))")
            arrived(bytes, way, on: link)
        case .cut(let link): cut(link)
        case .over(let link, let way): over(link, way)
        case .connected(let number, let attempt):
            if let process = process(number) { open(for: process, attempt: attempt) }
        case .refused(let number, let attempt): process(number)?.refused(attempt)
        case .bridgeTimer(let number, let deadline): process(number)?.timerFired(deadline)
        case .serverTimer(let deadline): if host.isDue(deadline) { host.timeout() }
        case .read(let number, let source): process(number)?.read(source)
        case .wrote(let number, let sink): process(number)?.wrote(sink)
        case .told(let number, let sink, let total): process(number)?.told(sink, total)
        case .stored(let number): process(number)?.stored()
        case .replied(let number, let reply): process(number)?.replied(reply)
        case .enters(let peer): if isServerAway { peerLost(peer) } else { enter(peer) }
        case .begins: begin()
        case .dies(let number, let isSilent): if process(number) != nil { kill(isSilent: isSilent) }
        case .heals: heal()
        case .looks: look()
        }
    }

    private func process(_ number: Int) -> BridgeProcess? { process?.number == number ? process : nil }

    /// What was heard at the bridge's end of its connection.
    func look(at claim: StreamTap.Claim?) {
        guard let claim else { return }
        if let mark = claim.heard { oracle.inbound.heard(mark, at: now) }
        if let id = claim.refused { oracle.outbound.heardRefusal(of: id) }
        if let id = claim.wrote { oracle.outbound.wrote(id) { [store] in store.released.contains($0) } }
        oracle.inbound.claimed(claim, at: now, safety(oracle.outbound))
    }
}

/// A lock that closures share.
private final class Box: Sendable {
    let chance: Mutex<Chance>

    init(_ chance: consuming Mutex<Chance>) { self.chance = chance }
}

import Endpoints
import LoopbackServer
import Session
import Spool
import Stanza

@testable import Bridge

/// One process of the bridge: the pump, and the driver's duties in the manner of `Bridge/Driver/Runner`.
final class BridgeProcess {
    /// As the driver's.
    private static let timerNanosecondsMin: Int64 = 100_000

    let number: Int
    unowned let world: World
    var pump: Pump
    /// The status it has ended with.
    private(set) var status: Bridge.ExitStatus?
    private(set) var isStopping = false
    /// Whether it was left alone until all was well.
    private(set) var isInPeace: Bool
    private var isKilled = false
    /// After so many steps more it is killed, in the middle of what it does.
    var death: (stepsLeft: Int, isSilent: Bool)?
    /// Whether standard output's reader has gone.
    private(set) var hasLostReader = false
    private var connection: ClientEnd?
    private var attempt = 0
    private var timer: Instant?
    private var waiting: [Pump.Input] = []
    private var isFeeding = false
    private var isInBatch = false
    var inputs: [SourceInput?]
    var writers: [SinkWriter?]
    private var saboteur: Saboteur
    private var keeper: Keeper?

    init(_ number: Int, _ world: World) throws {
        self.number = number
        self.world = world
        isInPeace = world.setting.patienceSeconds == nil
        saboteur = Saboteur(world.canary)
        if world.setting.isDurable { keeper = Keeper(world, process: number) }
        let options = world.options()
        pump = Pump(
            options: options, configuration: world.cast.session(world.setting),
            rules: try world.cast.rules(world.setting), host: "here", token: "T\(number)",
            random: world.random(100 + UInt64(number)))
        inputs = pump.sources.map { source in world.input(of: source.endpoint, positions: options.tailPositions) }
        writers = pump.sinks.map { sink in world.sink(of: sink.endpoint).map { SinkWriter($0) } }
    }

    var isOnline: Bool { pump.counters.isOnline }
    /// Whether it still takes part.
    var isAlive: Bool { status == nil && !isKilled }

    // MARK: - The loop

    func begin() { feed(.start) }

    /// Gives the pump an input and does what it says; an input that comes meanwhile waits its turn.
    func feed(_ input: Pump.Input) {
        waiting.append(input)
        guard !isFeeding, isAlive else { return }
        isFeeding = true
        var next = 0
        while next < waiting.count {
            let actions = pump.handle(waiting[next], at: world.now, wall: world.wall)
            next += 1
            for action in actions where step() { perform(action) }
            if next == waiting.count, !isInBatch { flush() }
        }
        waiting.removeAll(keepingCapacity: true)
        isFeeding = false
        if !isInBatch { afterwards() }
    }

    /// Whether it lives on to do the next thing.
    private func step() -> Bool {
        guard isAlive, let (left, isSilent) = death else { return isAlive }
        death = (left - 1, isSilent)
        guard left <= 0 else { return true }
        isKilled = true
        world.add(.dies(number, isSilent: isSilent), at: world.now)
        return false
    }

    private func flush() {
        guard step() else { return }
        var bytes = pump.takeSocketOutput()
        if !bytes.isEmpty, let connection {
            saboteur.spoil(&bytes, received: world.tap.receivedCount)
            for claim in world.tap.wrote(bytes) { world.look(at: claim) }
            connection.write(bytes)
        }
        guard step() else { return }
        hand(pump.takeOutput(), to: 0)
        for sink in writers.indices.dropFirst() where step() {
            for parcel in pump.takeParcels(for: sink) { hand(parcel.bytes, to: sink) }
        }
    }

    private func afterwards() {
        world.oracle.measure(self)
        for source in inputs.indices {
            guard let input = inputs[source], !input.isReading else { continue }
            guard pump.wants(source) || world.canary == .forgottenGate else { continue }
            inputs[source]?.isReading = true
            look(at: source)
        }
        schedule(pump.nextDeadline())
    }

    private func schedule(_ deadline: Instant?) {
        guard let deadline, isAlive else { return }
        if let timer, timer <= deadline { return }
        timer = deadline
        let earliest = Instant(nanoseconds: world.now.nanoseconds + Self.timerNanosecondsMin)
        world.add(.bridgeTimer(number, deadline), at: max(deadline, earliest))
    }

    func timerFired(_ deadline: Instant) {
        guard timer == deadline, isAlive else { return }
        timer = nil
        let due = pump.nextDeadline()
        if let due, due <= world.now { feed(.timeout) } else { schedule(due) }
    }

    // MARK: - Actions

    private func perform(_ action: Pump.Action) {
        switch action {
        case .session(let action): perform(action)
        case .say(let level, let text): world.trace.note(world.now, "    \(level): \(text)")
        case .store(let batch): keeper?.post(batch)
        case .load(let request): keeper?.load(request)
        case .consumed(let source, let bytes): consume(source, Int(bytes))
        case .signalChild, .killChild, .openSource, .closeSource, .openSink:
            preconditionFailure("there is no co-process, and no reload")
        case .finish(let status):
            self.status = status
            end(isSilent: false)
            world.finished(self, status)
        }
    }

    private func perform(_ action: Session.Action) {
        switch action {
        case .connect:
            drop { $0.abort() }
            attempt += 1
            world.connect(self, attempt: attempt)
        case .restartStream:
            flush()
            connection?.restartStream()
        case .derive(let derivation): feed(.session(.derived(derivation.run())))
        case .closeConnection:
            flush()
            drop { $0.close() }
        case .abortConnection:
            _ = pump.takeSocketOutput()
            drop { $0.abort() }
        case .startTLS, .event, .accepted, .foundInArchive, .returned, .writable, .spill, .keepStream, .drained, .ended:
            preconditionFailure("direct TLS needs no STARTTLS, and the pump keeps the others for itself")
        }
    }

    private func drop(_ end: (ClientEnd) -> Void) {
        attempt += 1
        isInBatch = false
        guard let stream = connection else { return }
        connection = nil
        end(stream)
    }

    // MARK: - The connection

    func refused(_ attempt: Int) {
        guard attempt == self.attempt, isAlive else { return }
        feed(.session(.disconnected(.unreachable("connection refused"))))
    }

    func connected(_ link: Link, _ attempt: Int) {
        let stream = ClientEnd()
        stream.transmit = { [unowned world] in world.transmit($0, .up, on: link) }
        stream.shut = { [unowned world] in world.shut(.up, on: link) }
        guard attempt == self.attempt, isAlive else { return stream.abort() }
        link.client = stream
        connection = stream
        stream.deliver = { [weak self, weak stream] input in
            guard let self, let stream, connection === stream, isAlive else { return }
            arrived(input)
        }
        stream.batchEnded = { [weak self] in
            self?.isInBatch = false
            self?.feed(.batchEnded)
        }
        let facts = TLSFacts(version: "TLSv1.3", exporter: nil, serverEndPoint: nil)
        let peer = PeerName(host: Cast.domain, port: 5_223, isLoopback: false)
        feed(.session(.connected(.tls(facts, peer: peer))))
    }

    private func arrived(_ input: Session.Input) {
        isInBatch = true
        switch input {
        case .disconnected(.malformed): break
        case .disconnected: connection = nil
        case .element(let element):
            let claim = world.tap.read(element, at: world.now)
            world.look(at: claim)
            saboteur.saw(element)
            if let row = saboteur.acknowledgedRow(element, world.tap), let flight = pump.backlog.flight(ofRow: row) {
                pump.accepted(upTo: flight.dispatch)
            }
        case .start, .connected, .secured, .streamOpened, .streamClosed, .derived, .timeout, .handled, .drain, .leave:
            break
        }
        feed(.session(input))
    }

    // MARK: - The store

    func stored() { if isAlive { keeper?.done() } }

    func replied(_ reply: StoreReply) { if isAlive { feed(.stored(reply)) } }

    // MARK: - The end

    /// SIGTERM: what lies in FIFOs is read before, as the driver does.
    func stop() {
        guard isAlive, !isStopping else { return }
        isStopping = true
        isInPeace = isInPeace && world.isKind
        readLeftovers()
        feed(.stop)
    }

    /// Whoever reads standard output goes; what was not read is lost.
    func loseReader() {
        guard isAlive, writers[0] != nil else { return }
        writers[0] = nil
        hasLostReader = true
        isInPeace = false
        // A run that still has its lines to send goes on without.
        let goesOn = pump.phase == .running && world.setting.routes[.stdin] != nil
        if goesOn { world.oracle.inbound.lostReader() }
        feed(.outputFailed("Broken pipe", isGone: true))
    }

    /// SIGKILL, or where the peer hears nothing of it, the machine's end.
    func kill(isSilent: Bool) {
        isKilled = true
        end(isSilent: isSilent)
    }

    /// The process is gone, and its connection with it.
    private func end(isSilent: Bool) {
        drop { if isSilent { $0.vanish() } else { $0.close() } }
        for writer in writers { writer?.target.breakOff() }
        keeper?.crash()
        world.log.closeAll()
    }
}

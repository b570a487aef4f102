@testable import Bridge
import Endpoints
import LoopbackServer
import Session
import Stanza

/// One process of the bridge: the pump, and the driver's duties in the manner of `Bridge/Driver/Runner`.
final class BridgeProcess {
    /// As the driver's.
    private static let timerNanosecondsMin: Int64 = 100_000
    private static let chunkBytesMax = 65_536

    let number: Int
    unowned let world: World
    var pump: Pump
    /// The status it has ended with.
    private(set) var status: Bridge.ExitStatus?
    private(set) var isStopping = false
    /// Whether it was left alone until all was well.
    private(set) var isInPeace = true
    private var connection: ClientEnd?
    private var attempt = 0
    private var timer: Instant?
    private var waiting: [Pump.Input] = []
    private var isFeeding = false
    private var isInBatch = false
    private var inputs: [Input?]
    private var writers: [SinkWriter?]
    private var tap = StreamTap()

    /// A source's reader.
    private struct Input {
        let source: LocalSource
        var isReading = false
        /// Whether its read is on the agenda.
        var isDue = false
        /// Whether its end was read: its thread is gone.
        var isOver = false
    }

    init(_ number: Int, _ world: World) throws {
        self.number = number
        isInPeace = world.setting.patienceSeconds == nil
        self.world = world
        pump = Pump(
            options: world.options(), configuration: world.cast.session(world.setting),
            rules: try world.cast.rules(world.setting), host: "here", token: "T\(number)",
            random: world.random(100 + UInt64(number)))
        inputs = pump.sources.map { source in world.source(of: source.endpoint).map { Input(source: $0) } }
        writers = pump.sinks.map { sink in world.sink(of: sink.endpoint).map { SinkWriter($0) } }
    }

    var isOnline: Bool { pump.counters.isOnline }

    // MARK: - The loop

    func begin() { feed(.start) }

    /// Gives the pump an input and does what it says; an input that comes meanwhile waits its turn.
    private func feed(_ input: Pump.Input) {
        waiting.append(input)
        guard !isFeeding, status == nil else { return }
        isFeeding = true
        var next = 0
        while next < waiting.count {
            let actions = pump.handle(waiting[next], at: world.now, wall: world.wall)
            next += 1
            for action in actions { perform(action) }
            if next == waiting.count, !isInBatch { flush() }
        }
        waiting.removeAll(keepingCapacity: true)
        isFeeding = false
        if !isInBatch { afterwards() }
    }

    private func flush() {
        let bytes = pump.takeSocketOutput()
        if !bytes.isEmpty, let connection {
            for claim in tap.wrote(bytes) { world.look(at: claim) }
            connection.write(bytes)
        }
        hand(pump.takeOutput(), to: 0)
        for sink in writers.indices.dropFirst() {
            for parcel in pump.takeParcels(for: sink) { hand(parcel.bytes, to: sink) }
        }
    }

    private func afterwards() {
        world.oracle.measure(self)
        for source in inputs.indices {
            guard let input = inputs[source], !input.isReading, pump.wants(source) else { continue }
            inputs[source]?.isReading = true
            look(at: source)
        }
        schedule(pump.nextDeadline())
    }

    private func schedule(_ deadline: Instant?) {
        guard let deadline, status == nil else { return }
        if let timer, timer <= deadline { return }
        timer = deadline
        let earliest = Instant(nanoseconds: world.now.nanoseconds + Self.timerNanosecondsMin)
        world.add(.bridgeTimer(number, deadline), at: max(deadline, earliest))
    }

    func timerFired(_ deadline: Instant) {
        guard timer == deadline, status == nil else { return }
        timer = nil
        let due = pump.nextDeadline()
        if let due, due <= world.now { feed(.timeout) } else { schedule(due) }
    }

    // MARK: - Actions

    private func perform(_ action: Pump.Action) {
        switch action {
        case .session(let action): perform(action)
        case .say(let level, let text): world.trace.note(world.now, "    \(level): \(text)")
        case .savePositions: break
        case .finish(let status):
            self.status = status
            end()
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
        case .startTLS, .event, .accepted, .writable, .spill, .keepStream, .drained, .ended:
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
        guard attempt == self.attempt, status == nil else { return }
        feed(.session(.disconnected(.unreachable("connection refused"))))
    }

    func connected(_ link: Link, _ attempt: Int) {
        let stream = ClientEnd()
        stream.transmit = { [unowned world] in world.transmit($0, .up, on: link) }
        stream.shut = { [unowned world] in world.shut(.up, on: link) }
        guard attempt == self.attempt, status == nil else { return stream.abort() }
        link.client = stream
        connection = stream
        stream.deliver = { [weak self, weak stream] input in
            guard let self, let stream, connection === stream else { return }
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
        case .element(let element): world.look(at: tap.read(element, at: world.now))
        case .start, .connected, .secured, .streamOpened, .streamClosed, .derived, .timeout, .handled, .drain, .leave:
            break
        }
        feed(.session(input))
    }

    // MARK: - Sources

    /// Something was written into a source.
    func written(_ source: LocalSource) {
        for index in inputs.indices where inputs[index]?.source === source { look(at: index) }
    }

    private func look(at source: Int) {
        guard let input = inputs[source], input.isReading, !input.isDue, !input.isOver, status == nil else { return }
        guard !input.source.isEmpty || input.source.isEnded else { return }
        inputs[source]?.isDue = true
        world.add(.read(number, source), at: world.now + .microseconds(world.chances.local.among(10...500)))
    }

    func read(_ source: Int) {
        guard let input = inputs[source], status == nil else { return }
        inputs[source]?.isReading = false
        inputs[source]?.isDue = false
        if input.source.isEmpty {
            inputs[source]?.isOver = true
            return feed(.inputEnded)
        }
        let size = world.setting.isChopped ? world.chances.local.magnitude(1...Self.chunkBytesMax) : Self.chunkBytesMax
        // Without a store a process that is stopped in the middle of a line leaves half of it behind.
        take(input.source.read(size, isWhole: !world.setting.isDurable), from: source)
    }

    private func take(_ chunk: (bytes: [UInt8], lines: [Mark]), from source: Int) {
        world.trace.note(world.now, "  takes \(chunk.lines)")
        // What comes behind the order to stop is not accepted.
        if pump.phase == .running { world.oracle.taken(chunk.lines, by: self) }
        feed(.inputChunk(chunk.bytes, source: source))
    }

    /// SIGTERM: what lies in FIFOs is read before, as the driver does.
    func stop() {
        guard status == nil, !isStopping else { return }
        isStopping = true
        isInPeace = isInPeace && world.isKind
        for source in inputs.indices.dropFirst() {
            guard let input = inputs[source], !input.source.isEmpty else { continue }
            take(input.source.read(1_024 * 1_024, isWhole: true), from: source)
        }
        feed(.stop)
    }

    // MARK: - Sinks

    private func hand(_ bytes: [UInt8], to sink: Int) {
        guard !bytes.isEmpty else { return }
        // A run that prints nothing has no writer for standard output.
        writers[sink]?.add(bytes)
        if writers[sink]?.state == .idle { beginWrite(sink) }
    }

    private func beginWrite(_ sink: Int) {
        guard let writer = writers[sink] else { return }
        writers[sink]?.state = .writing
        let wait = Duration.microseconds(world.isKind ? 10 : world.chances.local.among(1...world.setting.sinkDelay))
        attemptWrite(sink, writer.waiting.count, at: max(world.now + wait, writer.target.blockedUntil))
    }

    private func attemptWrite(_ sink: Int, _ count: Int, at time: Instant) {
        writers[sink]?.due = (time, count)
        world.add(.wrote(number, sink), at: time)
    }

    /// Nothing hinders the sinks any more.
    func unblock() {
        for sink in writers.indices {
            if let count = writers[sink]?.due?.count { attemptWrite(sink, count, at: world.now) }
        }
    }

    /// A write's time is over.
    func wrote(_ sink: Int) {
        guard let writer = writers[sink], let (time, count) = writer.due, time <= world.now, status == nil else { return }
        if world.now < writer.target.blockedUntil {
            return attemptWrite(sink, count, at: writer.target.blockedUntil)
        }
        writers[sink]?.due = nil
        if world.now < writer.target.spoiledUntil {
            let (pause, isFirst) = writers[sink]?.failed() ?? (0, false)
            writers[sink]?.state = .pausing
            attemptWrite(sink, count, at: world.now + .milliseconds(pause))
            if isFirst { feed(.sinkFailing("No space left on device", sink: sink)) }
            return
        }
        let written = writers[sink]?.wrote(count) ?? []
        let marks = writer.target.write(written)
        world.trace.note(world.now, "  \(writer.target.sink) has \(marks)")
        world.oracle.written(marks, to: writer.target.sink, at: world.now)
        let hasRecovered = writers[sink]?.succeeded() == true
        let total = writers[sink]?.total ?? 0
        if writers[sink]?.waiting.isEmpty == false { beginWrite(sink) } else { writers[sink]?.state = .idle }
        let told = max(world.now + .microseconds(world.chances.local.among(0...300)), writer.lastTold)
        writers[sink]?.lastTold = told
        world.add(.told(number, sink, total), at: told)
        if hasRecovered { feed(.sinkRecovered(sink: sink)) }
    }

    func told(_ sink: Int, _ total: UInt64) {
        if status == nil { feed(.outputWritten(total, sink: sink)) }
    }

    // MARK: - The end

    /// The process is gone, and its connection with it.
    private func end() {
        drop { $0.close() }
        for writer in writers { writer?.target.breakOff() }
    }
}

import Glibc
import NIOCore
import NIOPosix
import Routing
import Session
import Stanza
import Wire

/// Runs a pump against the world: one event loop, and threads for what blocks. Confined to the loop once started;
/// other threads only ever call ``enter(_:)``, which hops onto it.
final class Runner: @unchecked Sendable {
    /// The shortest wait of the timer.
    private static let timerNanosecondsMin: Int64 = 100_000

    private let loop: any EventLoop
    let plan: RunPlan
    private let connector: Connector
    var pump: Pump
    private var connection: StreamConnection?
    /// Whether the connection, or the last one, never brought a session: the next attempt begins elsewhere.
    private var isUnproven = false
    /// The readers of the pump's sources, and the writers of its sinks, by their numbers.
    var inputs: [Input?] = []
    private var output: OutputWriter?
    /// The FIFOs that are read, by the numbers of their sources.
    private let fifos: [Int: Int32]
    var tailReaders: [TailReader] = []
    /// The pipes that are read: FIFOs, and what the command prints.
    var pipeReaders: [(source: Int, reader: PipeReader)] = []
    var reading = ConfigurationReading.none
    let coprocess: Coprocess?
    var writers: [Int: any SinkWriter] = [:]
    private var progress: ProgressLine?
    private var timer: (at: Instant, task: Scheduled<Void>)?
    private var waiting: [Pump.Input] = []
    private var isFeeding = false
    /// Whether inputs are the parts of one read of the socket, whose end will be told.
    private var isInBatch = false
    var stopsAsked = 0
    /// What the command is told when we are told to stop.
    private var stopSignal: Int32?
    /// A source's reader.
    struct Input {
        let reader: any SourceReader
        /// Whether it has a permission that it has not used yet.
        var isReading = false
    }

    private let hadTerminal = isatty(STDIN_FILENO) == 1 || isatty(STDOUT_FILENO) == 1
    private let finished: EventLoopPromise<Int32>

    /// Runs a plan to its end.
    /// - Returns: The status that the process is to end with.
    static func run(_ plan: RunPlan) throws(StartFailure) -> Int32 {
        Signals.claim()
        let tls: TLSPolicy
        do throws(TLSFailure) { tls = try TLSPolicy(client: plan.tls) } catch {
            throw StartFailure(.configuration, "\(error)")
        }
        let fifos = try FIFO.openAll(of: plan.rules)
        // Before there is a loop: NIO's epoll is not close-on-exec.
        let coprocess = try plan.command.map { command throws(StartFailure) in
            try Coprocess(command, isFed: plan.options.prints)
        }
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        let runner = Runner(plan, tls: tls, fifos: fifos, coprocess, loop: loop)
        loop.execute { runner.begin() }
        // The group is not shut down: the process ends with this status.
        guard let status = try? runner.finished.futureResult.wait() else { return ExitStatus.software.rawValue }
        return status
    }

    private init(
        _ plan: RunPlan, tls: TLSPolicy, fifos: [Int: Int32], _ coprocess: Coprocess?, loop: any EventLoop
    ) {
        self.loop = loop
        self.coprocess = coprocess
        self.fifos = fifos
        self.plan = plan
        finished = loop.makePromise()
        connector = Connector(loop: loop, directions: plan.directions, tls: tls)
        pump = Pump(
            options: plan.options, configuration: plan.session, rules: plan.rules, host: plan.host, token: plan.token,
            random: Clock.randomBytes, errand: plan.errand)
    }

    // MARK: - The loop

    private func begin() {
        inputs = Array(repeating: nil, count: pump.sources.count)
        Signals.listen { [self] order in enter { self.answer(order) } }
        for note in plan.notes where !plan.quiet { Diagnostics.say(note) }
        plan.keeper?.begin { [self] reply in enter { self.feed(.stored(reply)) } }
        if plan.options.prints { openOutput(coprocess?.input ?? STDOUT_FILENO) }
        for sink in pump.sinks.indices.dropFirst() { openSink(sink) }
        if let coprocess {
            openPipe(coprocess.output, as: 0)
            coprocess.watch { [self] end in childEnded(end) }
        } else if plan.options.reads != .nothing || plan.options.watchesInput {
            openStandardInput()
        }
        for (source, descriptor) in fifos { openPipe(descriptor, as: source) }
        for source in pump.sources.indices { openTail(source) }
        if !fifoPaths.isEmpty { FIFOWatch(fifoPaths) { [self] in enter { self.lookAtFIFOs() } }.begin() }
        if plan.showsProgress { progress = ProgressLine(began: Clock.monotonic()) }
        feed(.start)
    }

    func enter(_ work: @escaping @Sendable () -> Void) { loop.execute(work) }

    /// Gives the pump an input and does what it says; an input that comes meanwhile waits its turn.
    func feed(_ input: Pump.Input) {
        waiting.append(input)
        guard !isFeeding else { return }
        isFeeding = true
        var next = 0
        while next < waiting.count {
            let actions = pump.handle(waiting[next], at: Clock.monotonic(), wall: Clock.wall())
            next += 1
            for action in actions { perform(action) }
            if next == waiting.count, !isInBatch { flush() }
        }
        waiting.removeAll(keepingCapacity: true)
        isFeeding = false
        if !isInBatch { afterwards() }
    }

    /// One write for all that one input, or one batch of the socket, has brought.
    private func flush() {
        let bytes = pump.takeSocketOutput()
        if !bytes.isEmpty { connection?.write(bytes) }
        if pump.counters.isOnline { isUnproven = false }
        let printed = pump.takeOutput()
        if !printed.isEmpty { output?.write(printed) }
        for (sink, writer) in writers {
            let parcels = pump.takeParcels(for: sink)
            if !parcels.isEmpty { writer.write(parcels) }
        }
    }

    private func afterwards() {
        for source in inputs.indices {
            guard let input = inputs[source], !input.isReading, pump.wants(source) else { continue }
            inputs[source]?.isReading = true
            input.reader.permit()
        }
        schedule(pump.nextDeadline())
        progress?.update(pump.counters, at: Clock.monotonic())
    }

    /// Arms the timer. Deadlines mostly move away, so one that is armed for earlier stays and looks again when it fires.
    private func schedule(_ deadline: Instant?) {
        guard let deadline else { return }
        if let timer, timer.at <= deadline { return }
        timer?.task.cancel()
        // Tasks that are due at once run before the sockets are looked at: not even a fault of ours may starve those.
        let delay = max(deadline.nanoseconds - Clock.monotonic().nanoseconds, Self.timerNanosecondsMin)
        let task = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay)) { [self] in
            timer = nil
            let due = pump.nextDeadline()
            if let due, due <= Clock.monotonic() { feed(.timeout) } else { schedule(due) }
        }
        timer = (deadline, task)
    }

    // MARK: - Actions

    private func perform(_ action: Pump.Action) {
        switch action {
        case .session(let action): perform(action)
        case .say(let level, let text):
            guard level >= plan.logLevel, !(plan.quiet && level < .error) else { return }
            progress?.clear()
            Diagnostics.say(text)
        case .store(let batch): plan.keeper?.post(batch)
        case .load(let request): plan.keeper?.load(request)
        case .consumed(let source, let bytes): inputs[source]?.reader.consume(upTo: bytes)
        case .openSource(let source): openSource(source)
        case .closeSource(let source): closeSource(source)
        case .openSink(let sink): openNewSink(sink)
        case .signalChild: coprocess?.signal(stopSignal ?? SIGTERM)
        case .killChild: coprocess?.signal(SIGKILL)
        case .finish(let status): finish(status)
        }
    }

    private func perform(_ action: Session.Action) {
        switch action {
        case .connect(let target): connect(target)
        case .startTLS:
            flush()
            do throws(TLSFailure) { connection?.startTLS(try connector.engine(direct: false)) } catch {
                feed(.session(.disconnected(error.transportFailure)))
            }
        case .restartStream:
            flush()
            connection?.restartStream()
        case .derive(let derivation): derive(derivation)
        case .closeConnection:
            flush()
            drop { $0.close() }
        case .abortConnection:
            _ = pump.takeSocketOutput()
            drop { $0.abort() }
        case .event, .accepted, .writable, .spill, .keepStream, .drained, .ended:
            // The pump keeps these for itself.
            preconditionFailure("the pump passed \(action) on")
        }
    }

    private func connect(_ target: ConnectTarget) {
        drop { $0.abort() }
        if isUnproven { connector.rotate() }
        isUnproven = false
        connector.connect(
            target,
            opened: { [self] stream, transport in
                connection = stream
                isUnproven = true
                stream.deliver = { [weak self, weak stream] input in
                    guard let self, connection === stream else { return }
                    arrived(input)
                }
                stream.batchEnded = { [weak self] in
                    self?.isInBatch = false
                    self?.feed(.batchEnded)
                }
                feed(.session(.connected(transport)))
            },
            failed: { [self] failure in feed(.session(.disconnected(failure))) })
    }

    private func arrived(_ input: Session.Input) {
        // The end of the batch follows: what it brings is written at once.
        isInBatch = true
        if case .disconnected(let failure) = input {
            // A peer that cannot be understood still hears why (RFC 6120 4.9.3.13): the session closes by itself.
            if case .malformed = failure {} else { connection = nil }
        }
        feed(.session(input))
    }

    private func drop(_ end: (StreamConnection) -> Void) {
        connector.abandon()
        // Its batch may never end.
        isInBatch = false
        guard let stream = connection else { return }
        connection = nil
        end(stream)
    }

    private func derive(_ derivation: KeyDerivation) {
        startThread(named: "derive") { [self] in
            let keys = derivation.run()
            enter { self.feed(.session(.derived(keys))) }
        }
    }

    // MARK: - Standard output and sinks

    private func openOutput(_ descriptor: Int32) {
        output = OutputWriter(descriptor: descriptor) { [self] outcome in
            enter {
                switch outcome {
                case .written(let total): self.feed(.outputWritten(total))
                case .failed(let code): self.feed(.outputFailed(Diagnostics.describe(code), isGone: code == EPIPE))
                }
            }
        }
        // The end of a command is told anyhow, and whoever polls its input keeps it open.
        guard coprocess == nil else { return }
        watchReader(of: descriptor) { [self] in
            enter { self.feed(.outputFailed("its reader has gone", isGone: true)) }
        }
    }

    func openSink(_ sink: Int) {
        let deliver: @Sendable (SinkOutcome) -> Void = { [self] outcome in
            enter {
                switch outcome {
                case .written(let total): self.feed(.outputWritten(total, sink: sink))
                case .failing(let reason): self.feed(.sinkFailing(reason, sink: sink))
                case .recovered: self.feed(.sinkRecovered(sink: sink))
                case .remade: self.feed(.news(.remade, self.pump.sinks[sink].endpoint))
                }
            }
        }
        switch pump.sinks[sink].endpoint {
        case .file(let path): writers[sink] = FileWriter(path, pump.router.fileOptions(of: path), deliver: deliver)
        case .fifo(let path):
            writers[sink] = FIFOWriter(path, deliver: deliver)
            if writers[sink] == nil { deliver(.failing(Diagnostics.describe(errno))) }
        case .stdin, .stdout, .xmpp, .room, .events, .presence, .commands, .tail:
            preconditionFailure("the router gives files and FIFOs as sinks")
        }
    }

    private func answer(_ order: Signals.Order) {
        switch order {
        case .stop(let number, let isOfTerminal):
            stopsAsked += 1
            guard stopsAsked == 1 else {
                progress?.clear()
                coprocess?.signal(SIGKILL)
                return finished.succeed(pump.statusNow.rawValue)
            }
            // What the terminal's keys sent the command has got already; 0 only asks whether it is there.
            stopSignal = isOfTerminal ? 0 : number
            readLeftovers()
            enter { self.feed(.stop) }
        case .status: feed(.status)
        case .reload:
            // The hang-up of a terminal that this run was on.
            if hadTerminal, stopsAsked == 0 { return answer(.stop(SIGHUP, isOfTerminal: false)) }
            FIFO.makeMissing(fifoPaths)
            lookAtFIFOs()
            for writer in writers.values { writer.reopen() }
            for reader in tailReaders { reader.look() }
            readConfiguration()
        }
    }

    // MARK: - The command and the end

    /// On any thread.
    private func childEnded(_ end: ChildEnd) {
        // What its own children still print is not waited for.
        for (source, reader) in pipeReaders where source == 0 { takeRest(of: reader, source) }
        enter { self.feed(.childEnded(end)) }
    }

    private func finish(_ status: ExitStatus) {
        progress?.finish(pump.counters, at: Clock.monotonic())
        let code = pump.exitCode(of: status)
        guard let coprocess else { return finished.succeed(code) }
        output?.close()
        startThread(named: "child-end") { [self] in
            coprocess.finish()
            finished.succeed(code)
        }
    }
}

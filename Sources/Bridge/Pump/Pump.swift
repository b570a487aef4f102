import Endpoints
import Routing
import Session
import Spool
import Stanza

/// Hands one stage's output to the next (DESIGN 2): lines to rules to the spool to the session, events to rules to
/// standard output, and each acknowledgement back along the same road. Without I/O: a driver runs it.
struct Pump {
    /// What the driver tells.
    enum Input: Sendable {
        /// Begin.
        case start
        /// For the session.
        case session(Session.Input)
        /// The bytes that came in one read of the socket have all been told.
        case batchEnded
        /// A chunk of a source.
        case inputChunk([UInt8], source: Int = 0)
        /// What the reader of a `tail:` brings.
        case tailed(TailCursor.Item, source: Int)
        /// Standard input has ended.
        case inputEnded
        /// Reading a source failed, in the system's words.
        case inputFailed(String, source: Int = 0)
        /// So many bytes are written by a sink in all.
        case outputWritten(UInt64, sink: Int = 0)
        /// Standard output takes no more, in the system's words.
        case outputFailed(String, isGone: Bool)
        /// A sink cannot write for now, in the system's words; its writer tries again.
        case sinkFailing(String, sink: Int)
        /// It writes again.
        case sinkRecovered(sink: Int)
        /// What the durable store answers.
        case stored(StoreReply)
        /// The configuration file was read again (SIGHUP), and is right.
        case reload(Reload)
        /// It was, and is wrong: its mistakes, a line each.
        case reloadRefused([String])
        /// A source that a reload has brought cannot be opened.
        case sourceUnavailable(String, source: Int)
        /// What became of a FIFO, or of the files of a `tail:`.
        case news(EndpointNews, Endpoint)
        /// SIGTERM or SIGINT.
        case stop
        /// The co-process has ended, and all that it printed is told.
        case childEnded(ChildEnd)
        /// SIGUSR1.
        case status
        /// The time that ``deadline`` named has come.
        case timeout
    }

    /// What the driver does.
    enum Action: Equatable, Sendable {
        /// One of the session's actions that concern the connection.
        case session(Session.Action)
        /// A line for a person on stderr.
        case say(LogLevel, String)
        /// To the durable store; answered by ``Input/stored(_:)``, as ``load(_:)`` is.
        case store(StoreBatch)
        /// The same, behind what was stored before.
        case load(StoreRequest)
        /// So many bytes of a source in all are safe, and may be forgotten there: whole lines.
        case consumed(source: Int, bytes: UInt64)
        /// Pass the signal to stop on to the co-process.
        case signalChild
        /// Kill it.
        case killChild
        /// A source that has come with a reload, or is read again.
        case openSource(Int)
        /// A source that no rule reads any more.
        case closeSource(Int)
        /// A sink that has come with a reload.
        case openSink(Int)
        /// The run is over; standard output has been written.
        case finish(ExitStatus)
    }

    /// Named limits, unit last.
    enum Limits {
        /// What may wait for acceptance in memory, and all of it where nothing is on disk: enough for the widest window, little enough to be sent within the
        /// drain of a signal. When it is reached, standard input is not read.
        static let spoolBytesMax = 1_024 * 1_024
        /// The same in rows.
        static let spoolRowsMax = 2_000
        /// What the session brings may fill a durable spool beyond its limit before some of it is dropped.
        static let overrunBytes = 64 * 1_024 * 1_024
        /// Refused messages that are kept for a person.
        static let deadLettersMax = 10_000
        /// How long a source may wait for its sinks before what they have not written goes into the store.
        static let spillSeconds = 1
        /// Input is digested in pieces of this size, so that one chunk of short lines cannot fill the spool far beyond.
        static let digestBytes = 2_048
        /// The longest command.
        static let commandBytesMax = 1_024 * 1_024
        /// Bytes for a sink that may wait in memory; beyond it events are dropped and told as a gap.
        static let outputWaitingBytesMax: UInt64 = 16 * 1_024 * 1_024
        /// What may wait for a FIFO before its sources are no longer read.
        static let blockBytesMax: UInt64 = 1_024 * 1_024
        /// What the writer of a FIFO that may drop its oldest lines holds at once.
        static let handedBytesMax = 65_536
        /// From a signal that is passed on to the co-process to its being killed.
        static let childSeconds = 5
        /// From a signal's order to leave to the leaving, whatever is unaccepted then.
        static let drainSeconds = 10
        /// How long the end waits for the answers to queries.
        static let answerSeconds = 30
        /// How long the end waits for standard output's reader.
        static let flushSeconds = 5
        /// How often complaints about bad input are told at most.
        static let complaintSeconds = 60
        /// Failures that are named one by one on stderr; the rest are counted.
        static let failuresNamedMax = 10
        /// What a stanza may take where the server does not say (XEP-0478): Prosody ends the stream beyond 256 KiB.
        static let stanzaBytesMax = 250_000
        /// Messages whose receipt may be awaited at once; beyond it the oldest are no longer matched.
        static let receiptsMax = 10_000
        /// Between two changes of our presence by rules.
        static let statusSeconds = 1
        /// The longest status that a rule makes.
        static let statusBytesMax = 1_024
        /// Recipients that are remembered, each with a lane of its own.
        static let recipientsMax = 10_000
    }

    var options: Options
    var session: ClientSession
    var router: Router
    var backlog: Backlog
    var journal: Journal
    var reader = CommandReader()
    /// Random text that no other spool has, so that the numbers of its rows name them over restarts too.
    let idToken: String
    let stanzas: MessageStanza
    /// The account, for what comes without a sender.
    let accountJID: JID

    var now = Instant(nanoseconds: 0)
    var wall = WallTime(milliseconds: 0)
    /// Both clocks at the beginning.
    var began = (now: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
    var actions: [Action] = []
    var phase = Phase.running
    /// The status that the run ends with, with the end of this input.
    var end: ExitStatus?
    /// Whether the end no longer waits for sinks.
    var hasGivenUpOutput = false
    var deliveries: [Delivery] = []

    // Outbound.
    var sources: [InputSource]
    var isDroppingRelayed = false
    /// Whether a line or a command was refused.
    var refusedInput = false
    /// Rows up to this one are in a batch.
    var sealedNumber: UInt64 = 0
    /// The server has accepted flights up to this one.
    var acceptedDispatch: UInt64 = 0
    var deadLetters = 0
    /// Rows up to this one are of earlier runs, and may have been sent since then.
    var doubtfulUpTo: UInt64 = 0
    var doubtsSince: WallTime?
    /// How many rows of each lane were asked about.
    var doubted: [Lane: Int] = [:]
    var sendMark = SendMark(at: WallTime(milliseconds: 0))
    /// Refusals for now that were told.
    var toldPostponed = 0
    var counters = Counters()
    var failures = Failures()
    /// A fault that decides the status of a run that otherwise ends well.
    var worst: ExitStatus?
    var destinations: Destinations
    /// The longest stanza that this server takes.
    var stanzaBytesMax = Limits.stanzaBytesMax
    /// Commands that wait for an answer, by the tag of their question.
    var queries: [UInt64: Query] = [:]
    var nextTag: UInt64 = 1
    /// Commands that wait to be let into a room.
    var joins: [JID: Join] = [:]
    /// The gates of the rooms that we speak in.
    var gates: [JID: RoomGate] = [:]
    /// Rooms in which nothing can be said any more, and why.
    var closedRooms: [JID: String] = [:]
    /// Rooms that were not entered in time, and why: what waits for them is for the next run.
    var shelvedRooms: [JID: String] = [:]
    /// Since when we are out of each room that we try to enter.
    var outOfRooms: [JID: Instant] = [:]
    var board: StatusBoard
    var receipts = ReceiptBook()
    /// What a subcommand does.
    var errand: Errand?
    /// Messages on their way whose id does not name the row: id → row.
    var givenIDs: [String: UInt64] = [:]
    var forgeries = Forgeries()
    /// What rules hold back.
    var held: HeldTexts
    var tails = TailedFiles()
    var child: ChildState

    var hops = Hops()

    // Inbound.
    var sinks: [OutputSink]
    var sinkNumbers: [Endpoint: Int] = [:]
    /// All that came of the stanzas up to this one is queued.
    var stanzaObserved: UInt64 = 0
    /// The session was told that stanzas up to this one are handled.
    var stanzaHandled: UInt64 = 0
    /// Whether the last run did not end in good order, so that nobody knows what was written of that which its stream gives
    /// again: a resumed stream does so before we are online.
    var isRedelivering = false
    /// Whether the last run did not end in good order.
    let wasUnclean: Bool
    var cursors = CursorMarks()
    var messagesPrinted = 0
    /// Whether no more events are printed: the rest is for the next run.
    var isSated = false
    var lastMessage: Instant?
    var wasOnline = false

    /// A pump that has not begun.
    /// - Parameter token: random text that no other run uses, for the ids of our messages.
    init(
        options: Options, configuration: Configuration, rules: [Rule], host: String, token: String,
        random: @escaping @Sendable (Int) -> [UInt8], errand: Errand? = nil
    ) {
        self.options = options
        self.errand = errand
        let checkpoints = options.spool?.checkpoints ?? [:]
        router = Router(rules: rules, host: host)
        idToken = checkpoints[Checkpoint.token].map { String(decoding: $0, as: UTF8.self) } ?? token
        stanzas = MessageStanza(idPrefix: "xb-\(idToken)-")
        var configuration = configuration
        configuration.messageIDPrefix = stanzas.idPrefix
        if router.usesEvents { configuration.cursors = Self.cursors(in: checkpoints) }
        session = ClientSession(
            configuration, restoring: checkpoints[Checkpoint.stream].flatMap(SavedStream.init(bytes:)),
            handled: checkpoints[Checkpoint.inbound].flatMap(Self.count(of:)) ?? 0,
            isHeir: checkpoints[Checkpoint.unclean] != nil, random: random)
        board = StatusBoard(base: configuration.firstPresence)
        held = HeldTexts(router)
        let spool = options.spool
        var limits = Backlog.Limits()
        limits.memoryRowsMax = Limits.spoolRowsMax
        limits.memoryBytesMax = Limits.spoolBytesMax
        limits.spoolBytesMax = options.spoolBytesMax
        backlog = Backlog(limits: limits, restoring: spool)
        journal = Journal(restoring: spool)
        destinations = Destinations(restoring: spool?.lanes ?? [])
        sealedNumber = backlog.lastNumber
        wasUnclean = checkpoints[Checkpoint.unclean] != nil
        isRedelivering = wasUnclean
        deadLetters = spool?.deadLetters ?? 0
        child = options.hasChild ? .running : .none
        sources = [
            InputSource(
                endpoint: .stdin, route: .stdin, reads: options.reads, framer: options.newFramer(),
                origin: Endpoint.stdin.origin)
        ]
        for (number, endpoint) in router.localSources.enumerated() {
            let framer = LineFramer(.text, limits: options.framing)
            sources.append(
                InputSource(
                    endpoint: endpoint, route: .local(number), reads: .lines, framer: framer, origin: endpoint.origin))
        }
        sinks = [OutputSink(.stdout, form: options.output)] + router.localSinks.map { OutputSink($0, form: .ndjson) }
        accountJID = configuration.account
        settleOverflow()
    }

    /// Takes one input and returns what to do. ``takeSocketOutput()`` and ``takeOutput()`` give the bytes.
    mutating func handle(_ input: Input, at now: Instant, wall: WallTime) -> [Action] {
        self.now = now
        self.wall = wall
        session.wall = wall
        take(input)
        tellLimited()
        settleMarks()
        seal()
        // Whatever is to be done is done before.
        if let end { actions.append(.finish(end)) }
        end = nil
        defer { actions.removeAll(keepingCapacity: true) }
        return actions
    }

    private mutating func take(_ input: Input) {
        switch input {
        case .start:
            lastMessage = now
            began = (now, wall)
            restore()
            for room in roomsToJoin { session.join(room, at: now) }
            drive(.start)
        case .session(let input): drive(input)
        case .batchEnded: tellHandled()
        case .inputChunk(let chunk, let source): takeChunk(chunk, from: source)
        case .tailed(let item, let source): tailed(item, by: source)
        case .inputEnded: inputEnded()
        case .inputFailed(let reason, let source): inputFailed(reason, of: source)
        case .outputWritten(let total, let sink): written(total, by: sink)
        case .outputFailed(let reason, let isGone): outputFailed(reason, isGone: isGone)
        case .sinkFailing(let reason, let sink): sinkFailing(reason, sink)
        case .sinkRecovered(let sink): sinkRecovered(sink)
        case .stored(let reply): stored(reply)
        case .reload(let change): reload(change)
        case .reloadRefused(let mistakes): reloadRefused(mistakes)
        case .sourceUnavailable(let reason, let source): sourceUnavailable(reason, source)
        case .news(let news, let endpoint): tell(news, of: endpoint)
        case .stop: stop()
        case .childEnded(let end): childEnded(end)
        case .status: actions.append(.say(.error, statusLine))
        case .timeout: timeout()
        }
    }

    /// The bytes for the socket.
    mutating func takeSocketOutput() -> [UInt8] { session.takeOutput() }

    /// When to call with ``Input/timeout`` if nothing else comes before. Mutating only so that a caller does not copy
    /// the pump to ask.
    mutating func nextDeadline() -> Instant? { deadline }

    var deadline: Instant? {
        var first = session.deadline
        func consider(_ other: Instant?) { if let other { first = first.map { min($0, other) } ?? other } }
        switch phase {
        case .running: if let silence = options.timeout { consider(lastMessage.map { $0 + silence }) }
        case .draining(let until): consider(until)
        case .settling(let until): consider(until)
        case .flushing(_, let until): consider(until)
        case .leaving, .finished: return first
        }
        consider(board.deadline)
        consider(held.deadline)
        consider(marksDeadline)
        consider(backlog.deadline.map { now + .milliseconds(max(0, $0 - attemptTime)) })
        for gate in gates.values { consider(gate.deadline(backlog.count(of: gate.lane) > 0)) }
        for join in joins.values { consider(join.until) }
        if case .within(let patience) = options.retry { for since in outOfRooms.values { consider(since + patience) } }
        consider(errand?.deadline)
        consider(child.deadline)
        return first
    }

    private var isOver: Bool {
        switch phase {
        case .flushing, .finished: true
        case .running, .draining, .settling, .leaving: false
        }
    }

    // MARK: - The session

    /// Gives the session an input and carries out what it wants.
    mutating func drive(_ input: Session.Input) {
        for action in session.handle(input, at: now) {
            // An action before this one may have ended the run.
            if isOver { break }
            carryOut(action)
        }
        // The session counts as handled what it is told, also of stanzas that made no event.
        if case .element = input, !isSated, !isOver { noteObserved() }
        counters.isOnline = session.isOnline
    }

    private mutating func carryOut(_ action: Session.Action) {
        switch action {
        case .connect, .startTLS, .restartStream, .derive, .closeConnection, .abortConnection:
            actions.append(.session(action))
        case .event(let event): observe(event)
        case .accepted(let row): accepted(upTo: row)
        case .foundInArchive(let row): foundInArchive(row)
        case .returned(let row): returned(row)
        case .writable: send()
        case .spill(let stanza):
            // Of a run that takes no more, what it did not print stays with the server.
            if !isSated { spill(upTo: stanza) }
        case .keepStream(let saved): keep(saved)
        case .drained: settleIfDrained()
        case .ended(let ending): ended(ending)
        }
    }
}

import Routing
import Session
import Spool
import Stanza

/// What the durable store was told and has not answered, and what is to be done once it has. Without a store everything
/// is safe at once.
struct Journal: Sendable {
    /// What waits for a batch to be safe.
    enum Promise: Equatable, Sendable {
        /// Rows up to this one may go.
        case rows(upTo: UInt64)
        /// Stanzas up to this one are handled.
        case handled(upTo: UInt64)
        /// So many bytes of a source in all may be forgotten there.
        case consumed(source: Int, bytes: UInt64)
    }

    /// Orders that may wait for a store that is slow, or cannot write, before no source is read.
    static let ordersMax = 50_000

    /// Held input that is kept: what rules count beyond it is counted in memory alone.
    static let heldMax = 50_000

    /// Whether there is a store.
    let isDurable: Bool
    /// The batch that was given out last.
    private(set) var lastBatch: UInt64 = 0
    /// All batches up to this one are safe.
    private(set) var safeBatch: UInt64 = 0
    /// Orders that are not.
    private(set) var unsafeOrders = 0
    /// Held input in the store, as far as is known.
    private var held = 0
    private var orders: [StoreOrder] = []
    private var fresh: [Promise] = []
    private var promises = Queue<(batch: UInt64, promise: Promise)>()
    private var batches = Queue<(batch: UInt64, orders: Int)>()
    /// Why the store cannot write for now.
    var failure: String?
    /// Whether the end of the run is told to it.
    var isClosed = false
    /// Whether nothing more will ever be safe in it.
    var isBroken = false

    init(restoring contents: StoreContents?) {
        isDurable = contents != nil
        held = contents?.held.count ?? 0
    }

    /// Whether all that was ordered is safe.
    var isSafe: Bool { safeBatch == lastBatch && orders.isEmpty && fresh.isEmpty }
    var isFull: Bool { unsafeOrders >= Self.ordersMax }

    /// Something for the store to do, in the batch of this input.
    mutating func order(_ order: StoreOrder) { if isDurable { orders.append(order) } }

    /// Keeps input that a rule holds back.
    mutating func hold(_ input: HeldInput) {
        guard isDurable, held < Self.heldMax else { return }
        held += 1
        orders.append(.hold(input))
    }

    /// Held input is over with. What was never kept may be among it.
    mutating func unhold(_ tokens: ClosedRange<UInt64>) {
        guard isDurable, held > 0 else { return }
        held = max(0, held - Int(clamping: tokens.upperBound - tokens.lowerBound) - 1)
        orders.append(.unhold(tokens))
    }

    /// Something to do once all that was ordered so far is safe.
    mutating func promise(_ promise: Promise) { fresh.append(promise) }

    /// Closes the batch of this input.
    /// - Parameter first: orders that go before the others.
    mutating func seal(_ first: [StoreOrder]) -> StoreBatch? {
        let all = orders.isEmpty ? first : first + orders
        orders.removeAll(keepingCapacity: true)
        if !all.isEmpty {
            lastBatch += 1
            batches.append((lastBatch, all.count))
            unsafeOrders += all.count
        }
        for promise in fresh { promises.append((lastBatch, promise)) }
        fresh.removeAll(keepingCapacity: true)
        return all.isEmpty ? nil : StoreBatch(number: lastBatch, orders: all)
    }

    /// Batches up to that one are safe.
    mutating func committed(_ batch: UInt64) {
        safeBatch = max(safeBatch, batch)
        while let first = batches.first, first.batch <= safeBatch {
            batches.popFirst()
            unsafeOrders -= first.orders
        }
    }

    /// The next promise that is due.
    mutating func due() -> Promise? {
        guard let first = promises.first, first.batch <= safeBatch else { return nil }
        promises.popFirst()
        return first.promise
    }
}

// The store's side of the pump.
extension Pump {
    /// Ends the handling of an input: what it has ordered is one batch.
    mutating func seal() {
        guard journal.isDurable else { return }
        repeat {
            settleSendMark()
            let appended = backlog.lastNumber
            if appended > sealedNumber {
                sealedNumber = appended
                journal.promise(.rows(upTo: appended))
            }
            if let batch = journal.seal(backlog.takeOrders()) { actions.append(.store(batch)) }
            for request in backlog.takeRequests() { actions.append(.load(request)) }
        } while keepPromises() || endsNow()
    }

    /// The end may have waited for a promise that no batch is awaited for.
    /// - Returns: Whether there are new orders.
    private mutating func endsNow() -> Bool {
        guard case .flushing = phase, !journal.isClosed, journal.isSafe else { return false }
        flushed()
        return journal.isClosed
    }

    /// Does what is due.
    /// - Returns: Whether there was anything, so that there may be new orders.
    private mutating func keepPromises() -> Bool {
        var hasKept = false
        while let promise = journal.due() {
            hasKept = true
            switch promise {
            case .rows(let number):
                backlog.committed(upTo: number)
                send()
            case .handled(let stanza): drive(.handled(upTo: stanza))
            case .consumed(let source, let bytes):
                sources[source].forgottenBytes = bytes
                actions.append(.consumed(source: source, bytes: bytes))
            }
        }
        if hasKept { leaveIfSettled() }
        return hasKept
    }

    /// The store answers.
    mutating func stored(_ reply: StoreReply) {
        switch reply {
        case .committed(let batch):
            journal.committed(batch)
            // What is due is done at the end of this input.
            seal()
            digest()
            if case .flushing = phase { flushed() }
            leaveIfSettled()
        case .loaded(let lane, let rows):
            backlog.loaded(lane, timed(rows))
            if let room = destinations.rooms[lane], let why = closedRooms[room] { failAll(in: room, why) }
            send()
            settleIfDrained()
        case .failing(let reason):
            guard journal.failure == nil else { return }
            journal.failure = reason
            let text = "the spool cannot be written: \(reason)"
            actions.append(.say(.error, "\(text); nothing is read until it can"))
            emit(.error(code: "spool", text: text))
        case .recovered:
            guard journal.failure != nil else { return }
            journal.failure = nil
            actions.append(.say(.warning, "the spool is written again"))
        case .broken(let reason):
            journal.failure = reason
            journal.isBroken = true
            actions.append(.say(.error, "the spool is lost: \(reason)"))
            worst = .io
            switch phase {
            case .running, .draining, .settling: leave()
            case .leaving, .finished: break
            case .flushing: flushed()
            }
        }
    }

    // MARK: - The beginning and the end

    /// Names of checkpoints.
    enum Checkpoint {
        /// What goes before the numbers in our ids.
        static let token = "token"
        /// There while a run is alive.
        static let unclean = "unclean"
        /// The step of standard input's offset that was made last.
        static let input = "input"
        /// The stream to resume.
        static let stream = "stream"
        /// The count of what is handled of it.
        static let inbound = "inbound"
        /// Since when that may have been sent which is not accepted.
        static let sent = "sent"
        /// How far an archive was told: its JID follows.
        static let cursorPrefix = "cursor:"
    }

    /// Goes on where the last run stopped.
    mutating func restore() {
        guard let contents = options.spool else { return }
        if contents.checkpoints[Checkpoint.token] == nil {
            journal.order(.keep(Checkpoint.token, Array(idToken.utf8)))
        }
        journal.order(.keep(Checkpoint.unclean, Self.bytes(of: UInt64(clamping: wall.milliseconds))))
        for lane in contents.lanes where lane.rows > 0 {
            if let room = destinations.rooms[lane.lane] { prepareGate(room, lane.lane) }
        }
        restoreDoubts(contents.checkpoints)
        restore(contents.spilled)
        restore(contents.held)
        guard backlog.count > 0 else { return }
        let what = backlog.count == 1 ? "1 message" : "\(backlog.count) messages"
        actions.append(.say(.info, "\(what) of an earlier run wait in the spool"))
    }

    /// The run ends in good order.
    /// - Returns: Whether that is to be said yet.
    mutating func closeJournal() -> Bool {
        guard journal.isDurable, !journal.isBroken, !journal.isClosed else { return false }
        journal.isClosed = true
        for name in [Checkpoint.unclean, Checkpoint.input] { journal.order(.keep(name, nil)) }
        return true
    }

    /// Keeps what the next run needs to resume the stream, and the count that belongs to it.
    mutating func keep(_ stream: SavedStream?) {
        journal.order(.keep(Checkpoint.stream, stream?.bytes))
        keepCount(upTo: stanzaHandled)
    }

    /// The count of handled stanzas, where the stream may outlive us.
    mutating func keepCount(upTo stanza: UInt64) {
        guard journal.isDurable, let count = session.handledCount(ifHandledUpTo: stanza) else { return }
        journal.order(.keep(Checkpoint.inbound, Self.bytes(of: count)))
    }

    /// Reads the count back.
    static func count(of bytes: [UInt8]) -> UInt32? {
        bytes.count == 4 ? bytes.reduce(0) { $0 << 8 | UInt32($1) } : nil
    }

    static func number(of bytes: [UInt8]) -> Int64? {
        bytes.count == 8 ? Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) }) : nil
    }

    /// A number as a checkpoint keeps it: big-endian.
    static func bytes(of number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}

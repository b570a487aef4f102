import Glibc
import Spool
import Stanza

/// The thread that owns a durable store: it gathers the batches that wait into one transaction, and answers in the order
/// of what it was asked. No write of the store ever runs on the loop.
final class StoreKeeper: @unchecked Sendable {
    private enum Order: Sendable {
        case batch(StoreBatch)
        case load(StoreRequest)
        case finish(Gate, until: Instant)
    }

    /// Between two attempts at a store that cannot be written.
    private static let retryFirst: Duration = .milliseconds(100)
    private static let retryMax: Duration = .seconds(5)
    /// Without orders for so long, room is given back to the file system.
    private static let idle: Duration = .milliseconds(300)

    private let orders = Mailbox<Order>()
    // Only of the thread, once it has begun.
    private let store: SQLiteStore
    private let file: StoreFile?
    private var isBroken = false
    private var hasShrunk = false
    private var deliver: @Sendable (StoreReply) -> Void = { _ in }

    /// - Parameter file: is marked where the store turns out to be damaged, so that its next opening brings it in order.
    init(_ store: SQLiteStore, _ file: StoreFile? = nil) {
        self.store = store
        self.file = file
    }

    /// Begins the thread: once the signals are claimed, which a thread of before would let end the process. `deliver` is
    /// called on it.
    func begin(_ deliver: @escaping @Sendable (StoreReply) -> Void) {
        self.deliver = deliver
        startThread(named: "spool") { self.run() }
    }

    /// Has a batch carried out.
    func post(_ batch: StoreBatch) { orders.post(.batch(batch)) }

    /// Has rows loaded.
    func load(_ request: StoreRequest) { orders.post(.load(request)) }

    /// Returns once all is kept that was posted before, or the time is over.
    func finish(within patience: Duration) {
        let gate = Gate()
        let end = Clock.monotonic() + patience
        orders.post(.finish(gate, until: end))
        gate.wait(until: end)
    }

    private func run() {
        var batches: [StoreBatch] = []
        // A backlog of an earlier run may have left room.
        var mayShrink = true
        while true {
            let taken = orders.take(until: mayShrink ? Clock.monotonic() + Self.idle : nil)
            guard !taken.isEmpty else {
                mayShrink = shrink()
                if !mayShrink, hasShrunk { settle() }
                continue
            }
            mayShrink = true
            for order in taken {
                switch order {
                case .batch(let batch): batches.append(batch)
                case .load(let request):
                    keep(&batches)
                    persist { () throws(StoreFailure) in
                        deliver(.loaded(request.lane, try store.load(request)))
                    }
                case .finish(let gate, let end):
                    keep(&batches)
                    while Clock.monotonic() < end, shrink() {}
                    settle()
                    gate.open()
                }
            }
            keep(&batches)
        }
    }

    /// - Returns: Whether there may be more of it to do. What fails here is nobody's loss.
    private func shrink() -> Bool {
        guard !isBroken, let pages = try? store.giveRoomBack(), pages > 0 else { return false }
        hasShrunk = true
        return true
    }

    /// What was given back is still in the log's hands; a log that is left to the next run is read again by it.
    private func settle() {
        if !isBroken { try? store.checkpoint() }
        hasShrunk = false
    }

    /// Carries batches out, however long that takes; what comes meanwhile waits.
    private func keep(_ batches: inout [StoreBatch]) {
        guard let last = batches.last else { return }
        persist { () throws(StoreFailure) in
            try store.carryOut(batches, at: Clock.wall().milliseconds)
            deliver(.committed(batch: last.number))
        }
        batches.removeAll(keepingCapacity: true)
    }

    private func persist(_ work: () throws(StoreFailure) -> Void) {
        var pause = Self.retryFirst
        var isFailing = false
        // Whatever a damaged store takes, it is not safe there.
        while !isBroken {
            do throws(StoreFailure) {
                try work()
                if isFailing { deliver(.recovered) }
                return
            } catch {
                guard error.kind == .passing else {
                    isBroken = true
                    file?.suspectDamage()
                    return deliver(.broken(error.description))
                }
                if !isFailing { deliver(.failing(error.description)) }
                isFailing = true
            }
            usleep(UInt32(pause.wholeMilliseconds) * 1_000)
            pause = min(pause * 2, Self.retryMax)
        }
    }
}

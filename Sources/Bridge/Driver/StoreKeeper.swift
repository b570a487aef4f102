import Glibc
import Spool
import Stanza

/// The thread that owns a durable store: it gathers the batches that wait into one transaction, and answers in the order
/// of what it was asked. No write of the store ever runs on the loop.
final class StoreKeeper: @unchecked Sendable {
    private enum Order: Sendable {
        case batch(StoreBatch)
        case load(StoreRequest)
        case tell(Gate)
    }

    /// Between two attempts at a store that cannot be written.
    private static let retryFirst: Duration = .milliseconds(100)
    private static let retryMax: Duration = .seconds(5)

    private let orders = Mailbox<Order>()
    // Only of the thread, once it has begun.
    private let store: SQLiteStore

    init(_ store: SQLiteStore) { self.store = store }

    /// Begins the thread: once the signals are claimed, which a thread of before would let end the process. `deliver` is
    /// called on it.
    func begin(_ deliver: @escaping @Sendable (StoreReply) -> Void) {
        startThread(named: "spool") { self.run(deliver) }
    }

    /// Has a batch carried out.
    func post(_ batch: StoreBatch) { orders.post(.batch(batch)) }

    /// Has rows loaded.
    func load(_ request: StoreRequest) { orders.post(.load(request)) }

    /// Returns once all is kept that was posted before, or the time is over.
    func finish(within patience: Duration) {
        let gate = Gate()
        orders.post(.tell(gate))
        gate.wait(until: Clock.monotonic() + patience)
    }

    private func run(_ deliver: (StoreReply) -> Void) {
        var waiting: [Order] = []
        var batches: [StoreBatch] = []
        while true {
            waiting += orders.take()
            for order in waiting {
                switch order {
                case .batch(let batch): batches.append(batch)
                case .load(let request):
                    keep(&batches, deliver)
                    load(request, deliver)
                case .tell(let gate):
                    keep(&batches, deliver)
                    gate.open()
                }
            }
            waiting = []
            keep(&batches, deliver)
        }
    }

    /// Carries batches out, however long that takes; what comes meanwhile waits.
    private func keep(_ batches: inout [StoreBatch], _ deliver: (StoreReply) -> Void) {
        guard let last = batches.last else { return }
        persist(deliver) { () throws(StoreFailure) in
            try store.carryOut(batches, at: Clock.wall().milliseconds)
            deliver(.committed(batch: last.number))
        }
        batches.removeAll(keepingCapacity: true)
    }

    private func load(_ request: StoreRequest, _ deliver: (StoreReply) -> Void) {
        persist(deliver) { () throws(StoreFailure) in deliver(.loaded(request.lane, try store.load(request))) }
    }

    private func persist(_ deliver: (StoreReply) -> Void, _ work: () throws(StoreFailure) -> Void) {
        var pause = Self.retryFirst
        var isFailing = false
        while true {
            do throws(StoreFailure) {
                try work()
                if isFailing { deliver(.recovered) }
                return
            } catch {
                guard error.kind == .passing else { return deliver(.broken(error.description)) }
                if !isFailing { deliver(.failing(error.description)) }
                isFailing = true
            }
            usleep(UInt32(pause.wholeMilliseconds) * 1_000)
            pause = min(pause * 2, Self.retryMax)
        }
    }
}

import Glibc
import Stanza

/// Orders for a thread, in their sequence.
final class Mailbox<Order: Sendable>: @unchecked Sendable {
    // Guarded by `lock`.
    private var orders: [Order] = []
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    init() {
        lock = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(lock)
        changed.deallocate()
        lock.deallocate()
    }

    func post(_ order: Order) {
        pthread_mutex_lock(lock)
        orders.append(order)
        pthread_cond_signal(changed)
        pthread_mutex_unlock(lock)
    }

    /// Waits for orders and takes all there are; none where the time has come first.
    func take(until deadline: Instant? = nil) -> [Order] {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while orders.isEmpty {
            guard let deadline else {
                pthread_cond_wait(changed, lock)
                continue
            }
            var until = timespec()
            until.tv_sec = Int(deadline.nanoseconds / 1_000_000_000)
            until.tv_nsec = Int(deadline.nanoseconds % 1_000_000_000)
            if pthread_cond_timedwait(changed, lock, &until) == ETIMEDOUT { break }
        }
        var taken: [Order] = []
        swap(&taken, &orders)
        return taken
    }
}

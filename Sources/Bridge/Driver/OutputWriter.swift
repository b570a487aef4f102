import Glibc

/// Writes to a descriptor on a thread of its own, so that a slow reader never blocks the loop.
///
/// What waits is bounded by the pump, which knows how many bytes are not yet written.
final class OutputWriter: @unchecked Sendable {
    /// What the thread tells.
    enum Outcome: Sendable {
        /// So many bytes in all are written.
        case written(UInt64)
        /// The write failed with this errno (EPIPE: the reader has gone); nothing more will be written.
        case failed(Int32)
    }

    private let descriptor: Int32
    private let deliver: @Sendable (Outcome) -> Void
    // Guarded by `lock`.
    private var waiting: [UInt8] = []
    private var isClosing = false
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    /// Begins the thread; `deliver` is called on it.
    init(descriptor: Int32, deliver: @escaping @Sendable (Outcome) -> Void) {
        self.descriptor = descriptor
        self.deliver = deliver
        lock = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(changed, nil)
        startThread(named: "output") { self.run() }
    }

    /// Adds bytes to what waits.
    func write(_ bytes: [UInt8]) {
        pthread_mutex_lock(lock)
        if waiting.isEmpty { waiting = bytes } else { waiting.append(contentsOf: bytes) }
        pthread_cond_signal(changed)
        pthread_mutex_unlock(lock)
    }

    /// Closes the descriptor once all that waits is written: the end of a child's input.
    func close() {
        pthread_mutex_lock(lock)
        isClosing = true
        pthread_cond_signal(changed)
        pthread_mutex_unlock(lock)
    }

    private func run() {
        var total: UInt64 = 0
        while true {
            pthread_mutex_lock(lock)
            while waiting.isEmpty, !isClosing { pthread_cond_wait(changed, lock) }
            if waiting.isEmpty {
                pthread_mutex_unlock(lock)
                Glibc.close(descriptor)
                return
            }
            var batch: [UInt8] = []
            swap(&batch, &waiting)
            pthread_mutex_unlock(lock)
            let failure = writeAll(batch)
            guard failure == 0 else { return deliver(.failed(failure)) }
            total += UInt64(batch.count)
            deliver(.written(total))
        }
    }

    private func writeAll(_ batch: [UInt8]) -> Int32 {
        batch.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Glibc.poll(&poll, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}

/// Watches whether the reader of a pipe has gone, so that a bridge with nothing to write learns it too: begins a thread
/// that calls `gone` once when the reading end of the pipe or socket is closed.
func watchReader(of descriptor: Int32, gone: @escaping @Sendable () -> Void) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFIFO || kind == S_IFSOCK else { return }
    startThread(named: "reader-watch") {
        // With no events asked for, poll returns for POLLERR and POLLHUP alone.
        var poll = pollfd(fd: descriptor, events: 0, revents: 0)
        while true {
            let count = Glibc.poll(&poll, 1, -1)
            if count > 0 { return gone() }
            if count < 0 && errno != EINTR { return }
        }
    }
}

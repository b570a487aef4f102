import Glibc

/// Reads a source, one chunk for each permission.
protocol SourceReader: AnyObject, Sendable {
    /// Allows one more chunk to be read.
    func permit()
    /// So many bytes in all are safe: the source may forget them.
    func consume(upTo total: UInt64)
    /// Ends the reading and takes what is there and would be gone with us.
    func takeRest() -> [UInt8]
}

extension SourceReader {
    func consume(upTo total: UInt64) {}
    func takeRest() -> [UInt8] { [] }
}

/// Reads a descriptor on a thread of its own, one chunk for each permission: that is the bounded hand-over.
///
/// A blocking thread reads pipes, terminals, regular files and /dev/null alike, and leaves O_NONBLOCK alone on a
/// description that others share.
final class InputReader: SourceReader, @unchecked Sendable {
    /// What one permission brought.
    enum Outcome: Sendable {
        /// Bytes, at most ``chunkBytesMax``.
        case chunk([UInt8])
        /// End of input.
        case end
        /// The read failed with this errno.
        case failed(Int32)
    }

    static let chunkBytesMax = 65_536

    private let descriptor: Int32
    private let deliver: @Sendable (Outcome) -> Void
    // Guarded by `lock`: how many chunks may still be read.
    private var permissions = 0
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    /// Begins a thread that waits for the first ``permit()``; `deliver` is called on that thread.
    init(descriptor: Int32, deliver: @escaping @Sendable (Outcome) -> Void) {
        self.descriptor = descriptor
        self.deliver = deliver
        lock = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(changed, nil)
        startThread(named: "input") { self.run() }
    }

    /// Allows one more chunk to be read.
    func permit() {
        pthread_mutex_lock(lock)
        permissions += 1
        pthread_cond_signal(changed)
        pthread_mutex_unlock(lock)
    }

    private func run() {
        while true {
            pthread_mutex_lock(lock)
            while permissions == 0 { pthread_cond_wait(changed, lock) }
            permissions -= 1
            pthread_mutex_unlock(lock)
            guard readOnce() else { return }
        }
    }

    private func readOnce() -> Bool {
        var failure: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: Self.chunkBytesMax) { buffer, count in
            var got = read(descriptor, buffer.baseAddress, buffer.count)
            while got < 0 {
                if errno == EAGAIN {
                    // Somebody who shares the description made it non-blocking: wait as if it were not.
                    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                    _ = Glibc.poll(&poll, 1, -1)
                } else if errno != EINTR {
                    break
                }
                got = read(descriptor, buffer.baseAddress, buffer.count)
            }
            failure = got < 0 ? errno : 0
            count = max(got, 0)
        }
        if failure != 0 { deliver(.failed(failure)) } else { deliver(chunk.isEmpty ? .end : .chunk(chunk)) }
        return failure == 0 && !chunk.isEmpty
    }
}

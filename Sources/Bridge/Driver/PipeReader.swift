import Glibc

/// Reads the reading end of a pipe on a thread of its own, one chunk for each permission. The descriptor does not block,
/// so the thread sleeps until there is something to do.
final class PipeReader: SourceReader, @unchecked Sendable {
    /// What a stop takes at most: the kernel lets no pipe hold more unless root asks for it.
    private static let restBytesMax = 1_024 * 1_024

    private let deliver: @Sendable (InputReader.Outcome) -> Void
    private let wake: Pipe
    // The thread's own.
    private var permissions = 0
    // Guarded by `lock`, as is the reading itself.
    private var descriptor: Int32
    private var isOver = false
    private let lock: UnsafeMutablePointer<pthread_mutex_t>

    /// Begins a thread that waits for the first ``permit()``; `deliver` is called on it.
    /// - Returns: Nil where the process has no descriptors left; errno says so.
    init?(descriptor: Int32, deliver: @escaping @Sendable (InputReader.Outcome) -> Void) {
        guard let pipe = Pipe(isBlocking: false) else { return nil }
        wake = pipe
        self.descriptor = descriptor
        self.deliver = deliver
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        startThread(named: "pipe-in") { self.run() }
    }

    func permit() {
        var byte: UInt8 = 1
        _ = write(wake.write, &byte, 1)
    }

    /// Ends the thread's reading and takes what the pipe holds. What the thread has read is delivered before.
    func takeRest() -> [UInt8] {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if isOver { return [] }
        isOver = true
        var all: [UInt8] = []
        while all.count < Self.restBytesMax, case .chunk(let chunk) = readOnce() { all += chunk }
        return all
    }

    private func run() {
        while true {
            sleepUntilDue()
            pthread_mutex_lock(lock)
            if permissions > 0, !isOver { pass() }
            let isDone = isOver
            pthread_mutex_unlock(lock)
            if isDone { return }
        }
    }

    /// Sleeps until there are a permission and something to read.
    private func sleepUntilDue() {
        var polls = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
        if permissions > 0 { polls.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
        _ = poll(&polls, nfds_t(polls.count), -1)
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(wake.read, &buffer, buffer.count)
        if count > 0 { permissions += count }
    }

    /// Reads a chunk and delivers it.
    private func pass() {
        guard let outcome = readOnce() else { return }
        permissions -= 1
        switch outcome {
        case .chunk: break
        case .end, .failed: isOver = true
        }
        deliver(outcome)
    }

    /// What is there, at most a chunk; nil where nothing is.
    private func readOnce() -> InputReader.Outcome? {
        var failure: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: InputReader.chunkBytesMax) { buffer, count in
            let got = read(descriptor, buffer.baseAddress, buffer.count)
            failure = got < 0 ? errno : 0
            count = max(got, 0)
        }
        switch failure {
        case 0: return chunk.isEmpty ? .end : .chunk(chunk)
        case EAGAIN, EINTR: return nil
        case _: return .failed(failure)
        }
    }
}

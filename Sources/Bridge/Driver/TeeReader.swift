import CLinux
import Glibc

/// Reads a pipe or a FIFO so that what is read stays in it until it is safe: tee(2) copies, and ``consume(upTo:)`` takes
/// away. So whoever reads on after a kill finds what was not safe yet.
///
/// A chunk for each permission, on a thread of its own; while whole lines of the last chunk are not safe, the next chunk
/// gathers. The descriptor may block or not, and is left as it is: others may share it.
final class TeeReader: SourceReader, @unchecked Sendable {
    /// What the reader does besides being woken, in milliseconds: kernels before 5.14 tell no news of a pipe that is not
    /// empty.
    private static let lookMilliseconds: Int32 = 1_000

    private let descriptor: Int32
    private let deliver: @Sendable (InputReader.Outcome) -> Void
    private let wake: Pipe
    private let copy: Pipe
    private let nothing: Int32
    private let news: Int32
    private let capacity: Int
    // Guarded by `lock`, as is the reading itself.
    private var permissions = 0
    private var isOver = false
    /// Bytes in all that were delivered, that may be taken away, and that were.
    private var delivered: UInt64 = 0
    private var safe: UInt64 = 0
    private var taken: UInt64 = 0
    /// Bytes at the end of what was delivered that are no whole line.
    private var unended = 0
    private let lock: UnsafeMutablePointer<pthread_mutex_t>

    /// Begins a thread that waits for the first ``permit()``; `deliver` is called on it.
    /// - Returns: Nil where the descriptor is no pipe, or the process has no descriptors left; errno says so.
    init?(descriptor: Int32, deliver: @escaping @Sendable (InputReader.Outcome) -> Void) {
        guard xb_pipe_size(descriptor) > 0, let wake = Pipe(isBlocking: false), let copy = Pipe(isBlocking: false)
        else { return nil }
        nothing = open("/dev/null", O_WRONLY | O_CLOEXEC)
        news = xb_watch_news(descriptor)
        guard nothing >= 0, news >= 0 else { return nil }
        // What the copy has no room for is seen once the pipe is emptier.
        _ = xb_resize_pipe(copy.write, xb_pipe_size(descriptor))
        capacity = Int(xb_pipe_size(copy.write))
        self.wake = wake
        self.copy = copy
        self.descriptor = descriptor
        self.deliver = deliver
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        startThread(named: "tee") { self.run() }
    }

    func permit() {
        withLock { permissions += 1 }
        rouse()
    }

    func consume(upTo total: UInt64) {
        withLock {
            safe = max(safe, total)
            takeAway()
        }
        rouse()
    }

    /// Ends the thread's reading and takes what the pipe holds. What the thread has read is delivered before.
    func takeRest() -> [UInt8] {
        withLock {
            if isOver { return [] }
            isOver = true
            guard case .chunk(let chunk) = readNew() else { return [] }
            return chunk
        }
    }

    private func withLock<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }

    private func rouse() {
        var byte: UInt8 = 1
        _ = write(wake.write, &byte, 1)
    }

    private func run() {
        while true {
            let wants = withLock {
                // While whole lines are on their way into safety, what comes gathers in the pipe.
                guard permissions > 0, !isOver, pending <= unended else { return false }
                return !pass()
            }
            sleep(wants)
        }
    }

    /// Sleeps until it is woken, or there is something new.
    private func sleep(_ wants: Bool) {
        var polls = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
        if wants { polls.append(pollfd(fd: news, events: Int16(POLLIN), revents: 0)) }
        _ = poll(&polls, nfds_t(polls.count), wants ? Self.lookMilliseconds : -1)
        if wants { xb_take_news(news) }
        var buffer = [UInt8](repeating: 0, count: 256)
        while read(wake.read, &buffer, buffer.count) > 0 {}
    }

    /// Delivered, and still in the pipe.
    private var pending: Int { Int(delivered - taken) }

    /// Delivers what is new.
    /// - Returns: Whether there was something.
    private func pass() -> Bool {
        guard let outcome = readNew() else {
            makeWay()
            return false
        }
        permissions -= 1
        switch outcome {
        case .chunk: break
        case .end, .failed: isOver = true
        }
        deliver(outcome)
        return true
    }

    /// What has come since it was looked at last; nil where nothing has.
    private func readNew() -> InputReader.Outcome? {
        let count = xb_tee(descriptor, copy.write, capacity)
        if count < 0 { return errno == EAGAIN || errno == EINTR ? nil : .failed(errno) }
        guard count > pending else {
            drop(count, from: copy.read)
            if count == pending, isLeft { return .end }
            return nil
        }
        drop(pending, from: copy.read)
        let chunk = [UInt8](unsafeUninitializedCapacity: count - pending) { buffer, filled in
            while filled < buffer.count {
                let got = read(copy.read, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
                // What was copied is there.
                guard got > 0 else { break }
                filled += got
            }
        }
        delivered += UInt64(chunk.count)
        unended = chunk.lastIndex(of: 0x0A).map { chunk.count - $0 - 1 } ?? unended + chunk.count
        return .chunk(chunk)
    }

    /// Whether nobody writes any more, and nothing is there that was not delivered.
    private var isLeft: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) == 1 && poll.revents & Int16(POLLHUP) != 0
            && Int(xb_readable(descriptor)) == pending
    }

    /// Takes away what is safe.
    private func takeAway() {
        let count = Int(min(safe, delivered)) - Int(taken)
        guard count > 0 else { return }
        drop(count, from: descriptor)
        taken += UInt64(count)
        unended = min(unended, pending)
    }

    /// A pipe that is full of one line would never bring its end: its beginning is kept in memory alone.
    private func makeWay() {
        let size = Int(xb_pipe_size(descriptor))
        // A full pipe is more than half full of bytes, for all that its pages are not; one of a single page may be less.
        guard pending > 0, pending * 2 > min(size, capacity) || size <= 4_096 else { return }
        drop(pending, from: descriptor)
        taken = delivered
        unended = 0
    }

    private func drop(_ count: Int, from pipe: Int32) {
        var rest = count
        while rest > 0 {
            let gone = xb_splice(pipe, nothing, rest)
            // Somebody else has taken it who reads the same pipe.
            guard gone > 0 || (gone < 0 && errno == EINTR) else { return }
            if gone > 0 { rest -= gone }
        }
    }
}

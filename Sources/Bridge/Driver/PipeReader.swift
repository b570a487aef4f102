import Glibc

/// Reads the reading end of a pipe on a thread of its own, one chunk for each permission. The thread sleeps until there is
/// something to do: the descriptor does not block, unless what is read stays in the pipe until it is safe. A FIFO has a name: where another FIFO is made there, the old one is
/// read until it is empty, and then the other.
final class PipeReader: SourceReader, @unchecked Sendable {
    /// What a stop takes at most: the kernel lets no pipe hold more unless root asks for it.
    private static let restBytesMax = 1_024 * 1_024

    /// How often a FIFO that cannot be opened is tried.
    private static let lostMilliseconds: Int32 = 1_000
    /// How long nobody looks at a pipe that is not empty, at the longest: kernels do not tell of all that comes into one,
    /// as of what a writer had ready who waited for room, and before 5.14 of nothing.
    private static let newsMillisecondsMax: Int32 = 1_000

    private let deliver: @Sendable (InputReader.Outcome) -> Void
    /// A FIFO's path, and whom to tell of what becomes of it.
    private let name: (path: String, tell: @Sendable (EndpointNews) -> Void)?
    private let wake: Pipe
    // The thread's own.
    private var permissions = 0
    private var isLookDue = false
    /// Until a pipe that is not empty is looked at again: longer each time, from when room was made in it.
    private var newsMilliseconds: Int32 = 1
    /// Why a FIFO's path is not what is read.
    private var loss: String?
    private var lastByte: UInt8 = 0x0A
    // Guarded by `lock`, as is the reading itself.
    private var descriptor: Int32
    private var isOver = false
    /// What stays in the pipe until it is safe.
    private var copy: PipeCopy?
    private let lock: UnsafeMutablePointer<pthread_mutex_t>

    /// Begins a thread that waits for the first ``permit()``; `deliver` is called on it.
    /// - Parameter start: where what is read is to stay in the pipe until ``consume(upTo:)``: how many bytes count as read
    ///   before.
    /// - Returns: Nil where the process has no descriptors left; errno says so.
    init?(
        descriptor: Int32, name: (path: String, tell: @Sendable (EndpointNews) -> Void)? = nil,
        copiesFrom start: UInt64? = nil,
        deliver: @escaping @Sendable (InputReader.Outcome) -> Void
    ) {
        guard let pipe = Pipe(isBlocking: false) else { return nil }
        if let start {
            guard let copy = PipeCopy(of: descriptor, from: start) else { return nil }
            self.copy = copy
        }
        wake = pipe
        self.name = name
        self.descriptor = descriptor
        self.deliver = deliver
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        startThread(named: "pipe-in") { self.run() }
    }

    /// The longest line without its end that is certainly in the pipe still, though it was read.
    var leftLineBytesMax: Int {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return copy?.leftLineBytesMax ?? 0
    }

    func permit() { wake(with: 1) }
    /// Looks whether a FIFO's path still is what is read.
    func look() { wake(with: 0) }

    func consume(upTo total: UInt64) {
        pthread_mutex_lock(lock)
        copy?.consume(upTo: total)
        pthread_mutex_unlock(lock)
        wake(with: 2)
    }

    private func wake(with byte: UInt8) {
        var byte = byte
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

    /// Ends it, and closes the pipe.
    func close() {
        pthread_mutex_lock(lock)
        isOver = true
        Glibc.close(descriptor)
        copy?.close()
        copy = nil
        pthread_mutex_unlock(lock)
        permit()
    }

    private func run() {
        while true {
            sleepUntilDue()
            pthread_mutex_lock(lock)
            if permissions > 0, !isOver, copy?.mayRead ?? true { pass() }
            if isLookDue || loss != nil, !isOver { renew() }
            let isDone = isOver
            pthread_mutex_unlock(lock)
            if isDone { return }
        }
    }

    /// Sleeps until there are a permission and something to read.
    private func sleepUntilDue() {
        var polls = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
        pthread_mutex_lock(lock)
        let copy = copy
        if permissions > 0, copy?.mayRead ?? true {
            polls.append(copy?.poll ?? pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        pthread_mutex_unlock(lock)
        let isNewsDue = copy != nil && polls.count > 1
        let timeout = loss != nil ? Self.lostMilliseconds : isNewsDue ? newsMilliseconds : -1
        _ = poll(&polls, nfds_t(polls.count), timeout)
        if isNewsDue {
            copy?.takeNews()
            newsMilliseconds = min(newsMilliseconds * 2, Self.newsMillisecondsMax)
        }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(wake.read, &buffer, buffer.count)
        guard count > 0 else { return }
        permissions += buffer[..<count].count { $0 == 1 }
        isLookDue = isLookDue || buffer[..<count].contains(0)
        if buffer[..<count].contains(2) { newsMilliseconds = 1 }
    }

    /// Reads a chunk and delivers it.
    private func pass() {
        guard let outcome = readOnce() else {
            copy?.makeWay()
            return
        }
        permissions -= 1
        switch outcome {
        case .chunk(let chunk): lastByte = chunk.last ?? lastByte
        case .end, .failed: isOver = true
        }
        deliver(outcome)
    }

    /// What is there, at most a chunk; nil where nothing is.
    private func readOnce() -> InputReader.Outcome? {
        if copy != nil { return copy?.readNew() }
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

    // MARK: - A FIFO that is made anew

    private func renew() {
        guard let name else { return }
        switch FIFO.state(of: name.path, against: descriptor) {
        case .same: found()
        case .missing(let code): lost(Diagnostics.describe(code))
        case .foreign: lost("something else is in its place")
        case .another:
            // What the old one holds comes first; it is looked at again after each chunk.
            if isEmpty { open(name.path) }
            return
        }
        isLookDue = false
    }

    private var isEmpty: Bool {
        if let copy { return copy.isEmpty }
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) == 0
    }

    private func open(_ path: String) {
        isLookDue = false
        let opened = Glibc.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard opened >= 0 else { return lost(Diagnostics.describe(errno)) }
        guard FIFO.isFIFO(opened) else {
            Glibc.close(opened)
            return lost("something else is in its place")
        }
        // A line that its writer has not ended, and now never will.
        if lastByte != 0x0A {
            copy?.count(1)
            deliver(.chunk([0x0A]))
        }
        lastByte = 0x0A
        if let old = copy {
            // What was not safe yet is gone with the old pipe, and in memory alone.
            copy = PipeCopy(of: opened, from: old.readBytes)
            old.close()
        }
        Glibc.close(descriptor)
        descriptor = opened
        loss = nil
        name?.tell(.remade)
    }

    private func lost(_ reason: String) {
        if loss != reason { name?.tell(.lost(reason)) }
        loss = reason
    }

    private func found() {
        if loss != nil { name?.tell(.found) }
        loss = nil
    }
}

import Glibc

/// Writes to a FIFO on a thread of its own. Opened for writing alone it waits for a reader, as it does where the pipe is
/// full; what the pipe holds when a reader goes is the next reader's. A FIFO that is made anew is written to from the next
/// line on: a line that the old one has begun goes into the new one whole.
final class FIFOWriter: SinkWriter, @unchecked Sendable {
    /// O_PATH of open(2), which is not among Glibc's for us; the same number on all machines of Linux but Alpha, HPPA, SPARC.
    private static let pathOnly: Int32 = 0o10000000

    private let path: String
    private let deliver: @Sendable (SinkOutcome) -> Void
    private let orders = Mailbox<[Parcel]>()
    private let wake: Pipe
    // The thread's own.
    private var descriptor: Int32 = -1
    /// Why nothing can be written for now.
    private var failure: String?
    // Guarded by `lock`: the FIFO that a reader is waited for, without holding it open (O_PATH), and the reading end of it
    // that ends this waiting.
    private var awaited: Int32 = -1
    private var relief: Int32 = -1
    private let lock: UnsafeMutablePointer<pthread_mutex_t>

    /// Begins the thread; `deliver` is called on it.
    /// - Returns: Nil where the process has no descriptors left; errno says so.
    init?(_ path: String, deliver: @escaping @Sendable (SinkOutcome) -> Void) {
        guard let pipe = Pipe(isBlocking: false) else { return nil }
        wake = pipe
        self.path = path
        self.deliver = deliver
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        startThread(named: "fifo-out") { self.run() }
    }

    func write(_ parcels: [Parcel]) { orders.post(parcels) }

    /// Looks whether the path still is the FIFO that is written to, or whose reader is waited for.
    func reopen() {
        var byte: UInt8 = 0
        _ = Glibc.write(wake.write, &byte, 1)
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        guard awaited >= 0, relief < 0, FIFO.state(of: path, against: awaited) != .same else { return }
        // A reader of the old one lets open(2) return.
        relief = open("/proc/self/fd/\(awaited)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    }

    private func run() {
        var total: UInt64 = 0
        while true {
            for parcel in orders.take().flatMap({ $0 }) {
                writeAll(parcel.bytes)
                total += UInt64(parcel.bytes.count)
                deliver(.written(total))
            }
        }
    }

    private func writeAll(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            if hasMoved() {
                let isAnother = descriptor >= 0
                if isAnother { close(descriptor) }
                descriptor = -1
                awaitReader()
                if isAnother { deliver(.remade) }
                done = bytes[..<done].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            }
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[done...])
                return Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count > 0 {
                done += count
                continue
            }
            switch errno {
            case EAGAIN: awaitRoom()
            case EPIPE: awaitReader()
            case EINTR: break
            case let code: fail(Diagnostics.describe(code))
            }
        }
    }

    /// Whether nothing is open, or there is another FIFO by now. What is merely gone is written to as long as it is read.
    private func hasMoved() -> Bool { descriptor < 0 || FIFO.state(of: path, against: descriptor) == .another }

    /// Until the reader takes something, or the path is to be looked at.
    private func awaitRoom() {
        var polls = [
            pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&polls, 2, -1)
        drainWake()
    }

    private func drainWake() {
        var buffer = [UInt8](repeating: 0, count: 64)
        while read(wake.read, &buffer, buffer.count) > 0 {}
    }

    /// Opening for writing waits until somebody reads. What is open stays so: what is in the pipe lasts as long as one end
    /// does.
    private func awaitReader() {
        while true {
            let (opened, problem) = openOnce()
            // The path may have become another FIFO, or none, meanwhile.
            if opened >= 0, FIFO.state(of: path, against: opened) == .same {
                if failure != nil { deliver(.recovered) }
                failure = nil
                return keep(opened)
            }
            if opened >= 0 { close(opened) }
            if let problem { fail(problem) }
        }
    }

    /// Waits for a reader of what now is there.
    private func openOnce() -> (descriptor: Int32, problem: String?) {
        let handle = open(path, Self.pathOnly | O_CLOEXEC)
        guard handle >= 0 else { return (-1, Diagnostics.describe(errno)) }
        defer { close(handle) }
        // Whatever else may be in its place now is not written to.
        guard FIFO.isFIFO(handle) else { return (-1, "something else is in its place") }
        pthread_mutex_lock(lock)
        awaited = handle
        pthread_mutex_unlock(lock)
        // From here on a change is told, and what came before is seen now.
        var opened: Int32 = -1
        var code: Int32 = 0
        if FIFO.state(of: path, against: handle) == .same {
            opened = open("/proc/self/fd/\(handle)", O_WRONLY | O_CLOEXEC)
            code = errno
        }
        pthread_mutex_lock(lock)
        awaited = -1
        if relief >= 0 { close(relief) }
        relief = -1
        pthread_mutex_unlock(lock)
        if opened >= 0 { _ = fcntl(opened, F_SETFL, O_NONBLOCK) }
        return (opened, opened < 0 && code != 0 && code != EINTR ? Diagnostics.describe(code) : nil)
    }

    private func keep(_ opened: Int32) {
        if descriptor >= 0, FIFO.state(of: path, against: descriptor) == .same {
            close(opened)
            return
        }
        if descriptor >= 0 { close(descriptor) }
        descriptor = opened
    }

    /// Tells it, and waits a moment: the path may be mended.
    private func fail(_ reason: String) {
        if failure != reason { deliver(.failing(reason)) }
        failure = reason
        var polls = pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)
        _ = poll(&polls, 1, 1_000)
        drainWake()
    }
}

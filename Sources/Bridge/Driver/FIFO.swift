import Glibc
import Routing

/// FIFOs as ends of bridges: made (0600) where they are missing, refused where something else is in their place.
enum FIFO {
    /// Makes the FIFOs of these rules, and opens those that are read.
    /// - Returns: Descriptors by the numbers of the sources: standard input is 0, the router's follow.
    static func openAll(of rules: [Rule]) throws(StartFailure) -> [Int: Int32] {
        let router = Router(rules: rules, host: "")
        for case .fifo(let path) in router.localSinks { try make(path) }
        var descriptors: [Int: Int32] = [:]
        for (number, endpoint) in router.localSources.enumerated() {
            guard case .fifo(let path) = endpoint else { continue }
            try make(path)
            // Our own writing end: writers come and go, and the FIFO never ends.
            let descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw StartFailure(.noInput, "cannot open fifo:\(path): \(Diagnostics.describe(errno))")
            }
            descriptors[number + 1] = descriptor
        }
        return descriptors
    }

    private static func make(_ path: String) throws(StartFailure) {
        if mkfifo(path, 0o600) == 0 { return }
        guard errno == EEXIST else {
            throw StartFailure(.cannotCreate, "cannot make fifo:\(path): \(Diagnostics.describe(errno))")
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
            throw StartFailure(.cannotCreate, "\(path) is there and no FIFO; remove it, or name another path")
        }
    }
}

/// Writes to a FIFO on a thread of its own. Opened for writing alone it waits for a reader, as it does where the pipe is
/// full; what the pipe holds when a reader goes is the next reader's.
final class FIFOWriter: SinkWriter, @unchecked Sendable {
    private let path: String
    private let deliver: @Sendable (SinkOutcome) -> Void
    private let orders = Mailbox<[Parcel]>()
    // The thread's own.
    private var descriptor: Int32 = -1
    private var isFailing = false

    /// Begins the thread; `deliver` is called on it.
    init(_ path: String, deliver: @escaping @Sendable (SinkOutcome) -> Void) {
        self.path = path
        self.deliver = deliver
        startThread(named: "fifo-out") { self.run() }
    }

    func write(_ parcels: [Parcel]) { orders.post(parcels) }
    /// A reader that comes is waited for in any case.
    func reopen() {}

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
            if descriptor < 0 { awaitReader() }
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[done...])
                return Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count > 0 {
                done += count
            } else if errno == EPIPE {
                awaitReader()
            } else if errno != EINTR {
                fail(Diagnostics.describe(errno))
            }
        }
    }

    /// Opening for writing waits until somebody reads. What is open stays so: what is in the pipe lasts as long as one end
    /// does.
    private func awaitReader() {
        while true {
            // Whatever else may be in its place now is not written to.
            let opened = open(path, O_WRONLY | O_CLOEXEC)
            if opened < 0 && errno == EINTR { continue }
            var new = stat()
            guard opened >= 0, fstat(opened, &new) == 0, new.st_mode & S_IFMT == S_IFIFO else {
                let reason = opened < 0 ? Diagnostics.describe(errno) : "something else is in its place"
                if opened >= 0 { close(opened) }
                fail(reason)
                continue
            }
            if isFailing { deliver(.recovered) }
            isFailing = false
            keep(opened, new)
            return
        }
    }

    private func keep(_ opened: Int32, _ new: stat) {
        var old = stat()
        if descriptor >= 0, fstat(descriptor, &old) == 0, old.st_ino == new.st_ino, old.st_dev == new.st_dev {
            close(opened)
            return
        }
        if descriptor >= 0 { close(descriptor) }
        descriptor = opened
    }

    /// Tells it, and waits a moment: the path may be mended.
    private func fail(_ reason: String) {
        if !isFailing { deliver(.failing(reason)) }
        isFailing = true
        var pause = timespec(tv_sec: 1, tv_nsec: 0)
        nanosleep(&pause, nil)
    }
}

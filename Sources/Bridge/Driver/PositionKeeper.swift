import Endpoints
import Glibc

/// Keeps the positions of tailed files in the state directory: a file that is replaced whole, by a thread of its own.
/// One process keeps them at a time; the lock lasts as long as it does.
final class PositionKeeper: Sendable {
    private enum Order: Sendable {
        case save([TailPosition])
        case tell(Gate)
    }

    private let path: String
    private let orders = Mailbox<Order>()

    /// Takes the lock; the directory is made (0700) where it is missing.
    init(directory: String) throws(StartFailure) {
        path = "\(directory)/tail-positions"
        let lock = path + ".lock"
        _ = try StateDirectory(directory)
        let descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(lock, errno) }
        // The descriptor stays open on purpose: the kernel gives the lock back when the process ends.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let what = "another run follows files with the state directory \(directory)"
            close(descriptor)
            throw StartFailure(.cannotCreate, "\(what); end it, or give another with --state")
        }
    }

    /// What was kept; none where nothing was.
    func read() throws(StartFailure) -> [TailPosition] {
        guard access(path, F_OK) == 0 else { return [] }
        let bytes: [UInt8]
        do throws(SmallFile.Failure) { bytes = try SmallFile.read(path) } catch {
            throw StartFailure(.cannotCreate, "cannot read \(path): \(error)")
        }
        guard let positions = TailPositions.read(bytes) else {
            throw StartFailure(.cannotCreate, "\(path) holds no positions; remove it to begin anew")
        }
        return positions
    }

    /// Begins the thread: once the signals are claimed, which a thread of before would let end the process.
    func begin() { startThread(named: "positions") { self.run() } }

    /// Keeps these, soon.
    func save(_ positions: [TailPosition]) { orders.post(.save(positions)) }

    /// Returns once all is kept.
    func finish() {
        let gate = Gate()
        orders.post(.tell(gate))
        gate.wait()
    }

    private func run() {
        while true {
            var newest: [TailPosition]?
            var gates: [Gate] = []
            for order in orders.take() {
                switch order {
                case .save(let positions): newest = positions
                case .tell(let gate): gates.append(gate)
                }
            }
            if let newest { replace(TailPositions.text(newest)) }
            for gate in gates { gate.open() }
        }
    }

    /// Whatever happens in between, the file is the old one or the new one.
    private func replace(_ bytes: [UInt8]) {
        let next = path + ".new"
        let descriptor = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return tell(errno) }
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let reason = errno
        close(descriptor)
        guard isWritten else { return tell(reason) }
        if rename(next, path) != 0 { tell(errno) }
    }

    private func tell(_ code: Int32) {
        Diagnostics.say("cannot keep the positions of files in \(path): \(Diagnostics.describe(code))")
    }

    private static func failure(_ path: String, _ code: Int32) -> StartFailure {
        StartFailure(
            .cannotCreate,
            "cannot use \(path): \(Diagnostics.describe(code)); give another state directory with --state, or --no-state"
        )
    }
}

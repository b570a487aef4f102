import Glibc
import Routing
import Stanza

/// What writes the bytes of a sink on a thread of its own.
protocol SinkWriter: AnyObject, Sendable {
    /// Adds whole lines to what waits.
    func write(_ parcels: [Parcel])
    /// SIGHUP: opens anew what is open.
    func reopen()
}

/// What the writer of a sink tells.
enum SinkOutcome: Sendable {
    /// So many bytes in all are written.
    case written(UInt64)
    /// Nothing can be written for now, and why; it is tried again.
    case failing(String)
    /// It can again.
    case recovered
    /// The FIFO is another, and written to.
    case remade
}

/// Appends to a file on a thread of its own: one write for what came together, and never a torn line.
///
/// The file is made (0640, or as told) where it is missing, and opened again when its name has moved on with the date, when it was
/// moved away or deleted, and at a SIGHUP. What cannot be written waits and is tried again; how much may wait is the
/// pump's to bound.
final class FileWriter: SinkWriter, @unchecked Sendable {
    private enum Order: Sendable {
        case write([Parcel])
        case reopen
    }

    /// The first pause after a failure, doubled by each.
    static let pauseFirst: Duration = .milliseconds(500)
    /// The longest.
    static let pauseMax: Duration = .seconds(30)
    private static let mode: mode_t = 0o640
    /// Parcels that wait are joined up to this size.
    private static let batchBytesMax = 1_024 * 1_024

    private let name: DatedPath
    private let options: FileOptions
    private let deliver: @Sendable (SinkOutcome) -> Void
    private let orders = Mailbox<Order>()

    // The thread's own.
    private var waiting: [Parcel] = []
    private var total: UInt64 = 0
    private var open: (path: String, descriptor: Int32)?
    private var pause: Duration?
    private var next: Instant?

    /// Begins the thread; `deliver` is called on it.
    init(
        _ name: DatedPath, _ options: FileOptions = FileOptions(), deliver: @escaping @Sendable (SinkOutcome) -> Void
    ) {
        self.name = name
        self.options = options
        self.deliver = deliver
        startThread(named: "file") { self.run() }
    }

    func write(_ parcels: [Parcel]) { orders.post(.write(parcels)) }
    func reopen() { orders.post(.reopen) }

    private func run() {
        while true {
            for order in orders.take(until: next) {
                switch order {
                case .write(let parcels): waiting += parcels
                case .reopen:
                    closeFile()
                    next = nil
                }
            }
            if let next, Clock.monotonic() < next { continue }
            next = nil
            writeWaiting()
        }
    }

    private func writeWaiting() {
        while !waiting.isEmpty {
            let (path, count, batch) = nextBatch()
            let (written, failure) = append(batch, to: path)
            if written > 0 {
                forget(written, of: count)
                total += UInt64(written)
                deliver(.written(total))
            }
            if let failure { return failed(failure) }
            if pause != nil { deliver(.recovered) }
            pause = nil
        }
    }

    private func failed(_ reason: String) {
        closeFile()
        if pause == nil { deliver(.failing(reason)) }
        let length = pause.map { min($0 * 2, Self.pauseMax) } ?? Self.pauseFirst
        pause = length
        next = Clock.monotonic() + length
    }

    /// The first parcels that go into one file.
    private func nextBatch() -> (path: String, count: Int, bytes: [UInt8]) {
        let path = name.path(at: waiting[0].time)
        var bytes = waiting[0].bytes
        var count = 1
        while count < waiting.count, bytes.count < Self.batchBytesMax, name.path(at: waiting[count].time) == path {
            bytes += waiting[count].bytes
            count += 1
        }
        return (path, count, bytes)
    }

    /// So many bytes of the first parcels are in the file.
    private func forget(_ written: Int, of count: Int) {
        var rest = written
        while rest > 0, rest >= waiting[0].bytes.count {
            rest -= waiting[0].bytes.count
            waiting.removeFirst()
        }
        if rest > 0 { waiting[0].bytes.removeFirst(rest) }
    }

    // MARK: - The file

    /// Appends to a file.
    /// - Returns: How many bytes, always whole lines, and what stopped it before the end.
    private func append(_ bytes: [UInt8], to path: String) -> (written: Int, failure: String?) {
        if let failure = openFile(path) { return (0, failure) }
        guard let descriptor = open?.descriptor else { return (0, nil) }
        var before = stat()
        fstat(descriptor, &before)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[done...])
                return Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                let reason = Diagnostics.describe(errno)
                return (keepWholeLines(bytes, done, before, descriptor), reason)
            }
            done += count
        }
        // What is not certain to be on the disk is written again: a line may be there twice, and none is lost.
        if let failure = sync(descriptor) { return (0, failure) }
        return (done, nil)
    }

    /// - Returns: Why what was written is not certain to be on the disk, where that is asked for.
    private func sync(_ descriptor: Int32) -> String? {
        guard options.isSynced == true, fsync(descriptor) != 0 else { return nil }
        // A device has nothing to be synced.
        return errno == EINVAL || errno == EROFS ? nil : "fsync: \(Diagnostics.describe(errno))"
    }

    /// Takes back the part of a line that was written before the disk was full, unless others write there too.
    private func keepWholeLines(_ bytes: [UInt8], _ done: Int, _ before: stat, _ descriptor: Int32) -> Int {
        let whole = bytes[..<done].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        var after = stat()
        guard whole < done, fstat(descriptor, &after) == 0, after.st_mode & S_IFMT == S_IFREG,
            after.st_size == before.st_size + done
        else { return done == whole ? whole : done }
        return ftruncate(descriptor, before.st_size + whole) == 0 ? whole : done
    }

    /// Opens the file where it is not open, or not the one of that name any more.
    /// - Returns: Why it cannot.
    private func openFile(_ path: String) -> String? {
        if let open, open.path == path, isThere(path, open.descriptor) { return nil }
        closeFile()
        let descriptor = openOrMake(path)
        guard descriptor >= 0 else { return "\(Diagnostics.describe(errno)) (\(path))" }
        var status = stat()
        fstat(descriptor, &status)
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFCHR else {
            close(descriptor)
            return "not a regular file (\(path))"
        }
        open = (path, descriptor)
        return nil
    }

    private func openOrMake(_ path: String) -> Int32 {
        // Without a reader a FIFO would hold the thread.
        let flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        let descriptor = Glibc.open(path, flags)
        if descriptor >= 0 || errno != ENOENT { return descriptor }
        let made = Glibc.open(path, flags | O_CREAT | O_EXCL, Self.mode)
        if made >= 0 { settle(made, path) }
        // Somebody else was as quick, or a link is there whose target is not.
        return made < 0 && errno == EEXIST ? Glibc.open(path, flags | O_CREAT, Self.mode) : made
    }

    /// A file that was just made gets its mode whatever the umask says, and its name is on the disk as well.
    private func settle(_ made: Int32, _ path: String) {
        if let mode = options.mode { fchmod(made, mode_t(mode)) }
        guard options.isSynced == true else { return }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private func isThere(_ path: String, _ descriptor: Int32) -> Bool {
        var named = stat()
        var held = stat()
        guard stat(path, &named) == 0, fstat(descriptor, &held) == 0 else { return false }
        return named.st_dev == held.st_dev && named.st_ino == held.st_ino
    }

    private func closeFile() {
        if let open { close(open.descriptor) }
        open = nil
    }
}

extension DatedPath {
    /// The path at that moment by this machine's time zone.
    func path(at time: WallTime) -> String {
        guard isDated else { return path(at: CivilTime(year: 0, month: 1, day: 1, dayOfYear: 1, hour: 0, minute: 0)) }
        var seconds = time_t(time.milliseconds / 1_000)
        var civil = tm()
        localtime_r(&seconds, &civil)
        return path(
            at: CivilTime(
                year: Int(civil.tm_year) + 1_900, month: Int(civil.tm_mon) + 1, day: Int(civil.tm_mday),
                dayOfYear: Int(civil.tm_yday) + 1, hour: Int(civil.tm_hour), minute: Int(civil.tm_min)))
    }
}

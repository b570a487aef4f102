import Endpoints
import Glibc
import Spool
import Stanza

/// A process's own part of the state directory (`STATE/part-N`), held by a lock for as long as it lives: its resource,
/// which is the same each time the part is taken, and its store. Several processes of one account each have one.
struct StatePart {
    /// The state directory.
    let state: String
    /// The part's own folder in it.
    let directory: String
    /// Whether it is the daemon's.
    let isFirst: Bool
    /// The resource to bind.
    let resource: String
    /// What the store held.
    let contents: StoreContents
    /// The store's thread, that has not begun.
    let keeper: StoreKeeper
    /// What a person should know of: a damaged store, what a dead run has left.
    let notes: [String]

    static let partsMax = 1_000
    /// The store in a part.
    static let fileName = "spool.db"

    /// Takes the first free part, which is made where it is missing, and adopts what the dead have left in others.
    ///
    /// The first part is the daemon's, however many filters come and go while it is away: the files that it follows, its
    /// archive's cursors and what its rules hold back are in it.
    /// - Throws: A ``StartFailure`` of status 73 or 78: a run never begins without the durability that was asked for.
    static func take(
        directory: String, host: String, durability: SQLiteStore.Durability, isDaemon: Bool
    ) throws(StartFailure) -> StatePart {
        try StateDirectory.make(directory)
        for number in (isDaemon ? 1 : 2)...partsMax {
            let part = "\(directory)/part-\(number)"
            guard try StateDirectory.lock(part, makes: true) else { continue }
            var notes: [String] = []
            let store = try open(part, durability, &notes)
            let contents: StoreContents
            do throws(StoreFailure) {
                try Adoption(store, in: directory, own: number, durability).adopt(&notes)
                if number == 1 { try importPositions(from: directory, into: store) }
                try store.forgetEmptyLanes()
                contents = try store.contents()
            } catch { throw StateDirectory.failure("\(part)/\(fileName)", error.description) }
            return StatePart(
                state: directory, directory: part, isFirst: number == 1, resource: "xmpp-bridge.\(host)-\(number)",
                contents: contents,
                keeper: StoreKeeper(store), notes: notes)
        }
        throw StartFailure(.cannotCreate, "all \(partsMax) parts of \(directory) are taken")
    }

    /// Brings the positions of tailed files over that earlier versions kept in a file of their own.
    private static func importPositions(from directory: String, into store: SQLiteStore) throws(StoreFailure) {
        let path = "\(directory)/tail-positions"
        guard let bytes = try? SmallFile.read(path), let positions = TailPositions.read(bytes) else { return }
        let known = try store.contents().positions
        let orders = positions.filter { known[$0.path] == nil }.map {
            StoreOrder.position(path: $0.path, TailPositions.text([$0]))
        }
        try store.carryOut([StoreBatch(number: 0, orders: orders)], at: Clock.wall().milliseconds)
        unlink(path)
    }

    /// Opens a part's store; one that is damaged is set aside, and what can be read of it is brought over.
    static func open(
        _ part: String, _ durability: SQLiteStore.Durability, _ notes: inout [String]
    ) throws(StartFailure) -> SQLiteStore {
        let path = "\(part)/\(fileName)"
        do throws(StoreFailure) {
            return try SQLiteStore(path: path, durability: durability)
        } catch {
            switch error.kind {
            case .passing: throw StateDirectory.failure(path, error.description)
            case .newer, .foreign:
                throw StartFailure(
                    .configuration,
                    "cannot use \(path): \(error); give another state directory with --state, or --no-state")
            case .damaged: return try replace(path, error, durability, &notes)
            }
        }
    }

    private static func replace(
        _ path: String, _ damage: StoreFailure, _ durability: SQLiteStore.Durability, _ notes: inout [String]
    ) throws(StartFailure) -> SQLiteStore {
        let time = Clock.wall().milliseconds
        let aside = "\(path).damaged-\(time / 1_000)"
        for end in ["", "-wal", "-shm"] where access(path + end, F_OK) == 0 {
            if rename(path + end, aside + end) != 0 { throw StateDirectory.failure(path, Diagnostics.describe(errno)) }
        }
        do throws(StoreFailure) {
            let store = try SQLiteStore(path: path, durability: durability)
            let count = try Salvage.bring(from: aside, into: store, at: time)
            let what = count == 1 ? "1 message" : "\(count) messages"
            notes.append("\(path) is damaged (\(damage)): it is kept as \(aside), and \(what) could be read out of it")
            return store
        } catch { throw StateDirectory.failure(path, error.description) }
    }
}

/// The folders and locks of the state.
enum StateDirectory {
    /// Makes a folder (0700), and those that it is in.
    static func make(_ path: String) throws(StartFailure) {
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, 0o700) != 0 && errno != EEXIST && errno != EISDIR {
                throw failure(prefix, Diagnostics.describe(errno))
            }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw failure(path, Diagnostics.describe(ENOTDIR))
        }
        // Whoever owns the folder could read what is written there, or take it away.
        guard status.st_uid == geteuid() || geteuid() == 0 else { throw failure(path, "it is another user's") }
        if access(path, W_OK | X_OK) != 0 { throw failure(path, Diagnostics.describe(errno)) }
    }

    /// Takes the lock of a part. The kernel gives it back when the process ends, so its descriptor stays open.
    /// - Parameter makes: whether a part that is not there is made.
    /// - Returns: False where another process has it, or it is not there.
    static func lock(_ part: String, makes: Bool) throws(StartFailure) -> Bool {
        if makes, mkdir(part, 0o700) != 0, errno != EEXIST { throw failure(part, Diagnostics.describe(errno)) }
        let path = "\(part)/lock"
        let descriptor = open(path, O_RDWR | (makes ? O_CREAT : 0) | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if !makes, errno == ENOENT { return false }
            throw failure(path, Diagnostics.describe(errno))
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        let reason = errno
        close(descriptor)
        guard reason == EWOULDBLOCK || reason == EINTR else { throw failure(path, Diagnostics.describe(reason)) }
        return false
    }

    /// The numbers of the parts that are there, rising.
    static func parts(of directory: String) -> [Int] {
        guard let folder = opendir(directory) else { return [] }
        defer { closedir(folder) }
        var numbers: [Int] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("part-"), let number = Int(name.dropFirst(5)), number > 0 { numbers.append(number) }
        }
        return numbers.sorted()
    }

    static func failure(_ path: String, _ reason: String) -> StartFailure {
        StartFailure(
            .cannotCreate,
            "cannot use the state directory \(path): \(reason); give another with --state, or --no-state")
    }
}

/// Brings what dead processes have left in their parts into ours: their rows keep their bytes and ids, and get numbers
/// behind ours. It is in our store before it leaves theirs, so that a kill in between repeats, and loses nothing.
struct Adoption {
    private static let rowsAtOnce = 500
    private static let bytesAtOnce = 4 * 1_024 * 1_024

    private let store: SQLiteStore
    private let directory: String
    private let own: Int
    private let durability: SQLiteStore.Durability
    private let time = Clock.wall().milliseconds

    init(_ store: SQLiteStore, in directory: String, own: Int, _ durability: SQLiteStore.Durability) {
        self.store = store
        self.directory = directory
        self.own = own
        self.durability = durability
    }

    /// - Parameter notes: gets a line for each part that held something.
    func adopt(_ notes: inout [String]) throws(StoreFailure) {
        for number in StateDirectory.parts(of: directory) where number != own {
            let part = "\(directory)/part-\(number)"
            // One that cannot be opened is left to its own next run, which says why.
            guard access("\(part)/\(StatePart.fileName)", F_OK) == 0,
                (try? StateDirectory.lock(part, makes: false)) == true,
                let theirs = try? StatePart.open(part, durability, &notes)
            else { continue }
            // The daemon's rules, files and cursors mean nothing to a filter, nor a filter's to the daemon.
            let count = try adopt(theirs, whole: (number == 1) == (own == 1))
            if count > 0 {
                let what = count == 1 ? "1 message" : "\(count) messages"
                notes.append("\(what) that a run before left in \(part) are sent by this one")
            }
        }
    }

    private func adopt(_ theirs: SQLiteStore, whole: Bool) throws(StoreFailure) -> Int {
        let left = try theirs.contents()
        var own = try store.contents()
        var count = 0
        var lanes = Dictionary(own.lanes.map { ($0.name, $0.lane) }, uniquingKeysWith: { first, _ in first })
        for lane in left.lanes {
            var orders: [StoreOrder] = []
            let mine = lanes[lane.name] ?? Lane(rawValue: (lanes.values.map(\.rawValue).max() ?? 0) + 1)
            if lanes.updateValue(mine, forKey: lane.name) == nil { orders.append(.lane(mine, name: lane.name)) }
            try give(orders, taking: [], from: theirs)
            count += try moveRows(of: lane.lane, to: mine, from: theirs, last: &own.lastNumber)
        }
        try moveDeadLetters(from: theirs, lanes, last: &own.lastNumber)
        if whole { try moveState(left, own, from: theirs) }
        return count
    }

    private func moveState(
        _ left: StoreContents, _ contents: StoreContents, from theirs: SQLiteStore
    ) throws(StoreFailure) {
        var own = contents
        var orders: [StoreOrder] = []
        var gone: [StoreOrder] = []
        for var input in left.held {
            gone.append(.unhold(input.token...input.token))
            own.lastToken += 1
            input.token = own.lastToken
            orders.append(.hold(input))
        }
        for var bytes in left.spilled {
            gone.append(.unspill(sink: bytes.sink, upTo: bytes.number))
            bytes.number = (own.spilled.last { $0.sink == bytes.sink }?.number ?? 0) + 1
            own.spilled.append(bytes)
            orders.append(.spill(bytes))
        }
        for (path, value) in left.positions {
            gone.append(.position(path: path, nil))
            if own.positions[path] == nil { orders.append(.position(path: path, value)) }
        }
        for (name, value) in left.checkpoints where name.hasPrefix("cursor:") {
            gone.append(.keep(name, nil))
            if own.checkpoints[name] == nil { orders.append(.keep(name, value)) }
        }
        try give(orders, taking: gone, from: theirs)
    }

    private func moveRows(
        of lane: Lane, to mine: Lane, from theirs: SQLiteStore, last: inout UInt64
    ) throws(StoreFailure) -> Int {
        var count = 0
        while true {
            let request = StoreRequest(
                lane: lane, after: 0, rowsMax: Self.rowsAtOnce, bytesMax: Self.bytesAtOnce)
            let rows = try theirs.load(request)
            if rows.isEmpty { return count }
            var orders: [StoreOrder] = []
            for stored in rows {
                last += 1
                orders.append(.append(stored.row.moved(to: mine, number: last)))
                if stored.attempts > 0 {
                    orders.append(.postpone(last, attempts: stored.attempts, until: stored.until))
                }
            }
            try give(orders, taking: rows.map { .release($0.row.number) }, from: theirs)
            count += rows.count
        }
    }

    private func moveDeadLetters(
        from theirs: SQLiteStore, _ lanes: [String: Lane], last: inout UInt64
    ) throws(StoreFailure) {
        var orders: [StoreOrder] = []
        let letters = try theirs.deadLetters()
        for letter in letters {
            guard let lane = lanes[letter.lane] else { continue }
            last += 1
            orders.append(.append(letter.row.moved(to: lane, number: last)))
            orders.append(.bury(last, letter.reason))
        }
        try give(orders, taking: [], from: theirs)
        try theirs.forgetDeadLetters(letters.map(\.row.number))
    }

    private func give(
        _ orders: [StoreOrder], taking gone: [StoreOrder], from theirs: SQLiteStore
    ) throws(StoreFailure) {
        if !orders.isEmpty { try store.carryOut([StoreBatch(number: 0, orders: orders)], at: time) }
        if !gone.isEmpty { try theirs.carryOut([StoreBatch(number: 0, orders: gone)], at: time) }
    }
}

extension Row {
    fileprivate func moved(to lane: Lane, number: UInt64) -> Row {
        Row(RowDraft(lane: lane, payload: payload, originID: originID, ref: ref), number: number)
    }
}

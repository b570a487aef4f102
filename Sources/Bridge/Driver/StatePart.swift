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
    /// Whether this run may follow files: of all daemons one may.
    let follows: Bool
    /// The resource to bind.
    let resource: String
    /// What the store held.
    let contents: StoreContents
    /// The store's thread, that has not begun.
    let keeper: StoreKeeper
    /// What a person should know of: a damaged store, what a dead run has left.
    let notes: [String]

    /// The store in a part.
    static let fileName = "spool.db"

    /// Takes the first part that is free for such a run, which is made where there is none, and adopts what the dead have
    /// left in others.
    /// - Parameter account: its bare address.
    /// - Throws: A ``StartFailure`` of status 73 or 78: a run never begins without the durability that was asked for.
    static func take(
        directory: String, account: String, role: StateDirectory.Role, host: String,
        durability: SQLiteStore.Durability = .power
    ) throws(StartFailure) -> StatePart {
        let state = try StateDirectory(directory)
        let start = state.waitForOthers()
        defer { start?.release() }
        let (number, _) = try state.takePart(role, account: account)
        let part = state.part(number)
        let follows = role == .daemon && state.followFiles()
        var notes: [String] = []
        let store = try StoreFile(part).open(durability, &notes)
        let contents: StoreContents
        do throws(StoreFailure) {
            try store.reviveMarked()
            try Inheritance(store, in: state, own: number, role, account).take(positions: follows, &notes)
            if follows { try importPositions(from: directory, into: store) }
            try store.forgetEmptyLanes()
            contents = try store.contents()
        } catch { throw StateDirectory.failure("\(part)/\(fileName)", error.description) }
        return StatePart(
            state: directory, directory: part, follows: follows, resource: "xmpp-bridge.\(host)-\(number)",
            contents: contents, keeper: StoreKeeper(store, StoreFile(part)), notes: notes)
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
}

/// The store's file in a part, and what lies beside it.
struct StoreFile {
    /// Checkpoints that are wrong where rows may be missing: the numbers in ids would be given twice, and the stream would
    /// not be where they say.
    private static let doubtful = ["token", "stream", "inbound"]
    private static let ends = ["", "-wal", "-shm"]

    /// The file.
    let path: String
    /// There while the file is known to be damaged, and nobody has looked at it whole yet.
    private var suspect: String { "\(path).suspect" }
    private var rescued: String { "\(path).rescued" }

    /// Has the file looked at whole when it is opened next.
    func suspectDamage() { close(Glibc.open(suspect, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)) }

    init(_ part: String) { path = "\(part)/\(StatePart.fileName)" }

    /// Opens the store; one that is damaged is set aside, and what can be read of it is brought over.
    func open(_ durability: SQLiteStore.Durability, _ notes: inout [String]) throws(StartFailure) -> SQLiteStore {
        // A rescue that a kill has cut short between its last two steps.
        if access(path, F_OK) != 0, access(rescued, F_OK) == 0 { try move(rescued, path) }
        for end in Self.ends { unlink(rescued + end) }
        // SQLite would make it readable for others.
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StateDirectory.failure(path, Diagnostics.describe(errno)) }
        close(descriptor)
        do throws(StoreFailure) {
            let store = try SQLiteStore(
                path: path, durability: durability, isSuspect: access(suspect, F_OK) == 0)
            _ = try store.contents()
            unlink(suspect)
            return store
        } catch {
            switch error.kind {
            case .passing: throw StateDirectory.failure(path, error.description)
            case .newer, .foreign:
                throw StartFailure(
                    .configuration,
                    "cannot use \(path): \(error); give another state directory with --state, or --no-state")
            case .damaged: return try replace(error, durability, &notes)
            }
        }
    }

    /// Each step leaves what the next start can go on from.
    private func replace(
        _ damage: StoreFailure, _ durability: SQLiteStore.Durability, _ notes: inout [String]
    ) throws(StartFailure) -> SQLiteStore {
        let descriptor = Glibc.open(rescued, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StateDirectory.failure(path, Diagnostics.describe(errno)) }
        close(descriptor)
        let aside = "\(path).damaged-\(Clock.wall().milliseconds)"
        let salvage: Salvage
        do throws(StoreFailure) {
            salvage = try Salvage.bring(from: path, into: rescued, forgetting: Self.doubtful)
        } catch {
            throw StateDirectory.failure(path, "it is damaged (\(damage)); to bring over what is left: \(error)")
        }
        for end in Self.ends.reversed() where access(path + end, F_OK) == 0 { try move(path + end, aside + end) }
        try move(rescued, path)
        unlink(suspect)
        notes.append(
            "\(path) is damaged (\(damage)): it is kept as \(aside), and \(Self.words(salvage)) could be read out of it"
        )
        do throws(StoreFailure) { return try SQLiteStore(path: path, durability: durability) } catch {
            throw StateDirectory.failure(path, error.description)
        }
    }

    private static func words(_ salvage: Salvage) -> String {
        let rows = salvage.rows == 1 ? "1 message" : "\(salvage.rows) messages"
        return salvage.deadLetters == 0 ? rows : "\(rows) and \(salvage.deadLetters) undeliverable ones"
    }

    private func move(_ from: String, _ to: String) throws(StartFailure) {
        if rename(from, to) != 0 { throw StateDirectory.failure(from, Diagnostics.describe(errno)) }
    }
}

/// Brings what dead processes of the same account have left in their parts into ours.
private struct Inheritance {
    private let store: SQLiteStore
    private let state: StateDirectory
    private let own: Int
    private let role: StateDirectory.Role
    private let account: String

    init(
        _ store: SQLiteStore, in state: StateDirectory, own: Int, _ role: StateDirectory.Role, _ account: String
    ) {
        self.store = store
        self.state = state
        self.own = own
        self.role = role
        self.account = account
    }

    /// - Parameters:
    ///   - positions: whether those of files come too, from the living as well: of all runs only ours follows files.
    ///   - notes: gets a line for each part that held something, or cannot be used.
    func take(positions: Bool, _ notes: inout [String]) throws(StoreFailure) {
        for number in state.parts() where number != own {
            let path = StoreFile(state.part(number)).path
            guard access(path, F_OK) == 0, state.owner(of: number)?.account == account else { continue }
            switch state.lock(number) {
            case .taken(let lock):
                try adopt(number, &notes)
                if positions { try store.takePositions(from: path) }
                lock.release()
            case .held: if positions { try store.takePositions(from: path) }
            case .absent: break
            case .refused(let reason): notes.append("\(state.part(number)) is left as it is: \(reason)")
            }
        }
    }

    private func adopt(_ number: Int, _ notes: inout [String]) throws(StoreFailure) {
        let file = StoreFile(state.part(number))
        let adoption = Adoption(
            part: number, isWhole: state.owner(of: number)?.role == role,
            checkpointPrefix: Pump.Checkpoint.cursorPrefix, mark: Pump.Checkpoint.unclean,
            lowest: Pump.Checkpoint.sent)
        var result = Adoption.Result()
        // Damage that shows itself only now is looked for at the second attempt.
        for isLast in [false, true] {
            var theirs: SQLiteStore?
            do throws(StartFailure) { theirs = try file.open(.power, &notes) } catch {
                return notes.append("\(state.part(number)) is left as it is: " + error.lines.joined(separator: " "))
            }
            do throws(StoreFailure) {
                try theirs?.reviveMarked()
                // Its log is ours alone now.
                theirs = nil
                result = try store.adopt(file.path, adoption)
                break
            } catch {
                theirs = nil
                if error.kind == .damaged, !isLast {
                    file.suspectDamage()
                } else {
                    return notes.append("what is in \(state.part(number)) stays there: \(error)")
                }
            }
        }
        guard result.rows > 0 else { return }
        let (what, goes) = result.rows == 1 ? ("1 message", "is") : ("\(result.rows) messages", "are")
        notes.append("\(what) that a run before left in \(state.part(number)) \(goes) sent by this one")
    }
}

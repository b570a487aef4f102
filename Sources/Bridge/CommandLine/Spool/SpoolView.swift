import Glibc
import Spool
import Stanza

/// The parts of a state directory, looked at from outside.
struct SpoolView {
    /// One part that has a store.
    struct Part {
        var number: Int
        /// Whose it is; nil where nobody has said.
        var owner: StateDirectory.Owner?
        /// The lock, held by us while we look; nil while the part's process lives, or where there is nothing to lock.
        var lock: FileLock?
        /// Whether its process lives.
        var isAlive: Bool
        var path: String

        /// The process that holds it, as a person says it.
        var process: String { isAlive ? owner.map { "process \($0.process)" } ?? "another process" : "nobody" }
    }

    let state: StateDirectory
    let parts: [Part]
    /// Held while we look, so that no process begins meanwhile that would take our locks for those of the living.
    private let start: FileLock?

    /// Finds the state as a run would, without a secret.
    init(_ flags: SessionOptions, _ environment: Environment) throws(StartFailure) {
        let path: String
        var account: String?
        if let given = StatePlace.given(flags, environment) {
            path = given
            account = try flags.jid.map { text throws(StartFailure) in try address(text, "--jid").bare.text }
        } else {
            let isNamed = flags.jid != nil || environment["XMPP_BRIDGE_JID"] != nil
            let file = isNamed ? nil : ConfigurationFile.find(flag: flags.config, environment)
            let plan = try file.map { path throws(StartFailure) in try ConfigurationFile.load(path) }
            let jid = try AccountChoice.address(flags, environment, plan?.account)
            path = try StatePlace.directory(flags, environment, account: jid)
        }
        try self.init(StateDirectory(existing: path), account: account)
    }

    /// - Parameter account: the one whose parts are looked at; nil: all.
    init(_ state: StateDirectory, account: String? = nil) throws(StartFailure) {
        self.state = state
        start = state.waitForOthers(makes: false)
        var parts: [Part] = []
        for number in state.parts() {
            let path = StoreFile(state.part(number)).path
            guard access(path, F_OK) == 0 else {
                if errno == ENOENT { continue }
                throw StartFailure(.cannotCreate, "cannot look at \(path): \(Diagnostics.describe(errno))")
            }
            let owner = state.owner(of: number)
            if let account, owner?.account != account { continue }
            var part = Part(number: number, owner: owner, isAlive: false, path: path)
            switch state.lock(number, makes: false) {
            case .taken(let lock): part.lock = lock
            case .held: part.isAlive = true
            case .absent: break
            case .refused(let reason): throw StartFailure(.cannotCreate, "cannot look at \(path): \(reason)")
            }
            parts.append(part)
        }
        self.parts = parts
    }

    /// Others may begin: from here on we only read.
    func letOthersBegin() {
        for part in parts { part.lock?.release() }
        start?.release()
    }

    /// Opens a part's store to read it.
    static func reader(_ part: Part) throws(StartFailure) -> StoreReader {
        do throws(StoreFailure) { return try StoreReader(path: part.path) } catch { throw failure(part, error) }
    }

    /// - Parameter deed: what was tried, in a word.
    static func failure(_ part: Part, _ failure: StoreFailure, to deed: String = "read") -> StartFailure {
        switch failure.kind {
        case .passing: StartFailure(.cannotCreate, "cannot \(deed) \(part.path): \(failure)")
        case .damaged:
            StartFailure(
                .cannotCreate,
                "\(part.path) is damaged (\(failure)); the next run brings over what can be read of it")
        case .newer, .foreign: StartFailure(.configuration, "cannot \(deed) \(part.path): \(failure)")
        }
    }

    /// The one part that has the message of that name, and the message.
    func find(_ name: MessageName) throws(StartFailure) -> (part: Part, message: StoreReader.Message) {
        var found: [(part: Part, message: StoreReader.Message)] = []
        for part in parts where name.part == nil || name.part == part.number {
            let reader = try Self.reader(part)
            do throws(StoreFailure) {
                if let message = try reader.message(name.number) { found.append((part, message)) }
            } catch { throw Self.failure(part, error) }
        }
        guard let first = found.first else {
            throw StartFailure(.noInput, "there is no message \(name); see xmpp-bridge spool list --messages")
        }
        guard found.count == 1 else {
            let names = found.map { "\($0.part.number)/\(name.number)" }.joined(separator: " and ")
            throw StartFailure(.usage, "the message \(name) is in several parts: say \(names)")
        }
        return first
    }
}

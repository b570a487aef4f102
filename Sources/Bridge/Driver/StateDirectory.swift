import Glibc
import Stanza

/// The folders and locks of the state: `STATE/part-N/lock` is held by the process that the part belongs to.
struct StateDirectory: Sendable {
    /// Its path.
    let path: String

    /// Parts at the most.
    static let partsMax = 1_000
    /// How long a start waits for others that begin at the same moment.
    static let startPatience: Duration = .seconds(10)
    private static let lookNanoseconds = 20_000_000

    /// What a process does with its part. What another kind of run can use (positions of files, texts that rules hold
    /// back) waits for the next of that kind; so a cron job that comes while the daemon is down takes nothing of it but
    /// the messages to send.
    enum Role: String, Sendable, CaseIterable {
        case daemon, filter

        /// The first part that such a run makes. That of the daemon is the same whoever was there before.
        var firstPart: Int {
            switch self {
            case .daemon: 1
            case .filter: 2
            }
        }
    }

    /// Whose a part is: it stands in its lock file.
    struct Owner: Equatable, Sendable {
        /// The kind of run.
        var role: Role
        /// The bare address of the account: messages of one account are never sent by another.
        var account: String
        /// The process that took it last; it lives while the lock is held.
        var process: Int32
    }

    /// Uses a directory, which is made (0700) where it is missing, and those that it is in.
    init(_ path: String) throws(StartFailure) {
        self.path = path
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, 0o700) != 0 && errno != EEXIST && errno != EISDIR {
                throw Self.failure(prefix, Diagnostics.describe(errno))
            }
        }
        var status = stat()
        // Whoever owns a link could point it elsewhere, and who owns the folder could take away what lies in it.
        guard lstat(path, &status) == 0, Self.isTrusted(status) else {
            throw Self.failure(path, errno == ENOENT ? Diagnostics.describe(errno) : "it is another user's")
        }
        guard stat(path, &status) == 0 else { throw Self.failure(path, Diagnostics.describe(errno)) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw Self.failure(path, Diagnostics.describe(ENOTDIR)) }
        guard Self.isTrusted(status) else { throw Self.failure(path, "it is another user's") }
        if access(path, R_OK | W_OK | X_OK) != 0 { throw Self.failure(path, Diagnostics.describe(errno)) }
    }

    /// Looks at a directory that is there.
    init(existing path: String) throws(StartFailure) {
        self.path = path
        guard access("\(path)/.", R_OK | X_OK) == 0 else {
            let (code, reason) = (errno, Diagnostics.describe(errno))
            throw StartFailure(
                code == ENOENT || code == ENOTDIR ? .noInput : .cannotCreate,
                "cannot look at the state directory \(path): \(reason); name it with --state, or the account with --jid"
            )
        }
    }

    private static func isTrusted(_ status: stat) -> Bool {
        status.st_uid == geteuid() || status.st_uid == 0 || geteuid() == 0
    }

    static func failure(_ path: String, _ reason: String) -> StartFailure {
        StartFailure(
            .cannotCreate,
            "cannot use the state directory \(path): \(reason); give another with --state, or --no-state")
    }

    // MARK: - Parts

    /// A part's own folder.
    func part(_ number: Int) -> String { "\(path)/part-\(number)" }

    /// The numbers of the parts that are there, rising.
    func parts() -> [Int] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var numbers: [Int] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("part-"), let number = Int(name.dropFirst(5)), number > 0, name == "part-\(number)" {
                numbers.append(number)
            }
        }
        return numbers.sorted()
    }

    /// Whose a part is; nil where nobody has taken it yet.
    func owner(of number: Int) -> Owner? {
        guard let bytes = try? SmallFile.read("\(part(number))/lock") else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 3, let role = Role(rawValue: String(lines[0])), let process = Int32(lines[2]) else {
            return nil
        }
        return Owner(role: role, account: String(lines[1]), process: process)
    }

    /// What became of an attempt at a lock.
    enum Attempt {
        case taken(FileLock)
        /// Another process has it.
        case held
        /// There is none.
        case absent
        /// It is not ours to take, and why.
        case refused(String)
    }

    /// Tries to take the lock of a part that is there.
    /// - Parameter makes: whether its file is made where it is missing.
    func lock(_ number: Int, makes: Bool = true) -> Attempt {
        var status = stat()
        guard lstat(part(number), &status) == 0 else { return .absent }
        guard status.st_mode & S_IFMT == S_IFDIR else { return .refused(Diagnostics.describe(ENOTDIR)) }
        guard status.st_uid == geteuid() || geteuid() == 0 else { return .refused("it is another user's") }
        return FileLock.attempt("\(part(number))/lock", makes: makes)
    }

    /// Takes the first part that is free for such a run of that account, or makes one. Only between those that begin at
    /// the same moment: ``waitForOthers()``.
    func takePart(_ role: Role, account: String) throws(StartFailure) -> (number: Int, lock: FileLock) {
        let there = parts()
        for number in there {
            if let owner = owner(of: number), owner.role != role || owner.account != account { continue }
            if let lock = try claim(number, role, account) { return (number, lock) }
        }
        for number in role.firstPart...Self.partsMax where !there.contains(number) {
            if mkdir(part(number), 0o700) != 0 {
                if errno == EEXIST { continue }
                throw Self.failure(part(number), Diagnostics.describe(errno))
            }
            if let lock = try claim(number, role, account) { return (number, lock) }
        }
        throw StartFailure(
            .cannotCreate,
            "all \(Self.partsMax) parts of the state directory \(path) are taken; give another with --state")
    }

    private func claim(_ number: Int, _ role: Role, _ account: String) throws(StartFailure) -> FileLock? {
        switch lock(number) {
        case .taken(let lock):
            // It may have been taken, and left, since we looked.
            let found = owner(of: number)
            if let found, found.role != role || found.account != account {
                lock.release()
                return nil
            }
            let text = "\(role.rawValue)\n\(account)\n\(getpid())\n"
            // The account must be there before the first message is.
            if let code = lock.write(text, isSynced: found == nil) {
                throw Self.failure("\(part(number))/lock", Diagnostics.describe(code))
            }
            return lock
        case .held, .absent, .refused: return nil
        }
    }

    /// One start after the other, for a while at the most: parts that one looks into are not taken for those of the
    /// living by the other. Without it a run may get another resource than the last time, and nothing worse.
    /// - Parameter makes: whether the lock's file is made where it is missing.
    func waitForOthers(makes: Bool = true) -> FileLock? {
        let deadline = Clock.monotonic() + Self.startPatience
        while true {
            switch FileLock.attempt("\(path)/lock", makes: makes) {
            case .taken(let lock): return lock
            case .absent, .refused: return nil
            case .held: break
            }
            guard Clock.monotonic() < deadline else { return nil }
            var pause = timespec(tv_sec: 0, tv_nsec: Self.lookNanoseconds)
            nanosleep(&pause, nil)
        }
    }

    /// Takes the right to follow files, which one run at a time has: it alone moves their positions.
    /// - Returns: Whether it is ours now, for as long as we live.
    func followFiles() -> Bool {
        if case .taken = FileLock.attempt("\(path)/tail-positions.lock") { true } else { false }
    }
}

/// A lock that the kernel gives back when the process ends, however it does.
final class FileLock: Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Tries to take the lock of a file.
    /// - Parameter makes: whether the file is made (0600) where it is missing; otherwise it is opened to be read only.
    static func attempt(_ path: String, makes: Bool = true) -> StateDirectory.Attempt {
        let descriptor = open(path, (makes ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return errno == ENOENT ? .absent : .refused(Diagnostics.describe(errno)) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let code = errno
            close(descriptor)
            return code == EWOULDBLOCK ? .held : .refused(Diagnostics.describe(code))
        }
        return .taken(FileLock(descriptor))
    }

    /// Puts text into the file, in place of what is there.
    /// - Returns: errno, where that failed.
    func write(_ text: String, isSynced: Bool) -> Int32? {
        let bytes = Array(text.utf8)
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else { return errno }
        guard ftruncate(descriptor, off_t(bytes.count)) == 0 else { return errno }
        return isSynced && fsync(descriptor) != 0 ? errno : nil
    }

    /// Lets go of it before the process ends.
    func release() {
        // A child that is just being made has the descriptor too, until it is another program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

import Glibc
import Stanza
import Testing

@testable import Bridge

/// Processes are started one at a time, so that none inherits what belongs to another.
enum Spawning {
    private static let door: Gate = {
        let door = Gate()
        door.open()
        return door
    }()

    static func alone<R, F: Error>(_ body: () throws(F) -> R) throws(F) -> R {
        door.wait()
        defer { door.open() }
        return try body()
    }
}

/// A process of a test's own, its output collected; killed with it.
final class Process: @unchecked Sendable {
    /// The debug binary, which stands beside the test bundle; `XMPP_BRIDGE_BINARY` names another.
    static let binary: String = {
        if let named = Environment.process["XMPP_BRIDGE_BINARY"] { return named }
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let bundle = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let beside = bundle.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/xmpp-bridge"
        if access(beside, X_OK) == 0 { return beside }
        let root = "\(#filePath)".split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        return "\(root)/.build/debug/xmpp-bridge"
    }()

    let output: Collected
    let errors: Collected
    private let pid: pid_t
    private var input: Int32
    private var status: Int32?

    /// Starts the program.
    /// - Parameter environment: `NAME=VALUE`, beside the PATH.
    init(_ arguments: [String], _ environment: [String] = []) throws {
        signal(SIGPIPE, SIG_IGN)
        try #require(access(Self.binary, X_OK) == 0, "build first: \(Self.binary) is missing")
        let input = try Ends()
        let output = try Ends()
        let errors = try Ends()
        pid = try Self.spawn(
            ["xmpp-bridge"] + arguments, environment + ["PATH=/usr/bin:/bin"],
            [input.read, output.write, errors.write])
        for end in [input.read, output.write, errors.write] { close(end) }
        self.input = input.write
        self.output = Collected(output.read)
        self.errors = Collected(errors.read)
    }

    deinit { end() }

    /// Writes to its standard input.
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { return }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    func kill(_ signal: Int32) {
        if status == nil { _ = Glibc.kill(pid, signal) }
    }

    /// Its exit status once it has ended; nil where it did not in time, and then it is killed.
    func wait(seconds: Int) -> Int32? {
        let end = Clock.monotonic() + .seconds(seconds)
        while status == nil, Clock.monotonic() < end {
            reap(WNOHANG)
            if status == nil { output.waitForChange(milliseconds: 20) }
        }
        let ended = status
        self.end()
        return ended
    }

    /// Kills it if it still runs.
    func end() {
        closeInput()
        kill(SIGKILL)
        while status == nil { reap(0) }
        output.finish()
        errors.finish()
    }

    private func reap(_ options: Int32) {
        var word: Int32 = 0
        // WIFEXITED and WEXITSTATUS are macros.
        if waitpid(pid, &word, options) == pid { status = word & 0x7F == 0 ? (word >> 8) & 0xFF : 128 + word & 0x7F }
    }

    private struct Ends {
        let read: Int32
        let write: Int32

        init() throws {
            // Made and marked while nobody spawns: the mark comes a moment later.
            let pipe = try #require(Spawning.alone { Pipe() })
            (read, write) = (pipe.read, pipe.write)
        }
    }

    private static func spawn(_ arguments: [String], _ environment: [String], _ standard: [Int32]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, end) in standard.enumerated() { posix_spawn_file_actions_adddup2(&actions, end, Int32(number)) }
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for word in words + variables { free(word) } }
        var child = pid_t()
        let result = Spawning.alone { posix_spawn(&child, binary, &actions, nil, &words, &variables) }
        try #require(result == 0)
        return child
    }
}

/// What came out of a descriptor so far, collected by a thread.
final class Collected: @unchecked Sendable {
    // Guarded by `lock`.
    private var bytes: [UInt8] = []
    private var hasEnded = false
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    private var wanted = Wish.all

    init(_ descriptor: Int32) {
        lock = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(changed, nil)
        startThread(named: "collect") {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while self.wish != .nothing {
                var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                if Glibc.poll(&poll, 1, 50) < 1 {
                    if self.wish == .rest { break }
                    continue
                }
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                self.take(buffer.prefix(max(count, 0)))
                if count <= 0 { break }
            }
            close(descriptor)
            self.take([])
        }
    }

    /// What is still to be read.
    private enum Wish {
        case all
        /// What the pipe holds: a grandchild may keep it open for long.
        case rest
        case nothing
    }

    private var wish: Wish {
        get {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            return wanted
        }
        set {
            pthread_mutex_lock(lock)
            wanted = newValue
            pthread_mutex_unlock(lock)
        }
    }

    /// Reads no more and closes the pipe, as `head` does.
    func stop() {
        wish = .nothing
        waitForEnd()
    }

    /// Its writer has ended.
    func finish() {
        if wish == .all { wish = .rest }
        waitForEnd()
    }

    private func take(_ more: ArraySlice<UInt8>) {
        pthread_mutex_lock(lock)
        bytes += more
        if more.isEmpty { hasEnded = true }
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(lock)
    }

    var text: String {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whole lines so far.
    var lines: [String] { text.pieces(by: "\n").dropLast() }

    /// Waits until there is a line like that; false where it did not come in time, or will not.
    func wait(seconds: Int, for isThere: (String) -> Bool) -> Bool {
        let end = Clock.monotonic() + .seconds(seconds)
        while Clock.monotonic() < end {
            pthread_mutex_lock(lock)
            let isOver = hasEnded
            pthread_mutex_unlock(lock)
            if lines.contains(where: isThere) { return true }
            if isOver { return false }
            waitForChange(milliseconds: 20)
        }
        return false
    }

    private func waitForEnd() {
        pthread_mutex_lock(lock)
        while !hasEnded { pthread_cond_wait(changed, lock) }
        pthread_mutex_unlock(lock)
    }

    /// Returns when more comes, or then.
    func waitForChange(milliseconds: Int) {
        var until = timespec()
        clock_gettime(CLOCK_REALTIME, &until)
        until.tv_nsec += milliseconds * 1_000_000
        until.tv_sec += until.tv_nsec / 1_000_000_000
        until.tv_nsec %= 1_000_000_000
        pthread_mutex_lock(lock)
        if !hasEnded { pthread_cond_timedwait(changed, lock, &until) } else { usleep(UInt32(milliseconds) * 1_000) }
        pthread_mutex_unlock(lock)
    }
}

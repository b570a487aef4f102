import Glibc
import Stanza

/// A command as it stands behind `--`.
struct ChildCommand: Sendable {
    /// The program and its arguments; never empty.
    var words: [String]
    /// Variables with passwords, which are not its business.
    var hiddenVariables: Set<String> = []
}

/// How a child process ended.
enum ChildEnd: Equatable, Sendable {
    /// By itself, with this status.
    case exited(Int32)
    /// By this signal.
    case killed(Int32)

    /// Of what waitpid(2) says; its macros are not to be had.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xFF) : .killed(signal)
    }

    /// As shells say it.
    var status: Int32 {
        switch self {
        case .exited(let status): status
        case .killed(let signal): 128 + signal
        }
    }
}

/// The command that runs in place of standard input and output. It stays in our process group, so that a terminal's keys
/// reach it, and inherits standard error.
final class Coprocess: @unchecked Sendable {
    /// What it may take to end by itself once its input has ended, where the bridge leaves before it.
    private static let endOfInputGrace: Duration = .seconds(1)
    /// What it may take to end once it was asked by SIGTERM.
    static let signalGrace: Duration = .seconds(4)

    /// What it prints; it does not block.
    let output: Int32
    /// The writing end of its input; nil where it gets none.
    let input: Int32?
    private let pid: pid_t
    // Guarded by `lock`.
    private var ending: ChildEnd?
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    /// Starts the command.
    /// - Parameter isFed: whether anything is written to it.
    init(_ command: ChildCommand, isFed: Bool) throws(StartFailure) {
        let program = command.words[0]
        let fed = isFed ? Pipe() : nil
        guard let printed = Pipe(), !isFed || fed != nil else {
            throw StartFailure(.io, "cannot make a pipe: \(Diagnostics.describe(errno))")
        }
        do throws(SpawnFailure) {
            pid = try spawn(
                program, command.words, hiding: command.hiddenVariables,
                input: fed.map { .descriptor($0.read) } ?? .nothing, output: printed.write)
        } catch {
            let isMissing = error.code == ENOENT
            throw StartFailure(
                isMissing ? .commandNotFound : .commandNotExecutable,
                "cannot run \(program): \(isMissing ? "there is no such command" : "\(error)")")
        }
        close(printed.write)
        if let fed { close(fed.read) }
        // The child's end is of another description: it blocks as usual.
        _ = fcntl(printed.read, F_SETFL, O_NONBLOCK)
        output = printed.read
        input = fed?.write
        lock = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    /// Begins the thread that waits for its end; `deliver` is called on it.
    func watch(_ deliver: @escaping @Sendable (ChildEnd) -> Void) {
        startThread(named: "child") { [self] in
            var info = siginfo_t()
            // Not reaped at once: until it is, its number is no other process's.
            while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            var word: Int32 = 0
            pthread_mutex_lock(lock)
            while waitpid(pid, &word, 0) < 0, errno == EINTR {}
            let end = ChildEnd(waitStatus: word)
            ending = end
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(lock)
            deliver(end)
        }
    }

    /// Sends it a signal, unless it has ended.
    func signal(_ number: Int32) {
        pthread_mutex_lock(lock)
        if ending == nil { kill(pid, number) }
        pthread_mutex_unlock(lock)
    }

    /// Waits for its end, on a thread that may block: its input has ended. It is asked to go, and then made to.
    func finish() {
        if wait(Self.endOfInputGrace) { return }
        signal(SIGTERM)
        if wait(Self.signalGrace) { return }
        signal(SIGKILL)
        // Nothing stands against that but a disk that hangs.
        _ = wait(Self.endOfInputGrace)
    }

    /// - Returns: Whether it has ended.
    private func wait(_ patience: Duration) -> Bool {
        let end = Clock.monotonic() + patience
        var until = timespec()
        until.tv_sec = Int(end.nanoseconds / 1_000_000_000)
        until.tv_nsec = Int(end.nanoseconds % 1_000_000_000)
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while ending == nil {
            if pthread_cond_timedwait(changed, lock, &until) == ETIMEDOUT { break }
        }
        return ending != nil
    }
}

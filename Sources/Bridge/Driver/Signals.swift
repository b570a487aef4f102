import Glibc

/// The signals this program answers, read one at a time by a thread that waits for them.
enum Signals {
    /// What a signal asks for.
    enum Order: Sendable {
        /// SIGTERM, SIGINT: stop reading, drain, leave; a second one ends at once. One that the terminal's keys sent has
        /// reached our whole process group.
        case stop(Int32, isOfTerminal: Bool)
        /// SIGUSR1: print a status.
        case status
        /// SIGHUP: reload and reopen.
        case reload
    }

    /// Ignores SIGPIPE and SIGXFSZ: a write that fails says so. Call it first in `main`.
    static func ignoreFailedWrites() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Blocks the signals in this thread and all that it starts later, so that ``listen(_:)`` gets them. Until then they
    /// end the process as usual. Call it before the first thread is started.
    static func claim() {
        var set = mask()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Begins the thread that tells of each signal.
    static func listen(_ deliver: @escaping @Sendable (Order) -> Void) {
        startThread(named: "signals") {
            var set = mask()
            while true {
                var info = siginfo_t()
                let number = sigwaitinfo(&set, &info)
                guard number > 0 else { continue }
                switch number {
                case SIGUSR1: deliver(.status)
                case SIGHUP: deliver(.reload)
                // What the kernel itself sends has a positive code, what a process sends has not (sigaction(2)).
                case _: deliver(.stop(number, isOfTerminal: info.si_code > 0))
                }
            }
        }
    }

    /// A parent that had a signal ignored (a shell for what runs behind it, nohup) meant it.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    private static func mask() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] where !isIgnored(number) { sigaddset(&set, number) }
        return set
    }
}

/// What must hold before any descriptor is opened.
enum StandardDescriptors {
    /// Which of 0, 1 and 2 were closed at the start. Looking at it for the first time opens /dev/null on each of them,
    /// so that no socket ever takes its number: `main` does that before anything else.
    static let closedAtStart = fillGaps()

    private static func fillGaps() -> [Int32] {
        var closed: [Int32] = []
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
            // open gives the lowest free number, which is this one since those below are open.
            _ = open("/dev/null", O_RDWR)
            closed.append(descriptor)
        }
        return closed
    }
}

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
            descriptors[number + 1] = try open(path)
        }
        return descriptors
    }

    /// Opens a FIFO for reading, and makes it where it is missing.
    static func open(_ path: String) throws(StartFailure) -> Int32 {
        try make(path)
        // Our own writing end: writers come and go, and the FIFO never ends.
        let descriptor = Glibc.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StartFailure(.noInput, "cannot open fifo:\(path): \(Diagnostics.describe(errno))")
        }
        return descriptor
    }

    static func make(_ path: String) throws(StartFailure) {
        if mkfifo(path, 0o600) == 0 { return }
        guard errno == EEXIST else {
            throw StartFailure(.cannotCreate, "cannot make fifo:\(path): \(Diagnostics.describe(errno))")
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
            throw StartFailure(.cannotCreate, "\(path) is there and no FIFO; remove it, or name another path")
        }
    }

    /// Makes those that are missing; what hinders that is told when they are opened.
    static func makeMissing(_ paths: [String]) { for path in paths { mkfifo(path, 0o600) } }

    /// What is at a path, compared with what is open.
    enum State: Equatable {
        /// The same.
        case same
        /// Another FIFO.
        case another
        /// Nothing, or something that cannot be looked at.
        case missing(Int32)
        /// Something else.
        case foreign
    }

    static func state(of path: String, against descriptor: Int32) -> State {
        var named = stat()
        var held = stat()
        if stat(path, &named) != 0 { return .missing(errno) }
        if named.st_mode & S_IFMT != S_IFIFO { return .foreign }
        fstat(descriptor, &held)
        return named.st_dev == held.st_dev && named.st_ino == held.st_ino ? .same : .another
    }

    static func isFIFO(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }
}

import Glibc
import Stanza

/// A resource that no other process of this account uses at the same time: the lowest `xmpp-bridge.HOST-N` whose lock
/// file in the state directory is free (DESIGN 6.3). The lock lasts as long as the process.
struct ResourceLease: Sendable {
    /// The resource to bind.
    var resource: String

    enum Failure: Error {
        /// The state directory cannot be used: path and the system's word.
        case directory(path: String, errno: Int32)
        /// All lock files are taken.
        case exhausted(path: String)
    }

    private static let leasesMax = 1_000

    /// Takes the first free lease in a directory, which is made (0700) where it is missing.
    static func take(directory: String, host: String) throws(Failure) -> ResourceLease {
        try makeDirectories(directory)
        for number in 1...leasesMax {
            let path = "\(directory)/resource-\(number).lock"
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw .directory(path: path, errno: errno) }
            // The descriptor stays open on purpose: the kernel gives the lock back when the process ends.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                return ResourceLease(resource: "xmpp-bridge.\(host)-\(number)")
            }
            let reason = errno
            close(descriptor)
            if reason != EWOULDBLOCK && reason != EINTR { throw .directory(path: path, errno: reason) }
        }
        throw .exhausted(path: directory)
    }

    static func makeDirectories(_ path: String) throws(Failure) {
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, 0o700) != 0 && errno != EEXIST && errno != EISDIR {
                throw .directory(path: prefix, errno: errno)
            }
        }
        if access(path, W_OK | X_OK) != 0 { throw .directory(path: path, errno: errno) }
    }
}

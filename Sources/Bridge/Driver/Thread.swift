import Glibc

/// Runs a closure on a detached thread of its own.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    // Only the kernel's limit on threads makes this fail, and without its threads the program can do nothing.
    precondition(status == 0, "cannot start the \(name) thread: errno \(status)")
    pthread_detach(thread)
}

/// A pipe whose ends no child inherits unless they are given to it.
struct Pipe {
    let read: Int32
    let write: Int32

    /// Nil where the process has no descriptors left; errno says so.
    init?(isBlocking: Bool = true) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            if !isBlocking { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        }
        (read, write) = (ends[0], ends[1])
    }
}

import Glibc

/// Why a program could not be started, in the system's words.
struct SpawnFailure: Error, CustomStringConvertible {
    var code: Int32
    var description: String { Diagnostics.describe(code) }
}

/// Where a child's standard input comes from.
enum ChildInput {
    case inherited
    case nothing
    case descriptor(Int32)
}

/// Starts a program, found on the PATH, with the signals as usual: those that this process waits for are blocked in it,
/// and SIGPIPE and SIGXFSZ are ignored, and a child would inherit both.
/// - Parameters:
///   - environment: as `NAME=VALUE`; nil for that of this process.
///   - output: becomes the child's standard output.
func spawn(
    _ program: String, _ arguments: [String], environment: [String]? = nil, input: ChildInput, output: Int32
) throws(SpawnFailure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    switch input {
    case .inherited: break
    case .nothing: posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO)
    }
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    sigaddset(&signals, SIGXFSZ)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = (environment ?? []).map { strdup($0) } + [nil]
    defer { for word in words + variables { free(word) } }
    var child = pid_t()
    let code =
        environment == nil
        ? posix_spawnp(&child, program, &actions, &attributes, &words, environ)
        : posix_spawnp(&child, program, &actions, &attributes, &words, &variables)
    guard code == 0 else { throw SpawnFailure(code: code) }
    return child
}

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
/// and SIGPIPE and SIGXFSZ are ignored, and a child would inherit both. It inherits no descriptor that we opened: each is
/// close-on-exec.
/// - Parameters:
///   - environment: as `NAME=VALUE`; nil for that of this process.
///   - hidden: variables of this process that the child does not get.
///   - output: becomes the child's standard output.
func spawn(
    _ program: String, _ arguments: [String], environment: [String]? = nil, hiding hidden: Set<String> = [],
    input: ChildInput, output: Int32
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
    var variables = (environment.map { $0.map { strdup($0) } } ?? copyOfEnvironment(without: hidden)) + [nil]
    defer { for word in words + variables { free(word) } }
    var child = pid_t()
    let code = posix_spawnp(&child, program, &actions, &attributes, &words, &variables)
    guard code == 0 else { throw SpawnFailure(code: code) }
    return child
}

/// Byte for byte: a variable need not be UTF-8.
private func copyOfEnvironment(without hidden: Set<String>) -> [UnsafeMutablePointer<CChar>?] {
    var copies: [UnsafeMutablePointer<CChar>?] = []
    var cursor = environ
    while let entry = cursor.pointee {
        let name = String(cString: entry).prefix { $0 != "=" }
        if !hidden.contains(String(name)) { copies.append(strdup(entry)) }
        cursor += 1
    }
    return copies
}

import Config
import Glibc
import Session

/// Opens the place where a password is kept; only a run does, `check` never.
enum SecretSource {
    /// How long a command that prints the password may take.
    private static let commandTimeoutMilliseconds: Int32 = 30_000

    static func read(_ source: PasswordSource, _ environment: Environment) throws(StartFailure) -> Secret {
        switch source {
        case .plain(let secret):
            return Secret(secret)
        case .file(let path):
            return try firstLine(try file(path), of: "the password file \(path)")
        case .environment(let name):
            guard let value = environment[name] else {
                throw StartFailure(.configuration, "the password is to come from $\(name), which is not set")
            }
            return Secret(value)
        case .credential(let name):
            guard let directory = environment["CREDENTIALS_DIRECTORY"] else {
                throw StartFailure(
                    .configuration,
                    "the password is to come from the credential \(name), but $CREDENTIALS_DIRECTORY is not set; "
                        + "start it from systemd with LoadCredential=")
            }
            return try firstLine(try file("\(directory)/\(name)"), of: "the credential \(name)")
        case .command(let words):
            return try firstLine(try output(of: words), of: "the output of \(words.first ?? "the password command")")
        }
    }

    private static func file(_ path: String) throws(StartFailure) -> [UInt8] {
        do {
            return try SmallFile.read(path)
        } catch {
            throw StartFailure(.configuration, "cannot read the password file \(path): \(error)")
        }
    }

    private static func firstLine(_ content: [UInt8], of what: String) throws(StartFailure) -> Secret {
        let line = content.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false).first ?? []
        let bare = line.last == 0x0D ? line.dropLast() : line
        guard !bare.isEmpty else { throw StartFailure(.configuration, "\(what) is empty") }
        return Secret(String(decoding: bare, as: UTF8.self))
    }

    private static func output(of words: [String]) throws(StartFailure) -> [UInt8] {
        guard let program = words.first else { throw StartFailure(.configuration, "the password command is empty") }
        guard let pipe = Pipe() else { throw StartFailure(.io, "cannot make a pipe: \(Diagnostics.describe(errno))") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipe.write, STDOUT_FILENO)
        var child = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        let status = posix_spawnp(&child, program, &actions, nil, &arguments, environ)
        posix_spawn_file_actions_destroy(&actions)
        for argument in arguments { free(argument) }
        close(pipe.write)
        defer { close(pipe.read) }
        guard status == 0 else {
            throw StartFailure(
                .configuration, "cannot run the password command \(program): \(Diagnostics.describe(status))")
        }
        var poll = pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, commandTimeoutMilliseconds) > 0 else {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            throw StartFailure(.configuration, "the password command \(program) printed nothing for 30 s")
        }
        let content = try? SmallFile.read(descriptor: pipe.read)
        var result: Int32 = 0
        waitpid(child, &result, 0)
        guard let content, result == 0 else {
            throw StartFailure(.configuration, "the password command \(program) failed")
        }
        return content
    }
}

import Config
import Glibc
import Session
import Stanza

/// Opens the place where a password is kept; only a run does, `check` never.
enum SecretSource {
    /// How long a command that prints the password may take.
    private static let commandSeconds = 30

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
        // The signals that this process waits for are blocked in it: the command gets them as usual.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipe.write, STDOUT_FILENO)
        var child = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        let status = posix_spawnp(&child, program, &actions, &attributes, &arguments, environ)
        posix_spawn_file_actions_destroy(&actions)
        for argument in arguments { free(argument) }
        close(pipe.write)
        defer { close(pipe.read) }
        guard status == 0 else {
            throw StartFailure(
                .configuration, "cannot run the password command \(program): \(Diagnostics.describe(status))")
        }
        guard let line = firstLine(from: pipe.read) else {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            throw StartFailure(
                .configuration, "the password command \(program) did not print a whole line within \(commandSeconds) s")
        }
        // A command that has printed its line may stay, as an agent does; one that has failed is not believed.
        var result: Int32 = 0
        let isOver = waitpid(child, &result, line.isEmpty ? 0 : WNOHANG) == child
        guard !isOver || result == 0 else {
            throw StartFailure(.configuration, "the password command \(program) failed")
        }
        return line
    }

    /// What comes up to the first line end or the end of the output; nil where neither comes in time.
    private static func firstLine(from descriptor: Int32) -> [UInt8]? {
        let end = Clock.monotonic() + .seconds(commandSeconds)
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while content.count < SmallFile.bytesMax {
            let left = (end - Clock.monotonic()).wholeMilliseconds
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, Glibc.poll(&poll, 1, Int32(left)) > 0 else { return nil }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count <= 0 { return content }
            content += buffer[..<count]
            if buffer[..<count].contains(0x0A) { return content }
        }
        return nil
    }
}

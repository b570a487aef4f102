import Config
import Glibc
import Session
import Stanza

/// Opens the place where a password is kept; only a run does, `check` never.
enum SecretSource {
    /// How long a command that prints the password may take.
    private static let commandTimeoutMilliseconds: Int32 = 30_000
    /// How long it may take to end once it has printed it.
    private static let graceMilliseconds = 1_000

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

    /// The variables of the environment that hold passwords: no child gets them.
    static func variables(of file: Plan?) -> Set<String> {
        var names: Set<String> = ["XMPP_BRIDGE_PASSWORD", "XMPP_BRIDGE_ROOM_PASSWORD"]
        let sources = [file?.account?.password] + (file?.rooms.map(\.password) ?? [])
        for case .environment(let name) in sources { names.insert(name) }
        return names
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
        let child: pid_t
        do throws(SpawnFailure) {
            child = try spawn(program, words, input: .inherited, output: pipe.write)
        } catch {
            for end in [pipe.read, pipe.write] { close(end) }
            throw StartFailure(.configuration, "cannot run the password command \(program): \(error)")
        }
        close(pipe.write)
        defer { close(pipe.read) }
        guard let content = line(from: pipe.read) else {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            throw StartFailure(.configuration, "the password command \(program) printed no line within 30 s")
        }
        if let result = reap(child), result != 0 {
            throw StartFailure(.configuration, "the password command \(program) failed")
        }
        return content
    }

    /// The status of the command; nil where it has printed its line and stays, as an agent does.
    private static func reap(_ child: pid_t) -> Int32? {
        var result: Int32 = 0
        for _ in 0..<graceMilliseconds / 10 {
            if waitpid(child, &result, WNOHANG) == child { return result }
            usleep(10_000)
        }
        return nil
    }

    /// What a command prints up to the end of its first line at the least; nil where that does not come in time.
    private static func line(from descriptor: Int32) -> [UInt8]? {
        let end = Clock.monotonic() + .milliseconds(Int(commandTimeoutMilliseconds))
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while !content.contains(0x0A), content.count < SmallFile.bytesMax {
            let left = (end.nanoseconds - Clock.monotonic().nanoseconds) / 1_000_000
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, Glibc.poll(&poll, 1, Int32(left)) > 0 else { return nil }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            content.append(contentsOf: buffer[..<count])
        }
        return content
    }
}

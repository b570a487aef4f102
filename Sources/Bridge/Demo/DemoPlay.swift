import Glibc

// The play: a log grows, a rule picks lines, a receiver shows them, the events run beside.
extension DemoStage {
    private static let log = [
        "2026-11-22 09:40:01 [info] 10.0.0.7 GET /health 200",
        "2026-11-22 09:40:02 [error] upstream timed out (110) while reading from 10.0.0.9",
        "2026-11-22 09:40:03 [info] 10.0.0.7 GET /index.html 200",
        "2026-11-22 09:40:05 [crit] no space left on device: /var/spool/mail",
        "2026-11-22 09:40:06 [error] client sent <script> & \"quotes\", 漢字 and 🦊",
    ]
    private static let expected = 3
    private static let secondsMax: Int32 = 30

    private var rules: String {
        """
        bridges:
          - name: errors
            from: stdin
            match: '\\[(?<level>error|crit)\\] (?<text>.*)'
            body: "{level}: {text}"
            to: xmpp:ops@\(domain)
          - {name: events, from: events, to: stdout}

        """
    }

    /// Runs the play; it ends by itself.
    func play() throws(StartFailure) -> ExitStatus {
        defer { strike() }
        write(rules, to: "bridges.yaml")
        write("", to: "app.log")
        say("A server listens on 127.0.0.1:\(address.port), with the accounts alerts@\(domain) and ops@\(domain).")
        say("The rules, in bridges.yaml:\n")
        for line in rules.split(separator: "\n") { say("    \(line)") }

        say("\nops@\(domain) listens:   xmpp-bridge --from alerts@\(domain) --output text")
        let receiver = try Child(
            ["--from", "alerts@\(domain)", "--output", "text", "--count", "\(Self.expected)", "--no-state"],
            environment: environment(of: 1), label: "ops sees  | ")
        say("alerts@\(domain) sends:  tail -F app.log | xmpp-bridge --config bridges.yaml\n")
        let sender = try Child(
            ["--config", path("bridges.yaml"), "--no-state"], environment: environment(of: 0), label: "events    | ",
            tail: path("app.log"))

        for line in Self.log {
            nap(milliseconds: 300)
            say("app.log   | \(line)")
            write(line + "\n", to: "app.log", append: true)
        }
        let received = receiver.wait(secondsMax: Self.secondsMax)
        sender.stop()
        let sent = sender.wait(secondsMax: Self.secondsMax)
        say("\nThe receiver left with status \(received), the sender with \(sent).")
        return received == 0 && sent == 0 ? .success : .software
    }

    private func environment(of index: Int) -> [String] {
        [
            "XMPP_BRIDGE_JID=\(accounts[index].name)@\(domain)", "XMPP_BRIDGE_PASSWORD=\(accounts[index].password)",
            "XMPP_BRIDGE_SERVER=127.0.0.1:\(address.port)", "XMPP_BRIDGE_CA_FILE=\(path("certificate.pem"))",
            "PATH=\(Environment.process["PATH"] ?? "/usr/bin:/bin")",
        ]
    }
}

/// One line of the play.
private func say(_ text: String) {
    DemoStage.show(text)
}

private func nap(milliseconds: UInt32) { usleep(milliseconds * 1_000) }

/// This program once more as a child, its output shown line by line behind a label.
private final class Child {
    private var process = pid_t()
    private var tail: pid_t?
    private let shown = Gate()

    init(_ arguments: [String], environment: [String], label: String, tail log: String? = nil) throws(StartFailure) {
        var source: Pipe?
        if let log {
            let ends = try Self.pipe()
            tail = try Self.start("tail", ["tail", "-n", "+1", "-F", log], environment, .nothing, ends.write)
            close(ends.write)
            source = ends
        }
        let ends = try Self.pipe()
        let input = source.map { ChildInput.descriptor($0.read) } ?? .nothing
        process = try Self.start("/proc/self/exe", ["xmpp-bridge"] + arguments, environment, input, ends.write)
        close(ends.write)
        if let source { close(source.read) }
        let descriptor = ends.read
        startThread(named: "demo") { [shown] in
            Self.show(descriptor, label)
            shown.open()
        }
    }

    /// Ends the input: `tail` is stopped, so the bridge sees the end and drains.
    func stop() {
        if let tail {
            kill(tail, SIGTERM)
            waitpid(tail, nil, 0)
        }
        tail = nil
    }

    /// The exit status, after all output has been shown.
    func wait(secondsMax: Int32) -> Int32 {
        var status: Int32 = 0
        for _ in 0..<secondsMax * 20 {
            if waitpid(process, &status, WNOHANG) == process {
                shown.wait()
                // WIFEXITED and WEXITSTATUS are macros.
                return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
            }
            nap(milliseconds: 50)
        }
        kill(process, SIGKILL)
        waitpid(process, &status, 0)
        stop()
        return ExitStatus.undelivered.rawValue
    }

    private static func pipe() throws(StartFailure) -> Pipe {
        guard let pipe = Pipe() else {
            throw StartFailure(.io, "cannot make a pipe: \(Diagnostics.describe(errno))")
        }
        return pipe
    }

    private static func start(
        _ program: String, _ arguments: [String], _ environment: [String], _ input: ChildInput, _ output: Int32
    ) throws(StartFailure) -> pid_t {
        do throws(SpawnFailure) {
            return try spawn(program, arguments, environment: environment, input: input, output: output)
        } catch {
            throw StartFailure(.io, "cannot start \(program): \(error)")
        }
    }

    private static func show(_ descriptor: Int32, _ label: String) {
        // read(2), not stdio: a FILE that waits for input is locked, and exit(3) would wait for that lock.
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { break }
            for byte in buffer[..<count] {
                if byte != 0x0A {
                    line.append(byte)
                    continue
                }
                say(label + String(decoding: line, as: UTF8.self))
                line.removeAll(keepingCapacity: true)
            }
        }
        close(descriptor)
    }
}

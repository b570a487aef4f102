import ArgumentParser
import Glibc

/// The program.
public enum XMPPBridge {
    /// Runs the program by the process's arguments and ends it with the status of DESIGN 5.1.
    public static func main() -> Never {
        Signals.ignoreFailedWrites()
        _ = StandardDescriptors.closedAtStart
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            leave(report(error))
        }
        leave(ExitStatus.success.rawValue)
    }

    /// What stands behind `--` is the filter's co-process; a subcommand has none, and takes the words as its own.
    private static func run(_ words: [String]) throws {
        if let cut = words.firstIndex(of: "--"),
            let root = try? RootCommand.parseAsRoot(Array(words[..<cut])) as? RootCommand
        {
            let command = Array(words[(cut + 1)...])
            if command.isEmpty { throw ValidationError("no command behind --") }
            return try root.run(command)
        }
        var command = try RootCommand.parseAsRoot(words)
        try command.run()
    }

    /// Ends the process without the exit handlers of the libraries: threads that use them are still at work.
    private static func leave(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }

    /// Help and version go to stdout; a mistake is one line on stderr.
    private static func report(_ error: any Error) -> Int32 {
        if let code = error as? ExitCode { return code.rawValue }
        let code = RootCommand.exitCode(for: error)
        if code.isSuccess {
            print(RootCommand.fullMessage(for: error))
            return code.rawValue
        }
        let message = RootCommand.message(for: error)
        Diagnostics.say("\(message); see xmpp-bridge --help")
        return ExitStatus.usage.rawValue
    }
}

import ArgumentParser
import Glibc

/// The program.
public enum XMPPBridge {
    /// Runs the program by the process's arguments and ends it with the status of DESIGN 5.1.
    public static func main() -> Never {
        Signals.ignoreFailedWrites()
        _ = StandardDescriptors.closedAtStart
        do {
            var command = try RootCommand.parseAsRoot()
            try command.run()
        } catch {
            leave(report(error))
        }
        leave(ExitStatus.success.rawValue)
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

import ArgumentParser
import Config
import Routing

/// `check`: the configuration file's mistakes, all at once.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Tell every mistake in a configuration file; opens no secret and no network.",
        discussion: """
            With --graph it prints the bridges as a picture, for example:
            xmpp-bridge check --graph dot bridges.yaml | dot -Tsvg > bridges.svg
            """)

    enum Graph: String, ExpressibleByArgument, CaseIterable { case mermaid, dot }

    @Argument(help: ArgumentHelp("The file; without it the one that a run would use.", valueName: "file"))
    var file: String?

    @Option(name: .long, help: ArgumentHelp("Print the bridges as a picture in that language.", valueName: "language"))
    var graph: Graph?

    // The parser gives the root's options to a subcommand that has the same group: --config works here too.
    @OptionGroup(visibility: .hidden) var session: SessionOptions

    mutating func run() throws {
        do throws(StartFailure) {
            guard let path = file ?? ConfigurationFile.find(flag: session.config, Environment.process) else {
                throw StartFailure(.configuration, "no configuration file found; name one")
            }
            let (plan, mode) = try ConfigurationFile.loadWithMode(path)
            var warnings = plan.warnings
            if let exposure = plan.exposure(mode: mode) {
                // It says more than that a password stands there.
                warnings.removeAll { ($0.line, $0.column) == (exposure.line, exposure.column) }
                warnings.append(exposure)
                warnings.sort { ($0.line, $0.column) < ($1.line, $1.column) }
            }
            for warning in warnings { Diagnostics.write(warning.line(in: path) + "\n") }
            switch graph {
            case .mermaid: print(RouteGraph(plan.rules).mermaid, terminator: "")
            case .dot: print(RouteGraph(plan.rules).dot, terminator: "")
            case nil: break
            }
        } catch {
            // In `check` the problems themselves are what was asked for: no program name before them.
            for line in error.lines { Diagnostics.write(line + "\n") }
            throw ExitCode(error.status.rawValue)
        }
    }
}

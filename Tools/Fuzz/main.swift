import Config
import Endpoints
import Glibc
import Routing
import Stanza

// What strangers write, under libFuzzer: Fuzz yaml|commands|rules|events [libFuzzer's arguments]. contrib/fuzz builds and
// runs it. A crash, a hang and a broken law are what it looks for.

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

func route(_ line: String, through router: inout Router) {
    let record = Record.line(.init(bytes: Array(line.utf8), number: 1))
    for source in [Source.stdin] + router.localSources.indices.map(Source.local) {
        var deliveries: [Delivery] = []
        router.route(record, from: source, at: WallTime(milliseconds: 0), into: &deliveries)
        let told = router.explain(record, from: source, at: WallTime(milliseconds: 0))
        precondition(told.flatMap(\.deliveries) == deliveries, "explain and the rules differ over \(line)")
        for delivery in deliveries {
            guard case .text(let text) = delivery.content else { continue }
            precondition(String(validating: text, as: UTF8.self) != nil, "no UTF-8")
        }
    }
}

/// A file: a plan, or problems with a place inside of it; a plan's rules take lines and can be drawn.
func yaml(_ bytes: [UInt8]) {
    switch Load.plan(yaml: bytes, file: "f") {
    case .failure(let problems):
        let lines = bytes.reduce(1) { $1 == 0x0A || $1 == 0x0D ? $0 + 1 : $0 }
        for problem in problems.list {
            precondition((1...lines).contains(problem.line) && (1...bytes.count + 1).contains(problem.column))
            precondition(!problem.what.isEmpty && !problem.hint.isEmpty)
            precondition(!problem.line(in: "f").unicodeScalars.contains { $0.value < 0x20 })
        }
    case .success(let plan):
        _ = RouteGraph(plan.rules).dot + RouteGraph(plan.rules).mermaid
        var router = Router(rules: plan.rules, host: "host")
        for line in ["2026/11/22 [error] upstream timed out", #"{"event":"login_failed","n":3}"#, "", "\u{85}ü"] {
            route(line, through: &router)
        }
    }
}

/// Lines that are commands, or problems with words.
func commands(_ bytes: [UInt8]) {
    var reader = CommandReader()
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
        switch Array(line).withUnsafeBufferPointer({ reader.read($0, number: 7) }) {
        case .success: break
        case .failure(let problem):
            precondition(!problem.text.isEmpty && problem.line == 7)
            precondition(problem.column.map { (1...line.count + 1).contains($0) } ?? true)
        }
    }
}

/// A pattern, a template and a line, each to a line of the input.
func rules(_ bytes: [UInt8]) {
    let parts = String(decoding: bytes, as: UTF8.self).split(
        separator: "\n", maxSplits: 2, omittingEmptySubsequences: false
    ).map(String.init)
    guard parts.count == 3 else { return }
    let pattern: Pattern
    do throws(Pattern.Problem) { pattern = try Pattern(compiling: parts[0]) } catch {
        precondition((0...parts[0].utf8.count).contains(error.offset) && !error.what.isEmpty)
        return
    }
    do throws(Rule.Problems) {
        let rule = try Rule(from: [.stdin], match: pattern, body: parts[1], to: [.stdout])
        var router = Router(rules: [rule], host: "host")
        route(parts[2], through: &router)
        _ = router.takeTroubles()
    } catch {
        for problem in error.list {
            guard case .body(let offset) = problem.part else { continue }
            precondition((0...parts[1].utf8.count).contains(offset) && !problem.what.isEmpty)
        }
    }
}

/// Recorded events: what is one is written, and read as the same.
func events(_ bytes: [UInt8]) {
    guard let (event, _) = try? bytes.withUnsafeBufferPointer({ try EventReader.read($0) }) else { return }
    var written: [UInt8] = []
    EventWriter.append(bare: event, to: &written)
    let again = try? written.withUnsafeBufferPointer { try EventReader.read($0) }
    precondition(again?.event == event, "an event is not read back")
}

nonisolated(unsafe) var subject: ([UInt8]) -> Void = yaml

switch CommandLine.arguments.dropFirst().first {
case "yaml": subject = yaml
case "commands": subject = commands
case "rules": subject = rules
case "events": subject = events
case _:
    let usage = Array("usage: Fuzz yaml|commands|rules|events [libFuzzer's arguments]\n".utf8)
    write(STDERR_FILENO, usage, usage.count)
    exit(64)
}
var argumentCount = CommandLine.argc - 1
CommandLine.unsafeArgv[1] = CommandLine.unsafeArgv[0]
var arguments = CommandLine.unsafeArgv + 1
exit(
    runDriver(&argumentCount, &arguments) { bytes, count in
        subject(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    })

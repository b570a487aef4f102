import Glibc
import Routing
import Stanza

// How fast lines go through rules: RuleBenchmark KIND RULES LINES prints lines a second. contrib/bench runs it.

/// What the patterns of the rules are like; each rule is for one service.
enum Kind: String, CaseIterable {
    /// A literal that stands in each line which they match.
    case literal
    /// The same, with three groups whose text goes into the message.
    case captures
    /// No literal that could be looked for: upper and lower case are the same.
    case caseless
}

func fail(_ text: String) -> Never {
    let line = Array("RuleBenchmark: \(text)\n".utf8)
    write(STDERR_FILENO, line, line.count)
    exit(64)
}

func rule(_ kind: Kind, _ number: Int) throws -> Rule {
    let (pattern, body): (String, String?) =
        switch kind {
        case .literal: (#"service-\#(number): (?:error|crit) "#, nil)
        case .captures: (#"service-\#(number): (error|crit) (?<text>.*) in (\d+) ms"#, "{1} after {3} ms: {text}")
        case .caseless: (#"(?i)service-\#(number): (?:error|crit) "#, nil)
        }
    return try Rule(from: [.stdin], match: try Pattern(compiling: pattern), body: body, to: [.stdout])
}

/// Half of the lines are for one of the rules, whatever their number; the other half for none.
func lines(_ count: Int, for rules: Int) -> [[UInt8]] {
    (0..<count).map { number in
        let service = (number / 2) &* 7_919 % rules + (number.isMultiple(of: 2) ? 0 : rules)
        let level = number % 3 == 0 ? "crit" : "error"
        return Array(
            "2026-11-22T09:40:\(10 + number % 50) web1 service-\(service): \(level) upstream closed the connection in \(number) ms"
                .utf8)
    }
}

let arguments = CommandLine.arguments.dropFirst()
guard arguments.count == 3, let kind = arguments.first.flatMap(Kind.init(rawValue:)),
    let ruleCount = arguments.dropFirst().first.flatMap({ Int($0) }), ruleCount > 0,
    let lineCount = arguments.last.flatMap({ Int($0) }), lineCount > 0
else { fail("usage: RuleBenchmark literal|captures|caseless RULES LINES") }

var router = Router(rules: try (0..<ruleCount).map { try rule(kind, $0) }, host: "host")
// The same for every count of lines, so that the difference of two runs is that of their lines.
let sample = lines(1_000, for: ruleCount)
var deliveries: [Delivery] = []
var delivered = 0
var begin = timespec()
clock_gettime(CLOCK_MONOTONIC, &begin)
for number in 0..<lineCount {
    let line = Record.Line(bytes: sample[number % sample.count], number: UInt64(number + 1))
    router.route(.line(line), from: .stdin, at: WallTime(milliseconds: 0), into: &deliveries)
    delivered += deliveries.count
    deliveries.removeAll(keepingCapacity: true)
}
var end = timespec()
clock_gettime(CLOCK_MONOTONIC, &end)
let seconds = Double(end.tv_sec - begin.tv_sec) + Double(end.tv_nsec - begin.tv_nsec) / 1e9
if abs(delivered * 2 - lineCount) > lineCount / 10 + 2 {
    fail("\(delivered) of \(lineCount) lines were taken, not half of them")
}
print(Int(Double(lineCount) / seconds))

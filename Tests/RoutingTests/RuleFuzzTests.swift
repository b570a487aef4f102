import Routing
import Testing

/// Patterns and templates that are nearly right.
@Suite struct RuleFuzzTests {
    private static let patterns = [
        #"\[(?<level>error|crit)\] (?<text>.*)"#, "^a{1,3}(b|c)*?$", #"(?i)\bword\b(?!x)"#, "[^]a-z[:digit:]]+",
        "(a)(b)?(c)",
        "ü+|\\x{1F642}", "(?<n>x)\\k<n>", "(?s).*",
    ]
    private static let bodies = [
        "{level} on {host}: {text}", "{1}{2}{0}", "{{{line}}}", "{line|trim|upper|truncate 3}",
        #"{json.a.0|default "a\"b"}"#, "{time} {n|json|shell}", "ü",
    ]
    private static let lines = [
        "2026 [crit] disk full", "abcabc", #"{"a":[1,{"b":null}]}"#, "xx word ü🙂", "",
        String(repeating: "a", count: 60) + "!",
    ]
    private static let pieces = [
        "(", ")", "[", "]", "{", "}", "|", "*", "+?", "\\", "?<a>", "(?", "{1}", "{line}", "{0|", "\"", "'", "{{", "}}",
        "ü", "🙂",
        "\\Q", "\\x{110000}", "(?R)", "(*ACCEPT)", "(?C)", "\\K", "{9999}", "{99999999999999999999}", "\u{0}", "\n",
        "^", "$", ".",
        "truncate 0", "default", "json.", ":",
    ]

    /// A rule that says in each of its parts where it is wrong; or one that gives UTF-8, and says the same of a line as it
    /// does with it.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func changedRules(_ seed: UInt64) throws {
        var random = Seeded(seed)
        var whole = 0
        for _ in 0..<80 {
            let source = Self.changed(Self.patterns[random.below(Self.patterns.count)], &random)
            let body = Self.changed(Self.bodies[random.below(Self.bodies.count)], &random)
            let pattern: Pattern
            do throws(Pattern.Problem) { pattern = try Pattern(compiling: source) } catch {
                #expect((0...source.utf8.count).contains(error.offset) && !error.what.isEmpty, "\(source)")
                continue
            }
            do throws(Rule.Problems) {
                let rule = try Rule(from: [.stdin], match: pattern, body: body, to: [.stdout])
                whole += 1
                for line in Self.lines { Self.use(rule, Self.changed(line, &random)) }
            } catch {
                for problem in error.list {
                    guard case .body(let offset) = problem.part else { continue }
                    #expect((0...body.utf8.count).contains(offset) && !problem.what.isEmpty, "\(body)")
                }
            }
        }
        #expect(whole > 0)
    }

    private static func use(_ rule: Rule, _ line: String) {
        var router = Router(rules: [rule], host: "box")
        var deliveries: [Delivery] = []
        let record = ExplainTests.line(line)
        router.route(record, from: .stdin, at: Deliveries.time, into: &deliveries)
        let told = router.explain(record, from: .stdin, at: Deliveries.time)
        #expect(told.flatMap(\.deliveries) == deliveries, "\(rule) \(line)")
        for delivery in deliveries {
            guard case .text(let text) = delivery.content else { continue }
            #expect(String(validating: text, as: UTF8.self) != nil, "\(rule) \(line)")
        }
    }

    private static func changed(_ text: String, _ random: inout Seeded) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<random.below(3) {
            let at = random.below(scalars.count + 1)
            let to = min(scalars.count, at + random.below(4))
            let piece = pieces[random.below(pieces.count)].unicodeScalars
            switch random.below(4) {
            case 0: scalars.removeSubrange(at..<to)
            case 1: scalars.replaceSubrange(at..<to, with: piece)
            case 2: scalars.insert(contentsOf: scalars[at..<to], at: random.below(scalars.count + 1))
            case _: scalars.insert(contentsOf: piece, at: at)
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }
}

import Config
import Routing
import Testing

/// Whatever the bytes: a plan or problems, in bounded time, and each problem a line with a place inside of the file.
@Suite struct HostileFiles {
    static func check(_ yaml: [UInt8]) {
        let problems: Problems
        switch Load.plan(yaml: yaml, file: "f") {
        case .success(let plan): return use(plan)
        case .failure(let found): problems = found
        }
        let lines = yaml.reduce(1) { $1 == 0x0A || $1 == 0x0D ? $0 + 1 : $0 }
        for problem in problems.list {
            let isInside = (1...lines).contains(problem.line) && (1...yaml.count + 1).contains(problem.column)
            let text = problem.line(in: "f")
            let isALine = !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            if !isInside || !isALine || problem.what.isEmpty || problem.hint.isEmpty {
                Issue.record("\(text) in \(String(decoding: yaml, as: UTF8.self))")
            }
        }
    }

    /// What is a plan has rules that take lines, say why, and can be drawn.
    static func use(_ plan: Plan) {
        if plan.rules.isEmpty { return }
        var router = Router(rules: plan.rules, host: "host")
        for line in ["2026/11/22 [error] upstream timed out", #"{"event":"login_failed","n":3}"#, "ü\u{85}"] {
            let record = Record.line(.init(bytes: Array(line.utf8), number: 1))
            for source in [Source.stdin] + router.localSources.indices.map(Source.local) {
                var deliveries: [Delivery] = []
                router.route(record, from: source, at: .init(milliseconds: 0), into: &deliveries)
                let told = router.explain(record, from: source, at: .init(milliseconds: 0))
                #expect(told.flatMap(\.deliveries) == deliveries)
            }
        }
        let graph = RouteGraph(plan.rules)
        #expect(graph.dot.hasSuffix("\n}\n") && graph.mermaid.hasPrefix("flowchart LR\n"))
    }

    @Test func everyBeginningOfAGoodFile() {
        let yaml = Array(GoodFiles.everything.utf8)
        for count in yaml.indices { Self.check(Array(yaml[..<count])) }
    }

    @Test func everyEndOfAGoodFile() {
        let yaml = Array(GoodFiles.everything.utf8)
        for start in yaml.indices { Self.check(Array(yaml[start...])) }
    }

    /// Files of the tests and the example, changed here and there; what is still a plan has rules that work.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func changedFiles(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let good = [GoodFiles.everything, GoodFiles.people, GoodFiles.shaping, SelectionTests.yaml].map {
            Array($0.utf8)
        }
        let bad =
            (BadFiles.yaml + BadFiles.account + BadFiles.bridges + BadFiles.shaping + BadFiles.people
            + BadFiles.selection).map { Array($0.yaml.utf8) }.filter { !$0.isEmpty && $0.count < 20_000 }
        let example = try ExampleTests.example()
        for number in 0..<100 {
            var yaml =
                number % 25 == 0 ? example : random.below(2) == 0 ? good[random.below(4)] : bad[random.below(bad.count)]
            for _ in 0...random.below(4) where !yaml.isEmpty { Self.change(&yaml, good + bad, &random) }
            Self.check(yaml)
        }
    }

    private static let pieces =
        [
            "{", "}", "[", "]", ":", ": ", "- ", "'", "\"", "\n", "\t", "&a ", "*a", "!", "|", ">", "\\", "\u{FEFF}",
            "ü",
            ", ", "#", "? ", "---\n", "...\n", "%", "@", "~", "null", "<<: ", "0x7", "1e9", "9223372036854775808",
            "\u{85}",
            "\u{2028}", "from: stdin", "to: stdout", "match: '('", "limit: {rate: 1/s}", "default: true",
        ]
        .map { Array($0.utf8) } + [[0xFF], [0x00], [0x0D], [0xC3], [0xED, 0xA0, 0x80]]

    private static func change(_ yaml: inout [UInt8], _ files: [[UInt8]], _ random: inout SplitMix) {
        let at = random.below(yaml.count)
        let to = min(yaml.count, at + random.below(12))
        let piece = pieces[random.below(pieces.count)]
        switch random.below(7) {
        case 0: yaml.removeSubrange(at..<to)
        case 1: yaml.insert(contentsOf: piece, at: at)
        case 2: yaml.replaceSubrange(at..<to, with: piece)
        case 3: yaml.insert(contentsOf: yaml[at..<to], at: random.below(yaml.count))
        case 4: yaml[at] ^= UInt8(1 << random.below(8))
        case 5: yaml.insert(contentsOf: Array(repeating: piece, count: 1 + random.below(40)).joined(), at: at)
        case _:
            let other = files[random.below(files.count)]
            let from = random.below(other.count)
            yaml.insert(contentsOf: other[from..<min(other.count, from + random.below(80))], at: at)
        }
    }

    @Test(arguments: [
        ("[", 100_000, "nested deeper"), ("{a: ", 100_000, "nested deeper"), ("- ", 100_000, "nested deeper"),
        ("? ", 100_000, "nested deeper"), ("a: b\n", 20_000, "unknown key"),
        ("account: b\n", 20_000, "stands here twice"),
        ("- a\n", 60_000, "more than 50000 values"),
        ("a", 1_000_000, "text where a configuration belongs"), ("a", 1_100_000, "longer than 1024 KiB"),
        ("'", 99_999, "no valid YAML"), ("\t", 100_000, "no valid YAML"), (" ", 1_000_000, "the file is empty"),
        ("#\n", 100_000, "the file is empty"), ("---\n", 100_000, "a second document"),
        ("&a ", 10_000, "no valid YAML"),
        ("*a: *a\n", 10_000, "an alias (*) is not supported"), ("\"\\x00\": ", 100, "no valid YAML"),
        (",", 100_000, "no valid YAML"), ("!", 100_000, "a tag (!) is not supported"), ("%", 100_000, "no valid YAML"),
        ("|", 100_000, "no valid YAML"), (": ", 10_000, "no valid YAML"),
    ])
    func floods(_ piece: String, _ count: Int, _ expected: String) {
        let yaml = Array(String(repeating: piece, count: count).utf8)
        Self.check(yaml)
        let lines = Files.problems(yaml)
        #expect(lines.contains { $0.contains(expected) }, "\(lines.first ?? "no problem")")
        #expect(lines.count <= Problems.problemsMax)
    }

    @Test func aBillionLaughs() {
        var yaml = "a0: &a0 [x, x]\n"
        for level in 1...30 { yaml += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        Self.check(Array(yaml.utf8))
        #expect(Files.problems(yaml).contains { $0.contains("an alias (*) is not supported here") })
    }
}

/// Numbers from a seed (SplitMix64), the same in every run.
struct SplitMix {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }
}

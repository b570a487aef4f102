import Config
import Testing

/// Whatever the bytes: a plan or problems, in bounded time, and each problem a line with a place inside of the file.
@Suite struct HostileFiles {
    static func check(_ yaml: [UInt8]) {
        guard case .failure(let problems) = Load.plan(yaml: yaml, file: "f") else { return }
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

    @Test func everyBeginningOfAGoodFile() {
        let yaml = Array(GoodFiles.everything.utf8)
        for count in yaml.indices { Self.check(Array(yaml[..<count])) }
    }

    @Test func everyEndOfAGoodFile() {
        let yaml = Array(GoodFiles.everything.utf8)
        for start in yaml.indices { Self.check(Array(yaml[start...])) }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func changedFiles(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        let pieces =
            ["{", "}", "[", "]", ":", "- ", "'", "\"", "\n", "\t", "&a", "*a", "!", "|", "\\", "\u{FEFF}", "ü", ", "]
            .map { Array($0.utf8) } + [[0xFF], [0x00], [0x0D]]
        for _ in 0..<100 {
            let files = [GoodFiles.everything, GoodFiles.people, SelectionTests.yaml]
            var yaml = Array(files[random.below(files.count)].utf8)
            for _ in 0...random.below(4) {
                let at = random.below(yaml.count)
                let to = min(yaml.count, at + random.below(12))
                switch random.below(4) {
                case 0: yaml.removeSubrange(at..<to)
                case 1: yaml.insert(contentsOf: pieces[random.below(pieces.count)], at: at)
                case 2: yaml.replaceSubrange(at..<to, with: pieces[random.below(pieces.count)])
                case _: yaml.insert(contentsOf: yaml[at..<to], at: random.below(yaml.count))
                }
            }
            Self.check(yaml)
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

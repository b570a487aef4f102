import Config
import Testing

/// A file with mistakes, and the lines that a person sees.
struct BadFile: CustomTestStringConvertible, Sendable {
    let yaml: String
    let problems: [String]

    init(_ yaml: String, _ problems: [String]) {
        self.yaml = yaml
        self.problems = problems
    }

    var testDescription: String { String(reflecting: String(yaml.prefix(60))) }
}

@Suite struct BadFiles {
    @Test(arguments: yaml + account + bridges + shaping + people + selection)
    func everyMistakeIsToldOnce(_ file: BadFile) {
        #expect(Files.problems(file.yaml) == file.problems)
    }

    /// A mistake in one bridge hides none in another, nor any elsewhere.
    @Test func mistakesAddUp() {
        var whole = "bridges:\n"
        var expected: [String] = []
        var lines = 1
        for file in Self.bridges where file.yaml.hasPrefix("bridges:\n") && !file.yaml.contains("name:") {
            let body = file.yaml.dropFirst("bridges:\n".count)
            for problem in file.problems {
                let parts = problem.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
                let line = (Int(parts[1]) ?? 0) - 1 + lines
                expected.append("f:\(line):\(parts[2]):\(parts[3])")
            }
            whole += body
            lines += body.split(separator: "\n", omittingEmptySubsequences: false).count - 1
        }
        #expect(expected.count > 20)
        #expect(Files.problems(whole) == expected)
    }

    @Test func bytesThatAreNoText() {
        let notUTF8 = "save the file as UTF-8"
        #expect(Files.problems(Array("a: b\nü".utf8) + [0xFF]) == ["f:2:2: bytes that are not UTF-8; \(notUTF8)"])
        #expect(Files.problems([0xC3]) == ["f:1:1: bytes that are not UTF-8; \(notUTF8)"])
        for utf16 in [[0xFF, 0xFE, 0x61, 0], [0xFE, 0xFF, 0, 0x61], [0x61, 0, 0x3A, 0], [0, 0x61, 0, 0x3A]] as [[UInt8]]
        {
            #expect(Files.problems(utf16) == ["f:1:1: the file is not UTF-8, but UTF-16; save it as UTF-8"])
        }
        #expect(
            Files.problems("ab\u{0}b")
                == ["f:1:3: the control character U+0; leave it out, or write it as an escape in double quotes"])
    }

    @Test func noMoreThanAPersonReads() {
        let lines = Files.problems(String(repeating: "x: 1\n", count: Problems.problemsMax + 50))
        #expect(lines.count == Problems.problemsMax)
        #expect(lines.last?.hasPrefix("f:\(Problems.problemsMax):1: ") == true)
    }

    /// What could be a password is in no message.
    @Test(arguments: [
        "account: {password: [hunter2]}", "account: {password: {hunter2}}", "account: {password: {hunter2: x}}",
        "account: {password: hunter2, jid: a@b", "account: {password: {file: [hunter2]}}",
        "account: {password: {env: $hunter2}}",
        "account: {password: {command: hunter2}}", "account: {password: hunter2: x}", "account: {password: 'hunter2}",
        "account: {password: hunter2, anonymous: true}", "account: {password: !hunter2 x}",
        "account: {password: *hunter2 }",
    ])
    func secretsAreNotTold(_ yaml: String) {
        let lines = Files.problems(yaml)
        #expect(lines.count == 1)
        #expect(!lines.joined().contains("hunter2"))
    }
}

import Routing
import Testing

@Suite struct PatternTests {
    static func match(_ matcher: Matcher, _ text: String) -> Matcher.Outcome {
        Array(text.utf8).withUnsafeBufferPointer(matcher.match)
    }

    @Test(arguments: [true, false])
    func capturesGroups(justInTime: Bool) throws {
        let pattern = try Pattern(compiling: #"\[(?<level>error|crit)\] (x)?(?<text>.*)"#, justInTime: justInTime)
        #expect(pattern.groupCount == 3)
        #expect(pattern.number(of: "level") == 1)
        #expect(pattern.number(of: "text") == 3)
        #expect(pattern.number(of: "missing") == nil)
        let matcher = Matcher(pattern)
        #expect(Self.match(matcher, "a [error] über") == .matched)
        #expect(matcher.group(0) == 2..<15)
        #expect(matcher.group(1) == 3..<8)
        #expect(matcher.group(2) == nil)
        #expect(matcher.group(3) == 10..<15)
        #expect(matcher.group(4) == nil)
        #expect(Self.match(matcher, "a [info] b") == .missed)
        #expect(matcher.group(0) == nil)
        #expect(Self.match(matcher, "") == .missed)
    }

    @Test func matchesTheEmptyText() throws {
        let matcher = Matcher(try Pattern(compiling: "^$"))
        #expect(matcher.match(UnsafeBufferPointer(start: nil, count: 0)) == .matched)
        #expect(matcher.group(0) == 0..<0)
    }

    @Test func leavesUnsetWhatTookNoPart() throws {
        let matcher = Matcher(try Pattern(compiling: "(a)|(b)|(c)"))
        #expect(Self.match(matcher, "b") == .matched)
        #expect((1...3).map(matcher.group) == [nil, 0..<1, nil])
    }

    @Test func refusesBrokenText() throws {
        let matcher = Matcher(try Pattern(compiling: "a"))
        let outcome = [0x61, 0xFF].withUnsafeBufferPointer(matcher.match)
        guard case .failed(let what) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(what.contains("UTF-8"))
        #expect(Self.match(matcher, "a") == .matched)
    }

    @Test(arguments: [
        ("(abc", 4, "missing closing parenthesis"),
        ("a[b", 3, "missing terminating ] for character class"),
        ("*a", 0, "quantifier does not follow a repeatable item"),
        ("ü(?<1>x)", 5, "subpattern name must start with a non-digit"),
        ("a\\Cb", 3, "using \\C is disabled by the application"),
        ("(?<a>x)(?<a>y)", 12, "two named subpatterns have the same name (PCRE2_DUPNAMES not set)"),
    ])
    func saysWhereItDoesNotCompile(_ source: String, _ offset: Int, _ what: String) {
        do {
            _ = try Pattern(compiling: source)
            Issue.record("it compiles")
        } catch {
            #expect(error.offset == offset)
            #expect(error.what == what)
        }
    }

    @Test func limitsItsOwnLength() throws {
        _ = try Pattern(compiling: String(repeating: "a", count: Pattern.sourceBytesMax))
        #expect(throws: Pattern.Problem.self) {
            _ = try Pattern(compiling: String(repeating: "a", count: Pattern.sourceBytesMax + 1))
        }
    }

    /// Patterns that take exponential or quadratic time end at a limit, and the matcher works on.
    @Test(
        arguments: ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(?:\\w+ ?)+[XY]", "\\w*\\w*\\w*[XY]", "(.*)(.*)(.*)(.*)[XY]"],
        [true, false])
    func givesUpInsteadOfHanging(_ source: String, justInTime: Bool) throws {
        let matcher = Matcher(try Pattern(compiling: source, justInTime: justInTime))
        let text = String(repeating: "a", count: 65_535) + "!"
        let outcome = Self.match(matcher, text)
        guard case .limited(let what) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(what.contains("limit"))
        #expect(Self.match(matcher, "a") != .limited(what))
    }

    @Test(arguments: [("\\s+$", false), ("(*NO_JIT)\\s+$", true)])
    func quadraticPatternsEndWithoutMachineCode(_ source: String, justInTime: Bool) throws {
        let pattern = try Pattern(compiling: source, justInTime: justInTime)
        #expect(!pattern.isJustInTime)
        let matcher = Matcher(pattern)
        guard case .limited = Self.match(matcher, String(repeating: " ", count: 65_535) + "x") else {
            Issue.record("it ran through")
            return
        }
        #expect(Self.match(matcher, "x  ") == .matched)
        #expect(matcher.group(0) == 1..<3)
    }

    /// Small expressions that stand for large ones, or for no end at all.
    @Test(arguments: [
        ("(((a{1,1000}){1,1000}){1,1000}){1,1000}", "regular expression is too large"),
        ("(?:a{0,65535}){0,65535}", "regular expression is too large"),
        ("(?R)*a", "limited(\"JIT stack limit reached\")"), ("(a?(?1)?)*!x", "missed"),
    ])
    func expressionsThatGrow(_ source: String, _ expected: String) {
        let outcome: String
        do {
            let matcher = Matcher(try Pattern(compiling: source))
            outcome = "\(Self.match(matcher, String(repeating: "a", count: 10_000) + "b"))"
        } catch {
            outcome = error.what
        }
        #expect(outcome == expected)
    }

    @Test func limitsInThePatternOnlyLower() throws {
        let matcher = Matcher(try Pattern(compiling: "(*LIMIT_MATCH=4000000000)(a+)+$"))
        guard case .limited = Self.match(matcher, String(repeating: "a", count: 1_000) + "!") else {
            Issue.record("it ran through")
            return
        }
    }
}

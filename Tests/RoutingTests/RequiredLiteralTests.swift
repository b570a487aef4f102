import Testing

@testable import Routing

@Suite struct RequiredLiteralTests {
    @Test(arguments: [
        ("error", "error"), ("^\\[error\\] (.*)", "[error] "), ("a|b", ""), ("abc|", ""), ("x(abc|d)yz", "yz"),
        ("ab?cd", "cd"), ("ab+c", "ab"), ("ab+cde", "bcde"), ("ab{2}c", "ab"), ("ab{0,3}cd", "cd"), ("ab{1,}?x", "ab"),
        ("(?<level>error|crit): disk", ": disk"), ("(?:abcd)x", "abcd"), ("(abcd)?x", "x"), ("(abcd)*xy", "xy"),
        ("((ab)c(def))", "def"), ("\\d+ms", "ms"), ("[abc]de", "de"), ("[]a]de", "de"), ("[^]a]de", "de"),
        ("[[:alpha:]]de", "de"), ("[\\]a]de", "de"), ("über.*x", "über"), ("ü+b", "üb"), ("a\\.b\\/c", "a.b/c"),
        ("\"event\":\\s*\"login", "\"event\":"), ("a\\tb\\n", "a\tb\n"), ("{\"a\"", "{\"a\""),
        (String(repeating: "a", count: 40), String(repeating: "a", count: 16)), ("", ""), (".*", ""), ("^$", ""),
        // What is not followed for certain gives nothing.
        ("(?i)error", ""), ("(?i:error)", ""), ("(?x) er ror", ""), ("error(?!x)", ""), ("(?=error)e", ""),
        ("(?<=a)error", ""), ("\\Qa.b\\Ec", ""), ("\\x41bc", ""), ("(a)\\1bc", ""), ("(*UTF)abc", ""), ("abc\\K", ""),
        ("abc(?#x)", ""), ("(?(?=a)b|c)def", ""), ("ab{,3}cd", ""), ("ab{x", ""), ("\\p{L}abc", ""), ("[[:<:]]abc", ""),
        ("[\\Qa]\\E]bc", ""), ("(?|(a)|(b))cd", ""), ("(?>abc)", ""), ("\\N{U+41}bc", ""), ("(?P<n>ab)(?P=n)", ""),
        ("(?P<n>abc)d", "abc"), ("(?'n'abc)", "abc"),
    ])
    func literals(_ source: String, _ expected: String) {
        #expect(RequiredLiteral(source).bytes == Array(expected.utf8))
    }

    @Test(arguments: [
        ("a^b", "^ stands behind something"), ("a$b", "$ stands before something"), ("x+^", "^ stands behind"),
        ("$.", "$ stands before"), ("\\ea", "control character"), ("abcdefghijklmnopqrst\\a", "control character"),
        ("[a]{65535}", "longer than any line"),
    ])
    func contradictions(_ source: String, _ expected: String) throws {
        let why = try Pattern(compiling: source).neverMatches
        #expect(why?.contains(expected) == true, "\(why ?? "it may match")")
    }

    @Test(arguments: [
        "a|b^c", "x?^a", "a$", "a$\\n", "(?m)a$b", "(a^|b)c", "(?m)a\\n^b", "a\\^b", "[$^]a", "a*^b", "\\t", "a{65534}",
        "$", "^^a", "a$$",
    ])
    func whatMayMatch(_ source: String) throws { #expect(try Pattern(compiling: source).neverMatches == nil) }

    @Test(arguments: [
        ("abcdefghijklmnopqrst\n", true), ("a\\n", true), ("a\n?", false), ("a|b\n", false), ("(a\n)?", false),
        ("a[\n]", false), ("a\\s", false),
    ])
    func breaks(_ source: String, _ expected: Bool) { #expect(RequiredLiteral(source).asksForBreak == expected) }

    /// Of every text that a pattern matches, the literal is a part; and of a pattern that matches something, nothing says
    /// that it could not.
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func whatMatchesHasTheLiteral(_ seed: UInt64) throws {
        var random = Seeded(seed)
        let pieces = [
            "a", "b", "ab", "ba", "ü", ".", "[ab]", "[^a]", "(", ")", "(?:", "|", "?", "*", "+", "{2}", "{0,1}",
            "{1,2}",
            "^", "$", "\\b", "\\.", "\\d", "(?i)", "(?i:a)", "(?=a)", "(?!b)", "\\x61", "\\Qa", "\\E", "]", "[]a]",
            "??",
            "\\1", "(?<n>", "{,2}", "\\n", "(?m)", "[[:alpha:]]", "(?x)", " ", "#",
        ]
        let letters = ["a", "b", "A", "ü", ".", " ", "1", "\n", "#"]
        for _ in 0..<400 {
            let source = (0...random.below(6)).map { _ in pieces[random.below(pieces.count)] }.joined()
            guard let pattern = try? Pattern(compiling: source) else { continue }
            let matcher = Matcher(pattern)
            for _ in 0..<20 {
                let text = (0..<random.below(8)).map { _ in letters[random.below(letters.count)] }.joined()
                guard PatternTests.match(matcher, text) == .matched else { continue }
                let literal = String(decoding: pattern.required.bytes, as: UTF8.self)
                #expect(literal.isEmpty || Self.contains(text, literal), "\(source) \(text) \(literal)")
                #expect(pattern.neverMatches == nil, "\(source) \(text)")
                #expect(!pattern.required.asksForBreak || text.contains("\n"), "\(source) \(text)")
            }
        }
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        let (text, part) = (Array(text.utf8), Array(part.utf8))
        return text.count >= part.count && (0...text.count - part.count).contains { text[$0...].starts(with: part) }
    }

    @Test func theSieveFindsAllAndNothingElse() throws {
        let literals = ["he", "she", "his", "hers", "", "r", "über"].map { Array($0.utf8) }
        let sieve = try #require(Sieve(literals))
        for text in ["ushers", "his", "", "x", "über", "shehis", "hhhe", "rr", "shishers", "ü", "hershe"] {
            var bits: [UInt64] = []
            Array(text.utf8).withUnsafeBufferPointer { sieve.sift($0, into: &bits) }
            let expected = literals.indices.filter {
                Self.contains(text, String(decoding: literals[$0], as: UTF8.self))
            }
            #expect(literals.indices.filter { bits[0] & (1 << UInt64($0)) != 0 } == expected, "\(text)")
        }
        #expect(Sieve([[1], [], []]) == nil)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func theSieveIsASearchForEach(_ seed: UInt64) throws {
        var random = Seeded(seed)
        func word(_ most: Int) -> String {
            (0..<random.below(most)).map { _ in ["a", "b", "c"][random.below(3)] }.joined()
        }
        let literals = (0..<100).map { _ in Array(word(7).utf8) }
        let sieve = try #require(Sieve(literals))
        for _ in 0..<30 {
            let text = word(30)
            var bits: [UInt64] = []
            Array(text.utf8).withUnsafeBufferPointer { sieve.sift($0, into: &bits) }
            for (index, literal) in literals.enumerated() {
                let isFound = bits[index / 64] & (1 << UInt64(index % 64)) != 0
                #expect(isFound == Self.contains(text, String(decoding: literal, as: UTF8.self)))
            }
        }
    }

    @Test func moreLiteralsThanStates() throws {
        var random = Seeded(1)
        let literals = (0..<3_000).map { _ in (0..<16).map { _ in UInt8(ascii: "a") + UInt8(random.below(26)) } }
        let sieve = try #require(Sieve(literals))
        var bits: [UInt64] = []
        for index in [0, 1_500, 2_999] {
            literals[index].withUnsafeBufferPointer { sieve.sift($0, into: &bits) }
            #expect(bits[index / 64] & (1 << UInt64(index % 64)) != 0)
        }
    }
}

import Routing
import Testing

private func parse(_ bytes: [UInt8]) -> Result<JSON, JSON.Problem> {
    bytes.withUnsafeBufferPointer { text in
        do throws(JSON.Problem) { return .success(try JSON.parse(text)) } catch { return .failure(error) }
    }
}

private func parse(_ text: String) -> Result<JSON, JSON.Problem> { parse(Array(text.utf8)) }

private func isValue(_ result: Result<JSON, JSON.Problem>) -> Bool {
    switch result {
    case .success: true
    case .failure: false
    }
}

/// A small generator that needs no seed from outside (splitmix64).
private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct JSONTests {
    @Test(arguments: [
        ("null", JSON.null), (" true ", .bool(true)), ("\t\r\nfalse\n", .bool(false)), ("0", .number("0")),
        ("-0", .number("-0")), ("-12.50e+007", .number("-12.50e+007")), ("1E9", .number("1E9")),
        ("\"\"", .string("")), ("[]", .array([])), ("{ }", .object([])), ("\"/\"", .string("/")),
        (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")), (#""\u0041\u00e9\u20AC""#, .string("Aé€")),
        (#""\ud83d\uDE00x""#, .string("😀x")), (#""\uDBFF\uDFFF""#, .string("\u{10FFFF}")),
        (#""\u0000""#, .string("\u{0}")), ("\"é漢😀\u{7F}\u{2028}\"", .string("é漢😀\u{7F}\u{2028}")),
        ("[1, \"a\",[null]]", .array([.number("1"), .string("a"), .array([.null])])),
        (
            #"{"a":1,"b":{"a":2},"":[]}"#,
            .object([
                .init(name: "a", value: .number("1")),
                .init(name: "b", value: .object([.init(name: "a", value: .number("2"))])),
                .init(name: "", value: .array([])),
            ])
        ),
    ])
    func reads(_ text: String, _ expected: JSON) {
        #expect(parse(text) == .success(expected))
    }

    @Test(arguments: [
        ("", 1, "expected a value but the text ends here"), ("  x", 3, "expected a value but found 'x'"),
        (#"{"a":1 x"#, 8, "expected ',' or '}' but found 'x'"), ("[1 2]", 4, "expected ',' or ']' but found '2'"),
        ("{", 2, "expected a name in '\"' or '}' but the text ends here"),
        (#"{"a":1,}"#, 8, "expected a name in '\"' but found '}'"),
        ("{a:1}", 2, "expected a name in '\"' or '}' but found 'a'"),
        (#"{"a" 1}"#, 6, "expected ':' but found '1'"), (#"{"a":1,"b":2,"a":3}"#, 14, "the name \"a\" stands twice"),
        (#"{"a":1,"\u0061":3}"#, 8, "the name \"a\" stands twice"), ("[1,]", 4, "expected a value but found ']'"),
        ("1 1", 3, "expected the end of the text but found '1'"), ("nul", 4, "expected 'null' but the text ends here"),
        ("trub", 1, "expected a value but found 'trub'"),
        ("01", 2, "expected no digit behind a leading 0 but found '1'"),
        ("-", 2, "expected a digit but the text ends here"), ("1.", 3, "expected a digit but the text ends here"),
        ("1e+x", 4, "expected a digit but found 'x'"), ("+1", 1, "expected a value but found '+'"),
        (".5", 1, "expected a value but found '.'"),
        ("\"abc", 5, "expected '\"' to end a string but the text ends here"),
        ("\"a\nb\"", 3, "expected an escape for a control character in a string but found the byte 0x0A"),
        (#""\x""#, 3, "expected one of \" \\ / b f n r t u behind '\\' but found 'x'"),
        (#""\u12g4""#, 6, "expected four hexadecimal digits behind '\\u' but found 'g'"),
        (#""ab\ud800""#, 4, "a surrogate without its other half"),
        (#""\udc00""#, 2, "a surrogate without its other half"),
        (#""\ud800\u0041""#, 2, "a surrogate without its other half"),
        (#""\ud800\ud800\udc00""#, 2, "a surrogate without its other half"),
        ("\u{FEFF}{}", 1, "expected a value but found 'U+FEFF'"), ("['a']", 2, "expected a value but found '''"),
        ("é", 1, "expected a value but found 'é'"), ("[NaN]", 2, "expected a value but found 'NaN'"),
        ("[yes, no]", 2, "expected a value but found 'yes'"),
        (#"{"a":not "b"}"#, 6, "expected a value but found 'not'"),
        ("[n]", 2, "expected a value but found 'n'"), ("[f é]", 2, "expected a value but found 'f'"),
        ("[t", 3, "expected 'true' but the text ends here"),
        ("\u{0}", 1, "expected a value but found the byte 0x00"),
        ("[1]\u{A0}", 4, "expected the end of the text but found '\u{A0}'"),
    ])
    func saysWhereAndWhat(_ text: String, _ column: Int, _ what: String) {
        #expect(parse(text) == .failure(.init(column: column, what: what)))
    }

    @Test(
        arguments: [
            [0x80], [0xC3], [0xC3, 0x28], [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x80, 0xAF], [0xE2, 0x82],
            [0xED, 0xA0, 0x80],
            [0xF0, 0x80, 0x80, 0xAF], [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFF],
        ] as [[UInt8]])
    func brokenUTF8IsRefused(_ broken: [UInt8]) {
        let byte = String(broken[0], radix: 16, uppercase: true)
        let problem = JSON.Problem(column: 3, what: "expected UTF-8 in a string but found the byte 0x\(byte)")
        #expect(parse(Array("\"a".utf8) + broken + Array("\"".utf8)) == .failure(problem))
        #expect(!isValue(parse(broken)))
    }

    /// In the manner of JSONTestSuite: what no parser may take.
    @Test(arguments: [
        "[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\"]]", "[\"x\",,]", "[\"x\"", "[x", "[3[4]]",
        "[1:2]", "[,",
        "[ , \"\"]", "[\"a\",\n4\n,1,", "[\"a\"\\f]", "[*]", "[\"\"", "[1,\n1\n,1", "[{}", "[fals]", "[nul]", "[tru]",
        "[++1234]", "[+1]", "[+Inf]", "[-01]", "[-1.0.]", "[-2.]", "[-NaN]", "[.-1]", "[.2e-3]", "[0.1.2]", "[0.3e+]",
        "[0.3e]", "[0.e1]", "[0E+]", "[0E]", "[0e+]", "[1.0e+]", "[1.0e-]", "[1.0e]", "[1 000.0]", "[1eE2]", "[2.e+3]",
        "[9.e+]", "[Inf]", "[1+2]", "[0x1]", "[0x42]", "[Infinity]", "[0e+-1]", "[-123.123foo]", "[-foo]", "[- 1]",
        "[-012]",
        "[-.123]", "[-1x]", "[1ea]", "[1.]", "[.123]", "[1.2a-3]", "[1.8011670033376514H-308]", "[012]",
        "{\"x\"::\"b\"}", "{\"x\", null}", "{\"a\":\"b\",,\"c\":1}", "{key: 'value'}", "{null:null}", "{'a':0}",
        "{1:1}",
        "{\"id\":0,}", "{\"id\":0,,,,,}", "{\"a\":\"b\"}/**/", "{\"a\":\"b\"}//", "{\"a\":/*x*/1}", "{\"a\"", "{\"a\":",
        "{:\"b\"}",
        "{\"a\":\"b\" \"c\":1}", "{\"a\":\"a", "{\"a\":true} \"x\"", "{\"a\":\"b\"}#", "[\"\\uD800\\\"]",
        "[\"\\uD800\\u\"]",
        "[\"\\uD800\\u1\"]", "[\"\\uD800\\u1x\"]", "[\\u000A\"\"]", "[\"\\\"]", "[\"\\\u{0}\"]", "[\"\\\\\\\"]",
        "[\"\\\t\"]",
        "[\"\\🌀\"]", "[\"\\u00A\"]", "[\"\\a\"]", "[\"\\uqqqq\"]", "[\\n]", "['single quote']", "abc", "[\"\\",
        "[\"a\u{0}a\"]",
        "[\"new\nline\"]", "[\"\t\"]", "\"\\UA66D\"", "\"\"x", "<.>", "[<null>]", "[1]x", "[\"asd]", "[True]", "1]",
        "{\"x\": true,",
        "[][]", "]", "{}}", "{\"\":", "{\"a\":", "{]", "[}", "*", "2@", "{\"asd\":\"asd\"", "[1,", "[1", "{", "[", "\"",
        "é", "[⁠]",
        "[\u{C}]", "{\"a\":1,\"a\":1}", "[\u{85}]",
    ])
    func refuses(_ text: String) { #expect(!isValue(parse(text))) }

    @Test(arguments: [
        "[[]   ]", "[\"\"]", "[\"a\"]", "[false]", "[null, 1, \"1\", {}]", "[1\n]", " [1]", "[1,null,null,null,2]",
        "[2] ", "[123e65]",
        "[0e+1]", "[0e1]", "[ 4]", "[-0.000000000000000000000000000000000000000001]", "[20e1]", "[-123]", "[-1]",
        "[-0]",
        "[1E22]", "[1E-2]", "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]", "[1e+2]", "[123]", "[123.456789]",
        "[1e999999]",
        "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "{}", "{\"\":0}", "{\"foo\\u0000bar\": 42}",
        "{\"min\":-1.0e+28,\"max\":1.0e+28}",
        "{\"a\":[]}", "{\n\"a\": \"b\"\n}", "[\"\\u0060\\u012a\\u12AB\"]", "[\"\\uD801\\udc37\"]",
        "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\u0000\"]", "[\"\\\"\"]", "[\"a/*b*/c/*d//e\"]", "[\"\\\\a\"]",
        "[\"\\\\n\"]",
        "[\"\\u0012\"]", "[\"\\uFFFF\"]", "[\"asd\"]", "[\"\u{10FFFF}\"]", "[\"\u{FFFF}\"]", "[\"\\uDBFF\\uDFFE\"]",
        "[\"π\"]",
        "[\"⍂㈴⍂\"]", "\" \"", "[\"\\u0821\"]", "[\"\u{1D11E}\"]", "[\"a\u{7F}a\"]", "42", "-0.1", "\"asd\"", "true",
        "[true]",
        "{\"e\u{301}\":1,\"é\":2}",
    ])
    func takes(_ text: String) { #expect(isValue(parse(text))) }

    @Test func nestingHasAnEnd() {
        func nest(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(isValue(parse(nest(JSON.depthMax))))
        let problem = JSON.Problem(column: JSON.depthMax + 1, what: "nested deeper than \(JSON.depthMax)")
        #expect(parse(nest(JSON.depthMax + 1)) == .failure(problem))
        #expect(parse(String(repeating: "{\"a\":", count: 100_000)) != .success(.null))
        #expect(isValue(parse("[" + String(repeating: "[],", count: 500) + "{}]")))
    }

    @Test func largeObjectsFindDuplicatesToo() {
        let members = (0..<1_000).map { "\"k\($0)\":\($0)" }
        #expect(isValue(parse("{" + members.joined(separator: ",") + "}")))
        for twice in ["k0", "k15", "k16", "k999"] {
            let text = "{" + (members + ["\"\(twice)\":0"]).joined(separator: ",") + "}"
            let column = text.utf8.count - twice.utf8.count - 4
            #expect(parse(text) == .failure(.init(column: column, what: "the name \"\(twice)\" stands twice")))
        }
    }

    private static let samples = [
        #"{"do":"send","ref":42,"to":["a@b","room:c@d/é"],"body":"l\u00e4ng \ud83d\ude00 \"x\"\n","n":-1.5e+3,"t":[true,false,null]}"#,
        #"[[[{}]],{"a":{"b":{"c":"漢字😀"}}},"\\\/\b\f\n\r\t",0,-0.0e-0]"#,
    ]

    @Test(arguments: samples)
    func everyPrefixIsAProblemInsideOfIt(_ text: String) {
        let bytes = Array(text.utf8)
        for end in 0..<bytes.count {
            guard case .failure(let problem) = parse(Array(bytes[..<end])) else {
                Issue.record("a prefix of \(end) bytes was taken")
                continue
            }
            #expect((1...end + 1).contains(problem.column))
        }
        #expect(isValue(parse(bytes)))
    }

    @Test(arguments: samples)
    func mutationsGiveAValueOrAProblemInsideOfThem(_ text: String) {
        var dice = Dice(state: 7)
        let alphabet =
            Array("{}[]\",:\\u0123456789abcdefDd+-.eEtrufalsn \n".utf8) + [
                0x00, 0x1F, 0x80, 0xBF, 0xC3, 0xED, 0xF4, 0xFF,
            ]
        var taken = 0
        for _ in 0..<20_000 {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &dice) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &dice)
                let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &dice)]
                switch Int.random(in: 0..<4, using: &dice) {
                case 0: bytes[at] = byte
                case 1: bytes.insert(byte, at: at)
                case 2: bytes.remove(at: at)
                case _: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 0..<9, using: &dice)))
                }
            }
            switch parse(bytes) {
            case .success: taken += 1
            case .failure(let problem):
                if !(1...bytes.count + 1).contains(problem.column) || problem.what.isEmpty {
                    Issue.record("column \(problem.column) of \(bytes.count): \(problem.what)")
                }
            }
        }
        #expect(taken > 0 && taken < 20_000)
    }
}

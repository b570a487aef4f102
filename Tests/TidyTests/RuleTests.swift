import Testing

/// Each rule finds what it is for, and only that.
@Suite struct RuleTests {
    @Test func wordsAreToldFromCommentsAndStrings() {
        let text = ##"""
            // time(nil)
            /* getenv( /* nested */ await */
            let a = "time(" + """
                async " quoted
                """ + #"raw " \(no) "# + "x \(f("y", [1: "z"]) + b) w" + #"\#(c)"#
            """##
        let words = Source(path: "", text: text).tokens.map(\.text).filter { $0 != "\"" }
        #expect(words.joined(separator: " ") == "let a = + + + f ( , [ 1 : ] ) + b + c")
        #expect(Source(path: "", text: "a\n\"\"\"\n\n\"\"\" b\nc").tokens.map(\.line) == [1, 2, 4, 5])
    }

    static let imports: [(path: String, text: String, refused: [String])] = [
        ("Sources/Stanza/A.swift", "public import CIDN2\nimport CUnistring", []),
        ("Sources/Stanza/A.swift", "import Glibc\nimport Session", ["Glibc", "Session"]),
        ("Sources/Session/A.swift", "import Stanza\n@preconcurrency import Wire", ["Wire"]),
        ("Sources/Session/A.swift", "import struct Foundation.Date", ["Foundation"]),
        ("Sources/Bridge/Pump.swift", "import Session\nimport CResolv\nimport Glibc\nimport NIOCore", ["NIOCore"]),
        ("Sources/Bridge/Driver/Channel.swift", "import NIOCore\nimport NIOPosix\nimport Foundation", ["Foundation"]),
        ("Sources/xmpp-bridge/main.swift", "import Bridge\nimport Wire", ["Wire"]),
        ("Sources/Elsewhere/A.swift", "import Stanza", ["Stanza"]),
        ("Sources/Stanza/A.swift", "// import Glibc\nlet a = \"import Glibc\"", []),
    ]

    @Test(arguments: imports) func importMatrix(path: String, text: String, refused: [String]) {
        let found = ImportRule.findings(in: Source(path: path, text: text), systemModules: ["CResolv", "COpenSSL"])
        #expect(found.map(\.what) == refused.map { "may not import " + $0 })
    }

    @Test(arguments: CallRule.notInPure) func aPureTargetMayNotSay(words: String) {
        let text = "func f() {\n    \(words) }"
        let found = CallRule.findings(in: Source(path: "Sources/Session/A.swift", text: text))
        #expect(found.contains { $0.line == 2 && $0.what == "may not say " + words.filter { $0 != " " } })
    }

    @Test(arguments: [
        "try? f()", "a as? B", "x.time(1)", "func time(_ a: Int) {}", "case time(Int)", "\"\\(name) async\"", "isActor",
    ])
    func aPureTargetMaySay(text: String) {
        #expect(CallRule.findings(in: Source(path: "Sources/Session/A.swift", text: text)) == [])
    }

    @Test func otherTargetsMayWait() {
        let text = "func f() async { await g(); try! h() }"
        let found = CallRule.findings(in: Source(path: "Sources/Bridge/A.swift", text: text))
        #expect(found.map(\.what) == ["may not say try!"])
    }

    @Test func notesToOneself() {
        let text = "let a = 1  // TODO: later\n// FIXME\nlet todo = mastodon\nlet b = \"XXXL\""
        #expect(NoteRule.findings(in: Source(path: "a", text: text)).map(\.line) == [1, 2])
    }

    @Test func namesThatSayNothing() {
        let text = "struct StreamManager {}\nenum New {}\nclass NewStream {}\nstruct Newline {}\nstruct Manageress {}"
        let found = NameRule.findings(in: Source(path: "Sources/Wire/StringUtils.swift", text: text))
        #expect(found.map(\.line) == [1, 2, 3, 1])
    }

    @Test func functionsAreMeasured() {
        let text = """
            protocol P {
                func requirement(_ a: Int)
                init()
                var b: Int { get }
            }
            struct S: P {
                init() { self.init(x: 1) }
                func one<T>(_ a: T = { 1 }(), b: [Int]) throws(E) -> T? where T: P {
                    let f = { 2 }
                    func inner() {
                    }
                }
                static func == (a: S, b: S) -> Bool {
                    true
                }
            }
            """
        let found = LengthRule.functions(of: Source(path: "a", text: text))
        #expect(found.map(\.function) == ["init", "func one", "func inner", "func ="])
        #expect(found.map(\.lines) == [1, 5, 2, 3])
    }

    @Test func lengthsAreRatcheted() {
        let file = Source(path: "a", text: String(repeating: "\n", count: 401))
        let function = Source(path: "b", text: "func f() {\n" + String(repeating: "g()\n", count: 59) + "}\n")
        func findings(_ exceptions: [LengthException]) -> [String] {
            LengthRule.findings(in: [file, function], exceptions: exceptions).map(\.what)
        }
        #expect(
            findings([]) == ["the file has 401 lines, 400 are the most", "func f has 61 lines, 60 are the most"])
        let b = LengthException(path: "b", function: "func f", lines: 61)
        #expect(findings([LengthException(path: "a", lines: 401), b]) == [])
        #expect(findings([LengthException(path: "a", lines: 400), b])[0].hasSuffix("it grew"))
        #expect(findings([LengthException(path: "a", lines: 402), b])[0].contains("shrank"))
        #expect(findings([LengthException(path: "a", lines: 401), b, b]) == ["func f needs no exception any more"])
        let short = Source(path: "a", text: String(repeating: "\n", count: 400))
        #expect(LengthRule.findings(in: [short], exceptions: []) == [])
    }

    @Test func theMap() {
        #expect(MapRule.findings(in: "`Stanza` and `Wire`\n", folders: ["Stanza", "Wire"]) == [])
        #expect(MapRule.findings(in: "Stanza\n", folders: ["Stanza"]).map(\.what) == ["does not name `Stanza`"])
        let long = String(repeating: "`A`\n", count: 151)
        #expect(MapRule.findings(in: long, folders: ["A"]).map(\.what) == ["has 151 lines"])
    }

    @Test func systemModules() {
        let files = ["Sources/CA/module.modulemap", "Sources/CA/shim.h"]
        #expect(SystemModuleRule.findings(module: "CA", files: files) == [])
        #expect(SystemModuleRule.findings(module: "CA", files: []).map(\.path) == files)
    }

    @Test func theTwoCommands() {
        #expect(CommandRule.findings(in: "run contrib/quickstart, then contrib/test") == [])
        #expect(CommandRule.findings(in: "run contrib/test").map(\.what) == ["does not name contrib/quickstart"])
    }
}

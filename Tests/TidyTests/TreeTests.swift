import Testing

/// The rules of the house over this very tree.
@Suite struct TreeTests {
    let tree = SourceTree.ours
    var sources: [Source] { tree.sources(under: "Sources") }
    /// Folders of Sources without Swift in them.
    var systemModules: [String] {
        tree.folders(of: "Sources").filter { tree.sources(under: "Sources/" + $0).isEmpty }
    }

    @Test func theTreeIsFound() {
        #expect(sources.count > 10)
        #expect(systemModules.contains("COpenSSL"))
    }

    @Test func everyTargetHasItsRow() {
        let known = Set(ImportRule.pure.keys).union(["Bridge", "xmpp-bridge"])
        let folders = Set(tree.folders(of: "Sources")).subtracting(systemModules)
        #expect(folders.subtracting(known).isEmpty, "a room without a row in ImportRule")
    }

    @Test func imports() {
        let modules = Set(systemModules)
        expectNone(sources.flatMap { ImportRule.findings(in: $0, systemModules: modules) })
    }

    @Test func noFoundation() {
        let all = sources + tree.sources(under: "Tests")
        let users = all.filter { source in
            ImportRule.imports(of: source).contains { $0.text.hasPrefix("Foundation") }
        }
        #expect(users.map(\.path) == [])
    }

    @Test func calls() { expectNone(sources.flatMap(CallRule.findings)) }

    @Test func notes() { expectNone(sources.flatMap(NoteRule.findings)) }

    @Test func names() { expectNone(sources.flatMap(NameRule.findings)) }

    @Test func lengths() {
        let all = sources + tree.sources(under: "Tests")
        expectNone(LengthRule.findings(in: all, exceptions: lengthExceptions))
    }

    @Test func theMap() throws {
        let map = try #require(tree.read("Sources/ARCHITECTURE.md"), "Sources/ARCHITECTURE.md is missing")
        expectNone(MapRule.findings(in: map, folders: tree.folders(of: "Sources")))
    }

    @Test func systemModulesAreWhole() {
        expectNone(
            systemModules.flatMap { SystemModuleRule.findings(module: $0, files: tree.files(under: "Sources/" + $0)) })
    }

    @Test func theTwoCommands() throws {
        expectNone(CommandRule.findings(in: try #require(tree.read("README.md"), "README.md is missing")))
    }

    private func expectNone(_ findings: [Finding], _ location: SourceLocation = #_sourceLocation) {
        #expect(findings.isEmpty, "\(findings.map(\.description).joined(separator: "\n"))", sourceLocation: location)
    }
}

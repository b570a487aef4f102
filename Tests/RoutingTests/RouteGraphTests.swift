import Routing
import Testing

@Suite struct RouteGraphTests {
    private static func rules() throws -> [Rule] {
        var selection = ConditionTests.selection("line", [.isNoneOf([.init("x")])])
        selection.stops = true
        var rest = Selection.Draft()
        rest.isDefault = true
        let rate = Shaping.Limit.Rate(count: 10, period: .seconds(60))
        let within = Shaping.Group(.none, within: .milliseconds(1_500))
        return [
            try Rule(
                name: "errors", from: [.stdin, .fifo("/f")], match: try Pattern(compiling: "a|b"),
                to: [.xmpp(JIDs.ops), .stdout],
                shaping: Shaping(
                    group: within, limit: .init(rate: rate, burst: 3, overflow: .digest), repetition: .seconds(90),
                    updates: true),
                selection: selection),
            try Rule(from: [.fifo("/f")], to: [.fifo("/f")], selection: rest),
            try Rule(
                name: "traces", from: [.stdin], to: [.stdout],
                shaping: Shaping(group: .init(.start(try Pattern(compiling: "^T"))))),
        ]
    }

    @Test func dot() throws {
        let lines = RouteGraph(try Self.rules()).dot.split(separator: "\n").map { $0.drop { $0 == " " } }
        #expect(lines.first == "digraph bridges {" && lines.last == "}")
        #expect(
            lines.dropFirst(4).dropLast() == [
                #"e1 [shape=ellipse, label="stdin"];"#, #"e2 [shape=ellipse, label="fifo:/f"];"#,
                #"e3 [shape=ellipse, label="xmpp:ops@example.org"];"#, #"e4 [shape=ellipse, label="stdout"];"#,
                #"r1 [shape=box, style="rounded", label="errors\nmatch: a|b\nwhere: line\nstop\nrepeat: 1m30s\n"#
                    + #"group: within 1s500ms\nlimit: 10/min, burst 3, digest\nupdate"];"#,
                #"r2 [shape=box, style="rounded,dashed", label="number 2\ndefault"];"#,
                #"r3 [shape=box, style="rounded", label="traces\ngroup: start ^T"];"#, "e1 -> r1;", "e2 -> r1;",
                "r1 -> e3;", "r1 -> e4;", "e2 -> r2;", "r2 -> e2;", "e1 -> r3;", "r3 -> e4;",
            ])
    }

    @Test func mermaid() throws {
        let lines = RouteGraph(try Self.rules()).mermaid.split(separator: "\n").map { $0.drop { $0 == " " } }
        #expect(
            lines == [
                "flowchart LR", #"e1(["stdin"])"#, #"e2(["fifo#58;#47;f"])"#,
                #"e3(["xmpp#58;ops#64;example#46;org"])"#, #"e4(["stdout"])"#,
                #"r1["errors<br/>match#58; a#124;b<br/>where#58; line<br/>stop<br/>repeat#58; 1m30s<br/>"#
                    + #"group#58; within 1s500ms<br/>limit#58; 10#47;min#44; burst 3#44; digest<br/>update"]"#,
                #"r2["number 2<br/>default"]"#, "style r2 stroke-dasharray: 4",
                #"r3["traces<br/>group#58; start #94;T"]"#,
                "e1 --> r1", "e2 --> r1", "r1 --> e3", "r1 --> e4", "e2 --> r2", "r2 --> e2", "e1 --> r3", "r3 --> e4",
            ])
    }

    /// Whatever a name is, it ends with its quotes, and none of its characters is a sign of the language.
    @Test(arguments: [
        "a\"]; evil [label=\"x", "\\", "a\\", "\\\"", "\\N\\G", "&quot;", "end", "`**b**`", "%%{init: {}}%%", "#quot;",
        "<br/>", "--> x", "a\nb", "\u{202E}x", "\r\0", "{\"a\"}", String(repeating: "\"\\", count: 500),
    ])
    func hostileNames(_ name: String) throws {
        let graph = RouteGraph([try Rule(name: name, from: [.stdin], to: [.stdout])])
        let dot = graph.dot.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(dot.count == 11)
        let node = try #require(dot.first { $0.hasPrefix("  r1") })
        let label = node.dropFirst(#"  r1 [shape=box, style="rounded", label=""#.count).dropLast(3)
        #expect(node.hasSuffix("\"];"))
        var isEscaped = false
        for character in label {
            if isEscaped { #expect(character == "\"" || character == "\\") }
            if !isEscaped { #expect(character != "\"") }
            isEscaped = !isEscaped && character == "\\"
        }
        #expect(!isEscaped)
        let mermaid = graph.mermaid.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(mermaid.count == 7)
        let box = try #require(mermaid.first { $0.hasPrefix("  r1[") }).dropFirst(6).dropLast(2)
        #expect(box.allSatisfy { $0.isLetter || $0.isNumber || " #;".contains($0) })
        #expect(box.count <= 61 * 7)
    }
}

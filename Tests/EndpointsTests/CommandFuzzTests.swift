import Endpoints
import Routing
import Testing

/// Lines that are nearly commands.
@Suite struct CommandFuzzTests {
    private static let commands = [
        #"{"do":"send","ref":"1","to":"bob@example.org","body":"hello","subject":"s","thread":"t","lang":"de","id":"x"}"#,
        #"{"do":"send","ref":2,"to":["a@b","c@d/e"],"body":"a\n\u00fc\ud83d\ude42","type":"headline","receipt":true}"#,
        #"{"do":"send","room":"ops@conference.example.org","body":"x"}"#,
        #"{"do":"presence","show":"away","status":"lunch","priority":-1}"#,
        #"{"do":"roster_set","jid":"bob@example.org","name":"Bob","groups":["ops","x"]}"#, #"{"do":"roster_get"}"#,
        #"{"do":"subscribe","jid":"bob@example.org"}"#, #"{"do":"block","jid":["a@b","c.d"]}"#,
        #"{"do":"join","room":"ops@conference.example.org","nick":"bridge","history":20,"password":"p"}"#,
        #"{"do":"affiliate","room":"a@b","jid":"c@d","affiliation":"owner","reason":"r"}"#,
        #"{"do":"raw","xml":"<iq type='get' id='q1' to='example.org'><query xmlns='jabber:iq:version'/></iq>"}"#,
        #"{"do":"kick","room":"a@b","nick":"n"}"#, #"{"do":"disco","jid":"a@b","node":"n"}"#, #"{"do":"status"}"#,
    ]

    private static let pieces =
        [
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud800", "\\u0000", "null", "true", "1e999", "-0", "0.1",
            " ",
            "\t", "\n", "ü", "\"do\":", "\"send\"", "\"ref\":", "\"to\":", "\"jid\":[", "@", "/", "<", "&#0;",
            "xmlns=''", "]]>",
            "<!--", "<?x?>", "<![CDATA[", "\u{FEFF}", "\u{202E}", String(repeating: "[", count: 200),
        ].map { Array($0.utf8) } + [[0xFF], [0x00], [0xC3], [0xED, 0xA0, 0x80]]

    /// Each is a command that fits the schema, or a problem in words, with its place; and the next line works.
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func changedCommands(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var reader = CommandReader()
        let validator = SchemaValidator(root: try JSON(reading: Schema.commands.utf8))
        var taken = 0
        for _ in 0..<100 {
            var line = Array(Self.commands[random.below(Self.commands.count)].utf8)
            for _ in 0..<random.below(4) where !line.isEmpty { Self.change(&line, &random) }
            let text = String(decoding: line, as: UTF8.self)
            switch line.withUnsafeBufferPointer({ reader.read($0, number: 7) }) {
            case .success:
                taken += 1
                #expect(validator.complaints(of: try JSON(reading: line)) == [], "\(text)")
            case .failure(let problem):
                let isWhole = !problem.text.isEmpty && problem.line == 7 && !problem.text.contains("\n")
                #expect(isWhole && (problem.column.map { (1...line.count + 1).contains($0) } ?? true), "\(text)")
            }
        }
        #expect(taken > 10)
    }

    private static func change(_ line: inout [UInt8], _ random: inout SplitMix) {
        let at = random.below(line.count)
        let to = min(line.count, at + random.below(10))
        let piece = pieces[random.below(pieces.count)]
        switch random.below(6) {
        case 0: line.removeSubrange(at..<to)
        case 1: line.insert(contentsOf: piece, at: at)
        case 2: line.replaceSubrange(at..<to, with: piece)
        case 3: line.insert(contentsOf: line[at..<to], at: random.below(line.count))
        case 4: line[at] ^= UInt8(1 << random.below(8))
        case _:
            let other = Array(commands[random.below(commands.count)].utf8)
            let from = random.below(other.count)
            line.insert(contentsOf: other[from..<min(other.count, from + random.below(40))], at: at)
        }
    }
}

/// Numbers from a seed (SplitMix64), the same in every run.
private struct SplitMix {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }
}

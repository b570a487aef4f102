import Session
import Stanza
import Testing

@testable import Bridge

/// What the messages of a rule carry beside their body.
@Suite struct PumpHeadingTests {
    @Test func subjectThreadAndLanguage() throws {
        let yaml = """
            bridges:
              - {from: stdin, to: xmpp:a@b, subject: "{json.s}", thread: "t-{json.t}", lang: de}
            """
        var talk = try PumpDialogue.online([], yaml: yaml)
        talk.type("{\"s\": \"<1>\", \"t\": 2}\nx\n")
        #expect(
            talk.messages == [
                "<message to='a@b' type='chat' id='xb-T-1' xml:lang='de'><subject>&lt;1&gt;</subject>"
                    + "<thread>t-2</thread><body>{\"s\": \"&lt;1&gt;\", \"t\": 2}</body>"
                    + "<origin-id xmlns='urn:xmpp:sid:0' id='xb-T-1'/></message>",
                "<message to='a@b' type='chat' id='xb-T-2' xml:lang='de'><thread>t-</thread><body>x</body>"
                    + "<origin-id xmlns='urn:xmpp:sid:0' id='xb-T-2'/></message>",
            ])
    }

    @Test func whatIsShapedCarriesTheSame() throws {
        let yaml = "bridges:\n  - {from: stdin, to: xmpp:a@b, subject: s, lang: de, limit: {rate: 1/s}}\n"
        var talk = try PumpDialogue.online([], yaml: yaml)
        talk.type("one\n")
        #expect(talk.messages.first?.contains("xml:lang='de'><subject>s</subject><body>one</body>") == true)
    }

    /// A pattern that gives up is told with the line, and with what becomes of such lines.
    @Test(arguments: [("", "not matched"), (", on_error: pass", "matched")])
    func aPatternThatGivesUp(_ key: String, _ counts: String) throws {
        let yaml = "bridges:\n  - {name: n, from: stdin, to: xmpp:a@b, match: '(a+)+$'\(key)}\n"
        var talk = try PumpDialogue.online([], yaml: yaml)
        talk.type("fine\n" + String(repeating: "a", count: 1_000) + "!\n")
        let text = "the pattern of bridge n gives up in line 2: match limit exceeded; such lines count as \(counts)"
        #expect(talk.said.contains { $0.contains(text) }, "\(talk.said)")
        #expect(talk.messages.count == (key.isEmpty ? 0 : 1))
    }
}

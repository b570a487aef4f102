import Stanza
import Testing

@Suite struct ElementTests {
    @Test func readsWhatWasBuilt() {
        let message = Element(
            "message", "jabber:client", ["from": "a@b", "xml:lang": "en"],
            [Element("body", "jabber:client", text: "1 < 2 & 3"), Element("x", "urn:x", text: "")])
        #expect(message.isNamed("message", NS.client))
        #expect(message["from"] == "a@b")
        #expect(message["lang", NS.xml] == "en")
        #expect(message["lang"] == nil)
        #expect(message.child("body", NS.client)?.text == "1 < 2 & 3")
        #expect(message.children.map(\.name) == ["body", "x"])
        #expect(
            message.description
                == "<message xmlns='jabber:client' from='a@b' xml:lang='en'><body>1 &lt; 2 &amp; 3</body><x xmlns='urn:x'/></message>"
        )
    }

    @Test func textBehindAChildIsNotTheChilds() {
        var builder = ElementBuilder()
        builder.start("a", "n")
        builder.start("b", "n")
        builder.text("x")
        _ = builder.end()
        builder.text("y")
        builder.text("z")
        let a = builder.end()
        #expect(a?.text == "yz")
        #expect(a?.children.map(\.text) == ["x"])
    }

    @Test func anArenaIsUsedAgainOnlyWhenNobodyHoldsIt() {
        var builder = ElementBuilder()
        builder.start("a", "n")
        builder.text("first")
        let held = builder.end()
        builder.start("b", "n")
        builder.text("second")
        #expect(builder.end()?.text == "second")
        #expect(held?.text == "first")
    }

    @Test(arguments: [
        ("plain", "plain"), ("<&>'\"", "&lt;&amp;&gt;'\""), ("a\u{0}b", "a\u{FFFD}b"),
        ("\u{FFFE}x", "\u{FFFD}x"), ("é漢😀", "é漢😀"), ("a\r\nb\t", "a&#13;\nb\t"),
    ])
    func escapes(_ input: String, _ expected: String) {
        var writer = XMLWriter()
        writer.text(input)
        #expect(writer.string == expected)
    }

    /// XML 1.0, 3.3.3: a reader makes a space of a bare tab or line feed in an attribute.
    @Test func attributesKeepTheirLineFeeds() {
        var writer = XMLWriter()
        writer.start("a")
        writer.attribute("b", "1\n2\t3\r4<é")
        writer.endEmpty()
        #expect(writer.string == "<a b='1&#10;2&#9;3&#13;4&lt;é'/>")
        #expect(Element("a", "", ["b": "1\n2"]).description == "<a b='1&#10;2'/>")
    }

    @Test func aNamespaceThatComesBackTakesNoMoreRoom() {
        func size(_ count: Int) -> Int {
            let children = (0..<count).map { Element("b", $0 % 2 == 0 ? "urn:long:one" : "urn:long:two") }
            return Element("a", "n", [:], children).byteCount
        }
        #expect(size(10) - size(4) == 6)
    }

    @Test func brokenUTF8BecomesReplacementCharacters() {
        var writer = XMLWriter()
        [0x61, 0xC3, 0x28, 0xED, 0xA0, 0x80, 0x62].withUnsafeBufferPointer { writer.text($0) }
        #expect(writer.string == "a\u{FFFD}(\u{FFFD}\u{FFFD}\u{FFFD}b")
    }
}

import Stanza

/// Reads the XML of a test's own dialogue into an element: no entities but the five, no comments, trusted input.
struct TestXML {
    private var rest: Substring
    private var builder = ElementBuilder()

    static func element(_ text: String) -> Element {
        var reader = TestXML(rest: text[...])
        guard let element = reader.read(["": NS.client.description, "stream": NS.stream.description]) else {
            preconditionFailure("the test's XML is not complete: \(text)")
        }
        return element
    }

    private init(rest: Substring) { self.rest = rest }

    private mutating func read(_ outer: [String: String]) -> Element? {
        rest.removeFirst()
        var spaces = outer
        let head = take { $0 != " " && $0 != "/" && $0 != ">" }
        var attributes: [(String, String)] = []
        while rest.first == " " {
            rest = rest.drop { $0 == " " }
            let name = take { $0 != "=" }
            rest.removeFirst(2)
            let value = Self.plain(take { $0 != "'" })
            rest.removeFirst()
            if name == "xmlns" {
                spaces[""] = value
            } else if name.hasPrefix("xmlns:") {
                spaces[String(name.dropFirst(6))] = value
            } else {
                attributes.append((name, value))
            }
        }
        let parts = head.split(separator: ":")
        builder.start(String(parts[parts.count - 1]), spaces[parts.count == 2 ? String(parts[0]) : ""] ?? "")
        for (name, value) in attributes { builder.attribute(name, value) }
        if rest.first == "/" {
            rest.removeFirst(2)
            return builder.end()
        }
        rest.removeFirst()
        while !rest.hasPrefix("</") {
            if rest.first == "<" { _ = read(spaces) } else { builder.text(Self.plain(take { $0 != "<" })) }
        }
        _ = take { $0 != ">" }
        rest.removeFirst()
        return builder.end()
    }

    private mutating func take(while test: (Character) -> Bool) -> String {
        let taken = rest.prefix(while: test)
        rest = rest.dropFirst(taken.count)
        return String(taken)
    }

    private static func plain(_ text: String) -> String {
        var plain = text
        for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&apos;", "'"), ("&quot;", "\""), ("&amp;", "&")] {
            while let range = plain.firstRange(of: entity) { plain.replaceSubrange(range, with: character) }
        }
        return plain
    }
}

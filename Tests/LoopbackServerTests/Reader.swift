import Stanza

/// Reads the XML of a dialogue: default namespaces, `xml:` and entities, no more. A test that says something else
/// is wrong and stops.
struct Reader {
    private var rest: Substring

    /// The element that a text is.
    static func element(_ text: String) -> Element {
        var reader = Reader(rest: text[...])
        var builder = ElementBuilder()
        guard let element = reader.read(into: &builder, namespace: "jabber:client") else {
            preconditionFailure("no element: \(text)")
        }
        return element
    }

    /// The elements that a server's text is made of; headers and ends of streams are passed over.
    static func elements(_ text: String) -> [Element] {
        var reader = Reader(rest: text[...])
        var elements: [Element] = []
        while !reader.rest.isEmpty {
            if reader.rest.hasPrefix("<?") || reader.rest.hasPrefix("<stream:stream ") || reader.rest.hasPrefix("</") {
                _ = reader.take { $0 != ">" }
                reader.rest = reader.rest.dropFirst()
                continue
            }
            var builder = ElementBuilder()
            if let element = reader.read(into: &builder, namespace: "jabber:client") { elements.append(element) }
        }
        return elements
    }

    private mutating func read(into builder: inout ElementBuilder, namespace outer: String) -> Element? {
        precondition(rest.popFirst() == "<")
        let name = take { $0 != " " && $0 != ">" && $0 != "/" }
        var namespace = outer
        var attributes: [(String, String)] = []
        while true {
            _ = take { $0 == " " }
            if rest.first == "/" || rest.first == ">" { break }
            let key = take { $0 != "=" }
            rest = rest.dropFirst(1)
            let quote = rest.removeFirst()
            let value = Self.unescaped(take { $0 != quote })
            rest = rest.dropFirst()
            if key == "xmlns" { namespace = value } else { attributes.append((String(key), value)) }
        }
        builder.start(String(name), namespace)
        for (key, value) in attributes { builder.attribute(key, value) }
        if rest.first == "/" {
            rest = rest.dropFirst(2)
            return builder.end()
        }
        rest = rest.dropFirst()
        while !rest.hasPrefix("</") {
            if rest.first == "<" {
                _ = read(into: &builder, namespace: namespace)
            } else {
                builder.text(Self.unescaped(take { $0 != "<" }))
            }
        }
        rest = rest.dropFirst(name.count + 3)
        return builder.end()
    }

    private mutating func take(while condition: (Character) -> Bool) -> Substring {
        let piece = rest.prefix(while: condition)
        rest = rest.dropFirst(piece.count)
        return piece
    }

    private static func unescaped(_ text: Substring) -> String {
        var result = ""
        var rest = text
        while let character = rest.popFirst() {
            guard character == "&", let end = rest.firstIndex(of: ";") else {
                result.append(character)
                continue
            }
            switch rest[..<end] {
            case "lt": result.append("<")
            case "gt": result.append(">")
            case "amp": result.append("&")
            case "apos": result.append("'")
            default: result.append("\"")
            }
            rest = rest[rest.index(after: end)...]
        }
        return result
    }
}

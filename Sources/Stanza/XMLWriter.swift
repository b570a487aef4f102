/// Writes XML into one growing byte buffer, escaping as it goes.
///
/// What cannot stand in XML 1.0 (a control character, a surrogate, broken UTF-8) becomes U+FFFD, so that no input
/// can make the stream not well-formed; whoever wants such characters shown replaces them before (Endpoints does).
public struct XMLWriter: Sendable {
    /// What has been written.
    public var bytes: [UInt8]

    /// A writer with room for that many bytes.
    public init(capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// What has been written, as text.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// `<name`, to be followed by attributes and ``content()`` or ``endEmpty()``.
    public mutating func start(_ name: StaticString) {
        bytes.append(UInt8(ascii: "<"))
        raw(name)
    }

    /// `<name xmlns='namespace'`.
    public mutating func start(_ name: StaticString, _ namespace: StaticString) {
        start(name)
        attribute("xmlns", namespace)
    }

    /// ` name='value'`, from a literal that needs no escaping.
    public mutating func attribute(_ name: StaticString, _ value: StaticString) {
        attributeName(name)
        raw(value)
        bytes.append(UInt8(ascii: "'"))
    }

    /// ` name='value'`, escaped.
    public mutating func attribute(_ name: StaticString, _ value: String) {
        attributeName(name)
        attributeValue(value)
        bytes.append(UInt8(ascii: "'"))
    }

    /// ` name='value'`, escaped, where there is a value.
    public mutating func attribute(_ name: StaticString, ifPresent value: String?) {
        if let value { attribute(name, value) }
    }

    /// ` name='123'`.
    public mutating func attribute(_ name: StaticString, _ value: UInt32) { attribute(name, String(value)) }

    /// `>`: the start tag ends, content follows.
    public mutating func content() { bytes.append(UInt8(ascii: ">")) }

    /// `/>`: the element has no content.
    public mutating func endEmpty() { raw("/>") }

    /// `</name>`.
    public mutating func end(_ name: StaticString) {
        raw("</")
        raw(name)
        bytes.append(UInt8(ascii: ">"))
    }

    /// `<name>text</name>`, escaped.
    public mutating func element(_ name: StaticString, text content: String) {
        start(name)
        self.content()
        text(content)
        end(name)
    }

    /// `<name xmlns='namespace'/>`.
    public mutating func empty(_ name: StaticString, _ namespace: StaticString) {
        start(name, namespace)
        endEmpty()
    }

    /// Bytes as they are: the caller vouches for them.
    public mutating func raw(_ literal: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Bytes as they are: the caller vouches for them.
    public mutating func raw(_ content: some Sequence<UInt8>) { bytes.append(contentsOf: content) }

    /// Character data, escaped; ``XMLText/contentCount(_:)`` tells beforehand how long it becomes.
    public mutating func text(_ content: String) {
        var copy = content
        copy.withUTF8 { text($0) }
    }

    /// Character data from bytes, escaped; broken UTF-8 and what XML 1.0 forbids become U+FFFD.
    public mutating func text(_ content: UnsafeBufferPointer<UInt8>) { escaped(content, isAttribute: false) }

    /// What stands between the quotes of an attribute, escaped.
    public mutating func attributeValue(_ content: String) {
        var copy = content
        copy.withUTF8 { attributeValue($0) }
    }

    /// What stands between the quotes of an attribute, from bytes, escaped as ``text(_:)`` is, and quotes too.
    public mutating func attributeValue(_ content: UnsafeBufferPointer<UInt8>) { escaped(content, isAttribute: true) }

    private mutating func escaped(_ content: UnsafeBufferPointer<UInt8>, isAttribute: Bool) {
        var from = 0
        var position = 0
        while position < content.count {
            position = XMLText.endOfPlain(content, from: position, isAttribute: isAttribute)
            if position == content.count { break }
            let kind = XMLText.classify(content, at: position)
            switch kind {
            case .plain(let length):
                // A reader takes a bare tab or line feed in an attribute for a space (XML 1.0, 3.3.3).
                if isAttribute && content[position] < 0x20 {
                    bytes.append(contentsOf: content[from..<position])
                    raw(content[position] == 0x09 ? "&#9;" : "&#10;")
                    from = position + 1
                }
                position += length
            case .escaped(let entity):
                // Quotes need no escape outside of attributes, and logs are full of them.
                if isAttribute || !XMLText.isQuote(content[position]) {
                    bytes.append(contentsOf: content[from..<position])
                    raw(entity)
                    from = position + 1
                }
                position += 1
            case .illegal(let length):
                bytes.append(contentsOf: content[from..<position])
                bytes.append(contentsOf: [0xEF, 0xBF, 0xBD])
                position += length
                from = position
            }
        }
        bytes.append(contentsOf: content[from..<position])
    }

    private mutating func attributeName(_ name: StaticString) {
        bytes.append(UInt8(ascii: " "))
        raw(name)
        raw("='")
    }
}

extension XMLWriter {
    /// A whole element with what it holds; its namespace is declared where it differs from the one around it.
    public mutating func element(_ element: Element, inside namespace: String, sorted: Bool = false) {
        let name = element.name
        let own = element.namespace
        bytes.append(UInt8(ascii: "<"))
        raw(name.utf8)
        if own != namespace { attribute("xmlns", own) }
        var attributes = element.attributes
        if sorted { attributes.sort { ($0.namespace, $0.name) < ($1.namespace, $1.name) } }
        var prefixes = 0
        for (name, space, value) in attributes {
            bytes.append(UInt8(ascii: " "))
            if space == NS.xml.description {
                raw("xml:")
            } else if !space.isEmpty {
                prefixes += 1
                raw("xmlns:p\(prefixes)='".utf8)
                attributeValue(space)
                raw("' p\(prefixes):".utf8)
            }
            raw(name.utf8)
            raw("='")
            attributeValue(value)
            raw("'")
        }
        var isEmpty = true
        element.forEachPiece { piece in
            if isEmpty { content() }
            isEmpty = false
            switch piece {
            case .element(let child): self.element(child, inside: own, sorted: sorted)
            case .text(let content): text(content)
            }
        }
        if isEmpty {
            endEmpty()
        } else {
            raw("</")
            raw(name.utf8)
            raw(">")
        }
    }
}

/// One XML element as a value: a view into the arena that the parser filled, read lazily.
///
/// Reading costs what is read: asking for an attribute makes one `String`, comparing a name makes none.
public struct Element: Sendable {
    let storage: ElementStorage
    let index: Int

    var node: ElementStorage.Node { storage.nodes[index] }

    /// The local name.
    public var name: String { storage.string(node.name) }

    /// The namespace name; empty where there is none.
    public var namespace: String { storage.string(node.namespace) }

    /// Whether this is the element of that local name and namespace.
    public func isNamed(_ name: StaticString, _ namespace: StaticString) -> Bool {
        storage.equals(node.name, name) && storage.equals(node.namespace, namespace)
    }

    /// Whether the local name is this one, whatever the namespace.
    public func hasName(_ name: StaticString) -> Bool { storage.equals(node.name, name) }

    /// Whether the namespace is this one.
    public func hasNamespace(_ namespace: StaticString) -> Bool { storage.equals(node.namespace, namespace) }

    /// The value of the attribute without a namespace of that name.
    public subscript(_ name: StaticString) -> String? {
        guard let found = attribute(name, nil) else { return nil }
        return storage.string(found.value)
    }

    /// The value of the attribute of that name and namespace (``NS/xml`` for `xml:lang`).
    public subscript(_ name: StaticString, _ namespace: StaticString) -> String? {
        guard let found = attribute(name, namespace) else { return nil }
        return storage.string(found.value)
    }

    /// Whether the attribute has exactly this value; makes no `String`.
    public func attribute(_ name: StaticString, equals value: StaticString) -> Bool {
        guard let found = attribute(name, nil) else { return false }
        return storage.equals(found.value, value)
    }

    /// Hands the bytes of an attribute's value over without making a `String`; nil where there is none.
    public func withAttribute<R>(_ name: StaticString, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R? {
        guard let found = attribute(name, nil) else { return nil }
        return storage.bytes.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[Int(found.value.start)..<Int(found.value.start + found.value.count)]))
        }
    }

    /// All attributes as (name, namespace, value), in document order.
    public var attributes: [(name: String, namespace: String, value: String)] {
        attributeRange.map { position in
            let one = storage.attributes[position]
            return (storage.string(one.name), storage.string(one.namespace), storage.string(one.value))
        }
    }

    /// The child elements, in document order.
    public var children: Children { Children(storage: storage, cursor: index + 1, end: Int(node.end)) }

    /// The first child element of that name and namespace.
    public func child(_ name: StaticString, _ namespace: StaticString) -> Element? {
        for child in children where child.isNamed(name, namespace) { return child }
        return nil
    }

    /// The first child element of that namespace, whatever its name.
    public func child(in namespace: StaticString) -> Element? {
        for child in children where child.hasNamespace(namespace) { return child }
        return nil
    }

    /// The character data directly inside this element (not that of its children).
    public var text: String {
        var bytes: [UInt8] = []
        appendText(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the character data directly inside this element.
    public func appendText(to bytes: inout [UInt8]) {
        var position = index + 1
        let end = Int(node.end)
        while position < end {
            let one = storage.nodes[position]
            if one.isText {
                let run = one.namespace
                bytes.append(contentsOf: storage.bytes[Int(run.start)..<Int(run.start + run.count)])
            }
            position = Int(one.end)
        }
    }

    /// The bytes of text, names and attributes that the arena holds: what keeping this element costs, roughly.
    public var byteCount: Int { storage.bytes.count }

    private var attributeRange: Range<Int> {
        Int(node.firstAttribute)..<Int(node.firstAttribute + node.attributeCount)
    }

    private func attribute(_ name: StaticString, _ namespace: StaticString?) -> ElementStorage.Attribute? {
        for position in attributeRange {
            let one = storage.attributes[position]
            let sameSpace = namespace.map { storage.equals(one.namespace, $0) } ?? (one.namespace.count == 0)
            if sameSpace && storage.equals(one.name, name) { return one }
        }
        return nil
    }

    /// Walks the child elements and passes over character data.
    public struct Children: Sequence, IteratorProtocol, Sendable {
        let storage: ElementStorage
        var cursor: Int
        let end: Int

        public mutating func next() -> Stanza.Element? {
            while cursor < end {
                let position = cursor
                let one = storage.nodes[position]
                cursor = Int(one.end)
                if !one.isText { return Stanza.Element(storage: storage, index: position) }
            }
            return nil
        }
    }
}

// MARK: - Making elements

extension Element {
    /// An element made by hand: for tests, servers and rare stanzas. What is sent often goes through ``XMLWriter``.
    public init(
        _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String> = [:],
        text: String? = nil, _ children: [Element] = []
    ) {
        var builder = ElementBuilder()
        builder.start(name, namespace)
        for (key, value) in attributes { builder.attribute(key, value) }
        if let text { builder.text(text) }
        for child in children { builder.copy(child) }
        self = builder.end()!  // the one start above is closed by this end
    }
}

extension Element {
    /// The same element with that attribute, in the place of one of its name.
    public func with(_ name: String, _ value: String) -> Element {
        var builder = ElementBuilder()
        builder.start(self.name, namespace)
        for one in attributes where !(one.namespace.isEmpty && one.name == name) {
            builder.attribute(one.namespace == NS.xml.description ? "xml:\(one.name)" : one.name, one.value)
        }
        builder.attribute(name, value)
        forEachPiece { piece in
            switch piece {
            case .element(let child): builder.copy(child)
            case .text(let content): builder.text(content)
            }
        }
        return builder.end()!  // the one start above is closed by this end
    }
}

// MARK: - Comparing and printing

extension Element: Equatable {
    /// Canonical equality: attributes in any order, adjacent character data joined.
    public static func == (a: Element, b: Element) -> Bool { a.description == b.description }
}

extension Element: CustomStringConvertible {
    /// The element as XML with its attributes sorted, each namespace declared where it changes.
    public var description: String {
        var writer = XMLWriter()
        writer.element(self, inside: "", sorted: true)
        return writer.string
    }
}

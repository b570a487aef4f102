/// Fills an arena from a parser's callbacks and gives one ``Element`` when its outermost start is closed.
///
/// The arena is used again for the next element unless somebody still holds the last one.
public struct ElementBuilder {
    private var storage = ElementStorage()
    private var open: [Int] = []
    /// Whether the node added last is character data of the element that is open now.
    private var endsInText = false
    /// Namespaces that this element has named lately: naming one again takes no more room.
    private var spaces: [ElementStorage.Run] = []
    private static let spacesMax = 8

    /// A builder with an empty arena.
    public init() {}

    /// How many elements are open.
    public var depth: Int { open.count }

    /// Bytes of names, values and text taken in so far for the element being built.
    public var byteCount: Int { storage.bytes.count }

    /// Opens an element.
    public mutating func start(name: UnsafeBufferPointer<UInt8>, namespace: UnsafeBufferPointer<UInt8>) {
        if open.isEmpty { begin() }
        endsInText = false
        let space = self.namespace(namespace)
        let node = ElementStorage.Node(
            name: storage.append(name), namespace: space,
            firstAttribute: UInt32(storage.attributes.count), attributeCount: 0, end: 0)
        open.append(storage.nodes.count)
        storage.nodes.append(node)
    }

    /// Adds an attribute to the element opened last; call it before any text or child.
    public mutating func attribute(
        name: UnsafeBufferPointer<UInt8>, namespace: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>
    ) {
        guard let current = open.last else { return }
        let run = namespace.isEmpty ? .empty : recent(namespace)
        storage.attributes.append(.init(name: storage.append(name), namespace: run, value: storage.append(value)))
        storage.nodes[current].attributeCount += 1
    }

    /// Adds character data; outside of any element it is ignored.
    public mutating func text(_ content: UnsafeBufferPointer<UInt8>) {
        guard !open.isEmpty, !content.isEmpty else { return }
        let run = storage.append(content)
        let last = storage.nodes.count - 1
        if endsInText {
            storage.nodes[last].namespace.count += run.count
            return
        }
        storage.nodes.append(
            .init(name: .empty, namespace: run, firstAttribute: 0, attributeCount: 0, end: UInt32(last + 2)))
        endsInText = true
    }

    /// Closes the element opened last; gives the whole element when that was the outermost.
    public mutating func end() -> Element? {
        guard let current = open.popLast() else { return nil }
        endsInText = false
        storage.nodes[current].end = UInt32(storage.nodes.count)
        guard open.isEmpty else { return nil }
        return Element(storage: storage, index: 0)
    }

    /// Forgets what has been built so far.
    public mutating func reset() {
        open.removeAll(keepingCapacity: true)
    }

    private mutating func begin() {
        spaces.removeAll(keepingCapacity: true)
        if isKnownUniquelyReferenced(&storage) { storage.removeAll() } else { storage = ElementStorage() }
    }

    /// The run of a namespace: the parent's own when it is the same, as it nearly always is.
    private mutating func namespace(_ content: UnsafeBufferPointer<UInt8>) -> ElementStorage.Run {
        if let parent = open.last, storage.equals(storage.nodes[parent].namespace, content) {
            return storage.nodes[parent].namespace
        }
        return recent(content)
    }

    private mutating func recent(_ content: UnsafeBufferPointer<UInt8>) -> ElementStorage.Run {
        for run in spaces where storage.equals(run, content) { return run }
        if spaces.count == Self.spacesMax { spaces.removeFirst() }
        let run = storage.append(content)
        spaces.append(run)
        return run
    }
}

extension ElementBuilder {
    /// Opens an element; the convenience for what is made by hand.
    public mutating func start(_ name: String, _ namespace: String) {
        Self.with(name) { name in Self.with(namespace) { start(name: name, namespace: $0) } }
    }

    /// Adds an attribute; a name `xml:lang` goes into the namespace of its prefix.
    public mutating func attribute(_ name: String, _ value: String) {
        let isXML = name.hasPrefix("xml:")
        Self.with(isXML ? String(name.dropFirst(4)) : name) { name in
            Self.with(isXML ? NS.xml.description : "") { namespace in
                Self.with(value) { attribute(name: name, namespace: namespace, value: $0) }
            }
        }
    }

    /// Adds character data.
    public mutating func text(_ content: String) { Self.with(content) { text($0) } }

    /// Adds a copy of a whole element.
    public mutating func copy(_ element: Element) {
        start(element.name, element.namespace)
        for (name, namespace, value) in element.attributes {
            Self.with(name) { name in
                Self.with(namespace) { namespace in
                    Self.with(value) { attribute(name: name, namespace: namespace, value: $0) }
                }
            }
        }
        element.forEachPiece { piece in
            switch piece {
            case .element(let child): copy(child)
            case .text(let content): text(content)
            }
        }
        _ = end()
    }

    private static func with<R>(_ string: String, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        var copy = string
        return copy.withUTF8(body)
    }
}

extension Element {
    enum Piece {
        case element(Element)
        case text(String)
    }

    /// Calls back for every child element and run of text, in document order.
    func forEachPiece(_ body: (Piece) -> Void) {
        var position = index + 1
        let end = Int(node.end)
        while position < end {
            let one = storage.nodes[position]
            body(
                one.isText ? .text(storage.string(one.namespace)) : .element(Element(storage: storage, index: position))
            )
            position = Int(one.end)
        }
    }
}

import CLibXML2
import Stanza

/// What the library's callbacks know and fill; they reach it through a pointer, field by field, so that nothing is
/// held while the caller's code runs.
struct StreamReading {
    let limits: StreamParser.Limits
    var builder = ElementBuilder()
    var deliver: ((StreamParser.Event) -> StreamParser.Flow)?
    /// The first thing that went wrong.
    var failure: StreamParser.Failure?
    var context: xmlParserCtxtPtr?
    /// How many elements are open, the stream's root counted.
    var depth = 0
    /// What makes a new context stand inside of the root: the root's start tag; empty before it was seen.
    var header: [UInt8] = []
    /// The header is parsed again, by a new context: it is no event.
    var isPriming = false
    var contentNamespace = ""
    /// The offset in the stream that the context counts from.
    var origin = 0
    /// The offset in the stream where the element that is being read began, or white space before it ended.
    var boundary = 0
    /// The offset behind the last event.
    var position = 0
    /// The context was stopped behind an event and is to be replaced.
    var isHalted = false
    /// The caller said stop.
    var isStopped = false
    var isClosed = false

    init(limits: StreamParser.Limits) {
        var limits = limits
        limits.depthMax = min(limits.depthMax, 200)
        limits.stanzaBytesMax = min(limits.stanzaBytesMax, 8 << 20)
        self.limits = limits
    }

    /// The most bytes that may be unfinished now.
    var bytesMax: Int { depth == 0 ? limits.headerBytesMax : limits.stanzaBytesMax }

    var tooLarge: StreamParser.Failure {
        let what = depth == 0 ? "a stream header" : "a stanza"
        return .init(condition: "policy-violation", text: "\(what) of more than \(bytesMax) bytes")
    }

    static let tooManyAttributes = StreamParser.Failure(
        condition: "policy-violation", text: "an element with too many attributes")

    /// The arena of an element is at most this many times as large as the element's bytes may be: names and text take
    /// what they took in the stream, only namespaces are repeated.
    static let arenaFactorMax = 4

    /// The longest namespace name, in bytes: each element's is compared with those before it.
    static let namespaceBytesMax = 1000

    /// The callbacks; what is nil is unneeded, or cannot happen without a DTD.
    static var handlers: xmlSAXHandler {
        var handlers = xmlSAXHandler()
        handlers.initialized = UInt32(XML_SAX2_MAGIC)
        handlers.startElementNs = { data, name, prefix, space, spaceCount, spaces, count, _, attributes in
            guard let reading = StreamReading.from(data), let name else { return }
            StreamReading.start(
                reading, .init(name: name, prefix: prefix, namespace: space),
                .init(count: Int(spaceCount), words: spaces), .init(count: Int(count), words: attributes))
        }
        handlers.endElementNs = { data, _, _, _ in
            if let reading = StreamReading.from(data) { StreamReading.end(reading) }
        }
        handlers.characters = { data, text, count in
            guard let reading = StreamReading.from(data) else { return }
            StreamReading.text(reading, UnsafeBufferPointer(start: text, count: Int(count)))
        }
        handlers.cdataBlock = { data, text, count in
            guard let reading = StreamReading.from(data) else { return }
            StreamReading.cdata(reading, UnsafeBufferPointer(start: text, count: Int(count)))
        }
        handlers.ignorableWhitespace = handlers.characters
        handlers.internalSubset = { data, _, _, _ in StreamReading.restrict(data, "a DTD") }
        handlers.comment = { data, _ in StreamReading.restrict(data, "a comment") }
        handlers.processingInstruction = { data, _, _ in StreamReading.restrict(data, "a processing instruction") }
        handlers.reference = { data, _ in StreamReading.restrict(data, "an entity reference") }
        handlers.serror = { data, error in
            guard let error, let reading = data?.assumingMemoryBound(to: StreamReading.self) else { return }
            guard reading.pointee.failure == nil, !reading.pointee.isHalted else { return }
            reading.pointee.failure = StreamParser.Failure(error.pointee)
        }
        return handlers
    }
}

typealias StreamReadingPointer = UnsafeMutablePointer<StreamReading>

extension StreamReading {
    struct Name {
        var name: UnsafePointer<xmlChar>
        var prefix: UnsafePointer<xmlChar>?
        var namespace: UnsafePointer<xmlChar>?
    }

    /// The library's array of so many tuples of words.
    struct Tuples {
        var count: Int
        var words: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    }

    /// The state behind the library's user data; nil when nothing more is to be heard.
    private static func from(_ data: UnsafeMutableRawPointer?) -> StreamReadingPointer? {
        guard let reading = data?.assumingMemoryBound(to: StreamReading.self) else { return nil }
        return reading.pointee.failure == nil && !reading.pointee.isHalted ? reading : nil
    }

    private static func fail(_ reading: StreamReadingPointer, _ failure: StreamParser.Failure) {
        reading.pointee.failure = failure
        if let context = reading.pointee.context { xmlStopParser(context) }
    }

    private static func restrict(_ data: UnsafeMutableRawPointer?, _ what: String) {
        guard let reading = from(data) else { return }
        fail(reading, .init(condition: "restricted-xml", text: "\(what), which RFC 6120 forbids in a stream"))
    }

    /// Hands an event over; `skipping` is how far behind the context's own position it ends.
    private static func deliver(_ reading: StreamReadingPointer, _ event: StreamParser.Event, skipping: Int = 0) {
        guard let context = reading.pointee.context, let deliver = reading.pointee.deliver else { return }
        let position = reading.pointee.origin + Int(xmlByteConsumed(context)) + skipping
        // It may have come whole behind the header, whose limit is another.
        if position - reading.pointee.boundary > reading.pointee.bytesMax, reading.pointee.depth == 1, skipping == 0 {
            return fail(reading, reading.pointee.tooLarge)
        }
        reading.pointee.position = position
        reading.pointee.boundary = position
        reading.pointee.isStopped = deliver(event) == .stop
        let isCrowded = Int(xmlstream_names(context)) > reading.pointee.limits.namesMax
        if reading.pointee.isStopped || reading.pointee.isClosed || isCrowded {
            reading.pointee.isHalted = true
            xmlStopParser(context)
        }
    }

    // MARK: - Callbacks

    private static func start(_ reading: StreamReadingPointer, _ name: Name, _ spaces: Tuples, _ attributes: Tuples) {
        if reading.pointee.isPriming { return }
        if attributes.count > reading.pointee.limits.attributesMax { return fail(reading, tooManyAttributes) }
        if reading.pointee.depth > reading.pointee.limits.depthMax {
            let text = "elements nested more than \(reading.pointee.limits.depthMax) deep"
            return fail(reading, .init(condition: "policy-violation", text: text))
        }
        let namespace = space(name.namespace)
        var spaceMost = namespace.count
        reading.pointee.builder.start(name: bytes(name.name), namespace: namespace)
        for index in 0..<attributes.count {
            guard let words = attributes.words.map({ $0 + 5 * index }), let start = words[3], let end = words[4] else {
                continue
            }
            let namespace = space(words[2])
            spaceMost = max(spaceMost, namespace.count)
            reading.pointee.builder.attribute(
                name: bytes(words[0]), namespace: namespace,
                value: UnsafeBufferPointer(start: start, count: end - start))
        }
        reading.pointee.depth += 1
        if spaceMost > namespaceBytesMax {
            let text = "a namespace of more than \(namespaceBytesMax) bytes"
            return fail(reading, .init(condition: "policy-violation", text: text))
        }
        if reading.pointee.builder.byteCount > arenaFactorMax * reading.pointee.limits.stanzaBytesMax {
            let text = "an element whose namespaces are repeated too often"
            return fail(reading, .init(condition: "policy-violation", text: text))
        }
        if reading.pointee.depth == 1 { opened(reading, name, spaces) }
    }

    private static func opened(_ reading: StreamReadingPointer, _ name: Name, _ spaces: Tuples) {
        // The start above is the outermost, so this end gives an element.
        guard let header = reading.pointee.builder.end() else { return }
        guard header.hasNamespace(NS.stream) else {
            let text = "the root is not in the namespace \(NS.stream)"
            return fail(reading, .init(condition: "invalid-namespace", text: text))
        }
        // The context stands before the ">": a root without content is no stream.
        guard header.hasName("stream"), let context = reading.pointee.context,
            xmlstream_byte(context) == UInt8(ascii: ">")
        else { return fail(reading, .init(condition: "bad-format", text: "the root is no stream header")) }
        var start = XMLWriter()
        start.raw("<")
        if let prefix = name.prefix {
            start.raw(bytes(prefix))
            start.raw(":")
        }
        start.raw(bytes(name.name))
        for index in 0..<spaces.count {
            guard let words = spaces.words.map({ $0 + 2 * index }) else { continue }
            start.raw(" xmlns")
            if let prefix = words[0] {
                start.raw(":")
                start.raw(bytes(prefix))
            } else {
                reading.pointee.contentNamespace = String(decoding: bytes(words[1]), as: UTF8.self)
            }
            start.raw("='")
            start.attributeValue(bytes(words[1]))
            start.raw("'")
        }
        start.content()
        reading.pointee.header = start.bytes
        deliver(reading, .opened(header), skipping: 1)
    }

    private static func end(_ reading: StreamReadingPointer) {
        reading.pointee.depth -= 1
        if reading.pointee.depth == 0 {
            reading.pointee.isClosed = true
            return deliver(reading, .closed)
        }
        if let element = reading.pointee.builder.end() { deliver(reading, .element(element)) }
    }

    private static func text(_ reading: StreamReadingPointer, _ content: UnsafeBufferPointer<UInt8>) {
        if reading.pointee.depth > 1 { return reading.pointee.builder.text(content) }
        if !content.allSatisfy(StreamPrologue.isSpace) {
            return fail(reading, .init(condition: "bad-format", text: "text between the stanzas of the stream"))
        }
        // White space keeps a connection alive (RFC 6120 4.6.1) and counts for no stanza. The context stands before
        // it or behind it, whichever way it took.
        guard let context = reading.pointee.context else { return }
        let position = reading.pointee.origin + Int(xmlByteConsumed(context))
        reading.pointee.boundary = max(reading.pointee.boundary + content.count, position)
    }

    /// The library hands CDATA over as it stands: the ends of lines are normalized here (XML 1.0, 2.11).
    private static func cdata(_ reading: StreamReadingPointer, _ content: UnsafeBufferPointer<UInt8>) {
        guard let start = content.baseAddress else { return }
        var from = 0
        while let found = content[from...].firstIndex(of: UInt8(ascii: "\r")) {
            text(reading, UnsafeBufferPointer(rebasing: content[from..<found]))
            from = found + 1
            // It may be one byte behind the content: still in the library's buffer, at least its "]" or final NUL.
            if start[from] == UInt8(ascii: "\n") { continue }
            withUnsafeBytes(of: UInt8(ascii: "\n")) { text(reading, $0.bindMemory(to: UInt8.self)) }
        }
        text(reading, UnsafeBufferPointer(rebasing: content[from...]))
    }

    private static func bytes(_ word: UnsafePointer<xmlChar>?, most: Int = Int.max) -> UnsafeBufferPointer<UInt8> {
        guard let word else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(start: word, count: xmlstream_length(word, most))
    }

    /// A namespace name; one that is too long comes cut, and is noticed by its length.
    private static func space(_ word: UnsafePointer<xmlChar>?) -> UnsafeBufferPointer<UInt8> {
        bytes(word, most: namespaceBytesMax + 1)
    }
}

import CLibXML2
public import Stanza

/// Turns the bytes of one XML stream (RFC 6120 4) into elements, with libxml2's push parser.
///
/// What RFC 6120 11.1 forbids (DTD, comments, processing instructions, entities beyond the five) ends the stream,
/// and so does what is larger than ``Limits``. Memory is bounded by the limits whatever the peer sends. A stream that
/// begins again (after STARTTLS or SASL) takes a new parser.
public final class StreamParser {
    /// What is refused as `policy-violation`.
    public struct Limits: Equatable, Sendable {
        /// How deep elements may nest, the stanza itself counted; at most 200, the library's own bound.
        public var depthMax = 64
        /// The longest first-level element, in bytes; at most 8 MiB, the library's own bound.
        public var stanzaBytesMax = 1 << 20
        /// The longest stream header, in bytes.
        public var headerBytesMax = 8192
        /// The most attributes of one element; the library compares each with every other.
        public var attributesMax = 1000
        /// How many distinct names are remembered before the parser is replaced (between stanzas, unnoticed).
        public var namesMax = 4000

        /// The limits that suit a client.
        public init() {}
    }

    /// What the stream holds, in its order.
    public enum Event {
        /// The stream header: its name, its namespace and its attributes.
        case opened(Element)
        /// A complete first-level element.
        case element(Element)
        /// The end tag of the stream.
        case closed
    }

    /// Whether to go on behind an event.
    public enum Flow: Sendable {
        case `continue`
        case stop
    }

    /// The default namespace that the stream header declares: `jabber:client` is to be expected; empty before.
    public var contentNamespace: String { reading.pointee.contentNamespace }

    /// How many distinct names the library remembers now.
    var nameCount: Int { context.map { Int(xmlstream_names($0)) } ?? 0 }

    private let reading: UnsafeMutablePointer<StreamReading>
    private var context: xmlParserCtxtPtr?
    private var prologue: StreamPrologue? = StreamPrologue()
    /// Bytes that wait for what follows them: half a character, a CR, `]`, an unfinished XML declaration.
    private var held: [UInt8] = []
    /// The offset in the stream of the first byte that the library has not been given.
    private var pushed = 0
    private var pendingTag = PendingTag()
    private var isParsing = false

    /// The library is fed in pieces of at most that, so that a limit is noticed soon.
    private static let pieceBytesMax = 8192

    private static let library: Void = xmlInitParser()

    /// A parser that expects the beginning of a stream.
    public init(limits: Limits = Limits()) {
        Self.library
        reading = .allocate(capacity: 1)
        reading.initialize(to: StreamReading(limits: limits))
    }

    deinit {
        if let context { xmlFreeParserCtxt(context) }
        reading.deinitialize(count: 1)
        reading.deallocate()
    }

    /// Parses a chunk of any size, split anywhere, and calls back for every event in order.
    ///
    /// An element is valid as long as somebody holds it, but the memory is used again if nobody does: it is best not
    /// kept. The callback must not call the parser.
    /// - Returns: How many bytes of the chunk were consumed: all of them, or, where the callback said stop, those up
    ///   to the end of what the last event stands for. The next call goes on behind them.
    /// - Throws: ``Failure``; the events before it have been called for, and every later call throws the same.
    public func parse(_ chunk: UnsafeBufferPointer<UInt8>, _ body: (Event) -> Flow) throws(Failure) -> Int {
        // A nested call would have two writers on one arena: a mistake of the caller's.
        precondition(!isParsing, "the callback of a StreamParser must not call it")
        if let failure = reading.pointee.failure { throw failure }
        isParsing = true
        defer { isParsing = false }
        let start = pushed + held.count
        withoutActuallyEscaping(body) { body in
            reading.pointee.deliver = body
            defer { reading.pointee.deliver = nil }
            if held.isEmpty {
                run(chunk)
            } else {
                var joined = held
                held.removeAll(keepingCapacity: true)
                joined.append(contentsOf: chunk)
                joined.withUnsafeBufferPointer(run)
            }
        }
        if let failure = reading.pointee.failure { throw failure }
        // Held bytes end no element, so an event always ends inside of the chunk.
        return pushed + held.count - start
    }

    /// Parses bytes that begin at `pushed`; what must wait is held.
    private func run(_ bytes: UnsafeBufferPointer<UInt8>) {
        let intake = StreamIntake.read(bytes)
        var offset = 0
        if var opening = prologue {
            offset = opening.read(UnsafeBufferPointer(rebasing: bytes[..<intake.usable]))
            pushed += offset
            reading.pointee.boundary = pushed
            prologue = opening.isRootReached ? nil : opening
            if let failure = opening.failure { return fail(failure) }
            if prologue != nil { return finish(bytes, from: offset, intake) }
        }
        while offset < intake.usable {
            if reading.pointee.isClosed { return afterwards(bytes, from: offset) }
            guard let count = push(UnsafeBufferPointer(rebasing: bytes[offset..<intake.usable])) else { return }
            offset += count
            if reading.pointee.isStopped {
                reading.pointee.isStopped = false
                return
            }
        }
        finish(bytes, from: intake.usable, intake)
    }

    private func finish(_ bytes: UnsafeBufferPointer<UInt8>, from offset: Int, _ intake: StreamIntake) {
        if let failure = intake.failure { return fail(failure) }
        held.append(contentsOf: bytes[offset...])
    }

    /// Behind the end of the stream only white space may follow.
    private func afterwards(_ bytes: UnsafeBufferPointer<UInt8>, from offset: Int) {
        for byte in bytes[offset...] where !StreamPrologue.isSpace(byte) {
            return fail(Failure(condition: "not-well-formed", text: "data behind the end of the stream"))
        }
        pushed += bytes.count - offset
    }

    /// Gives the library as many of the bytes as the limits allow, and says how many were taken; nil after a failure.
    private func push(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        let context = self.context ?? open()
        let room = reading.pointee.bytesMax - (pushed - reading.pointee.boundary)
        if room <= 0 {
            fail(reading.pointee.tooLarge)
            return nil
        }
        let piece = min(bytes.count, room, Self.pieceBytesMax)
        bytes.withMemoryRebound(to: CChar.self) { _ = xmlParseChunk(context, $0.baseAddress, Int32(piece), 0) }
        if reading.pointee.failure != nil {
            close()
            return nil
        }
        if reading.pointee.isHalted {
            reading.pointee.isHalted = false
            close()
            let taken = reading.pointee.position - pushed
            pushed += taken
            return taken
        }
        pushed += piece
        if xmlstream_is_broken(context) != 0 {
            fail(Failure(condition: "not-well-formed", text: "the XML is not well-formed"))
            return nil
        }
        checkPendingTag(context)
        return reading.pointee.failure == nil ? piece : nil
    }

    /// A start tag that is longer than a piece is looked through before the library compares its attributes.
    private func checkPendingTag(_ context: xmlParserCtxtPtr) {
        var count = 0
        guard let start = xmlstream_pending(context, &count), count > Self.pieceBytesMax / 2 else { return }
        pendingTag.read(UnsafeBufferPointer(start: start, count: count), at: pushed - count)
        if pendingTag.attributes > reading.pointee.limits.attributesMax {
            fail(StreamReading.tooManyAttributes)
        }
    }

    private func fail(_ failure: Failure) {
        if reading.pointee.failure == nil { reading.pointee.failure = failure }
        held.removeAll()
        close()
    }

    /// A context that stands where the stream stands: at its beginning, or inside of its root.
    private func open() -> xmlParserCtxtPtr {
        var handlers = StreamReading.handlers
        guard let made = xmlCreatePushParserCtxt(&handlers, reading, nil, 0, nil) else {
            // The library fails here only for want of memory, which Swift's own allocations do not survive either.
            preconditionFailure("out of memory")
        }
        // Without NOENT "&amp;" in an attribute is handed over as "&#38;"; without a DTD there is no entity to replace.
        let options = XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue | XML_PARSE_IGNORE_ENC.rawValue
        _ = xmlCtxtUseOptions(made, Int32(options))
        context = made
        reading.pointee.context = made
        let header = reading.pointee.header
        reading.pointee.origin = pushed - header.count
        if !header.isEmpty {
            reading.pointee.isPriming = true
            header.withUnsafeBytes {
                _ = xmlParseChunk(made, $0.bindMemory(to: CChar.self).baseAddress, Int32($0.count), 0)
            }
            reading.pointee.isPriming = false
        }
        return made
    }

    private func close() {
        if let context { xmlFreeParserCtxt(context) }
        context = nil
        reading.pointee.context = nil
    }
}

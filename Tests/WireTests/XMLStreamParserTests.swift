import Stanza
import Testing

@testable import Wire

/// What a parser said of some bytes.
struct Reading: Equatable, CustomStringConvertible {
    var events: [String] = []
    var condition: String?

    var description: String { events.joined(separator: "\n") + (condition.map { "\nfailed: \($0)" } ?? "") }

    /// Feeds the bytes in chunks of these sizes; the last size goes on to the end.
    init(_ bytes: [UInt8], chunks: [Int], limits: StreamParser.Limits = .init()) {
        let parser = StreamParser(limits: limits)
        var offset = 0
        var turn = 0
        while offset < bytes.count && condition == nil {
            let size = min(chunks[min(turn, chunks.count - 1)], bytes.count - offset)
            turn += 1
            feed(parser, Array(bytes[offset..<(offset + size)]))
            offset += size
        }
    }

    init(_ text: String, limits: StreamParser.Limits = .init()) {
        self.init(Array(text.utf8), chunks: [Int.max], limits: limits)
    }

    private mutating func feed(_ parser: StreamParser, _ chunk: [UInt8]) {
        var seen: [String] = []
        do throws(StreamParser.Failure) {
            let count = try chunk.parsed(by: parser) { event in
                seen.append(Self.words(event))
                return .continue
            }
            #expect(count == chunk.count)
        } catch { condition = error.condition }
        events += seen
    }

    static func words(_ event: StreamParser.Event) -> String {
        switch event {
        case .opened(let header): "opened " + header.description
        case .element(let element): element.description
        case .closed: "closed"
        }
    }
}

extension [UInt8] {
    func parsed(
        by parser: StreamParser, _ body: (StreamParser.Event) -> StreamParser.Flow
    ) throws(StreamParser.Failure) -> Int {
        // Buffers of their own size, so that a byte read too far is a byte of somebody else's.
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count)
        defer { copy.deallocate() }
        _ = copy.initialize(from: self)
        return try parser.parse(UnsafeBufferPointer(copy), body)
    }
}

let header =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='x' version='1.0'>"

@Suite struct XMLStreamParserTests {
    static let sample =
        "<?xml version='1.0' encoding='UTF-8'?>\n" + header
        + "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
        + " \r\n"
        + "<message from=\"a@b/c>d\" xml:lang='de' x='1&lt;2&#10;3'><body>Grüße, 漢字 😀 &amp; &#x1F600; a]]b\r\nc\rd</body>"
        + "<x:y xmlns:x='urn:x' x:z='1'><y xmlns=''/><![CDATA[<b> ]] &amp;\r\n]]></x:y></message>"
        + "<presence\n/>\n\n<iq type='result' id='1'/><r xmlns='urn:xmpp:sm:3'/></stream:stream>\n"

    static let expected = [
        "opened <stream xmlns='http://etherx.jabber.org/streams' id='x' version='1.0'/>",
        "<features xmlns='http://etherx.jabber.org/streams'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
            + "<required/></starttls></features>",
        "<message xmlns='jabber:client' from='a@b/c&gt;d' x='1&lt;2&#10;3' xml:lang='de'>"
            + "<body>Grüße, 漢字 😀 &amp; 😀 a]]b\nc\nd</body>"
            + "<y xmlns='urn:x' xmlns:p1='urn:x' p1:z='1'><y xmlns=''/>&lt;b&gt; ]] &amp;amp;\n</y></message>",
        "<presence xmlns='jabber:client'/>", "<iq xmlns='jabber:client' id='1' type='result'/>",
        "<r xmlns='urn:xmpp:sm:3'/>", "closed",
    ]

    @Test func readsAStream() {
        let reading = Reading(Self.sample)
        #expect(reading.events == Self.expected)
        #expect(reading.condition == nil)
    }

    @Test(arguments: [1, 2, 3, 5, 7, 11, 64, 1000])
    func chunksOfOneSizeChangeNothing(_ size: Int) {
        #expect(Reading(Array(Self.sample.utf8), chunks: [size]) == Reading(Self.sample))
    }

    @Test func anySplitInTwoChangesNothing() {
        let bytes = Array(Self.sample.utf8)
        let whole = Reading(Self.sample)
        for split in 1..<bytes.count {
            #expect(Reading(bytes, chunks: [split, Int.max]) == whole, "split at \(split)")
        }
    }

    @Test func anyThreeChunksChangeNothing() {
        let bytes = Array(Self.sample.utf8)
        let whole = Reading(Self.sample)
        for first in stride(from: 40, to: bytes.count, by: 3) {
            for second in 1...4 { #expect(Reading(bytes, chunks: [first, second, Int.max]) == whole) }
        }
    }

    @Test func exposesTheContentNamespace() throws {
        let parser = StreamParser()
        #expect(parser.contentNamespace == "")
        _ = try Array(header.utf8).parsed(by: parser) { _ in .continue }
        #expect(parser.contentNamespace == "jabber:client")
    }

    // MARK: - Stopping

    /// The offsets behind the events of the sample, each where its last byte is.
    static let ends: [Int] = {
        let text = sample
        return [
            "version='1.0'>", "</stream:features>", "</message>", "<presence\n/>", "id='1'/>", "sm:3'/>",
            "</stream:stream>",
        ].compactMap { needle in text.end(of: needle) }
    }()

    @Test func consumptionIsExactAtEveryEvent() throws {
        let bytes = Array(Self.sample.utf8)
        #expect(Self.ends.count == Self.expected.count)
        for (turn, end) in Self.ends.enumerated() {
            let parser = StreamParser()
            var seen = 0
            let count = try bytes.parsed(by: parser) { _ in
                seen += 1
                return seen == turn + 1 ? .stop : .continue
            }
            #expect(count == end)
            #expect(seen == turn + 1)
        }
    }

    /// Every chunk size, stopping behind every event: the offsets are the same, and what is left is gone on with.
    @Test(arguments: [1, 2, 3, 17, 200, 8191])
    func goesOnBehindAStop(_ size: Int) throws {
        let bytes = Array(Self.sample.utf8)
        let parser = StreamParser()
        var events: [String] = []
        var ends: [Int] = []
        var offset = 0
        while offset < bytes.count {
            let chunk = Array(bytes[offset..<min(offset + size, bytes.count)])
            let before = events.count
            let count = try chunk.parsed(by: parser) { event in
                events.append(Reading.words(event))
                return .stop
            }
            #expect(events.count <= before + 1)
            #expect(count == chunk.count || events.count == before + 1)
            offset += count
            if events.count > before { ends.append(offset) }
        }
        #expect(events == Self.expected)
        #expect(ends == Self.ends)
    }

    @Test func bytesBehindProceedAreSeen() throws {
        let parser = StreamParser()
        let proceed = header + "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
        let chunk = Array((proceed + "<injected/>").utf8)
        let count = try chunk.parsed(by: parser) { event in
            if case .element = event { .stop } else { .continue }
        }
        #expect(count == proceed.utf8.count)
        #expect(count < chunk.count)
    }

    // MARK: - The arena

    @Test func anElementThatIsHeldStaysWhatItIs() throws {
        let parser = StreamParser()
        var held: [Element] = []
        _ = try Array((header + "<a>1</a><b>2</b><c>3</c>").utf8).parsed(by: parser) { event in
            if case .element(let element) = event { held.append(element) }
            return .continue
        }
        #expect(held.map(\.text) == ["1", "2", "3"])
        #expect(held.map(\.name) == ["a", "b", "c"])
    }

    /// What the callback captures is given back with the parser, and the parser with its last reference.
    @Test func nothingKeepsTheParserAlive() throws {
        final class Witness { var events = 0 }
        weak var parserSeen: StreamParser?
        weak var witnessSeen: Witness?
        do {
            let parser = StreamParser()
            let witness = Witness()
            (parserSeen, witnessSeen) = (parser, witness)
            _ = try Array((header + "<a/>").utf8).parsed(by: parser) { _ in
                witness.events += 1
                return .continue
            }
            #expect(witness.events == 2)
        }
        #expect(parserSeen == nil)
        #expect(witnessSeen == nil)
    }
}

extension String {
    /// The offset in bytes behind the first occurrence.
    func end(of needle: String) -> Int? {
        let bytes = Array(utf8)
        let wanted = Array(needle.utf8)
        for start in 0...(bytes.count - wanted.count) where bytes[start...].starts(with: wanted) {
            return start + wanted.count
        }
        return nil
    }
}

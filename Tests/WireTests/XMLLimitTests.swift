import Stanza
import Testing

@testable import Wire

@Suite struct XMLLimitTests {
    private func limits(stanza: Int = 1000, depth: Int = 64) -> StreamParser.Limits {
        var limits = StreamParser.Limits()
        limits.stanzaBytesMax = stanza
        limits.depthMax = depth
        return limits
    }

    private func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    @Test(arguments: [1, 13, 100_000])
    func depthIsBoundedExactly(_ size: Int) {
        for (depth, condition) in [(8, nil), (9, "policy-violation")] as [(Int, String?)] {
            let text = header + repeated("<a>", depth) + repeated("</a>", depth)
            let reading = Reading(Array(text.utf8), chunks: [size], limits: limits(depth: 8))
            #expect(reading.condition == condition)
        }
        #expect(Reading(header + repeated("<a>", 100_000)).condition == "policy-violation")
    }

    /// The longest stanza is taken and one byte more is not, wherever chunks end and whatever stands before it.
    @Test(arguments: [1, 3, 64, 100_000])
    func stanzasAreBoundedExactly(_ size: Int) {
        let shapes = [
            ("<a>", "x", "</a>"), ("<a b='", "x", "'/>"), ("<", "x", "/>"), ("<a><", "x", "/></a>"), ("<a", " ", "/>"),
        ]
        for (before, unit, behind) in shapes {
            let room = 1000 - before.utf8.count - behind.utf8.count
            let good = before + repeated(unit, room) + behind
            let bad = before + repeated(unit, room + 1) + behind
            let taken = Reading(Array((header + good + "  \n" + good).utf8), chunks: [size], limits: limits())
            #expect(taken.condition == nil)
            #expect(taken.events.count == 3)
            let refused = Reading(Array((header + good + "  \n" + bad).utf8), chunks: [size], limits: limits())
            #expect(refused.condition == "policy-violation")
            #expect(refused.events.count == 2)
        }
    }

    /// What never ends is given up soon behind the limit, so it takes no more memory than that.
    @Test(arguments: [
        "<", "<a b='", "<a b=\"x>", "<a ", "<a>", "<a><b>", "<a xmlns='", "<a><![CDATA[", "<a>&", "<a><!--", "<a><?p ",
        "</",
    ])
    func whatNeverEndsIsGivenUp(_ start: String) throws {
        for chunk in [1, 700, 5000] {
            let parser = StreamParser(limits: limits())
            _ = try Array(header.utf8).parsed(by: parser) { _ in .continue }
            var fed = 0
            let failure = #expect(throws: StreamParser.Failure.self) {
                _ = try Array(start.utf8).parsed(by: parser) { _ in .continue }
                while fed < 100_000 {
                    fed += chunk
                    _ = try [UInt8](repeating: UInt8(ascii: "x"), count: chunk).parsed(by: parser) { _ in .continue }
                }
            }
            #expect(fed <= 1000 + chunk)
            #expect(failure?.condition == "policy-violation")
        }
    }

    @Test func theHeaderIsBounded() {
        let long = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='\(repeated("x", 9000))'>"
        for size in [1, 100_000] {
            let reading = Reading(Array(long.utf8), chunks: [size])
            #expect(reading.condition == "policy-violation")
            #expect(reading.events.isEmpty)
        }
    }

    /// White space between stanzas counts for none of them.
    @Test func whiteSpaceNeverRunsIntoALimit() throws {
        let parser = StreamParser(limits: limits())
        _ = try Array(header.utf8).parsed(by: parser) { _ in .continue }
        let spaces = [UInt8](repeating: UInt8(ascii: " "), count: 777)
        for _ in 0..<100 { #expect(try spaces.parsed(by: parser) { _ in .continue } == 777) }
        for _ in 0..<5000 { _ = try [UInt8(ascii: "\n")].parsed(by: parser) { _ in .continue } }
        var seen = 0
        _ = try Array("<a/>".utf8).parsed(by: parser) { _ in
            seen += 1
            return .continue
        }
        #expect(seen == 1)
    }

    @Test(arguments: [1, 4096, 1_000_000])
    func attributesAreBounded(_ size: Int) {
        func stanza(_ count: Int) -> String {
            "<a" + (0..<count).map { " a\($0)='\"=>'" }.joined() + "/>"
        }
        let good = Reading(Array((header + stanza(1000) + stanza(900)).utf8), chunks: [size])
        #expect(good.condition == nil)
        #expect(good.events.count == 3)
        #expect(Reading(Array((header + stanza(1001)).utf8), chunks: [size]).condition == "policy-violation")
        // Not one of them is compared with all the others.
        #expect(
            Reading(Array((header + stanza(80_000)).utf8), chunks: [max(size, 100)]).condition == "policy-violation")
    }

    /// A large attribute is no large number of attributes.
    @Test func oneLargeAttributeIsFine() {
        let reading = Reading(header + "<a b='" + repeated("\"=", 200_000) + "'/>")
        #expect(reading.condition == nil)
        #expect(reading.events.count == 2)
    }

    /// One long namespace, named by each of many children through its prefix, is kept once.
    @Test func aNamespaceIsNotRepeatedInMemory() throws {
        let text = header + "<a xmlns:p='\(repeated("u", 1000))'>" + repeated("<p:b p:c=''/>", 10_000) + "</a>"
        var size = 0
        _ = try Array(text.utf8).parsed(by: StreamParser()) { event in
            if case .element(let element) = event { size = element.byteCount }
            return .continue
        }
        #expect(size > 20_000)
        #expect(size < 25_000)
    }

    /// Many long namespaces in turn defeat that; then the arena has its own limit.
    @Test func theArenaIsBounded() {
        let names = (0..<20).map { "p\($0)" }
        let declared = names.map { " xmlns:\($0)='\($0)\(repeated("u", 900))'" }.joined()
        let children = names.map { "<\($0):b/>" }.joined()
        #expect(Reading(header + "<a\(declared)>" + repeated(children, 200) + "</a>").condition == nil)
        #expect(Reading(header + "<a\(declared)>" + repeated(children, 300) + "</a>").condition == "policy-violation")
    }

    @Test(arguments: ["<a xmlns='@'/>", "<p:a xmlns:p='@'/>", "<a xmlns:p='@' p:b=''/>"])
    func namespacesAreBounded(_ stanza: String) {
        func with(_ space: String) -> String { header + stanza.split(separator: "@").joined(separator: space) }
        #expect(Reading(with(repeated("u", 1000))).condition == nil)
        #expect(Reading(with(repeated("u", 1001))).condition == "policy-violation")
        #expect(Reading(with(repeated("u", 500_000))).condition == "policy-violation")
    }

    // MARK: - Names

    /// The dictionary is given up before it degrades, and nobody notices.
    @Test(arguments: [1000, 65_536])
    func distinctNamesAreForgotten(_ size: Int) throws {
        let parser = StreamParser()
        var bytes = Array(header.utf8)
        for number in 0..<50_000 { bytes += Array("<n\(number) xmlns='urn:x\(number % 10)'/><stream:error/>".utf8) }
        bytes += Array("</stream:stream>".utf8)
        var offset = 0
        var events = 0
        var namesMost = 0
        while offset < bytes.count {
            let chunk = Array(bytes[offset..<min(offset + size, bytes.count)])
            offset += try chunk.parsed(by: parser) { event in
                if case .element(let element) = event {
                    let number = (events - 1) / 2
                    let right =
                        events % 2 == 1
                        ? element.name == "n\(number)" && element.namespace == "urn:x\(number % 10)"
                        : element.isNamed("error", NS.stream)
                    if !right { Issue.record("\(element) at \(number)") }
                }
                events += 1
                return .continue
            }
            namesMost = max(namesMost, parser.nameCount)
        }
        #expect(events == 100_002)
        #expect(namesMost > 1000)
        #expect(namesMost <= StreamParser.Limits().namesMax)
    }

    /// A replaced parser stands inside of the same root: its prefixes, its default namespace, its end tag.
    @Test func aReplacedParserKnowsTheRoot() {
        var limits = StreamParser.Limits()
        limits.namesMax = 0
        let open =
            "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:client' xmlns:d='u&lt;&#10;&apos;' d:x='1'>"
        let text = open + "<a/> <s:features/>\n<d:b d:c='1'/><e xml:lang='de'>x</e></s:stream>"
        let replaced = Reading(text, limits: limits)
        #expect(replaced == Reading(text))
        #expect(replaced.condition == nil)
        #expect(replaced.events.count == 6)
        #expect(replaced == Reading(Array(text.utf8), chunks: [1], limits: limits))
    }
}

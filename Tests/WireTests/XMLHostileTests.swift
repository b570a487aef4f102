import Stanza
import Testing

@testable import Wire

@Suite struct XMLHostileTests {
    static let refused: [(String, String)] = [
        ("<!DOCTYPE stream:stream [<!ENTITY a 'b'>]>" + header, "restricted-xml"),
        ("<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file:///etc/passwd'>" + header, "restricted-xml"),
        (header + "<!DOCTYPE x>", "not-well-formed"),
        ("<!-- x -->" + header, "restricted-xml"),
        (header + "<!-- x -->", "restricted-xml"),
        (header + "<a><!-- x --></a>", "restricted-xml"),
        ("<?php x?>" + header, "restricted-xml"),
        (header + "<?php x?>", "restricted-xml"),
        (header + "<a><?php x?></a>", "restricted-xml"),
        (header + "<?xml version='1.0'?>", "restricted-xml"),
        (" <?xml version='1.0'?>" + header, "restricted-xml"),
        ("<?xml version='1.0'?><?xml version='1.0'?>" + header, "restricted-xml"),
        (header + "<a>&nbsp;</a>", "restricted-xml"),
        (header + "<a b='&nbsp;'/>", "restricted-xml"),
        (header + "<x:a/>", "bad-namespace-prefix"),
        (header + "<a x:b='1'/>", "bad-namespace-prefix"),
        (header + "<a><stream:b/><c><x:d/></c></a>", "bad-namespace-prefix"),
        ("<stream:stream xmlns='jabber:client'>", "bad-namespace-prefix"),
        ("<stream xmlns='jabber:client'>", "invalid-namespace"),
        ("<s:streams xmlns:s='http://etherx.jabber.org/streams'>", "bad-format"),
        ("<s:stream xmlns:s='http://etherx.jabber.org/streams'/>", "bad-format"),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "not-well-formed"),
        ("\u{FEFF}" + header, "not-well-formed"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?>" + header, "unsupported-encoding"),
        ("<?xml version='1.0' encoding='UTF-16'?>" + header, "unsupported-encoding"),
        ("<?xml version='1.1'?>" + header, "not-well-formed"),
        ("<?xml encoding='utf-8'?>" + header, "not-well-formed"),
        ("<?xml version='1.0' standalone='maybe'?>" + header, "not-well-formed"),
        ("<?xml version='1.0' encoding='utf-8?>" + header, "not-well-formed"),
        ("<?xml version='1.0'encoding='utf-8'?>" + header, "not-well-formed"),
        ("<?xml " + String(repeating: " ", count: 300), "restricted-xml"),
        (header + "text<a/>", "bad-format"), (header + "<a/>text<a/>", "bad-format"), (header + "&amp;", "bad-format"),
        (header + "<![CDATA[x]]>", "bad-format"),
        (header + "</stream:stream><x/>", "not-well-formed"), (header + "</stream:stream>x", "not-well-formed"),
        (header + "</stream:stream>" + header, "not-well-formed"),
        (header + "<a></b>", "not-well-formed"), (header + "<a b='1' b='2'/>", "not-well-formed"),
        (header + "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>", "not-well-formed"),
        (header + "<a b=1/>", "not-well-formed"), (header + "<a b/>", "not-well-formed"),
        (header + "<1/>", "not-well-formed"),
        (header + "<a b='<'/><b/>", "not-well-formed"), (header + "<a>&#0;</a>", "not-well-formed"),
        (header + "<a>&#xD800;</a>", "not-well-formed"), (header + "<a>&</a>;", "not-well-formed"),
        (header + "<a>]]></a>", "not-well-formed"), (header + "<a>\u{0}</a>", "not-well-formed"),
        (header + "<a>\u{1}</a>", "not-well-formed"), (header + "<a>\u{FFFE}</a>", "not-well-formed"),
        (header + "<a b='\u{1}'/>", "not-well-formed"), (header + "<a xmlns:b=''><b:c/></a>", "not-well-formed"),
        (header + "<a:b:c xmlns:a='u'/>", "not-well-formed"), (header + "<a xmlns:xml='u'/>", "not-well-formed"),
        (header + "< a/>", "not-well-formed"), (header + "<a/ >", "not-well-formed"),
    ]

    @Test(arguments: refused)
    func refuses(_ text: String, _ condition: String) {
        let bytes = Array(text.utf8)
        let whole = Reading(bytes, chunks: [Int.max])
        #expect(whole.condition == condition)
        #expect(Reading(bytes + Array("<iq/>  <iq/>".utf8), chunks: [1]).condition == condition)
        for split in 1..<bytes.count {
            #expect(Reading(bytes, chunks: [split, Int.max]) == whole, "split at \(split)")
        }
    }

    static let brokenUTF8: [[UInt8]] = [
        [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
        [0xF0, 0x80, 0x80, 0x80],
        [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x82, 0x3C], [0xF0, 0x9F, 0x98, 0x3C],
    ]

    @Test(arguments: brokenUTF8)
    func refusesBrokenUTF8(_ broken: [UInt8]) {
        for (before, behind) in [
            ("<a>", "</a>"), ("<a b='", "'/>"), ("<a", "/>"), ("<a><![CDATA[", "]]></a>"), ("", ""),
        ] {
            let bytes = Array((header + "<first/>" + before).utf8) + broken + Array((behind + "<second/>").utf8)
            let whole = Reading(bytes, chunks: [Int.max])
            #expect(whole.condition == "unsupported-encoding")
            #expect(whole.events.count == 2)
            #expect(Reading(bytes, chunks: [1]) == whole)
        }
    }

    @Test func refusesUTF16() {
        for endian in [(0, 1), (1, 0)] {
            let wide = header.utf8.flatMap { byte -> [UInt8] in endian.0 == 0 ? [byte, 0] : [0, byte] }
            #expect(Reading(wide, chunks: [Int.max]).condition == "not-well-formed")
            #expect(Reading(wide, chunks: [1]).condition == "not-well-formed")
        }
    }

    @Test func billionLaughsAreNotLaughedAt() {
        var bomb = "<!DOCTYPE x [<!ENTITY a0 'ha'>"
        for level in 1...30 { bomb += "<!ENTITY a\(level) '&a\(level - 1);&a\(level - 1);'>" }
        #expect(Reading(bomb + "]>" + header + "<a>&a30;</a>").condition == "restricted-xml")
        #expect(Reading(header + "<a>&a30;</a>").condition == "restricted-xml")
    }

    @Test func afterAFailureEveryCallFails() throws {
        let parser = StreamParser()
        _ = try Array(header.utf8).parsed(by: parser) { _ in .continue }
        let first = #expect(throws: StreamParser.Failure.self) {
            try Array("<a></b><c/>".utf8).parsed(by: parser) { _ in
                Issue.record("no event is expected")
                return .continue
            }
        }
        let second = #expect(throws: StreamParser.Failure.self) {
            try Array("<d/>".utf8).parsed(by: parser) { _ in .continue }
        }
        #expect(first == second)
        #expect(first?.text.contains("\n") == false)
    }

    @Test func eventsBeforeAFailureAreDelivered() {
        let reading = Reading(header + "<a/><b/><c></d>")
        #expect(reading.events.count == 3)
        #expect(reading.condition == "not-well-formed")
    }

    // MARK: - What is odd but allowed

    static let tolerated = [
        "<a xmlns='not a uri'/>", "<a xmlns='relative/path'/>", "<a xmlns='%zz'/>", "<a xml:lang='1'/>",
        "<a xml:space='odd'/>", "<a xmlns:x='urn:x' x:b='1' b='2'/>", "<a>]]&gt;</a>", "<a b=']]>'/>", "<a b='>'/>",
        "<a xmlns:b='urn:b'/>", "<x:a xmlns:x='urn:ü'/>", "<é ü='1'/>",
    ]

    @Test(arguments: tolerated)
    func tolerates(_ stanza: String) {
        let bytes = Array((header + stanza + "<b/>").utf8)
        let whole = Reading(bytes, chunks: [Int.max])
        #expect(whole.condition == nil)
        #expect(whole.events.count == 3)
        for split in 1..<bytes.count { #expect(Reading(bytes, chunks: [split, Int.max]) == whole) }
    }
}

import Endpoints
import Testing

private struct Piece: Equatable, CustomStringConvertible {
    var text: String
    var note: LineNote
    init(_ text: String, _ number: UInt64, _ piece: LineNote.Piece = .whole) {
        self.text = text
        note = LineNote(number: number, piece: piece)
    }
    var description: String { "\(text.debugDescription) \(note.number) \(note.piece)" }
}

private func frame(
    _ input: [UInt8], chunk: Int, _ content: LineFramer.Content = .text, _ limits: LineFramer.Limits = .init()
) -> (pieces: [Piece], complaints: Complaints) {
    var framer = LineFramer(content, limits: limits)
    var pieces: [Piece] = []
    let emit: LineFramer.Emit = { line, note in
        var piece = Piece(String(decoding: line, as: UTF8.self), note.number)
        piece.note = note
        pieces.append(piece)
    }
    var start = 0
    while start < input.count {
        let end = min(start + chunk, input.count)
        // A copy, so that nothing can depend on the bytes behind a chunk.
        Array(input[start..<end]).withUnsafeBufferPointer { framer.push($0, emit) }
        start = end
    }
    framer.finish(emit)
    return (pieces, framer.takeComplaints())
}

private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) ^ (state << 31)
    }
}

@Suite struct LineFramerTests {
    private static let chunks = [1, 2, 3, 5, 7, 8, 9, 64, 100_000]

    private static let table: [(String, [UInt8], [Piece])] = [
        ("nothing", [], []),
        ("one", Array("hello\n".utf8), [Piece("hello", 1)]),
        ("without an end", Array("a\nhello".utf8), [Piece("a", 1), Piece("hello", 2)]),
        ("CRLF", Array("a\r\nbc\r\n".utf8), [Piece("a", 1), Piece("bc", 2)]),
        ("only one CR is of the end", Array("a\r\r\n\r\r\n".utf8), [Piece("a\r", 1), Piece("\r", 2)]),
        ("CR inside stays", Array("10%\r20%\rdone\n".utf8), [Piece("10%\r20%\rdone", 1)]),
        ("CR at the very end stays", Array("a\r".utf8), [Piece("a\r", 1)]),
        ("only CR", Array("\r".utf8), [Piece("\r", 1)]),
        (
            "empty lines count", Array("\n\r\na\n\n".utf8),
            [Piece("", 1, .empty), Piece("", 2, .empty), Piece("a", 3), Piece("", 4, .empty)]
        ),
        ("TAB, DEL and C1 stay", Array("\ta\u{7F}\u{85}\tb\n".utf8), [Piece("\ta\u{7F}\u{85}\tb", 1)]),
        (
            "controls are shown", Array("a\u{0}b\u{1B}[1mc\u{1F}\u{B}\u{C}\n".utf8),
            [Piece("a\u{2400}b\u{241B}[1mc\u{241F}\u{240B}\u{240C}", 1)]
        ),
        (
            "forbidden characters", Array("a\u{FFFE}b\u{FFFF}\u{1FFFE}\u{FFFD}\n".utf8),
            [Piece("a\u{FFFD}b\u{FFFD}\u{1FFFE}\u{FFFD}", 1)]
        ),
        ("text of the world", Array("Grüße 漢字 😀 e\u{301}\n".utf8), [Piece("Grüße 漢字 😀 e\u{301}", 1)]),
        ("stray bytes", [0x80, 0x41, 0xBF, 0xFF, 0x0A], [Piece("\u{FFFD}A\u{FFFD}\u{FFFD}", 1)]),
        ("one for a maximal subpart", [0xF0, 0x9F, 0x98, 0x41, 0xE2, 0x82, 0x0A], [Piece("\u{FFFD}A\u{FFFD}", 1)]),
        ("surrogates are three", [0xED, 0xA0, 0x80, 0x0A], [Piece("\u{FFFD}\u{FFFD}\u{FFFD}", 1)]),
        ("overlong forms", [0xC0, 0xAF, 0xE0, 0x80, 0xAF, 0x0A], [Piece(String(repeating: "\u{FFFD}", count: 5), 1)]),
        (
            "cut by the end of a line", [0x41, 0xE2, 0x82, 0x0D, 0x0A, 0xC3],
            [Piece("A\u{FFFD}", 1), Piece("\u{FFFD}", 2)]
        ),
        ("broken before a lead byte", [0xE2, 0xC3, 0xA9, 0x0A], [Piece("\u{FFFD}é", 1)]),
        ("broken before a CR", [0xE2, 0x82, 0x0D, 0x41, 0x0A], [Piece("\u{FFFD}\rA", 1)]),
    ]

    @Test(arguments: table.indices) func framesInAnyChunks(_ index: Int) {
        let (name, input, expected) = Self.table[index]
        for chunk in Self.chunks {
            #expect(frame(input, chunk: chunk).pieces == expected, "\(name), chunks of \(chunk)")
        }
    }

    @Test func complaintsAreCountedWithTheirFirstLine() {
        let input = Array("fine\n".utf8) + [0xFF, 0x00, 0x0A, 0xC3, 0x28, 0x0A] + Array("\u{FFFE}\n".utf8)
        for chunk in Self.chunks {
            let complaints = frame(input, chunk: chunk).complaints
            #expect(complaints.invalidUTF8 == 2)
            #expect(complaints.illegalCharacters == 2)
            #expect(complaints.firstLine == 2)
            #expect(complaints.overlongLines == 0)
            #expect(
                complaints.description
                    == "2 × invalid UTF-8 replaced by U+FFFD, 2 × character not allowed in XML made visible, first in line 2"
            )
        }
        #expect(frame(Array("all\nis\nwell ü\n".utf8), chunk: 4).complaints.isEmpty)
    }

    // MARK: Overlong lines

    private static let hundred = String(repeating: "0123456789", count: 10)

    @Test func anOverlongLineIsSplit() {
        let limits = LineFramer.Limits(lineBytesMax: 64)
        let input = Array("short\n\(Self.hundred)abcdef\nnext\n".utf8)
        for chunk in Self.chunks {
            let (pieces, complaints) = frame(input, chunk: chunk, .text, limits)
            #expect(
                pieces == [
                    Piece("short", 1),
                    Piece("(part 1) 0123456789012345678901234567890123456789012345678901234", 2, .part(1, last: false)),
                    Piece("(part 2) 567890123456789012345678901234567890123456789abcdef", 2, .part(2, last: true)),
                    Piece("next", 3),
                ])
            #expect(complaints.overlongLines == 1 && complaints.splitParts == 2 && complaints.firstLine == 2)
        }
    }

    @Test(arguments: ["\n", "\r\n", ""]) func aLineOfExactlyTheLimitIsWhole(_ end: String) {
        let limits = LineFramer.Limits(lineBytesMax: 64, overlong: .refuse)
        let line = String(Self.hundred.prefix(62)) + "é"
        for chunk in Self.chunks {
            #expect(frame(Array((line + end).utf8), chunk: chunk, .text, limits).pieces == [Piece(line, 1)])
            let over = frame(Array(("x" + line + end).utf8), chunk: chunk, .text, limits)
            #expect(over.pieces == [Piece("", 1, .refused)])
        }
    }

    @Test func anOverlongLineIsRefusedOnceAndTheNextWorks() {
        let limits = LineFramer.Limits(lineBytesMax: 64, overlong: .refuse)
        let input = Array("a\n\(Self.hundred)\(Self.hundred)\r\nb\n".utf8)
        for chunk in Self.chunks {
            let (pieces, complaints) = frame(input, chunk: chunk, .text, limits)
            #expect(pieces == [Piece("a", 1), Piece("", 2, .refused), Piece("b", 3)])
            #expect(complaints.overlongLines == 1 && complaints.splitParts == 0)
            #expect(complaints.description == "1 × overlong line refused, first in line 2")
        }
    }

    @Test func aCutKeepsCharactersAndTheirMarks() {
        let limits = LineFramer.Limits(lineBytesMax: 64)
        // 55 bytes fit behind the prefix: the cut would fall into the emoji, then before the mark.
        for (tail, first) in [("😀", ""), ("e\u{301}\u{323}", ""), ("é", ""), ("x", "x")] {
            let head = String(Self.hundred.prefix(54))
            let pieces = frame(Array((head + tail + "0123456789").utf8), chunk: 1, .text, limits).pieces
            #expect(pieces.map { Array($0.text.utf8) }.first == Array("(part 1) \(head)\(first)".utf8))
            #expect(pieces.last?.note.piece == .part(2, last: true))
        }
        // So many marks that the cut stands among them all the same.
        let marks = "a" + String(repeating: "\u{301}", count: 100)
        let pieces = frame(Array(marks.utf8), chunk: 3, .text, limits).pieces
        #expect(pieces.map { $0.text.utf8.dropFirst(9).count }.reduce(0, +) == 201)
        #expect(pieces.allSatisfy { $0.text.utf8.count <= 64 && !$0.text.unicodeScalars.contains("\u{FFFD}") })
    }

    @Test func cleaningCountsTowardsTheLimit() {
        let limits = LineFramer.Limits(lineBytesMax: 64)
        let pieces = frame([UInt8](repeating: 0, count: 50), chunk: 50, .text, limits).pieces
        #expect(pieces.count == 3)
        #expect(pieces.allSatisfy { $0.text.utf8.count <= 64 })
    }

    @Test func theLimitMayBeLoweredInALine() {
        var framer = LineFramer(limits: .init(lineBytesMax: 1_000))
        var pieces: [String] = []
        let emit: LineFramer.Emit = { line, _ in pieces.append(String(decoding: line, as: UTF8.self)) }
        Array((Self.hundred + Self.hundred).utf8).withUnsafeBufferPointer { framer.push($0, emit) }
        framer.limit(lineBytes: 10)
        #expect(pieces.isEmpty)
        Array("\nx\n".utf8).withUnsafeBufferPointer { framer.push($0, emit) }
        #expect(pieces.count == 5)
        #expect(pieces.allSatisfy { $0.utf8.count <= LineFramer.lineBytesMin })
        #expect(pieces.dropLast().map { $0.dropFirst(9) }.joined() == Self.hundred + Self.hundred)
        framer.limit(lineBytes: 1_000)
        Array(Self.hundred.utf8).withUnsafeBufferPointer { framer.push($0, emit) }
        framer.finish(emit)
        #expect(pieces.last == Self.hundred)
    }

    @Test func aLineWithoutEndLeavesInPartsAsItComes() {
        var framer = LineFramer(limits: .init(lineBytesMax: 4_096))
        var parts: UInt64 = 0
        let chunk = [UInt8](repeating: 0x61, count: 8_192)
        for _ in 0..<100 {
            chunk.withUnsafeBufferPointer { bytes in
                framer.push(bytes) { line, note in
                    parts += 1
                    #expect(line.count == 4_096 && note == LineNote(number: 1, piece: .part(parts, last: false)))
                }
            }
        }
        #expect(parts >= 199)
    }

    @Test func commandsAreNotCleaned() {
        let input = Array("{\"a\":\"".utf8) + [0xFF, 0x00] + Array("\"}\r\n{}\n".utf8)
        for chunk in Self.chunks {
            var framer = LineFramer(.json)
            var lines: [[UInt8]] = []
            var start = 0
            while start < input.count {
                let end = min(start + chunk, input.count)
                Array(input[start..<end]).withUnsafeBufferPointer {
                    framer.push($0) { line, _ in lines.append(Array(line)) }
                }
                start = end
            }
            #expect(lines == [Array("{\"a\":\"".utf8) + [0xFF, 0x00] + Array("\"}".utf8), Array("{}".utf8)])
            #expect(framer.takeComplaints().isEmpty)
        }
    }

    // MARK: Properties

    /// The same by the plain way: all at once, through the standard library's repair of UTF-8.
    private static func plainly(_ input: [UInt8]) -> [Piece] {
        var lines = input.split(separator: 0x0A, omittingEmptySubsequences: false)
        let last = lines.removeLast()
        var texts = lines.map { $0.last == 0x0D ? $0.dropLast() : $0 }
        if !last.isEmpty { texts.append(last) }
        return texts.enumerated().map { index, bytes in
            var text = ""
            for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
                switch scalar.value {
                case 9, 13: text.unicodeScalars.append(scalar)
                case 0..<0x20: text.unicodeScalars.append(Unicode.Scalar(UInt32(0x2400) + scalar.value) ?? "?")
                case 0xFFFE, 0xFFFF: text.unicodeScalars.append("\u{FFFD}")
                case _: text.unicodeScalars.append(scalar)
                }
            }
            return Piece(text, UInt64(index + 1), text.unicodeScalars.isEmpty ? .empty : .whole)
        }
    }

    private static func randomInput(_ dice: inout Dice) -> [UInt8] {
        let odd: [[UInt8]] = [
            [0x0A], [0x0D, 0x0A], [0x0D], [0x00], [0x1B], [0x09], [0x7F], [0x80], [0xC3], [0xC3, 0xA9], [0xE2, 0x82],
            [0xE2, 0x82, 0xAC],
            [0xEF, 0xBF, 0xBE], [0xEF, 0xBF], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98, 0x80], [0xF0, 0x9F], [0xF4, 0x90],
            [0xFF],
        ]
        var input: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<60, using: &dice) {
            if Bool.random(using: &dice) {
                input += odd[Int.random(in: 0..<odd.count, using: &dice)]
            } else {
                input += [UInt8](repeating: 0x61, count: Int.random(in: 0..<20, using: &dice))
            }
        }
        return input
    }

    @Test func anyChunksGiveTheLinesOfThePlainWay() {
        var dice = Dice(state: 42)
        for _ in 0..<1_500 {
            let input = Self.randomInput(&dice)
            let expected = Self.plainly(input)
            let whole = frame(input, chunk: input.count + 1)
            for chunk in [1, 2, 3, 7, 11, input.count + 1] {
                let (pieces, complaints) = frame(input, chunk: chunk)
                if pieces != expected || complaints != whole.complaints {
                    Issue.record("\(input) in chunks of \(chunk): \(pieces) instead of \(expected)")
                    return
                }
            }
        }
    }

    @Test func anyChunksGiveTheSameParts() {
        var dice = Dice(state: 99)
        var split = 0
        for round in 0..<1_500 {
            let limits = LineFramer.Limits(
                lineBytesMax: 64 + Int.random(in: 0..<40, using: &dice), overlong: round % 4 == 0 ? .refuse : .split)
            let input = Self.randomInput(&dice)
            let whole = frame(input, chunk: input.count + 1, .text, limits)
            for chunk in [1, 2, 5, 13, 70] {
                let pieces = frame(input, chunk: chunk, .text, limits)
                if pieces != whole {
                    Issue.record("\(input) in chunks of \(chunk), \(limits): \(pieces) instead of \(whole)")
                    return
                }
            }
            if whole.pieces.contains(where: { $0.text.utf8.count > limits.lineBytesMax }) {
                Issue.record("\(input), \(limits): over the limit")
            }
            if limits.overlong == .split {
                split += Int(whole.complaints.overlongLines)
                var texts: [UInt64: String] = [:]
                for piece in whole.pieces {
                    switch piece.note.piece {
                    case .whole, .empty, .refused: texts[piece.note.number] = piece.text
                    case .part(let part, _):
                        texts[piece.note.number, default: ""] += piece.text.dropFirst("(part \(part)) ".count)
                    }
                }
                for piece in Self.plainly(input) {
                    #expect(
                        texts[piece.note.number].map { Array($0.unicodeScalars) } == Array(piece.text.unicodeScalars))
                }
            }
        }
        #expect(split > 100)
    }
}

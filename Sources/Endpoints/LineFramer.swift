import Stanza

/// What the framer says of a line that it hands out.
public struct LineNote: Equatable, Sendable {
    /// The line's number in its source, from 1; empty and refused lines count too.
    public var number: UInt64
    /// How much of the line this is.
    public var piece: Piece

    /// How much of a line is handed out.
    public enum Piece: Equatable, Sendable {
        /// All of it.
        case whole
        /// There is nothing in it; the bytes are empty.
        case empty
        /// One part of an overlong line, from 1, behind the prefix `(part N) `.
        case part(UInt64, last: Bool)
        /// The line is over the limit and dropped; the bytes are empty. Told as soon as it is known.
        case refused
    }

    /// A note.
    public init(number: UInt64, piece: Piece) {
        self.number = number
        self.piece = piece
    }
}

/// Bytes in chunks of any size → lines that XMPP can carry.
///
/// LF or CRLF ends a line, and so does the end of the input. Broken UTF-8 becomes U+FFFD for each maximal subpart; C0
/// controls other than TAB and CR, which XML 1.0 forbids, become their pictures (U+2400...U+241F); U+FFFE and U+FFFF
/// become U+FFFD. A line that needs none of it and lies in one chunk is handed out where it lies.
///
/// Memory is bounded by ``Limits/lineBytesMax``, whatever the input: a line without an end is handed out in parts as
/// it comes, or dropped as it comes.
public struct LineFramer: Sendable {
    /// The size of a line.
    public struct Limits: Equatable, Sendable {
        /// The longest line handed out, in bytes after cleaning, the prefix of a part included; never below
        /// ``LineFramer/lineBytesMin``.
        public var lineBytesMax = 65_536
        /// What happens to a longer one.
        public var overlong: Overlong = .split

        /// The defaults.
        public init() {}

        /// Limits.
        public init(lineBytesMax: Int, overlong: Overlong = .split) {
            self.lineBytesMax = lineBytesMax
            self.overlong = overlong
        }
    }

    /// What happens to a line over the limit.
    public enum Overlong: Equatable, Sendable {
        /// It is split between characters, each part behind `(part N) `. The total cannot be named: it is not known
        /// when the first part leaves.
        case split
        /// It is dropped.
        case refuse
    }

    /// What the lines hold.
    public enum Content: Equatable, Sendable {
        /// Text: it is cleaned.
        case text
        /// NDJSON: nothing is cleaned, so that the parser sees what was written and names the true column.
        case json
    }

    /// The lowest limit: any prefix and some characters fit.
    public static let lineBytesMin = 64

    /// What was wrong since ``takeComplaints()``.
    public private(set) var complaints = Complaints()

    private let content: Content
    private let overlong: Overlong
    private var lineBytesMax: Int
    private var number: UInt64 = 1
    private var state = State.atStart
    /// The cleaned bytes of the line, or of its next part; at most a limit and one character.
    private var pending: [UInt8] = []
    private var part: [UInt8] = []
    /// The bytes of a sequence that a chunk's end has cut.
    private var cut: [UInt8] = []
    /// A CR that ended a chunk: of the line, or of its CRLF.
    private var heldCR = false

    private enum State: Equatable {
        /// Nothing of the line has come.
        case atStart
        /// Some has.
        case inLine
        /// So many parts of it were handed out.
        case splitting(UInt64)
        /// It is refused; the rest is dropped.
        case dropping
    }

    /// What takes a line; the bytes are valid inside the call only.
    public typealias Emit = (_ line: UnsafeBufferPointer<UInt8>, _ note: LineNote) -> Void

    /// A framer at line 1.
    public init(_ content: Content = .text, limits: Limits = Limits()) {
        self.content = content
        overlong = limits.overlong
        lineBytesMax = max(limits.lineBytesMax, Self.lineBytesMin)
    }

    /// Changes the limit from here on (XEP-0478: a server tells its own after login).
    public mutating func limit(lineBytes: Int) { lineBytesMax = max(lineBytes, Self.lineBytesMin) }

    /// The size of a line that has begun and not ended, as far as it has come; nil where there is none, or something of it
    /// was handed out or refused.
    public var unendedBytes: Int? { state == .inLine ? pending.count + cut.count + (heldCR ? 1 : 0) : nil }

    /// The complaints since the last call.
    public mutating func takeComplaints() -> Complaints {
        defer { complaints = Complaints() }
        return complaints
    }

    /// Takes the next bytes and hands out the lines, or parts of lines, that they complete.
    public mutating func push(_ chunk: UnsafeBufferPointer<UInt8>, _ emit: Emit) {
        var start = 0
        while start < chunk.count {
            let (end, clean) = TextScan.lineEnd(chunk, from: start)
            let bytes = UnsafeBufferPointer(rebasing: chunk[start..<end])
            if end == chunk.count {
                absorb(bytes, emit)
                return
            }
            if state == .atStart && endsUntouched(bytes, clean) {
                emitWhole(bytes, emit)
            } else {
                if bytes.isEmpty {
                    heldCR = false
                } else {
                    absorb(Self.withoutCR(bytes), emit)
                    putHeldCR(emit)
                }
                endLine(emit)
            }
            start = end + 1
        }
    }

    /// The input has ended: hands out the last line where it has no end. The framer stands at its beginning again.
    public mutating func finish(_ emit: Emit) {
        if state != .atStart {
            putHeldCR(emit)
            endLine(emit)
        }
        number = 1
    }

    // MARK: A line in one piece

    /// Whether these bytes before an LF can be handed out as they are, but for the CR of a CRLF.
    private func endsUntouched(_ bytes: UnsafeBufferPointer<UInt8>, _ clean: Bool) -> Bool {
        if bytes.count > lineBytesMax { return false }
        if clean || content == .json { return true }
        return TextScan.cleanRun(bytes, from: 0).stop == .end
    }

    private mutating func emitWhole(_ bytes: UnsafeBufferPointer<UInt8>, _ emit: Emit) {
        let line = Self.withoutCR(bytes)
        emit(line, LineNote(number: number, piece: line.isEmpty ? .empty : .whole))
        number += 1
    }

    private static func withoutCR(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        bytes.last == 0x0D ? UnsafeBufferPointer(rebasing: bytes.dropLast()) : bytes
    }

    // MARK: A line in pieces

    private mutating func absorb(_ bytes: UnsafeBufferPointer<UInt8>, _ emit: Emit) {
        if bytes.isEmpty || state == .dropping { return }
        if state == .atStart { state = .inLine }
        putHeldCR(emit)
        // A CR at the end may be the half of a CRLF.
        let text = Self.withoutCR(bytes)
        heldCR = text.count < bytes.count
        if content == .json {
            put(text, emit)
            return
        }
        clean(text, emit)
        if heldCR { breakCut(emit) }
    }

    private mutating func clean(_ bytes: UnsafeBufferPointer<UInt8>, _ emit: Emit) {
        var position = completeCut(bytes, emit)
        while state != .dropping && position < bytes.count {
            let (end, stop) = TextScan.cleanRun(bytes, from: position)
            put(UnsafeBufferPointer(rebasing: bytes[position..<end]), emit)
            if state == .dropping { return }
            switch stop {
            case .end: position = end
            case .control:
                complaints.note(.illegalCharacters, line: number)
                put(0xE2, 0x90, 0x80 + bytes[end], emit)
                position = end + 1
            case .forbidden:
                complaints.note(.illegalCharacters, line: number)
                put(0xEF, 0xBF, 0xBD, emit)
                position = end + 3
            case .broken(let count):
                complaints.note(.invalidUTF8, line: number)
                put(0xEF, 0xBF, 0xBD, emit)
                position = end + count
            case .cut:
                cut.append(contentsOf: bytes[end...])
                return
            }
        }
    }

    /// Goes on with the sequence that the last chunk's end has cut; returns how many bytes it took.
    private mutating func completeCut(_ bytes: UnsafeBufferPointer<UInt8>, _ emit: Emit) -> Int {
        var position = 0
        while let first = cut.first, position < bytes.count {
            let byte = bytes[position]
            if !UTF8Sequence.continues(first, cut.count, byte) {
                breakCut(emit)
                break
            }
            cut.append(byte)
            position += 1
            if cut.count < UTF8Sequence.length(first) { continue }
            let character = cut
            cut.removeAll(keepingCapacity: true)
            if character.count == 3, first == 0xEF, character[1] == 0xBF, character[2] >= 0xBE {
                complaints.note(.illegalCharacters, line: number)
                put(0xEF, 0xBF, 0xBD, emit)
            } else {
                character.withUnsafeBufferPointer { put($0, emit) }
            }
        }
        return position
    }

    private mutating func breakCut(_ emit: Emit) {
        if cut.isEmpty { return }
        cut.removeAll(keepingCapacity: true)
        complaints.note(.invalidUTF8, line: number)
        put(0xEF, 0xBF, 0xBD, emit)
    }

    private mutating func putHeldCR(_ emit: Emit) {
        if !heldCR { return }
        heldCR = false
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) { byte in
            byte.initialize(repeating: 0x0D)
            put(UnsafeBufferPointer(byte), emit)
        }
    }

    // MARK: Clean bytes, within the limit

    private mutating func put(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ emit: Emit) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3) { bytes in
            bytes.initialize(repeating: a)
            bytes[1] = b
            bytes[2] = c
            put(UnsafeBufferPointer(bytes), emit)
        }
    }

    /// Appends whole characters; whenever they pass the capacity, hands out a part or refuses the line.
    private mutating func put(_ bytes: UnsafeBufferPointer<UInt8>, _ emit: Emit) {
        var position = 0
        while position < bytes.count && state != .dropping {
            // Four bytes more than fit, so that the character behind the cut is there to be looked at.
            let room = max(0, capacity - pending.count) + 4
            let end = min(bytes.count, position + room)
            pending.append(contentsOf: bytes[position..<end])
            position = end
            overflow(emit)
        }
    }

    /// What the line, or its next part, may hold.
    private var capacity: Int {
        switch state {
        case .splitting(let parts): lineBytesMax - Self.prefixLength(parts + 1)
        case .atStart, .inLine, .dropping: lineBytesMax
        }
    }

    private mutating func overflow(_ emit: Emit) {
        while pending.count > capacity {
            let parts: UInt64
            switch state {
            case .splitting(let count): parts = count
            case .atStart, .inLine, .dropping:
                complaints.note(.overlongLines, line: number)
                if overlong == .refuse {
                    pending.removeAll(keepingCapacity: true)
                    state = .dropping
                    emit(UnsafeBufferPointer(start: nil, count: 0), LineNote(number: number, piece: .refused))
                    return
                }
                parts = 0
            }
            let cut = PartCut.before(lineBytesMax - Self.prefixLength(parts + 1), in: pending)
            emitPart(parts + 1, pending[..<cut], last: false, emit)
            pending.removeFirst(cut)
            state = .splitting(parts + 1)
        }
    }

    private mutating func endLine(_ emit: Emit) {
        breakCut(emit)
        overflow(emit)
        switch state {
        case .atStart: emit(UnsafeBufferPointer(start: nil, count: 0), LineNote(number: number, piece: .empty))
        case .inLine:
            let note = LineNote(number: number, piece: pending.isEmpty ? .empty : .whole)
            pending.withUnsafeBufferPointer { emit($0, note) }
        case .splitting(let parts): emitPart(parts + 1, pending[...], last: true, emit)
        case .dropping: break
        }
        pending.removeAll(keepingCapacity: true)
        cut.removeAll(keepingCapacity: true)
        state = .atStart
        number += 1
    }

    private mutating func emitPart(_ index: UInt64, _ bytes: ArraySlice<UInt8>, last: Bool, _ emit: Emit) {
        complaints.note(.splitParts, line: number)
        part.removeAll(keepingCapacity: true)
        part.append(contentsOf: "(part \(index)) ".utf8)
        part.append(contentsOf: bytes)
        let note = LineNote(number: number, piece: .part(index, last: last))
        part.withUnsafeBufferPointer { emit($0, note) }
    }

    /// The bytes of `(part N) `.
    private static func prefixLength(_ part: UInt64) -> Int {
        var digits = 1
        var rest = part
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        return digits + 8
    }
}

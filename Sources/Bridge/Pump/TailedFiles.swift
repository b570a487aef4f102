import Endpoints
import Routing
import Stanza

/// Where the reading of tailed files stands, as far as the server and the sinks have taken what was read (DESIGN 6.1).
struct TailedFiles: Sendable {
    /// A file's stream of bytes.
    struct Stream: Hashable, Sendable {
        let source: Int
        let number: UInt64
    }

    /// A place in a file that counts once all that came before it is taken.
    fileprivate struct Mark: Sendable {
        let position: TailPosition
        /// All rows up to this one; nil where something was held back by rules or for rooms, until nothing is.
        var row: UInt64?
        /// What each sink must have written.
        let written: [UInt64]
    }

    /// Between two savings.
    static let saveSeconds = 1

    /// The places among the pump's sources.
    fileprivate var slots: [Stream: Int] = [:]
    fileprivate var freeSlots: [Int] = []
    fileprivate var marks: [Mark] = []
    fileprivate var firstMark = 0
    fileprivate var taken: [String: TailPosition]
    fileprivate var isUnsaved = false
    fileprivate var saved: Instant?

    init(saved positions: [TailPosition]) {
        taken = Dictionary(positions.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
    }

    /// When to save.
    var deadline: Instant? { isUnsaved ? saved.map { $0 + .seconds(Self.saveSeconds) } : nil }
}

extension Pump {
    /// What the reader of a `tail:` brings.
    mutating func tailed(_ item: TailCursor.Item, by source: Int) {
        switch item {
        case .began(let stream, let position):
            openSlot(.init(source: source, number: stream), path: position.path)
            mark(position)
        case .bytes(let stream, let bytes, let position):
            guard let slot = tails.slots[.init(source: source, number: stream)] else { return }
            if let end = bytes.lastIndex(of: 0x0A) {
                var whole = position
                whole.move(to: position.offset - UInt64(bytes.count - end - 1), behind: bytes[...end])
                sources[slot].position = whole
            }
            takeChunk(bytes, from: slot)
        case .late(let stream, let bytes):
            if let slot = tails.slots[.init(source: source, number: stream)] { takeChunk(bytes, from: slot) }
        case .ended(let stream):
            guard let slot = tails.slots.removeValue(forKey: .init(source: source, number: stream)) else { return }
            if phase == .running { finishLine(of: slot) }
            complain(atOnce: true)
            tails.freeSlots.append(slot)
        case .gap(let path, let reason, let bytes): tellGap(in: path, reason, bytes, source)
        }
    }

    private mutating func openSlot(_ stream: TailedFiles.Stream, path: String) {
        let parent = sources[stream.source]
        var source = InputSource(
            endpoint: parent.endpoint, route: parent.route, reads: .lines,
            framer: LineFramer(.text, limits: options.framing), origin: path)
        source.parent = stream.source
        if let slot = tails.freeSlots.popLast() {
            sources[slot] = source
            tails.slots[stream] = slot
        } else {
            sources.append(source)
            tails.slots[stream] = sources.count - 1
        }
    }

    private mutating func tellGap(in path: String, _ reason: TailCursor.Reason, _ bytes: UInt64?, _ source: Int) {
        let what = bytes.map { "\($0) bytes of \(path) are lost" } ?? "lines of \(path) may be lost"
        let why =
            switch reason {
            case .truncated: "it was truncated before they were read"
            case .rotated: "the file that was read last is not there any more, or is another"
            case .overflow: "it was rotated too often before they were read"
            }
        actions.append(.say(.warning, "\(what): \(why)"))
        let endpoint = "\(sources[source].endpoint)"
        emit(.gap(reason: reason.rawValue, text: "\(what): \(why)", source: endpoint, bytes: bytes))
    }

    // MARK: - Positions

    /// All that was read up to there is digested.
    mutating func mark(_ position: TailPosition) {
        let isQuiet = held.count == 0 && heldCount == 0
        tails.marks.append(
            .init(position: position, row: isQuiet ? store.lastNumber : nil, written: sinks.map(\.queued)))
    }

    /// Moves the positions on, and has them saved when it is time.
    mutating func settleTails() {
        if tails.firstMark < tails.marks.count { passMarks() }
        guard tails.isUnsaved else { return }
        if let due = tails.deadline, now < due { return }
        savePositions()
    }

    private mutating func passMarks() {
        let oldest = store.next(after: 0)?.number ?? .max
        let isQuiet = held.count == 0 && heldCount == 0
        while tails.firstMark < tails.marks.count {
            if tails.marks[tails.firstMark].row == nil, isQuiet { tails.marks[tails.firstMark].row = store.lastNumber }
            let mark = tails.marks[tails.firstMark]
            guard let row = mark.row, row < oldest,
                zip(sinks, mark.written).allSatisfy({ $0.isBroken || $0.written >= $1 })
            else { break }
            tails.taken[mark.position.path] = mark.position
            tails.isUnsaved = true
            tails.firstMark += 1
        }
        if tails.firstMark == tails.marks.count {
            tails.marks.removeAll(keepingCapacity: true)
            tails.firstMark = 0
        } else if tails.firstMark > 1_024 {
            tails.marks.removeFirst(tails.firstMark)
            tails.firstMark = 0
        }
    }

    mutating func savePositions() {
        guard tails.isUnsaved else { return }
        tails.isUnsaved = false
        tails.saved = now
        actions.append(.savePositions(tails.taken.values.sorted { $0.path < $1.path }))
    }
}

import Stanza

/// A pipe or a file into the bridge: what its writer has written and nobody has taken away.
final class LocalSource {
    let voice: Voice
    /// Whether it is a file, of which readers share an offset.
    let isFile: Bool
    private var bytes: [UInt8] = []
    /// How many bytes were taken away in all: the offset of a file.
    private(set) var taken = 0
    /// How far it was read.
    private var delivered = 0
    /// Where this process began to read.
    private var start = 0
    /// Bytes at the end of what was read that are no whole line.
    private var unended = 0
    /// Where each line ends, counted from the first byte ever written.
    private var lines: [(mark: Mark, end: Int)] = []
    private var firstUnread = 0
    private var firstUntaken = 0
    private var writtenCount = 0
    /// Whether the writer has closed.
    var isEnded = false

    init(_ voice: Voice, isFile: Bool) {
        self.voice = voice
        self.isFile = isFile
    }

    /// Whether there is something that was not read.
    var hasNews: Bool { delivered < writtenCount }
    /// Whether whole lines were read and not taken away.
    var isPending: Bool { delivered - taken > unended }
    /// Whether all is taken away.
    var isEmpty: Bool { taken == writtenCount }

    func write(_ mark: Mark, paddingMax: Int) {
        let line = Array((mark.text(paddingMax: paddingMax) + "\n").utf8)
        bytes += line
        writtenCount += line.count
        lines.append((mark, writtenCount))
    }

    /// A process begins to read at the offset, or further on.
    func open(at offset: Int? = nil) {
        if let offset { takeAway(upTo: offset) }
        delivered = taken
        start = taken
        unended = 0
        firstUnread = firstUntaken
    }

    /// Reads a chunk, and gives the lines that end in it.
    /// - Parameters:
    ///   - isWhole: whether the last line is read whole.
    ///   - isKept: whether what is read stays until it is taken away.
    func read(_ countMax: Int, isWhole: Bool, isKept: Bool) -> (bytes: [UInt8], lines: [Mark]) {
        let from = delivered - taken
        var end = min(bytes.count, from + countMax)
        if isWhole, let newline = bytes[(end - 1)...].firstIndex(of: 0x0A) { end = newline + 1 }
        let chunk = Array(bytes[from..<end])
        delivered += chunk.count
        unended = chunk.lastIndex(of: 0x0A).map { chunk.count - $0 - 1 } ?? unended + chunk.count
        var marks: [Mark] = []
        while firstUnread < lines.count, lines[firstUnread].end <= delivered {
            marks.append(lines[firstUnread].mark)
            firstUnread += 1
        }
        if !isKept { takeAway(upTo: delivered) }
        return (chunk, marks)
    }

    /// So many bytes, counted from where this process began, are safe.
    func consume(_ count: Int) { takeAway(upTo: min(start + count, delivered)) }

    private func takeAway(upTo offset: Int) {
        guard offset > taken else { return }
        bytes.removeFirst(offset - taken)
        taken = offset
        while firstUntaken < lines.count, lines[firstUntaken].end <= taken { firstUntaken += 1 }
        unended = min(unended, max(delivered - taken, 0))
    }

    /// Whole lines that were read and not taken away.
    var pendingLines: [Mark] { lines[min(firstUntaken, firstUnread)..<firstUnread].map(\.mark) }
    /// Lines that were taken away.
    var takenLines: some Collection<Mark> { lines[..<firstUntaken].lazy.map(\.mark) }
}

/// Where the bridge writes to: what arrived there outlives the bridge.
final class LocalSink {
    let sink: Sink
    /// Until when its reader takes nothing.
    var blockedUntil = Instant(nanoseconds: 0)
    /// Until when it cannot be written to.
    var spoiledUntil = Instant(nanoseconds: 0)
    private var partial: [UInt8] = []

    init(_ sink: Sink) { self.sink = sink }

    /// Takes bytes, and gives the marks of the lines that are whole by them.
    func write(_ bytes: some Sequence<UInt8>) -> [Mark] {
        var marks: [Mark] = []
        for byte in bytes {
            if byte == 0x0A {
                if let mark = Mark(partial) { marks.append(mark) }
                partial.removeAll(keepingCapacity: true)
            } else if partial.count < 16 {
                partial.append(byte)
            }
        }
        return marks
    }

    /// The writer is gone: half a line stays half a line.
    func breakOff() { partial.removeAll() }
}

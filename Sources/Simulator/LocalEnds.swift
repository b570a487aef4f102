import Stanza

/// A pipe into the bridge: what its writer has written and nobody has read.
final class LocalSource {
    let voice: Voice
    private var bytes: [UInt8] = []
    private var head = 0
    /// Bytes that were read in all.
    private(set) var readCount = 0
    /// Where each line ends, counted from the first byte ever written.
    private var lines: [(mark: Mark, end: Int)] = []
    private var firstUnread = 0
    private var writtenCount = 0
    /// Whether the writer has closed.
    var isEnded = false

    init(_ voice: Voice) { self.voice = voice }

    var isEmpty: Bool { head == bytes.count }

    func write(_ mark: Mark, paddingMax: Int) {
        let line = Array((mark.text(paddingMax: paddingMax) + "\n").utf8)
        bytes += line
        writtenCount += line.count
        lines.append((mark, writtenCount))
    }

    /// Takes a chunk, and gives the lines that end in it.
    /// - Parameter isWhole: whether the last line is taken whole.
    func read(_ countMax: Int, isWhole: Bool) -> (bytes: [UInt8], lines: [Mark]) {
        var end = min(bytes.count, head + countMax)
        if isWhole, let newline = bytes[(end - 1)...].firstIndex(of: 0x0A) { end = newline + 1 }
        let chunk = Array(bytes[head..<end])
        head = end
        readCount += chunk.count
        if head == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            head = 0
        }
        var marks: [Mark] = []
        while firstUnread < lines.count, lines[firstUnread].end <= readCount {
            marks.append(lines[firstUnread].mark)
            firstUnread += 1
        }
        return (chunk, marks)
    }
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

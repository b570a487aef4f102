import Endpoints
import Routing
import Stanza

/// Which files are read, and by which of the pump's sources.
struct TailedFiles: Sendable {
    /// A file's stream of bytes.
    struct Stream: Hashable, Sendable {
        let source: Int
        let number: UInt64
    }

    /// The places among the pump's sources.
    fileprivate var slots: [Stream: Int] = [:]
    fileprivate var freeSlots: [Int] = []
}

extension Pump {
    /// What the reader of a `tail:` brings.
    mutating func tailed(_ item: TailCursor.Item, by source: Int) {
        switch item {
        case .began(let stream, let position):
            openSlot(.init(source: source, number: stream), path: position.path)
            mark(.position(position), of: source)
        case .bytes(let stream, let bytes, let position):
            guard let slot = tails.slots[.init(source: source, number: stream)] else { return }
            if !sources[slot].isRetired, let end = bytes.lastIndex(of: 0x0A) {
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
        source.isRetired = parent.isRetired
        source.sinks = parent.sinks
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
}

import Endpoints
import Routing
import Spool
import Stanza

/// A place in a source that counts once all that came before it is safe: rows and what rules hold back by the batch
/// that they are in, what went to sinks once it is written, or in the store (DESIGN 6.1).
struct SourceMark: Sendable {
    /// Where.
    enum Place: Sendable {
        /// In a file that is followed.
        case position(TailPosition)
        /// So many bytes in all.
        case bytes(UInt64)
    }

    /// So many bytes of a sink.
    struct Awaited: Equatable, Sendable {
        let sink: Int
        let bytes: UInt64
    }

    var place: Place
    /// What the source's sinks must have written, by their numbers.
    let awaited: [Awaited]
    let since: Instant
}

// What of the sources is safe, and may be forgotten there.
extension Pump {
    /// A piece of a source is digested: whole lines of it count.
    mutating func noteDigested(_ piece: ArraySlice<UInt8>, of source: Int) {
        guard journal.isDurable else { return }
        sources[source].digestedBytes += UInt64(piece.count)
        if let parent = sources[source].parent {
            guard let position = sources[source].position, sources[source].undigested.isEmpty else { return }
            sources[source].position = nil
            mark(.position(position), of: parent)
        } else if let end = piece.lastIndex(of: 0x0A) {
            mark(.bytes(sources[source].digestedBytes - UInt64(piece.endIndex - end - 1)), of: source)
        }
    }

    mutating func mark(_ place: SourceMark.Place, of source: Int) {
        guard journal.isDurable else { return }
        let awaited = sources[source].sinks.map { SourceMark.Awaited(sink: $0, bytes: sinks[$0].queued) }
        let mark = SourceMark(place: place, awaited: awaited, since: now)
        if case .bytes = place, let last = sources[source].marks.last, last.awaited == awaited {
            sources[source].marks[sources[source].marks.count - 1]?.place = place
        } else {
            sources[source].marks.append(mark)
        }
    }

    /// Lets go what is safe by now, or will be with the batch of this input.
    mutating func settleMarks() {
        guard journal.isDurable else { return }
        for source in sources.indices where !sources[source].marks.isEmpty { passMarks(of: source) }
    }

    private mutating func passMarks(of source: Int) {
        var positions: [String: TailPosition] = [:]
        var bytes: UInt64?
        while let mark = sources[source].marks.first, isSafe(mark) {
            sources[source].marks.popFirst()
            switch mark.place {
            case .position(let position): positions[position.path] = position
            case .bytes(let count): bytes = count
            }
        }
        for (path, position) in positions.sorted(by: { $0.key < $1.key }) {
            journal.order(.position(path: path, TailPositions.text([position])))
        }
        guard let bytes else { return }
        if source == 0, let place = options.input {
            let here = FilePlace(key: place.key, offset: place.offset + sources[0].forgottenBytes)
            journal.order(.keep(Checkpoint.input, here.step(to: place.offset + bytes)))
        }
        sources[source].safeBytes = bytes
        journal.promise(.consumed(source: source, bytes: bytes))
    }

    private func isSafe(_ mark: SourceMark) -> Bool {
        mark.awaited.allSatisfy { sinks[$0.sink].isBroken || sinks[$0.sink].safe >= $0.bytes }
    }

    /// When sinks have held up a source for too long.
    var marksDeadline: Instant? {
        guard journal.isDurable else { return nil }
        var first: Instant?
        for source in sources {
            guard let mark = source.marks.first else { continue }
            let due = mark.since + .seconds(Limits.spillSeconds)
            first = first.map { min($0, due) } ?? due
        }
        return first
    }

    /// What slow sinks have not written goes into the store, so that the sources go on.
    mutating func expireMarks() {
        guard let due = marksDeadline, due <= now else { return }
        for source in sources where !source.marks.isEmpty {
            for awaited in source.marks.first?.awaited ?? [] { spill(awaited.sink) }
        }
    }
}

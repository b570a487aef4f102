import Endpoints
import Stanza

@testable import Bridge

/// A source's reader.
struct SourceInput {
    var source: Source
    /// Whether it has a permission that it has not used yet.
    var isReading = false
    /// When its next read is on the agenda.
    var due: Instant?
    /// Whether its end was read: its thread is gone.
    var isOver = false
    /// Of each file the line that is not whole yet.
    var partial: [UInt64: [UInt8]] = [:]

    enum Source {
        case pipe(LocalSource)
        case tail(TailSet)
    }

    init(_ source: Source) { self.source = source }
}

// The readers of local sources, in the manner of the driver's threads: a chunk, or an item, for each permission.
extension BridgeProcess {
    private static let chunkBytesMax = 65_536

    /// Something was written into a source.
    func written(_ voice: Voice) {
        for index in inputs.indices {
            switch inputs[index]?.source {
            case .pipe(let source): if source.voice == voice { look(at: index) }
            case .tail: if voice == .log { look(at: index) }
            case nil: break
            }
        }
    }

    /// Puts a read on the agenda where there may be something to read.
    func look(at source: Int) {
        guard let input = inputs[source], input.isReading, !input.isOver, isAlive else { return }
        if case .pipe(let pipe) = input.source {
            guard pipe.hasNews || pipe.isEnded else { return }
            // While whole lines are on their way into safety, what comes gathers in the pipe.
            if isTeed, !pipe.isFile, pipe.isPending { return }
        }
        read(source, at: world.now + .microseconds(world.chances.local.among(10...500)))
    }

    private func read(_ source: Int, at time: Instant) {
        if let due = inputs[source]?.due, due <= time { return }
        inputs[source]?.due = time
        world.add(.read(number, source), at: time)
    }

    func read(_ source: Int) {
        guard let input = inputs[source], let due = input.due, due <= world.now, isAlive else { return }
        inputs[source]?.due = nil
        switch input.source {
        case .pipe(let pipe): read(pipe, source)
        case .tail(var set):
            var folder = world.log
            set.look(&folder)
            let item = set.next(&folder, bytesMax: Self.chunkBytesMax, at: world.now)
            inputs[source]?.source = .tail(set)
            guard let item else {
                if let deadline = set.deadline { read(source, at: deadline) }
                return
            }
            inputs[source]?.isReading = false
            take(item, from: source)
        }
    }

    private func read(_ pipe: LocalSource, _ source: Int) {
        inputs[source]?.isReading = false
        if !pipe.hasNews {
            inputs[source]?.isOver = true
            return feed(.inputEnded)
        }
        let size = world.setting.isChopped ? world.chances.local.magnitude(1...Self.chunkBytesMax) : Self.chunkBytesMax
        // Without a store a process that is stopped in the middle of a line leaves half of it behind.
        take(pipe.read(size, isWhole: !isTeed, isKept: isTeed), from: source)
    }

    /// Whether what is read stays where it is until it is safe.
    private var isTeed: Bool { world.setting.isDurable && world.canary != .consumedAtOnce }

    /// So many bytes in all are safe.
    func consume(_ source: Int, _ bytes: Int) {
        guard case .pipe(let pipe) = inputs[source]?.source else { return }
        pipe.consume(bytes)
        look(at: source)
    }

    private func take(_ chunk: (bytes: [UInt8], lines: [Mark]), from source: Int) {
        took(chunk.lines)
        feed(.inputChunk(chunk.bytes, source: source))
    }

    private func took(_ lines: [Mark]) {
        world.trace.note(world.now, "  takes \(lines)")
        // What comes behind the order to stop is not accepted.
        if pump.phase == .running { world.oracle.outbound.taken(lines) }
    }

    private func take(_ item: TailCursor.Item, from source: Int) {
        switch item {
        case .bytes(let stream, let bytes, _), .late(let stream, let bytes):
            let text = (inputs[source]?.partial[stream] ?? []) + bytes
            let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
            inputs[source]?.partial[stream] = Array(lines.last ?? [])
            took(lines.dropLast().compactMap { Mark($0) })
        case .ended(let stream): inputs[source]?.partial[stream] = nil
        case .began: break
        case .gap: world.oracle.accuse("a gap in a log that was only rotated: \(item)")
        }
        feed(.tailed(item, source: source))
    }

    func readLeftovers() {
        for source in inputs.indices.dropFirst() {
            guard case .pipe(let pipe) = inputs[source]?.source, pipe.hasNews else { continue }
            take(pipe.read(1_024 * 1_024, isWhole: true, isKept: isTeed), from: source)
        }
    }
}

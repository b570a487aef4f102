import Endpoints
import Routing
import Spool
import Stanza

/// Where lines come from on the local side, with all that is its own: a framer, what of its last chunk waits, and its
/// complaints. Number 0 is standard input.
struct InputSource: Sendable {
    /// As a configuration names it.
    let endpoint: Endpoint
    /// As the rules know it.
    var route: Source
    /// What it holds.
    let reads: Pump.Options.Reads
    var framer: LineFramer
    /// What `{source}` says of its lines.
    var origin: String
    /// What of the last chunk waits for room in the store.
    var undigested: ArraySlice<UInt8> = []
    /// The number of the last line.
    var lines: UInt64 = 0
    var complaintsTold: Instant?
    /// Whether no rule reads it any more.
    var isRetired = false
    /// The source that it is a file of.
    var parent: Int?
    /// Where its file stands once what was read is digested.
    var position: TailPosition?
    /// The FIFOs that its lines go to, and that it waits for.
    var waitsFor: [Int] = []
    /// The sinks that have something of its lines before these are safe.
    var sinks: [Int] = []
    /// Bytes that were digested, in all.
    var digestedBytes: UInt64 = 0
    /// Those of them that are safe, or will be with the batch of this input.
    var safeBytes: UInt64 = 0
    /// Those of them that its reader was told to forget there.
    var forgottenBytes: UInt64 = 0
    /// Places in it that are not safe yet.
    var marks = Queue<SourceMark>()

    /// Bytes that were read, in all.
    var readBytes: UInt64 { digestedBytes + UInt64(undigested.count) }
}

extension Pump {
    /// Whether another chunk of a source may be read: that is the backpressure on the producer. Mutating only so that a
    /// caller does not copy the pump to ask.
    mutating func wants(_ source: Int) -> Bool { source == 0 ? wantsInput : mayRead(source) }

    /// Whether standard input may be read.
    var wantsInput: Bool {
        guard options.reads != .nothing || options.watchesInput, mayRead(0) else { return false }
        // Every command has a result: none is read while those of earlier ones are not taken.
        if options.answersCommands, sinks[0].waiting > Limits.outputWaitingBytesMax / 2 { return false }
        // Commands may be queries, which nobody can keep until there is a session.
        return options.reads != .commands || session.hasBeenOnline
    }

    private func mayRead(_ source: Int) -> Bool {
        guard phase == .running, !sources[source].isRetired, sources[source].undigested.isEmpty, !isFull else {
            return false
        }
        if case .tail = sources[source].endpoint {
            for file in sources where file.parent == source && !file.undigested.isEmpty { return false }
        }
        for sink in sources[source].waitsFor where sinks[sink].waiting > Limits.blockBytesMax { return false }
        return !options.waitsForLogin || session.hasBeenOnline
    }

    /// Whether all that was read is cut into lines.
    var isDigested: Bool { sources.allSatisfy { $0.undigested.isEmpty } }

    mutating func takeChunk(_ chunk: [UInt8], from source: Int) {
        // The rules do not know it any more.
        if sources[source].isRetired { return tellUnread(chunk.count, of: source) }
        counters.bytesRead += UInt64(chunk.count)
        sources[source].undigested += chunk
        digest()
        complain()
    }

    /// Takes in as much of what was read as the store has room for, a piece of each source in turn; the rest follows when
    /// rows are released.
    /// - Parameter whole: all of it, beyond the store's limit: what was read is not left behind at the end.
    mutating func digest(whole: Bool = false) {
        var isAnyLeft = true
        while isAnyLeft {
            isAnyLeft = false
            for source in sources.indices {
                guard phase == .running, whole || !isFull else { return }
                guard !sources[source].undigested.isEmpty else { continue }
                digestPiece(of: source)
                isAnyLeft = true
            }
        }
    }

    /// Takes in all that was read of one source, beyond the store's limit.
    mutating func digestAll(of source: Int) {
        while !sources[source].undigested.isEmpty { digestPiece(of: source) }
    }

    private mutating func digestPiece(of source: Int) {
        let piece = sources[source].undigested.prefix(Limits.digestBytes)
        sources[source].undigested.removeFirst(piece.count)
        withFramer(of: source) { framer, pump in
            piece.withUnsafeBufferPointer { bytes in
                framer.push(bytes) { line, note in pump.takeLine(line, note, from: source) }
            }
        }
        commit()
        noteDigested(piece, of: source)
    }

    /// The framer calls back into the pump, so it is moved out of it for the time of the call.
    private mutating func withFramer(of source: Int, _ body: (inout LineFramer, inout Pump) -> Void) {
        var framer = LineFramer()
        swap(&framer, &sources[source].framer)
        body(&framer, &self)
        swap(&framer, &sources[source].framer)
    }

    /// The sources have ended, or are left: a last line without its end is a line.
    /// - Parameter isStopped: whether standard input goes on. The half line that it holds still is whole for the next run.
    mutating func finishLines(isStopped: Bool = false) {
        let isLineLeft = isStopped && sources[0].framer.unendedBytes.map { $0 <= options.leftLineBytesMax } ?? false
        for source in sources.indices where source > 0 || !isLineLeft {
            // The end of a file may be in the middle of a line: the next run reads it whole.
            if sources[source].parent == nil { finishLine(of: source) }
        }
        flushLines()
        commit()
        complain(atOnce: true)
    }

    mutating func finishLine(of source: Int) {
        if sources[source].isRetired { return }
        withFramer(of: source) { framer, pump in
            framer.finish { line, note in pump.takeLine(line, note, from: source) }
        }
        flushLines(of: source)
        commit()
        if sources[source].parent == nil { mark(.bytes(sources[source].digestedBytes), of: source) }
    }

    private mutating func takeLine(_ line: UnsafeBufferPointer<UInt8>, _ note: LineNote, from source: Int) {
        counters.linesRead &+= note.number &- sources[source].lines
        sources[source].lines = note.number
        switch note.piece {
        case .empty: return
        case .refused:
            refusedInput = true
            if sources[source].reads == .commands {
                answer(CommandProblem.overlong(line: note.number, bytesMax: Limits.commandBytesMax).event)
            }
            return
        case .whole, .part: break
        }
        switch sources[source].reads {
        case .nothing: unexpectedInput()
        case .commands: takeCommand(line, number: note.number)
        case .lines:
            route(
                .line(Record.Line(bytes: Array(line), number: note.number, source: sources[source].origin)),
                from: sources[source].route, number: source)
        }
    }

    /// A producer writes into a run whose rules take no line: a mistake that must not pass in silence.
    private mutating func unexpectedInput() {
        guard phase == .running else { return }
        actions.append(
            .say(.error, "lines come on \(name(of: 0)) and no rule takes them; give --to JID, or a bridge from: stdin"))
        worst = .usage
        leave()
    }

    // MARK: - Complaints

    /// Tells what was wrong with the input, once a minute at most.
    mutating func complain(atOnce: Bool = false) {
        for trouble in router.takeTroubles() { tell(trouble) }
        for source in sources.indices where !sources[source].framer.complaints.isEmpty {
            let told = sources[source].complaintsTold
            if !atOnce, let told, now < told + .seconds(Limits.complaintSeconds) { continue }
            sources[source].complaintsTold = now
            let complaints = sources[source].framer.takeComplaints()
            actions.append(.say(.warning, "\(name(of: source)): \(complaints)"))
            emit(.error(complaints, source: "\(sources[source].endpoint)"))
        }
    }

    private mutating func tell(_ trouble: Router.Trouble) {
        let name = router.rules[trouble.rule].name ?? "number \(trouble.rule + 1)"
        let place = trouble.line.map { " in line \($0)" } ?? ""
        let counts = router.rules[trouble.rule].selection.onError == .pass ? "matched" : "not matched"
        let text = "the pattern of bridge \(name) gives up\(place): \(trouble.what); such lines count as \(counts)"
        actions.append(.say(.warning, text))
        emit(.error(code: "pattern", text: text))
    }
}

extension Endpoint {
    /// What `{source}` says of lines from there, where they have no file's own name.
    var origin: String {
        switch self {
        case .fifo(let path), .tail(let path): path
        case .stdin, .stdout, .xmpp, .room, .events, .presence, .commands, .file: "\(self)"
        }
    }
}

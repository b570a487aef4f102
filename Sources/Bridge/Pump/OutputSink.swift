import Endpoints
import Routing
import Session
import Stanza

/// Whole lines for a sink, made in one minute.
struct Parcel: Equatable, Sendable {
    var bytes: [UInt8]
    var time: WallTime
}

/// Where records go on the local side, with all that is its own: the bytes that its writer has not got, how many it was
/// given and has written in all, and the stanzas that wait for them. Number 0 is standard output.
struct OutputSink: Sendable {
    /// As a configuration names it.
    let endpoint: Endpoint
    /// How events look there.
    let form: OutputForm
    /// Whether its name follows the time.
    let isDated: Bool
    var events = EventWriter()
    /// What the writer has not got yet, of the last minute.
    var output: [UInt8] = []
    /// The same of earlier minutes: the name of a file may follow the time.
    private var earlier: [Parcel] = []
    private var time = WallTime(milliseconds: 0)
    /// Bytes in all.
    var queued: UInt64 = 0
    /// Those of them that are written.
    var written: UInt64 = 0
    /// Whether the oldest lines are dropped where too many wait.
    var dropsOldest = false
    /// How far into ``output`` its writer was given it, where the oldest lines may be dropped.
    private var taken = 0
    /// Bytes that its writer was given, then.
    private var handed: UInt64 = 0
    /// Bytes that were dropped after they were counted.
    private var skipped: UInt64 = 0
    /// Whether it cannot write for now.
    var isFailing = false
    /// Whether nothing more will ever be written there.
    var isBroken = false
    /// Events that found no room, since the last that did.
    var dropped: UInt64 = 0
    /// Whether something was queued since a stanza was last noted.
    private var isTouched = false
    private var unhandled = UnhandledStanzas()

    init(_ endpoint: Endpoint, form: OutputForm) {
        self.endpoint = endpoint
        self.form = form
        if case .file(let path) = endpoint { isDated = path.isDated } else { isDated = false }
    }

    /// What a person calls it.
    var name: String { endpoint == .stdout ? "standard output" : "\(endpoint)" }
    /// Bytes that wait to be written.
    var waiting: UInt64 { queued - written }
    /// Whether nothing is to be waited for.
    var isDone: Bool { isBroken || waiting == 0 }

    /// What follows is of that time.
    mutating func begin(at now: WallTime) {
        let minute: Int64 = 60_000
        if !output.isEmpty, now.milliseconds / minute != time.milliseconds / minute {
            earlier.append(Parcel(bytes: output, time: time))
            output = []
        }
        time = now
    }

    /// All that the writer has not got yet.
    mutating func takeParcels() -> [Parcel] {
        if output.isEmpty, earlier.isEmpty { return [] }
        if dropsOldest { return takeLines() }
        var parcels: [Parcel] = []
        swap(&parcels, &earlier)
        if !output.isEmpty { parcels.append(Parcel(bytes: output, time: time)) }
        output = []
        return parcels
    }

    /// As much as its writer may hold, in whole lines: what is given away can no longer be dropped.
    private mutating func takeLines() -> [Parcel] {
        let max = Pump.Limits.handedBytesMax
        guard taken < output.count, handed + skipped - written < UInt64(max) else { return [] }
        var end = output.count
        if end - taken > max { end = output[(taken + max)...].firstIndex(of: 0x0A).map { $0 + 1 } ?? end }
        let parcel = Parcel(bytes: Array(output[taken..<end]), time: time)
        handed += UInt64(end - taken)
        taken = end
        forgetTaken()
        return [parcel]
    }

    /// Drops the oldest lines that its writer has not got, until half the room is free.
    /// - Returns: How many.
    mutating func dropOldest() -> UInt64 {
        var lines: UInt64 = 0
        var end = taken
        while waiting - UInt64(end - taken) > Pump.Limits.outputWaitingBytesMax / 2,
            let next = output[end...].firstIndex(of: 0x0A)
        {
            end = next + 1
            lines += 1
        }
        skipped += UInt64(end - taken)
        written += UInt64(end - taken)
        taken = end
        forgetTaken()
        return lines
    }

    /// Gives the room of what was taken back, at a cost of one step for each byte in all.
    private mutating func forgetTaken() {
        if taken == output.count {
            output.removeAll(keepingCapacity: true)
        } else if taken > output.count / 2 {
            output.removeFirst(taken)
        } else {
            return
        }
        taken = 0
    }

    /// The writer has written so much in all.
    mutating func wrote(_ total: UInt64) { written = total + skipped }

    /// Appends an event in the sink's form.
    /// - Returns: Whether it has one there.
    mutating func append(_ event: EventRecord, at time: WallTime) -> Bool {
        switch form {
        case .text: return TextWriter().append(event, to: &output)
        case .ndjson:
            events.append(event, at: time, to: &output)
            return true
        }
    }

    /// Counts what was appended to ``output``.
    mutating func count(from before: Int) {
        guard output.count > before else { return }
        queued += UInt64(output.count - before)
        isTouched = true
    }

    /// What was queued since the last note came from that stanza.
    mutating func note(_ stanza: UInt64) {
        guard isTouched else { return }
        isTouched = false
        // Before the first stanza there is none to wait with.
        if stanza > 0 { unhandled.add(stanza, writtenAt: queued) }
    }

    /// The oldest stanza that is not written whole.
    mutating func oldestUnhandled() -> UInt64? { unhandled.oldest(writtenUpTo: written) }

    /// Stanzas up to this one are safe elsewhere.
    mutating func forget(upTo stanza: UInt64) { unhandled.forget(upTo: stanza) }
}

// Bytes for sinks, and what is handled once they are written.
extension Pump {
    /// The bytes for a sink.
    mutating func takeOutput(of sink: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        swap(&bytes, &sinks[sink].output)
        return bytes
    }

    mutating func takeParcels(for sink: Int) -> [Parcel] { sinks[sink].takeParcels() }

    mutating func printEvent(_ event: EventRecord, to sink: Int = 0) {
        let isMessage = event.kind == .message
        print(to: sink, isMessage: isMessage) { $0.append(event, at: $1) }
    }

    mutating func printText(_ text: [UInt8], to sink: Int = 0) {
        print(to: sink, isMessage: true) { sink, _ in
            TextWriter().append(line: text, to: &sink.output)
            return true
        }
    }

    /// Bytes as they are, to standard output.
    mutating func printRaw(_ bytes: [UInt8]) {
        print(to: 0, isMessage: false) { sink, _ in
            sink.output += bytes
            return true
        }
    }

    private mutating func print(to sink: Int, isMessage: Bool, _ write: (inout OutputSink, WallTime) -> Bool) {
        guard !sinks[sink].isBroken else { return }
        if sinks[sink].waiting >= Limits.outputWaitingBytesMax {
            guard sinks[sink].dropsOldest else {
                sinks[sink].dropped += 1
                return
            }
            sinks[sink].dropped += sinks[sink].dropOldest()
        } else if !sinks[sink].dropsOldest {
            tellDropped(by: sink)
        }
        if sinks[sink].isDated { sinks[sink].begin(at: wall) }
        let before = sinks[sink].output.count
        let wrote = write(&sinks[sink], wall)
        sinks[sink].count(from: before)
        if sink == 0 && wrote && isMessage { countMessage() }
    }

    /// Tells how many events were dropped since the last that was printed.
    mutating func tellDropped(by sink: Int) {
        let count = sinks[sink].dropped
        guard count > 0 else { return }
        sinks[sink].dropped = 0
        guard sink == 0 else { return tellGap(of: sink, count) }
        let text = options.hasChild ? "the command reads too slowly" : "standard output's reader is too slow"
        if sinks[sink].form == .ndjson {
            let before = sinks[sink].output.count
            _ = sinks[sink].append(.gap(reason: "slow-reader", text: text, count: count), at: wall)
            sinks[sink].count(from: before)
        } else {
            actions.append(.say(.warning, "\(count) events were not printed: \(text)"))
        }
    }

    /// What the rules say about the FIFOs that they write to, for sinks and sources.
    mutating func settleOverflow() {
        for number in sinks.indices {
            sinkNumbers[sinks[number].endpoint] = number
            sinks[number].dropsOldest = false
        }
        for rule in router.rules where rule.overflow == .dropOldest {
            for case .fifo(let path) in rule.to {
                if let sink = sinkNumbers[.fifo(path)] { sinks[sink].dropsOldest = true }
            }
        }
        for source in sources.indices {
            let rules = router.rules.filter { $0.from.contains(sources[source].endpoint) }
            let all = Set(rules.flatMap(\.to).compactMap { if case .fifo = $0 { sinkNumbers[$0] } else { nil } })
            sources[source].waitsFor = all.filter { !sinks[$0].dropsOldest }.sorted()
        }
    }

    /// In a file of texts a JSON object would be a stranger: the gap is an event of its own.
    private mutating func tellGap(of sink: Int, _ count: UInt64) {
        let what = count == 1 ? "1 line was" : "\(count) lines were"
        let text = "\(what) not written to \(sinks[sink].endpoint): too much waited"
        actions.append(.say(sinks[sink].dropsOldest ? .warning : .error, text))
        // Who asked for the oldest to be dropped gets what was asked for.
        if !sinks[sink].dropsOldest { worst = worst ?? .io }
        emit(.gap(reason: "overflow", text: text, count: count, sink: "\(sinks[sink].endpoint)"))
    }

    /// The writer cannot write, and tries again: others do not notice.
    mutating func sinkFailing(_ reason: String, _ sink: Int) {
        sinks[sink].isFailing = true
        let text = "writing to \(sinks[sink].endpoint) failed: \(reason)"
        actions.append(.say(.error, "\(text); it is tried again"))
        emit(.error(code: "sink", text: text, source: "\(sinks[sink].endpoint)"))
    }

    mutating func sinkRecovered(_ sink: Int) {
        guard sinks[sink].isFailing else { return }
        sinks[sink].isFailing = false
        actions.append(.say(.warning, "writing to \(sinks[sink].endpoint) works again"))
    }

    /// Everything that came of the stanza that was observed last is queued.
    mutating func noteObserved() {
        stanzaObserved = max(stanzaObserved, session.inboundStanza)
        for sink in sinks.indices { sinks[sink].note(stanzaObserved) }
    }

    mutating func written(_ total: UInt64, by sink: Int) {
        sinks[sink].wrote(total)
        let hasRoom = sinks[sink].waiting < Limits.outputWaitingBytesMax / 2
        if sink != 0, sinks[sink].dropped > 0, hasRoom { tellDropped(by: sink) }
        tellHandled()
        if case .flushing = phase { flushed() }
        leaveIfSettled()
    }

    /// Tells the session which stanzas all their sinks have written.
    mutating func tellHandled() {
        var handled = stanzaObserved
        for sink in sinks.indices {
            // What a sink that is broken has not written is lost; a run that has nothing else to do leaves it to the next.
            if sinks[sink].isBroken, !isSated { continue }
            if let oldest = sinks[sink].oldestUnhandled() { handled = min(handled, oldest - 1) }
        }
        guard handled > stanzaHandled else { return }
        stanzaHandled = handled
        drive(.handled(upTo: handled))
    }

    /// In memory the bytes that wait for sinks are the spool: stanzas up to this one are safe as they are.
    mutating func spill(upTo stanza: UInt64) {
        for sink in sinks.indices { sinks[sink].forget(upTo: stanza) }
        stanzaHandled = max(stanzaHandled, stanza)
        drive(.handled(upTo: stanza))
    }

    /// Whether every sink has written what it has.
    var isAllWritten: Bool { sinks.allSatisfy(\.isDone) }
}

/// Inbound stanzas whose events are not yet written by a sink, oldest first.
struct UnhandledStanzas: Equatable, Sendable {
    private struct Entry: Equatable {
        var stanza: UInt64
        var offset: UInt64
    }

    private var entries: [Entry] = []
    private var first = 0

    /// A stanza is handled once the sink has written up to `offset`.
    mutating func add(_ stanza: UInt64, writtenAt offset: UInt64) {
        if first < entries.count, entries[entries.count - 1].stanza == stanza {
            entries[entries.count - 1].offset = offset
        } else {
            entries.append(Entry(stanza: stanza, offset: offset))
        }
    }

    /// The oldest stanza that is not handled; nil where all are.
    mutating func oldest(writtenUpTo offset: UInt64) -> UInt64? {
        while first < entries.count, entries[first].offset <= offset { first += 1 }
        compact()
        return first < entries.count ? entries[first].stanza : nil
    }

    /// Stanzas up to this one are safe elsewhere.
    mutating func forget(upTo stanza: UInt64) {
        while first < entries.count, entries[first].stanza <= stanza { first += 1 }
        compact()
    }

    /// Gives the room of what was taken back, at a cost of one step per entry in all.
    private mutating func compact() {
        if first == entries.count {
            entries.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 1_024, first > entries.count / 2 {
            entries.removeFirst(first)
            first = 0
        }
    }
}

import Endpoints
import Routing
import Spool
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

    // With a store.
    /// Whether what is not written is kept here, so that it can be spilled.
    var keepsUnwritten = false
    /// What its writer has and has not written.
    private var unwritten = Queue<Parcel>()
    /// The bytes before it.
    private var unwrittenFrom: UInt64 = 0
    /// What is in the store, with the number it has there and where it ends.
    private var spilled = Queue<(number: UInt64, end: UInt64)>()
    private var lastSpill: UInt64 = 0
    private var spilledTo: UInt64 = 0
    private static let minute: Int64 = 60_000

    init(_ endpoint: Endpoint, form: OutputForm) {
        self.endpoint = endpoint
        self.form = form
        if case .file(let path) = endpoint { isDated = path.isDated } else { isDated = false }
    }

    /// What a person calls it.
    var name: String { endpoint == .stdout ? "standard output" : "\(endpoint)" }
    /// Bytes that wait to be written.
    var waiting: UInt64 { queued - written }
    /// Bytes that are written, or in the store.
    var safe: UInt64 { max(written, spilledTo) }
    /// Whether nothing is to be waited for.
    var isDone: Bool { isBroken || waiting == 0 }

    /// What follows is of that time.
    mutating func begin(at now: WallTime) {
        if !isSameTime(now, time) { close() }
        time = now
    }

    /// All that the writer has not got yet.
    mutating func takeParcels() -> [Parcel] {
        if output.isEmpty, earlier.isEmpty { return [] }
        if dropsOldest { return takeLines() }
        close()
        var parcels: [Parcel] = []
        swap(&parcels, &earlier)
        if keepsUnwritten { for parcel in parcels { unwritten.append(parcel) } }
        return parcels
    }

    /// What was queued so far is a parcel of its own.
    private mutating func close() {
        if !output.isEmpty { earlier.append(Parcel(bytes: output, time: time)) }
        output = []
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
    mutating func wrote(_ total: UInt64) {
        written = total + skipped
        while let first = unwritten.first, unwrittenFrom + UInt64(first.bytes.count) <= written {
            unwritten.popFirst()
            unwrittenFrom += UInt64(first.bytes.count)
        }
    }

    // MARK: - Spilling

    /// What is not written and not in the store, in whole lines, each part with the number that it has there.
    mutating func spill() -> [(number: UInt64, Parcel)] {
        close()
        var parts: [(number: UInt64, Parcel)] = []
        var end = unwrittenFrom
        for parcel in (0..<unwritten.count).compactMap({ unwritten[$0] }) + earlier {
            end += UInt64(parcel.bytes.count)
            guard end > spilledTo else { continue }
            if let last = parts.last, isSameTime(last.1.time, parcel.time) {
                parts[parts.count - 1].1.bytes += parcel.bytes
            } else {
                lastSpill += 1
                parts.append((lastSpill, parcel))
            }
        }
        var at = max(spilledTo, unwrittenFrom)
        for part in parts {
            at += UInt64(part.1.bytes.count)
            spilled.append((part.number, at))
        }
        spilledTo = max(spilledTo, end)
        return parts
    }

    private func isSameTime(_ a: WallTime, _ b: WallTime) -> Bool {
        !isDated || a.milliseconds / Self.minute == b.milliseconds / Self.minute
    }

    /// Queues what an earlier run had spilled, and what is in the store.
    mutating func restore(_ bytes: SpilledBytes) {
        if dropsOldest {
            output += bytes.bytes
        } else {
            close()
            earlier.append(Parcel(bytes: bytes.bytes, time: WallTime(milliseconds: bytes.time)))
        }
        queued += UInt64(bytes.bytes.count)
        lastSpill = max(lastSpill, bytes.number)
        spilledTo = queued
        spilled.append((bytes.number, queued))
    }

    /// Nothing more will be written: what waits is lost, but for what is in the store.
    mutating func breakOff() {
        isBroken = true
        output.removeAll()
        earlier.removeAll()
        unwritten = Queue()
    }

    /// The number up to which what was spilled is written by now; nil where nothing more is.
    mutating func takeUnspilled() -> UInt64? {
        var number: UInt64?
        while let first = spilled.first, first.end <= written {
            spilled.popFirst()
            number = first.number
        }
        return number
    }

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
    mutating func oldestUnhandled() -> UInt64? { unhandled.oldest(writtenUpTo: safe) }

    /// Stanzas up to this one are safe elsewhere.
    mutating func forget(upTo stanza: UInt64) { unhandled.forget(upTo: stanza) }
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

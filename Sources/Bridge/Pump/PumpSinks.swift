import Endpoints
import Routing
import Session
import Spool
import Stanza

// Bytes for sinks, and what is handled once they are written.
extension Pump {
    /// The bytes for a sink.
    mutating func takeOutput(of sink: Int = 0) -> [UInt8] {
        let parcels = sinks[sink].takeParcels()
        guard parcels.count != 1 else { return parcels[0].bytes }
        return parcels.flatMap(\.bytes)
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
            sources[source].sinks = awaitedSinks(of: rules, reads: sources[source].reads)
        }
        guard journal.isDurable else { return }
        // What may be dropped need not outlive the process.
        for sink in sinks.indices { sinks[sink].keepsUnwritten = !sinks[sink].dropsOldest }
    }

    /// The sinks that lines of these rules reach. Commands have their answers on standard output.
    private func awaitedSinks(of rules: [Rule], reads: Options.Reads) -> [Int] {
        var all = Set(rules.flatMap(\.to).compactMap { sinkNumbers[$0] })
        if reads == .commands || rules.contains(where: { $0.to.contains(.commands) }) { all.insert(0) }
        return all.filter { !sinks[$0].dropsOldest }.sorted()
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
        if let number = sinks[sink].takeUnspilled() {
            journal.order(.unspill(sink: storeName(of: sink), upTo: number))
        }
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
        promiseHandled(upTo: handled)
    }

    /// What is handled is said once it is safe: what was made of it, and the count itself (DESIGN 6.3).
    private mutating func promiseHandled(upTo stanza: UInt64) {
        guard journal.isDurable else { return drive(.handled(upTo: stanza)) }
        keepCount(upTo: stanza)
        journal.promise(.handled(upTo: stanza))
    }

    /// Stanzas up to this one wait too long for their sinks: what these have not written goes into the store. Without one
    /// the bytes in memory are safe as they are.
    mutating func spill(upTo stanza: UInt64) {
        for sink in sinks.indices {
            spill(sink)
            sinks[sink].forget(upTo: stanza)
        }
        // What waits for a slow store only is promised already; the count that is kept never falls.
        guard stanza > stanzaHandled else { return }
        stanzaHandled = stanza
        promiseHandled(upTo: stanza)
    }

    /// What a sink has not written goes into the store.
    mutating func spill(_ sink: Int) {
        guard sinks[sink].keepsUnwritten, !sinks[sink].isBroken else { return }
        for (number, parcel) in sinks[sink].spill() {
            journal.order(
                .spill(
                    SpilledBytes(
                        sink: storeName(of: sink), number: number, time: parcel.time.milliseconds,
                        bytes: parcel.bytes)))
        }
    }

    /// What a sink is called in the store.
    private func storeName(of sink: Int) -> String {
        sink == 0 && options.hasChild ? "command" : sinks[sink].endpoint.description
    }

    /// What an earlier run had spilled is written first.
    mutating func restore(_ all: [SpilledBytes]) {
        var strange: [String: Int] = [:]
        for one in all.sorted(by: { ($0.sink, $0.number) < ($1.sink, $1.number) }) {
            if let sink = sinks.indices.first(where: { storeName(of: $0) == one.sink }), sink > 0 || options.prints {
                sinks[sink].restore(one)
            } else {
                strange[one.sink, default: 0] += one.bytes.count
            }
        }
        for (sink, count) in strange.sorted(by: { $0.key < $1.key }) {
            let text = "\(count) bytes for \(sink) wait in the spool, and no bridge of this run writes there"
            actions.append(.say(.info, text))
        }
    }

    /// Whether every sink has written what it has.
    var isAllWritten: Bool { sinks.allSatisfy(\.isDone) }
}

import Stanza

@testable import Bridge

// The writers of sinks, in the manner of the driver's threads.
extension BridgeProcess {
    func hand(_ bytes: [UInt8], to sink: Int) {
        guard !bytes.isEmpty else { return }
        // A run that prints nothing has no writer for standard output.
        writers[sink]?.add(bytes)
        if writers[sink]?.state == .idle { beginWrite(sink) }
        guard world.canary == .writtenAtOnce, let writer = writers[sink] else { return }
        world.add(.told(number, sink, writer.total + UInt64(writer.waiting.count)), at: world.now)
    }

    private func beginWrite(_ sink: Int) {
        guard let writer = writers[sink] else { return }
        writers[sink]?.state = .writing
        let wait = Duration.microseconds(world.isKind ? 10 : world.chances.local.among(1...world.setting.sinkDelay))
        attemptWrite(sink, writer.waiting.count, at: max(world.now + wait, writer.target.blockedUntil))
    }

    private func attemptWrite(_ sink: Int, _ count: Int, at time: Instant) {
        writers[sink]?.due = (time, count)
        world.add(.wrote(number, sink), at: time)
    }

    /// Nothing hinders the sinks any more.
    func unblock() {
        for sink in writers.indices {
            if let count = writers[sink]?.due?.count { attemptWrite(sink, count, at: world.now) }
        }
    }

    /// A write's time is over.
    func wrote(_ sink: Int) {
        guard let writer = writers[sink], let (time, count) = writer.due, time <= world.now, isAlive else { return }
        if world.now < writer.target.blockedUntil {
            return attemptWrite(sink, count, at: writer.target.blockedUntil)
        }
        writers[sink]?.due = nil
        if world.now < writer.target.spoiledUntil { return failed(sink, count) }
        let marks = writer.target.write(writers[sink]?.wrote(count) ?? [])
        world.trace.note(world.now, "  \(writer.target.sink) has \(marks)")
        world.oracle.inbound.written(marks, to: writer.target.sink, at: world.now)
        let hasRecovered = writers[sink]?.succeeded() == true
        let total = writers[sink]?.total ?? 0
        if writers[sink]?.waiting.isEmpty == false { beginWrite(sink) } else { writers[sink]?.state = .idle }
        // What is written may not be told yet when the process dies.
        let told = max(world.now + .microseconds(world.chances.local.among(0...300)), writer.lastTold)
        writers[sink]?.lastTold = told
        world.add(.told(number, sink, total), at: told)
        if hasRecovered { feed(.sinkRecovered(sink: sink)) }
    }

    private func failed(_ sink: Int, _ count: Int) {
        let (pause, isFirst) = writers[sink]?.failed() ?? (0, false)
        writers[sink]?.state = .pausing
        attemptWrite(sink, count, at: world.now + .milliseconds(pause))
        if isFirst { feed(.sinkFailing("No space left on device", sink: sink)) }
    }

    func told(_ sink: Int, _ total: UInt64) {
        if isAlive { feed(.outputWritten(total, sink: sink)) }
    }
}

@testable import Bridge
import Session
import Stanza

// The judgement of a process, and of the whole run.
extension Oracle {
    var isBroken: Bool { !faults.isEmpty }

    /// Limits that hold at every moment.
    mutating func measure(_ process: BridgeProcess) {
        let pump = process.pump
        let rowsMax = Pump.Limits.spoolRowsMax + Pump.Limits.digestBytes
        if pump.store.count > rowsMax { accuse("\(pump.store.count) rows wait, beyond \(rowsMax)") }
        let bytesMax = 2 * Pump.Limits.spoolBytesMax
        if pump.store.bytes > bytesMax { accuse("rows of \(pump.store.bytes) bytes wait, beyond \(bytesMax)") }
        for source in pump.sources where source.undigested.count > 2 * 65_536 {
            accuse("\(source.undigested.count) bytes of \(source.name) are read and wait")
        }
        for sink in pump.sinks where sink.waiting > Pump.Limits.outputWaitingBytesMax + 1_024 * 1_024 {
            accuse("\(sink.waiting) bytes wait for \(sink.name)")
        }
    }

    /// What is promised and has not come; nil where all has.
    func missing() -> String? {
        for (line, _) in takenBy {
            for lane in setting.lanes(of: line.voice) {
                guard arrivals[Way(voice: line.voice, lane: lane)]?[line.number] == nil else { continue }
                return "\(line) has not come to \(lane)"
            }
        }
        // Without stream management what was on its way to us when the connection broke is gone.
        guard setting.managesStreams || !hasLostSessions else { return nil }
        for mark in spoken where mark.voice == .bob {
            for sink in setting.sinks(of: .bob) where printed[sink]?.contains(mark) != true {
                return "\(mark) has not come to \(sink)"
            }
            for lane in setting.lanes(of: .bob) {
                guard arrivals[Way(voice: .bob, lane: lane)]?[mark.number] == nil else { continue }
                return "\(mark) has not come to \(lane)"
            }
        }
        return nil
    }

    /// A process has ended by itself: its status must be true.
    mutating func judge(_ process: BridgeProcess, _ status: Bridge.ExitStatus) {
        var refused = 0
        var lost: Mark?
        var isDoubtful = false
        for (line, taker) in takenBy where taker == process.number {
            for lane in setting.lanes(of: line.voice) {
                guard let arrival = arrivals[Way(voice: line.voice, lane: lane)]?[line.number] else {
                    lost = line
                    continue
                }
                if arrival.isRefused { refused += 1 }
                // Its refusal died with the session that it was told to.
                if arrival.isRefusedLater, arrival.lastEpoch < epoch { isDoubtful = true }
            }
        }
        if status == .success, let lost { accuse("status 0, and \(lost) is lost") }
        if status == .success, refused > 0, !isDoubtful { accuse("status 0, and \(refused) messages were refused") }
        let isOfWork = status == .undelivered || status == .unreachable
        let isOfSinks = status == .io && !process.isInPeace && !process.pump.isAllWritten
        if !isOfWork, !isOfSinks, status != .success { accuse("status \(status.rawValue) for no reason") }
        // That a room has shown our message may be lost with the session.
        let mayBeUnseen = hasLostSessions && setting.routes.values.contains { $0.contains(.den) }
        if status == .undelivered, process.isInPeace, lost == nil, refused == 0, !mayBeUnseen {
            accuse("status 75, and all has arrived")
        }
        if let lost, process.isInPeace { accuse("\(lost) is lost at a stop in peace") }
        if !setting.isDurable, status != .success { forgetLost(of: process) }
    }

    /// What a process without a store has not delivered or written at its end is lost, as its status says.
    private mutating func forgetLost(of process: BridgeProcess) {
        spoken = spoken.filter { mark in
            !claimed.contains(mark)
                || setting.sinks(of: mark.voice).allSatisfy { printed[$0]?.contains(mark) == true }
        }
        takenBy = takenBy.filter { line, taker in
            taker != process.number || (isLogFollowed && line.voice == .log)
                || setting.lanes(of: line.voice).allSatisfy {
                    arrivals[Way(voice: line.voice, lane: $0)]?[line.number] != nil
                }
        }
    }

    /// The whole run is over.
    mutating func judgeAll() {
        if let missing = missing() { accuse(missing) }
    }
}

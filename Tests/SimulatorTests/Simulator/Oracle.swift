import LoopbackServer
import Session
import Stanza

@testable import Bridge

/// Knows what was promised, sees all that happens, and says where a promise is broken (DESIGN 6).
struct Oracle {
    let setting: Setting
    var outbound: OutboundOracle
    var inbound: InboundOracle
    private var own: [String] = []

    /// Sessions of the bridge at the server, those resumed counted once.
    private(set) var sessions = 0

    init(_ setting: Setting) {
        self.setting = setting
        outbound = OutboundOracle(setting)
        inbound = InboundOracle(setting)
    }

    /// The broken promises.
    var faults: [String] { own + outbound.faults + inbound.faults }
    var isBroken: Bool { !own.isEmpty || !outbound.faults.isEmpty || !inbound.faults.isEmpty }

    mutating func accuse(_ text: String) { own.append(text) }

    /// The bridge's account has logged in.
    mutating func loggedIn(resumed: Bool) {
        outbound.loggedIn(resumed: resumed)
        if resumed { return }
        sessions += 1
        inbound.hasLostSessions = sessions > 1
    }

    /// A process begins.
    mutating func began(_ number: Int) {
        outbound.began(number)
        inbound.began(number)
    }

    /// Limits that hold at every moment.
    mutating func measure(_ process: BridgeProcess) {
        let rows = process.pump.backlog.residentRows
        let bytes = process.pump.backlog.residentBytes
        let rowsMax = Pump.Limits.spoolRowsMax + Pump.Limits.digestBytes
        if rows > rowsMax { accuse("\(rows) rows are in memory, beyond \(rowsMax)") }
        let bytesMax = 2 * Pump.Limits.spoolBytesMax + process.pump.backlog.limits.uncommittedBytesMax
        if bytes > bytesMax { accuse("rows of \(bytes) bytes are in memory, beyond \(bytesMax)") }
        // A stop takes what lies in FIFOs, which hold no more than a megabyte.
        let readMax = 2 * 65_536 + (process.isStopping ? 1_024 * 1_024 : 0)
        for source in process.pump.sources where source.undigested.count > readMax {
            accuse("\(source.undigested.count) bytes of \(source.endpoint) are read and wait")
        }
        for sink in process.pump.sinks where sink.waiting > Pump.Limits.outputWaitingBytesMax + 1_024 * 1_024 {
            accuse("\(sink.waiting) bytes wait for \(sink.name)")
        }
    }

    /// What is promised and has not come; nil where all has.
    func missing() -> String? { outbound.missing() ?? inbound.missing(outbound) }

    /// A process has ended by itself: its status must be true.
    mutating func judge(_ process: BridgeProcess, _ status: Bridge.ExitStatus, _ sources: [LocalSource]) {
        let work = outbound.work(of: process.number)
        if status == .success {
            if let lost = work.lost { accuse("status 0, and \(lost) has not arrived") }
            if work.refused > 0, !work.isDoubtful { accuse("status 0, and \(work.refused) messages were refused") }
            if setting.isDurable, let left = outbound.missing(of: sources.flatMap { Array($0.takenLines) }) {
                accuse("status 0, and \(left)")
            }
        }
        let isOfWork = status == .success || status == .undelivered || status == .unreachable
        let isQuiet = process.isInPeace && process.world.isKind
        let isOfSinks = status == .io && !isQuiet && !process.pump.isAllWritten
        let isOfStore = status == .io && !isQuiet && !process.pump.journal.isSafe
        let isOfReader = status == .io && process.hasLostReader
        // The last words of the one before may take its place: with a state they may not, and without one each has in
        // truth a resource of its own.
        let isOfGhost = status == .protocolFailure && !setting.isDurable && process.number > 1
        if !isOfWork, !isOfSinks, !isOfStore, !isOfReader, !isOfGhost {
            accuse("status \(status.rawValue) for no reason")
        }
        // That a room has shown our message may be lost with the session.
        let mayBeUnseen = sessions > 1 && setting.routes.values.contains { $0.contains(.den) }
        let isKept = process.pump.backlog.isDurable && process.pump.backlog.count > 0
        // What was read behind the order to stop is in no store.
        let isUndigested = !setting.isDurable && !process.pump.isDigested
        if status == .undelivered, process.isInPeace, work.lost == nil, !isKept, !isUndigested, !mayBeUnseen,
            outbound.refusals(of: process.number) == 0, outbound.refusalsHeard == 0
        {
            accuse("status 75, and all has arrived")
        }
        if let lost = work.lost, process.isInPeace, !isKept { accuse("\(lost) is lost at a stop in peace") }
        outbound.ended(process.number, isKilled: false, status, sources)
        inbound.ended(status, outbound)
    }

    /// The whole run is over.
    mutating func judgeAll() {
        if let missing = missing() { accuse(missing) }
    }
}

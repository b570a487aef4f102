import Session
import Stanza

@testable import Bridge

/// What is promised of messages on their way in: each reaches its sinks, in order, and none is acknowledged before it has
/// reached them or the store.
struct InboundOracle {
    private(set) var faults: [String] = []
    private let setting: Setting
    /// Whether any session at the server ended that was not resumed.
    var hasLostSessions = false
    private var process = 0
    /// What peers have said, as far as it is owed.
    private var spoken: Set<Mark> = []
    /// What each sink has.
    private var printed: [Sink: Set<Mark>] = [:]
    private var lastPrinted: [Sink: [Voice: Int]] = [:]
    /// What the bridge has said it has handled.
    private var claimed: Set<Mark> = []

    /// What this process has heard, with the time of the first.
    private var heard: [(mark: Mark, at: Instant)] = []
    private var hearing: Set<Mark> = []
    /// All before are written.
    private var firstHeard = 0
    /// What a process without a store keeps in memory, because its sinks are slow.
    private var spilled: Set<Mark> = []
    private var spilledCount = 0
    /// Whether what comes now for standard output has no reader, in a run that has other work.
    private var isReaderGone = false
    /// What a run has taken then.
    private var unread: Set<Mark> = []

    init(_ setting: Setting) { self.setting = setting }

    private mutating func accuse(_ text: String) { faults.append(text) }

    mutating func said(_ mark: Mark) { spoken.insert(mark) }

    /// A new process has heard nothing.
    mutating func began(_ number: Int) {
        process = number
        (heard, hearing, firstHeard) = ([], [], 0)
        (spilled, spilledCount, isReaderGone) = ([], 0, false)
    }

    /// What a process without a store has acknowledged and not passed on at its end is lost, as its status says.
    mutating func ended(_ status: Bridge.ExitStatus, _ outbound: OutboundOracle) {
        guard !setting.isDurable, status != .success else { return }
        spoken = spoken.filter { mark in
            !claimed.contains(mark)
                || isWritten(mark) && setting.lanes(of: mark.voice).allSatisfy { outbound.hasArrived(mark, at: $0) }
        }
    }

    /// A sink has got these lines.
    mutating func written(_ marks: [Mark], to sink: Sink, at now: Instant) {
        noteSpill(at: now)
        for mark in marks {
            if !setting.sinks(of: mark.voice).contains(sink) { accuse("\(sink) gets \(mark), which is not for it") }
            let isNew = printed[sink, default: []].insert(mark).inserted
            let last = lastPrinted[sink]?[mark.voice] ?? 0
            // A process without a state has a resource of its own: what waits for the session of the one before comes to the
            // next when the server gives that up, behind what came to both.
            let mayBeLate = !setting.isDurable && process > 1
            if isNew, mark.number < last, !mayBeLate { accuse("order: \(sink) gets \(mark) behind number \(last)") }
            if !isNew, !hasLostSessions, process == 1 { accuse("\(sink) gets \(mark) twice in one session") }
            lastPrinted[sink, default: [:]][mark.voice] = max(last, mark.number)
        }
    }

    private func isWritten(_ mark: Mark) -> Bool {
        setting.sinks(of: mark.voice).allSatisfy { isWritten(mark, to: $0) }
    }

    private func isWritten(_ mark: Mark, to sink: Sink) -> Bool {
        printed[sink]?.contains(mark) == true || sink == .stdout && unread.contains(mark)
    }

    /// Standard output's reader has gone, and the run goes on: what it has not read and what comes is lost there.
    mutating func lostReader() {
        isReaderGone = true
        unread.formUnion(hearing)
    }

    /// The bridge has heard a message.
    mutating func heard(_ mark: Mark, at now: Instant) {
        guard hearing.insert(mark).inserted else { return }
        heard.append((mark, now))
        if isReaderGone { unread.insert(mark) }
        noteSpill(at: now)
    }

    // MARK: - Claims

    /// The bridge says that it has handled stanzas.
    mutating func claimed(_ claim: StreamTap.Claim, at now: Instant, _ safety: Safety) {
        if let fault = claim.fault { return accuse(fault) }
        noteSpill(at: now)
        for case let mark? in claim.covered.map(\.mark) {
            claimed.insert(mark)
            // Of what a room has said its history is asked for again, up to where all was told.
            if mark.voice == .mia { continue }
            if setting.isDurable {
                lookForSafety(of: mark, safety)
            } else if !isWritten(mark), !spilled.contains(mark), claim.covered.count + claim.uncovered <= 200 {
                accuse("h counts \(mark), which a sink has not got")
            }
        }
        if let kept = safety.kept, let count = claim.count, Int32(bitPattern: count &- kept) > 0 {
            accuse("h is \(count), and \(kept) is kept for the next process")
        }
    }

    /// Where a message may be safe.
    struct Safety {
        /// The count that is kept for the next process.
        let kept: UInt32?
        /// Whether the store holds it for a sink.
        let forSink: (Mark, Sink) -> Bool
        /// Whether the server has it for a lane, or the store.
        let forLane: (Mark, Lane) -> Bool
    }

    private mutating func lookForSafety(of mark: Mark, _ safety: Safety) {
        for sink in setting.sinks(of: mark.voice) where !isWritten(mark, to: sink) {
            if !safety.forSink(mark, sink) { accuse("h counts \(mark), which neither \(sink) nor the store has") }
        }
        for lane in setting.lanes(of: mark.voice) where !safety.forLane(mark, lane) {
            accuse("h counts \(mark), which neither \(lane) nor the store has")
        }
    }

    /// Without a store: while a message waits for its sinks for more than a second, all that have come count as safe in
    /// memory. The bridge does so a second at a time; what it counts too soon within that is lost no sooner.
    private mutating func noteSpill(at now: Instant) {
        while firstHeard < heard.count, isWritten(heard[firstHeard].mark) { firstHeard += 1 }
        // A timer may be a little late, and so is the word of the sinks.
        guard firstHeard < heard.count, heard[firstHeard].at + .seconds(1) <= now + Self.slack else { return }
        for one in heard[spilledCount...] { spilled.insert(one.mark) }
        spilledCount = heard.count
    }

    private static let slack: Duration = .milliseconds(5)

    // MARK: - Verdicts

    /// What is promised and has not come.
    func missing(_ outbound: OutboundOracle) -> String? {
        // Without stream management what was on its way to us when the connection broke is gone.
        guard setting.managesStreams || !(hasLostSessions || process > 1) else { return nil }
        for mark in spoken where mark.voice == .bob {
            for sink in setting.sinks(of: .bob) where !isWritten(mark, to: sink) {
                return "\(mark) has not come to \(sink)"
            }
            for lane in setting.lanes(of: .bob) where !outbound.hasArrived(mark, at: lane) {
                return "\(mark) has not come to \(lane)"
            }
        }
        return nil
    }
}

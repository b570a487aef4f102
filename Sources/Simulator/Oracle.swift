@testable import Bridge
import LoopbackServer
import Session
import Stanza

/// Knows what was promised, sees all that happens, and says where a promise is broken (DESIGN 6).
struct Oracle {
    /// A row's way: who said it and where it goes.
    struct Way: Hashable {
        var voice: Voice
        var lane: Lane
    }

    /// A line for one lane, as the server has seen it.
    struct Arrival {
        var id: String
        /// In which session of the server it came first.
        var epoch: Int
        /// In which it came last.
        var lastEpoch: Int
        var isRefused: Bool
        /// Whether its refusal is told before the next ping's answer, or not at all where the session ends before.
        var isRefusedLater: Bool
    }

    private(set) var faults: [String] = []
    /// Sessions of the bridge at the server, those resumed counted once.
    private(set) var epoch = 0
    /// Whether any session ended that was not resumed.
    var hasLostSessions: Bool { epoch > 1 }

    // Outbound.
    /// Lines that the bridge has taken, by the process that did.
    var takenBy: [Mark: Int] = [:]
    private var lastLogged = 0
    /// Whether a position in the log is kept, so that no line of it can be missed.
    private(set) var isLogFollowed = false
    private(set) var arrivals: [Way: [Int: Arrival]] = [:]
    /// The highest number of each way that has arrived at all, and in this epoch.
    private var highest: [Way: Int] = [:]
    private var highestOfEpoch: [Way: Int] = [:]
    private(set) var repetitions = 0

    // Inbound.
    /// What peers have said.
    var spoken: Set<Mark> = []
    /// What this process has heard, with the time of the first.
    private var heard: [(mark: Mark, at: Instant)] = []
    private var hearing: Set<Mark> = []
    /// All before are written or spooled.
    private var firstHeard = 0
    private var spilled: Set<Mark> = []
    /// What the bridge has said it has handled.
    private(set) var claimed: Set<Mark> = []
    /// What each sink has, by the mark.
    private(set) var printed: [Sink: Set<Mark>] = [:]
    private var lastPrinted: [Sink: [Voice: Int]] = [:]

    let setting: Setting

    init(_ setting: Setting) { self.setting = setting }

    mutating func accuse(_ text: String) { if faults.count < 20 { faults.append(text) } }

    // MARK: - Outbound

    /// The bridge has taken these lines from a source.
    mutating func taken(_ lines: [Mark], by process: BridgeProcess) {
        for line in lines { takenBy[line] = process.number }
    }

    /// A line was written into the log.
    mutating func logged(_ line: Mark) {
        lastLogged = line.number
        if isLogFollowed { takenBy[line] = takenBy[line] ?? 0 }
    }

    /// A position is kept: from now on every line is taken, whatever becomes of the process.
    mutating func followsLog() {
        guard !isLogFollowed else { return }
        isLogFollowed = true
        let first = takenBy.keys.filter { $0.voice == .log }.map(\.number).min() ?? lastLogged + 1
        if first <= lastLogged {
            for number in first...lastLogged { takenBy[Mark(.log, number)] = takenBy[Mark(.log, number)] ?? 0 }
        }
    }

    /// A process is gone without a word.
    mutating func killed(_ process: BridgeProcess) {
        guard !setting.isDurable else { return }
        takenBy = takenBy.filter { isLogFollowed && $0.key.voice == .log || $0.value != process.number }
    }

    /// The bridge's account has logged in.
    mutating func loggedIn(resumed: Bool) {
        if resumed { return }
        epoch += 1
        highestOfEpoch = [:]
    }

    /// The server has seen a message of the bridge's.
    mutating func arrived(_ message: LoopbackServer.SeenMessage, in lane: Lane, willBounce: Bool) {
        guard let body = message.body, let mark = Mark(body.utf8), let id = message.id else {
            // Without a store a process that stops in the middle of a line leaves its end to the next.
            if setting.isDurable { accuse("a message without its line: \(message)") }
            return
        }
        let way = Way(voice: mark.voice, lane: lane)
        var isRefused = willBounce
        switch message.outcome {
        case .bounced: isRefused = true
        case .ignored: accuse("the server ignores \(mark) to \(lane)")
        case .delivered, .stored: break
        }
        // What a room turns away comes again.
        if lane.isRoom, isRefused { return }
        if let before = arrivals[way]?[mark.number] {
            repeated(mark, way, before, id)
        } else {
            first(mark, way)
            arrivals[way, default: [:]][mark.number] = Arrival(
                id: id, epoch: epoch, lastEpoch: epoch, isRefused: isRefused, isRefusedLater: willBounce)
        }
        highestOfEpoch[way] = max(highestOfEpoch[way] ?? 0, mark.number)
    }

    private mutating func first(_ mark: Mark, _ way: Way) {
        let last = highest[way] ?? 0
        if mark.number < last { accuse("order: \(mark) comes to \(way.lane) behind \(way.voice.rawValue)#\(last)") }
        highest[way] = max(last, mark.number)
    }

    private mutating func repeated(_ mark: Mark, _ way: Way, _ before: Arrival, _ id: String) {
        repetitions += 1
        // What the server gives the bridge twice after a lost session is relayed twice, as two messages.
        let isRelayed = !mark.voice.isLocal && hasLostSessions
        // Without a store what was read of a file and not accepted is read again.
        let isReread = mark.voice == .log && !setting.isDurable
        if before.id != id, !isRelayed, !isReread { accuse("\(mark) comes to \(way.lane) as \(before.id) and again as \(id)") }
        if before.lastEpoch == epoch, !way.lane.isRoom, !isRelayed { accuse("\(mark) comes to \(way.lane) twice in one session") }
        if let last = highestOfEpoch[way], mark.number < last, !isRelayed {
            accuse("order: \(mark) is repeated to \(way.lane) behind \(way.voice.rawValue)#\(last)")
        }
        arrivals[way]?[mark.number]?.lastEpoch = epoch
    }

    // MARK: - Inbound

    mutating func said(_ mark: Mark) { spoken.insert(mark) }

    /// A sink has got these lines.
    mutating func written(_ marks: [Mark], to sink: Sink, at now: Instant) {
        noteSpill(at: now)
        for mark in marks {
            if !setting.sinks(of: mark.voice).contains(sink) { accuse("\(sink) gets \(mark), which is not for it") }
            let isNew = printed[sink, default: []].insert(mark).inserted
            let last = lastPrinted[sink]?[mark.voice] ?? 0
            if isNew, mark.number < last { accuse("order: \(sink) gets \(mark) behind number \(last)") }
            if !isNew, !hasLostSessions { accuse("\(sink) gets \(mark) twice in one session") }
            lastPrinted[sink, default: [:]][mark.voice] = max(last, mark.number)
        }
    }

    /// The bridge has heard a message.
    mutating func heard(_ mark: Mark, at now: Instant) {
        noteSpill(at: now)
        if hearing.insert(mark).inserted { heard.append((mark, now)) }
    }

    /// A new process has heard nothing.
    mutating func forgetHeard() { (heard, hearing, firstHeard, spilled) = ([], [], 0, []) }

    /// Once the oldest message that waits for its sinks is a second old, all that have come by then are spooled.
    private mutating func noteSpill(at now: Instant) {
        while firstHeard < heard.count, isWritten(heard[firstHeard].mark) || spilled.contains(heard[firstHeard].mark) {
            firstHeard += 1
        }
        guard firstHeard < heard.count else { return }
        // A timer may be a little late, and so is the word of the sinks.
        let due = heard[firstHeard].at + .seconds(1)
        guard due <= now + Self.slack else { return }
        for one in heard[firstHeard...] where one.at <= due + Self.slack { spilled.insert(one.mark) }
    }

    private static let slack: Duration = .milliseconds(5)

    private func isWritten(_ mark: Mark) -> Bool {
        setting.sinks(of: mark.voice).allSatisfy { printed[$0]?.contains(mark) == true }
    }

    /// The bridge says that it has handled stanzas.
    mutating func claimed(_ claim: StreamTap.Claim, at now: Instant) {
        if let fault = claim.fault { return accuse(fault) }
        for case let mark? in claim.covered.map(\.mark) { claimed.insert(mark) }
        let unwritten = claim.covered.first { $0.mark.map { !isWritten($0) } ?? false }
        guard let mark = unwritten?.mark else { return }
        // What its sinks are slow to write is spooled after a second, or beyond 200 stanzas, with all behind it.
        noteSpill(at: now)
        if claim.covered.count + claim.uncovered > 200 || spilled.contains(mark) { return }
        accuse("h counts \(mark), which a sink has not got")
    }
}

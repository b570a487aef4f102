import LoopbackServer
import Session
import Stanza

@testable import Bridge

/// What is promised of lines on their way out: none is lost, each lane keeps its order, and what comes twice has the id
/// of its twin and a reason.
struct OutboundOracle {
    /// A line's way: who said it and where it goes.
    struct Way: Hashable {
        var voice: Voice
        var lane: Lane
    }

    /// A line for one lane, as the server has seen it.
    struct Arrival {
        /// Each id that it came with, and in which session of the server, and from which process, it came so last.
        var copies: [String: Copy] = [:]
        /// In which session it came last.
        var session: Int
        var process: Int
        var isRefused: Bool
        /// Whether its refusal is told before the next ping's answer, or not at all where the session ends before.
        var isRefusedLater: Bool
    }

    struct Postponed {
        var mark: Mark
        var lane: Lane
        /// The session that was to hear of it.
        var session: Int
    }

    struct Copy: Equatable {
        var session: Int
        var process: Int
    }

    private(set) var faults: [String] = []
    private let setting: Setting
    private var session = 0
    private var process = 0
    /// Whose messages the server gets: what a dead process has sent may still be on its way.
    private var sender = 0

    /// Lines that must arrive.
    private var owed: Set<Mark> = []
    /// The process that has taken a line.
    private var takenBy: [Mark: Int] = [:]
    /// Lines that a process had read from a pipe when it died: it may have kept them, and the next reads them again.
    private var readTwice: Set<Mark> = []
    private var arrivals: [Way: [Int: Arrival]] = [:]
    /// The highest number of each way that has arrived at all.
    private var highest: [Way: Int] = [:]
    /// The highest row of each lane that this process has sent in this session.
    private var highestRow: [Lane: UInt64] = [:]
    /// Messages that were refused for now, by their ids, and the bridge has not heard of it.
    private var postponed: [String: Postponed] = [:]
    /// How many refusals this process has heard of; those that a dead one had heard of may be among them.
    private(set) var refusalsHeard = 0
    private(set) var repetitions = 0
    private var lastLogged = 0
    /// Whether a position in the log is kept, so that no line of it can be missed.
    private var isLogFollowed = false

    init(_ setting: Setting) { self.setting = setting }

    private mutating func accuse(_ text: String) { faults.append(text) }

    mutating func loggedIn(resumed: Bool) {
        if !resumed { session += 1 }
        if !resumed || sender != process { highestRow = [:] }
        sender = process
    }

    mutating func began(_ number: Int) {
        process = number
        refusalsHeard = 0
    }

    // MARK: - Lines

    /// A line was written into a pipe or a file.
    mutating func piped(_ line: Mark) { if setting.isDurable { owed.insert(line) } }

    /// A line was written into the log.
    mutating func logged(_ line: Mark) {
        lastLogged = line.number
        if isLogFollowed { owed.insert(line) }
    }

    /// A position in the log is kept: from now on every line counts, whatever becomes of the process.
    mutating func followsLog() {
        guard !isLogFollowed else { return }
        isLogFollowed = true
        let first = takenBy.keys.filter { $0.voice == .log }.map(\.number).min() ?? lastLogged + 1
        if first <= lastLogged { for number in first...lastLogged { owed.insert(Mark(.log, number)) } }
    }

    /// The bridge has read these lines.
    mutating func taken(_ lines: [Mark]) {
        for line in lines {
            takenBy[line] = process
            if !setting.isDurable { owed.insert(line) }
        }
    }

    /// A process is gone.
    mutating func ended(_ number: Int, isKilled: Bool, _ status: Bridge.ExitStatus, _ sources: [LocalSource]) {
        if setting.isDurable {
            guard isKilled else { return }
            for source in sources where !source.isFile { readTwice.formUnion(source.pendingLines) }
            if !isLogFollowed { takenBy = takenBy.filter { $0.key.voice != .log } }
        } else if status != .success {
            // What a process without a store has not delivered at its end is lost, as its status says.
            owed = owed.filter { takenBy[$0] != number || missing(of: [$0]) == nil }
        }
    }

    // MARK: - Arrivals

    /// The server has seen a message of the bridge's.
    mutating func arrived(_ message: LoopbackServer.SeenMessage, in lane: Lane, fate: ServerHost.Fate) {
        guard let body = message.body, let mark = Mark(body.utf8), let id = message.id else {
            // Without a store a process that stops in the middle of a line leaves its end to the next.
            if setting.isDurable { accuse("a message without its line: \(message)") }
            return
        }
        let way = Way(voice: mark.voice, lane: lane)
        var isRefused = fate == .bounced
        switch message.outcome {
        case .bounced: isRefused = true
        case .ignored: accuse("the server ignores \(mark) to \(lane)")
        case .delivered, .stored: break
        }
        // What a room turns away, or a contact that is busy, comes again.
        if isRefused, lane.isRoom { return }
        if fate == .postponed {
            postponed[id] = Postponed(mark: mark, lane: lane, session: session)
            return
        }
        var arrival = Arrival(
            session: session, process: sender, isRefused: isRefused, isRefusedLater: fate == .bounced)
        if let before = arrivals[way]?[mark.number] {
            repeated(mark, way, before, id)
            arrival.copies = before.copies
        } else {
            first(mark, way)
        }
        arrival.copies[id] = Copy(session: session, process: sender)
        arrivals[way, default: [:]][mark.number] = arrival
        if let row = Self.row(of: id) { highestRow[lane] = max(highestRow[lane] ?? 0, row) }
    }

    /// The bridge writes a message.
    mutating func wrote(_ id: String, isReleased: (UInt64) -> Bool) {
        if let row = Self.row(of: id), isReleased(row) { accuse("\(id) is sent though its row is released") }
    }

    private static func row(of id: String) -> UInt64? {
        id.lastIndex(of: "-").flatMap { UInt64(id[id.index(after: $0)...]) }
    }

    private mutating func first(_ mark: Mark, _ way: Way) {
        let last = highest[way] ?? 0
        // What a contact that is busy sends back comes behind what it has taken.
        if mark.number < last, way.lane != .busy {
            accuse("order: \(mark) comes to \(way.lane) behind \(way.voice.rawValue)#\(last)")
        }
        highest[way] = max(last, mark.number)
    }

    private mutating func repeated(_ mark: Mark, _ way: Way, _ before: Arrival, _ id: String) {
        repetitions += 1
        // What the server gives the bridge twice after a lost session, or process, is relayed twice, as two messages.
        let isRelayed = !mark.voice.isLocal && (session > 1 || process > 1)
        if isRelayed { return }
        // What was read twice is two messages, the second behind all that was read before it.
        let copy = before.copies[id]
        if copy == nil, !readTwice.contains(mark) {
            accuse("\(mark) comes to \(way.lane) as \(before.copies.keys.sorted()) and again as \(id)")
        }
        // The refusal of an earlier copy may come late.
        if copy == Copy(session: session, process: sender), !way.lane.isRoom, way.lane != .busy {
            accuse("\(mark) comes to \(way.lane) twice in one session")
        }
        if let row = Self.row(of: id), let last = highestRow[way.lane], row < last, way.lane != .busy {
            accuse("order: \(mark) is repeated to \(way.lane) as row \(row) behind \(last)")
        }
    }

    /// The bridge has heard that a message came back.
    mutating func heardRefusal(of id: String) {
        postponed[id] = nil
        refusalsHeard += 1
    }

    /// Whether a line is where it was to go, for all that the bridge can know: a refusal may have died with the session that
    /// it was for.
    func hasArrived(_ mark: Mark, at lane: Lane) -> Bool {
        let way = Way(voice: mark.voice, lane: lane)
        if arrivals[way]?[mark.number] != nil { return true }
        return postponed.values.contains { $0.mark == mark && $0.lane == lane && $0.session < session }
    }

    // MARK: - Verdicts

    /// What has not come of what is owed.
    func missing() -> String? { missing(of: owed) }

    /// What has not come of these lines.
    func missing(of lines: some Sequence<Mark>) -> String? {
        for line in lines {
            for lane in setting.lanes(of: line.voice) where !hasArrived(line, at: lane) {
                return "\(line) has not come to \(lane)"
            }
        }
        return nil
    }

    /// How many messages of a process came back, its own and those that it found.
    func refusals(of number: Int) -> Int {
        arrivals.values.reduce(0) { $0 + $1.values.count { $0.isRefused && $0.process == number } }
    }

    /// What became of the lines that a process has taken.
    func work(of number: Int) -> (lost: Mark?, refused: Int, isDoubtful: Bool) {
        var work = (lost: Mark?.none, refused: 0, isDoubtful: false)
        for (line, taker) in takenBy where taker == number {
            for lane in setting.lanes(of: line.voice) {
                guard let arrival = arrivals[Way(voice: line.voice, lane: lane)]?[line.number] else {
                    if hasArrived(line, at: lane) { work.isDoubtful = true } else { work.lost = line }
                    continue
                }
                if arrival.isRefused { work.refused += 1 }
                // Its refusal died with the session that it was told to.
                if arrival.isRefusedLater, arrival.session < session { work.isDoubtful = true }
            }
        }
        return work
    }
}

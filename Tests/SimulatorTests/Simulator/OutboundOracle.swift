@testable import Bridge
import LoopbackServer
import Session
import Stanza

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
        var id: String
        /// In which session of the server, and from which process, it came last.
        var session: Int
        var process: Int
        var isRefused: Bool
        /// Whether its refusal is told before the next ping's answer, or not at all where the session ends before.
        var isRefusedLater: Bool
    }

    private(set) var faults: [String] = []
    private let setting: Setting
    private var session = 0
    private var process = 0

    /// Lines that must arrive.
    private var owed: Set<Mark> = []
    /// The process that has taken a line.
    private var takenBy: [Mark: Int] = [:]
    /// Lines that a process had read from a pipe when it died: it may have kept them, and the next reads them again.
    private var readTwice: Set<Mark> = []
    private var arrivals: [Way: [Int: Arrival]] = [:]
    /// The highest number of each way that has arrived at all, and of this process in this session.
    private var highest: [Way: Int] = [:]
    private var highestNow: [Way: Int] = [:]
    private(set) var repetitions = 0
    private var lastLogged = 0
    /// Whether a position in the log is kept, so that no line of it can be missed.
    private var isLogFollowed = false

    init(_ setting: Setting) { self.setting = setting }

    private mutating func accuse(_ text: String) { faults.append(text) }

    mutating func loggedIn() {
        session += 1
        highestNow = [:]
    }

    mutating func began(_ number: Int) {
        process = number
        highestNow = [:]
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
    mutating func arrived(
        _ message: LoopbackServer.SeenMessage, in lane: Lane, fate: ServerHost.Fate, isReleased: (UInt64) -> Bool
    ) {
        guard let body = message.body, let mark = Mark(body.utf8), let id = message.id else {
            // Without a store a process that stops in the middle of a line leaves its end to the next.
            if setting.isDurable { accuse("a message without its line: \(message)") }
            return
        }
        if let row = Self.row(of: id), isReleased(row) { accuse("\(mark) comes to \(lane) though its row is released") }
        let way = Way(voice: mark.voice, lane: lane)
        var isRefused = fate == .bounced
        switch message.outcome {
        case .bounced: isRefused = true
        case .ignored: accuse("the server ignores \(mark) to \(lane)")
        case .delivered, .stored: break
        }
        // What a room turns away, or a contact that is busy, comes again.
        if isRefused, lane.isRoom { return }
        if fate == .postponed { return }
        if let before = arrivals[way]?[mark.number] { repeated(mark, way, before, id) } else { first(mark, way) }
        arrivals[way, default: [:]][mark.number] = Arrival(
            id: id, session: session, process: process, isRefused: isRefused, isRefusedLater: fate == .bounced)
        highestNow[way] = max(highestNow[way] ?? 0, mark.number)
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
        if before.id != id, !readTwice.contains(mark) {
            accuse("\(mark) comes to \(way.lane) as \(before.id) and again as \(id)")
        }
        let isSame = before.session == session && before.process == process
        // The refusal of an earlier copy may come late.
        if isSame, !way.lane.isRoom, way.lane != .busy { accuse("\(mark) comes to \(way.lane) twice in one session") }
        if let last = highestNow[way], mark.number < last, way.lane != .busy {
            accuse("order: \(mark) is repeated to \(way.lane) behind \(way.voice.rawValue)#\(last)")
        }
    }

    func hasArrived(_ mark: Mark, at lane: Lane) -> Bool {
        arrivals[Way(voice: mark.voice, lane: lane)]?[mark.number] != nil
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
                    work.lost = line
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

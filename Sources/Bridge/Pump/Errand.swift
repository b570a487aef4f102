import Endpoints
import Routing
import Session
import Stanza

/// What a subcommand does in one session (`roster add`, `block`, `room kick`): its commands in their order, what is heard
/// meanwhile as a table or as NDJSON, then the end.
struct Errand: Sendable {
    /// Commands that are on their way at once: a long import need not wait for each answer.
    static let commandsAtOnce = 20

    /// What is to be done, in its order.
    var commands: [Command]
    /// Which events are shown, and how.
    var shows: Table.Kind?
    /// Whether events are shown as NDJSON instead of a table.
    var json = false
    /// Whether an error in one command leaves the rest undone.
    var stopsAtRefusal = true
    /// How long is listened after the last answer: who is online is told when they hear of us.
    var listens: Duration?
    /// Whether contacts are to hear that we are online, as who would see them must (RFC 6121 4.2).
    var showsUs = false
    /// The command that comes next.
    fileprivate(set) var next = 0
    fileprivate(set) var until: Instant?
    fileprivate(set) var isOver = false
    fileprivate var hasFailed = false
    fileprivate var table = Table()

    init(_ commands: [Command], shows: Table.Kind? = nil) {
        self.commands = commands
        self.shows = shows
    }

    /// When to look again.
    var deadline: Instant? { until }
}

extension Pump {
    /// The session is up: the errand begins.
    mutating func beginErrand() {
        guard errand != nil else { return }
        goOnWithErrand()
    }

    private mutating func goOnWithErrand() {
        while let errand, errand.next < errand.commands.count,
            queries.count + joins.count < Errand.commandsAtOnce, phase == .running
        {
            // Who must be in a room first waits to be let in.
            if !joins.isEmpty { return }
            self.errand?.next += 1
            obey(errand.commands[errand.next], number: 0)
        }
        endErrandIfDone()
    }

    private mutating func endErrandIfDone() {
        guard let errand, !errand.isOver, phase == .running, errand.next >= errand.commands.count, !awaitsAnswers
        else { return }
        if let patience = errand.listens {
            self.errand?.listens = nil
            self.errand?.until = now + patience
            return
        }
        guard errand.until == nil else { return }
        finishErrand()
    }

    mutating func expireErrand() {
        guard let until = errand?.until, until <= now else { return }
        errand?.until = nil
        endErrandIfDone()
    }

    private mutating func finishErrand() {
        guard let errand, !errand.isOver else { return }
        self.errand?.isOver = true
        if let kind = errand.shows, !errand.json, !errand.hasFailed { printRaw(errand.table.text(kind)) }
        // Subscriptions are rows: they must be accepted before the end.
        beginDrain(limit: now + .seconds(Limits.drainSeconds))
    }

    /// A result of one of the errand's commands.
    mutating func errandAnswered(_ result: EventRecord) {
        guard let errand, !errand.isOver else { return }
        // Who asks for JSON and for no list gets the results themselves.
        if errand.json, errand.shows == nil { printEvent(result) }
        // Of commands that were on their way together one refusal says it for all.
        if result["ok"] == .bool(false), !(errand.hasFailed && errand.stopsAtRefusal) {
            let condition = result.words("condition") ?? result.words("code") ?? "refused"
            let why = result.words("text").map { "\($0) (\(condition))" } ?? condition
            let what = result.words("ref").map { "\($0): " } ?? ""
            actions.append(.say(.error, what + why))
            worst = worst ?? .undelivered
            self.errand?.hasFailed = true
            if errand.stopsAtRefusal { self.errand?.next = errand.commands.count }
        }
        goOnWithErrand()
    }

    /// An event while the errand runs.
    mutating func errandHeard(_ event: EventRecord) {
        guard let errand, !errand.isOver, errand.shows?.takes(event) == true else { return }
        if errand.json { printEvent(event) } else { self.errand?.table.add(event) }
    }
}

extension EventRecord {
    /// A field's text for a person; nil where there is none.
    func words(_ name: String) -> String? {
        switch self[name] {
        case .string(let text): text
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .int(let number): String(number)
        case .bool(let value): String(value)
        case .strings(let list): list.joined(separator: ", ")
        case nil: nil
        }
    }
}

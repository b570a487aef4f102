import Endpoints
import Routing
import Stanza

/// The co-process, as far as the pump knows it.
enum ChildState: Equatable, Sendable {
    /// There is none.
    case none
    /// It runs. Becomes asked, ended.
    case running
    /// It was told to stop, and is killed then; what it has said is delivered until the end. Becomes killed, ended.
    case asked(killAt: Instant, until: Instant)
    /// It was killed. Becomes ended.
    case killed(until: Instant)
    /// It is over.
    case ended(ChildEnd, wasAsked: Bool)

    var deadline: Instant? {
        switch self {
        case .asked(let killAt, _): killAt
        case .none, .running, .killed, .ended: nil
        }
    }

    /// When a stop that it was told of gives up.
    fileprivate var limit: Instant? {
        switch self {
        case .asked(_, let until), .killed(let until): until
        case .none, .running, .ended: nil
        }
    }
}

// A command in place of standard input and output: its end ends the run.
extension Pump {
    /// What a person calls a source.
    func name(of source: Int) -> String {
        if source > 0 { return "\(sources[source].endpoint)" }
        return options.hasChild ? "the command's output" : "standard input"
    }

    /// What a person calls the first sink.
    var outputName: String { options.hasChild ? "the command" : "standard output" }

    /// A signal is passed on.
    /// - Returns: Whether its end is waited for before the bridge's own begins.
    mutating func askChild() -> Bool {
        guard case .running = child else { return false }
        child = .asked(
            killAt: now + .seconds(Limits.childSeconds), until: now + .seconds(Limits.drainSeconds))
        actions.append(.signalChild)
        return phase == .running
    }

    mutating func expireChild() {
        guard case .asked(let killAt, let until) = child, killAt <= now else { return }
        child = .killed(until: until)
        actions.append(.say(.warning, "the command has not ended within \(Limits.childSeconds) s, and is killed"))
        actions.append(.killChild)
    }

    /// It has closed its input. That is its own affair: the run goes on until it ends.
    mutating func childIsDeaf() {
        sinks[0].breakOff()
        tellHandled()
        if case .flushing = phase { return flushed() }
        leaveIfSettled()
    }

    /// All that it has printed is delivered, and then the run is over. What it has not read stays with the server.
    mutating func childEnded(_ end: ChildEnd) {
        let limit = child.limit
        child = .ended(end, wasAsked: limit != nil)
        if limit == nil { tell(end) }
        isSated = true
        childIsDeaf()
        guard phase == .running else { return }
        if let limit { stop(until: limit) } else { beginDrain(limit: nil) }
    }

    private mutating func tell(_ end: ChildEnd) {
        switch end {
        case .exited(0): break
        case .exited(let status): actions.append(.say(.warning, "the command ended with status \(status)"))
        case .killed(let signal): actions.append(.say(.warning, "the command was killed by signal \(signal)"))
        }
    }

    /// What the process ends with: its own truth first, and then that of a co-process that ended by itself. One that was
    /// told to stop, by us or for us, did as it was told.
    func exitCode(of status: ExitStatus) -> Int32 {
        guard status == .success, case .ended(let end, false) = child else { return status.rawValue }
        return end.status
    }
}

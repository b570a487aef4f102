import Endpoints
import Routing
import Session
import Stanza

// How a run ends, and with which status.
extension Pump {
    mutating func inputEnded() {
        guard phase == .running else { return }
        if options.endOfInput == .drain, options.reads != .nothing {
            beginDrain(limit: nil, isStopped: false)
        } else {
            finishLines()
        }
    }

    mutating func inputFailed(_ reason: String, of source: Int) {
        actions.append(.say(.error, "reading \(name(of: source)) failed: \(reason)"))
        worst = .io
        if phase == .running { beginDrain(limit: nil) }
    }

    /// SIGTERM and SIGINT: a second one is the driver's, it ends the process at once.
    mutating func stop() {
        // What a co-process says before it goes is still taken.
        if askChild() { return }
        stop(until: now + .seconds(Limits.drainSeconds))
    }

    mutating func stop(until limit: Instant) {
        switch phase {
        case .running: beginDrain(limit: limit)
        case .draining: phase = .draining(until: limit)
        case .settling: return leave()
        case .leaving, .flushing, .finished: return
        }
        guard case .draining = phase, !session.isOnline else { return }
        // Without a session there is nothing to wait for but the delivery of what was taken in.
        let waiting = waitingCount
        if waiting == 0 { return leave() }
        let what = waiting == 1 ? "1 message waits" : "\(waiting) messages wait"
        let patience = "\(Limits.drainSeconds) s at the most, a second signal ends at once"
        actions.append(.say(.warning, "\(what) for the server: \(patience)"))
    }

    /// - Parameter isGone: whether its reader has gone, which is how `head` says that it has enough.
    mutating func outputFailed(_ reason: String, isGone: Bool) {
        guard !sinks[0].isBroken else { return }
        if options.hasChild { return childIsDeaf() }
        // A reader that has all there was may go while we take our leave.
        if isGone, phase != .running, sinks[0].isDone { return }
        sinks[0].breakOff()
        worst = .io
        // Rules that carry standard input on still have their work; a run that only prints has none left, and what it
        // did not print stays with the server.
        let goesOn = phase == .running && options.reads == .lines && router.sendsMessages
        if goesOn { tellHandled() } else { isSated = true }
        if case .flushing = phase { return flushed() }
        leaveIfSettled()
        guard phase == .running else { return }
        actions.append(.say(isGone ? .info : .error, "writing standard output failed: \(reason)"))
        if !goesOn { beginDrain(limit: now + .seconds(Limits.drainSeconds)) }
    }

    /// Takes in what was read, and no more, and waits until all of it is accepted.
    /// - Parameter isStopped: whether standard input has not ended.
    mutating func beginDrain(limit: Instant?, isStopped: Bool = true) {
        digest(whole: true)
        finishLines(isStopped: isStopped)
        // A line that no rule takes has ended the run already.
        guard phase == .running else { return }
        flushHeld()
        phase = .draining(until: limit)
        drive(.drain)
        settleIfDrained()
    }

    /// Goes on once all that was taken in is accepted by the server, or refused by it.
    mutating func settleIfDrained() {
        // An empty input still tells whether the account can log in.
        guard case .draining = phase, session.hasBeenOnline, roomsAreDecided, waitingCount == keptCount else { return }
        settle()
    }

    /// Prints no new events, and waits until those that are printed are written: only then are they acknowledged, and
    /// what comes behind them stays with the server for the next session. Queries still get their answers.
    mutating func settle() {
        tellLimited(evenNow: true)
        isSated = true
        for sink in sinks.indices where !sinks[sink].isBroken { tellDropped(by: sink) }
        let patience = !awaitsAnswers ? Limits.flushSeconds : Limits.answerSeconds
        phase = .settling(until: now + .seconds(patience))
        leaveIfSettled()
    }

    /// Not before the store has what is to be acknowledged: what is not would come again.
    mutating func leaveIfSettled() {
        if case .settling = phase, !awaitsAnswers, isAllWritten, journal.isSafe { leave() }
    }

    /// Ends the session in good order.
    mutating func leave() {
        phase = .leaving
        if awaitsAnswers { worst = worst ?? .undelivered }
        dropQueries("no answer came before the end")
        drive(.leave)
    }

    mutating func timeout() {
        switch phase {
        case .running:
            if let silence = options.timeout, let lastMessage, lastMessage + silence <= now {
                actions.append(.say(.error, "no message for \(Self.words(silence))"))
                worst = .undelivered
                if waitingCount == 0 { settle() } else { beginDrain(limit: now + .seconds(Limits.drainSeconds)) }
            }
        case .draining(let until): if let until, until <= now { settle() }
        case .settling(let until): if until <= now { leave() }
        case .flushing(let status, let until): if until <= now { giveUpOutput(status) }
        case .leaving, .finished: break
        }
        expireChild()
        expireHeld()
        expireMarks()
        backlog.expire(at: attemptTime)
        expireGates()
        expireJoins()
        if let due = board.expire(at: now) { session.show(due, at: now) }
        expireErrand()
        drive(.timeout)
        send()
    }

    /// Nobody has taken what was printed.
    private mutating func giveUpOutput(_ status: ExitStatus) {
        if hasGivenUpOutput || !journal.isSafe {
            let why = journal.failure.map { ": \($0)" } ?? " in time"
            actions.append(.say(.error, "the spool was not written\(why)"))
            return finish(status == .success ? .io : status)
        }
        hasGivenUpOutput = true
        // What goes to files and FIFOs is the next run's to write; nobody knows what reads its standard output.
        for sink in sinks.indices.dropFirst() { spill(sink) }
        var fault: ExitStatus?
        for sink in sinks where !sink.isDone {
            let name = sink.endpoint == .stdout ? outputName : sink.name
            let isKept = sink.safe == sink.queued
            let fate =
                isKept ? "kept in the spool" : sink.endpoint == .stdout ? "not taken by its reader" : "not written"
            fault = isKept ? fault ?? .undelivered : .io
            actions.append(.say(.error, "\(sink.waiting) bytes for \(name) were \(fate)"))
        }
        phase = .flushing(status == .success ? fault ?? .io : status, until: now + .seconds(Limits.flushSeconds))
        flushed()
    }

    mutating func ended(_ ending: Ending) {
        var status = ExitStatus.success
        switch ending {
        case .left: break
        case .refused(let text):
            status = .refused
            emit(.session(.refused, reason: text))
            actions.append(.say(.error, text))
        case .protocolFailure(let text), .conflict(let text):
            status = .protocolFailure
            actions.append(.say(.error, text))
        case .unreachable(let text):
            status = waitingCount == 0 ? .unreachable : .undelivered
            actions.append(.say(.error, text))
        }
        if status == .success { status = statusOfWork }
        tellUndelivered()
        phase = .flushing(status, until: now + .seconds(Limits.flushSeconds))
        flushed()
    }

    private mutating func tellUndelivered() {
        if failures.single > Limits.failuresNamedMax {
            actions.append(.say(.error, "\(failures.count) messages in all were not delivered"))
        }
        let kept = waitingCount
        if kept > 0 {
            let what = kept == 1 ? "1 message was" : "\(kept) messages were"
            let end = kept == 1 ? "it" : "them"
            let fate = options.stateName.map { "kept in \($0); the next run sends \(end)" } ?? "not kept"
            actions.append(.say(.error, "\(what) not accepted by the server, and \(fate)"))
        }
    }

    mutating func flushed() {
        guard case .flushing(let status, _) = phase else { return }
        // What was promised to be kept must be.
        guard journal.isSafe || journal.isBroken, isAllWritten || hasGivenUpOutput else { return }
        // Only once all else is safe, and forgotten at its source, may the next run take this one's end for a good one.
        if closeJournal() { return }
        let hasLostReader = sinks[0].isBroken && !options.hasChild
        finish(hasLostReader && status == .success ? .io : status)
    }

    private mutating func finish(_ status: ExitStatus) {
        guard phase != .finished else { return }
        phase = .finished
        end = status
    }

    /// The status of a run that is ended at once, whatever is still to be done.
    var statusNow: ExitStatus {
        if case .flushing(let status, _) = phase, status != .success { return status }
        return statusOfWork
    }

    /// What the work done so far comes to, where the session itself ends well.
    private var statusOfWork: ExitStatus {
        let isWhole = failures.count == 0 && waitingCount == 0 && isDigested
        return worst ?? (isWhole ? (refusedInput ? .badInput : .success) : .undelivered)
    }

    /// The line that SIGUSR1 asks for.
    var statusLine: String {
        let state = session.isOnline ? "online as \(session.boundJID?.text ?? "?")" : "offline (\(session.phase))"
        return
            "\(state); \(counters.linesRead) lines read, \(counters.rowsAccepted) of \(counters.rowsAppended) messages accepted, "
            + "\(failures.count) refused, \(counters.messagesReceived) received, \(sinks[0].waiting) bytes wait for standard output"
            + (backlog.isDurable ? ", \(backlog.count) messages in the spool" : "")
            + (held.count > 0 ? ", \(held.count) messages held by rules" : "")
    }
}

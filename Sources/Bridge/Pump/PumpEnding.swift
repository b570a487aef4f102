import Endpoints
import Routing
import Session
import Stanza

// How a run ends, and with which status.
extension Pump {
    mutating func inputEnded() {
        finishLines()
        guard phase == .running else { return }
        if options.endOfInput == .drain, options.reads != .nothing { beginDrain(limit: nil) }
    }

    mutating func inputFailed(_ reason: String) {
        actions.append(.say(.error, "reading standard input failed: \(reason)"))
        worst = .io
        finishLines()
        if phase == .running { beginDrain(limit: nil) }
    }

    /// SIGTERM and SIGINT: a second one is the driver's, it ends the process at once.
    mutating func stop() {
        switch phase {
        case .running: beginDrain(limit: now + .seconds(Limits.drainSeconds))
        case .draining: phase = .draining(until: now + .seconds(Limits.drainSeconds))
        case .leaving, .flushing, .finished: break
        }
        // Without a session there is nobody to drain to.
        if case .draining = phase, !session.isOnline { leave(nil) }
    }

    /// - Parameter isGone: whether its reader has gone, which is how `head` says that it has enough.
    mutating func outputFailed(_ reason: String, isGone: Bool) {
        guard !outputIsBroken else { return }
        outputIsBroken = true
        output.removeAll()
        worst = .io
        tellHandled()
        if case .flushing = phase { return flushed() }
        guard phase == .running else { return }
        // Rules that carry standard input on still have their work; a run that only prints has none left.
        actions.append(.say(isGone ? .info : .error, "writing standard output failed: \(reason)"))
        if options.reads == .lines, router.recipients.count > 0 { return }
        beginDrain(limit: now + .seconds(Limits.drainSeconds))
    }

    /// Takes no more input and waits until all of it is accepted.
    mutating func beginDrain(limit: Instant?) {
        phase = .draining(until: limit)
        drive(.drain)
        leaveIfDrained()
    }

    /// Leaves once all that was accepted is accepted by the server, or refused by it.
    mutating func leaveIfDrained() {
        // An empty input still tells whether the account can log in.
        guard case .draining = phase, store.count == 0, rawRequests.isEmpty, session.hasBeenOnline else { return }
        leave(nil)
    }

    /// Ends the session in good order.
    mutating func leave(_ status: ExitStatus?) {
        if let status { worst = status }
        phase = .leaving
        drive(.leave)
    }

    mutating func timeout() {
        if case .draining(let until) = phase, let until, until <= now { leave(nil) }
        if case .flushing(let status, let until) = phase, until <= now { finish(status) }
        if phase == .running, let silence = options.timeout, let lastMessage, lastMessage + silence <= now {
            actions.append(.say(.error, "no message for \(silence)"))
            leave(.undelivered)
        }
        drive(.timeout)
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
            status = store.count == 0 ? .unreachable : .undelivered
            actions.append(.say(.error, text))
        }
        if status == .success {
            if let worst { status = worst } else if failures.count > 0 || store.count > 0 { status = .undelivered }
        }
        tellUndelivered()
        phase = .flushing(status, until: now + .seconds(Limits.flushSeconds))
        flushed()
    }

    private mutating func tellUndelivered() {
        if failures.count > Limits.failuresNamedMax {
            actions.append(.say(.error, "\(failures.count) messages in all were not delivered"))
        }
        let kept = store.count
        if kept > 0 {
            let what = kept == 1 ? "1 message was" : "\(kept) messages were"
            actions.append(.say(.error, "\(what) not accepted by the server, and not kept"))
        }
    }

    mutating func flushed() {
        guard case .flushing(let status, _) = phase else { return }
        if outputIsBroken || outputWritten >= outputQueued {
            finish(outputIsBroken && status == .success ? .io : status)
        }
    }

    private mutating func finish(_ status: ExitStatus) {
        guard phase != .finished else { return }
        phase = .finished
        actions.append(.finish(status))
    }

    /// The line that SIGUSR1 asks for.
    var statusLine: String {
        let state = session.isOnline ? "online as \(session.boundJID?.text ?? "?")" : "offline (\(session.phase))"
        return
            "\(state); \(counters.linesRead) lines read, \(counters.rowsAccepted) of \(counters.rowsAppended) messages accepted, "
            + "\(failures.count) refused, \(counters.messagesReceived) received, \(outputQueued - outputWritten) bytes wait for standard output"
    }
}

import Stanza

extension LoopbackServer {
    /// Whom a refusal answers.
    private enum Asked {
        case stanza(Element)
        case element
    }

    /// Counts a trigger and lets its faults strike.
    /// - Parameter stanza: what a refusal would answer.
    /// - Returns: whether the thing itself is still to happen.
    mutating func strike(_ trigger: Fault.Trigger, on id: ConnectionID, _ stanza: Element? = nil) -> Bool {
        guard let struck = connections[id]?.mischief.arrive(trigger), !struck.isEmpty else { return true }
        return apply(struck, on: id, stanza)
    }

    /// Lets the faults strike that come when a thing is done.
    mutating func strikeAfter(_ trigger: Fault.Trigger, on id: ConnectionID) {
        guard let struck = connections[id]?.mischief.done(trigger), !struck.isEmpty else { return }
        _ = apply(struck, on: id, nil)
    }

    /// Whether the connection still takes part after its faults have struck.
    func isAlive(_ id: ConnectionID) -> Bool {
        connections[id]?.isAlive ?? false
    }

    private mutating func apply(_ struck: [Fault], on id: ConnectionID, _ stanza: Element?) -> Bool {
        var goesOn = true
        for fault in struck {
            guard isAlive(id), let ordinal = connections[id]?.ordinal else { return false }
            actions.append(.observed(.fault(fault, connection: ordinal)))
            if !apply(fault, on: id, stanza) { goesOn = false }
        }
        return goesOn && isAlive(id)
    }

    private mutating func apply(_ fault: Fault, on id: ConnectionID, _ stanza: Element?) -> Bool {
        switch fault.effect {
        case .abort:
            flush(id)
            abort(id)
        case .restart: restart(keepsSessions: false)
        case .restartKeeping: restart(keepsSessions: true)
        case .close(let condition): dismiss(id, condition)
        case .stall:
            flush(id)
            connections[id]?.mischief.isStalled = true
        case .pause(let duration):
            flush(id)
            paused[id] = now + duration
        case .lose: return false
        case .refuse(let condition):
            refuse(fault.trigger, condition, on: id, stanza)
            return false
        case .repeatAcks: connections[id]?.mischief.repeatsAcks = true
        case .withholdAcks: connections[id]?.mischief.withholdsAcks = true
        case .acknowledgeShifted(let shift): connections[id]?.mischief.acknowledgement = .shifted(by: shift)
        case .acknowledgeAlways(let value): connections[id]?.mischief.acknowledgement = .always(value)
        case .send(let bytes): write(id) { $0.raw(bytes) }
        case .forget: forget(fault.trigger, on: id, stanza)
        case .rooms(let fault): apply(fault)
        case .deliver(let bytes): if let session = connections[id]?.session { deliver(forged: bytes, to: session) }
        }
        return true
    }

    private mutating func refuse(_ trigger: Fault.Trigger, _ condition: String, on id: ConnectionID, _ stanza: Element?)
    {
        switch trigger {
        case .starttls, .proceed: refuseTLS(id)
        case .auth, .challenge, .response, .success: refuseAuthentication(id, account: "", condition)
        case .enable, .resume: writeFailed(id, condition, handled: nil)
        case .bind, .roster, .presence, .join, .iq, .messages, .groupchat, .stanzas:
            if let stanza { bounce(stanza, on: id, condition) }
        case .connect, .header, .features, .secured, .request, .ack, .sent, .close, .bytesIn, .bytesOut:
            // A fault made by hand may ask for what the text form forbids; there is nothing to answer with.
            break
        }
    }

    private mutating func forget(_ trigger: Fault.Trigger, on id: ConnectionID, _ stanza: Element?) {
        if trigger == .resume, let previous = stanza?["previd"] {
            if let known = resumable(previous) { end(session: known) }
            endedSessions.removeAll { $0.resumptionID == previous }
        } else if let session = connections[id]?.session {
            sessions[session]?.management?.resumptionID = nil
        }
    }

    /// Every connection is reset and every session ends, as when the process ends and begins again; or all that can be
    /// resumed is waiting for its client in the process that comes.
    mutating func restart(keepsSessions: Bool) {
        if !keepsSessions {
            for id in sessions.keys.sorted() { sessions[id]?.management?.resumptionID = nil }
        }
        for id in connections.keys.sorted() {
            flush(id)
            abort(id)
        }
        if keepsSessions { return }
        for id in sessions.keys.sorted() { end(session: id) }
        endedSessions = []
        furnishRooms()
    }
}

import Endpoints
import Routing
import Session
import Stanza

// Events of the session to rules to sinks.
extension Pump {
    mutating func observe(_ event: Session.Event) {
        if isSated, !concernsUs(event) { return }
        // The event that sates is still one that was taken.
        let isTaken = !isSated
        switch event {
        case .connecting:
            emit(.session(.connecting))
        case .online(let jid, let resumed, let peer): online(jid, resumed: resumed, peer)
        case .offline(let reason, let retryIn):
            // Without another attempt the end follows at once, and says the same.
            if let retryIn {
                actions.append(.say(.warning, "\(reason); trying again in \(Self.words(retryIn))"))
            }
            emit(.session(.offline, reason: reason, retryIn: retryIn))
        case .message(let message): observe(message)
        case .presence(let update): observe(update)
        case .subscription(let jid, let action, let status):
            emit(.subscription(jid: jid, .init(action), status: status))
            if action == .request { approveByPolicy(jid) }
        case .roster(let item, let initial):
            emit(.roster(EventRecord.RosterFields(item), initial: initial))
        case .rosterComplete: break
        case .block(let jid, let isBlocked, let initial):
            emit(.block(jid: jid, isBlocked ? .blocked : .unblocked, initial: initial))
        case .room(let update): observe(update)
        case .occupant(let update): observe(update)
        case .receipt(let id, let from): receipt(id, from)
        case .forged(let what, let from): forged(what, from)
        case .answered(let tag, let answer): answered(tag, answer)
        case .rejected(let row, let reason): rejected(row, reason)
        case .stanzaLimit(let bytes): stanzaBytesMax = min(bytes, Limits.stanzaBytesMax)
        case .warning(let text):
            actions.append(.say(.warning, text))
        }
        // What a sated run still takes in is told apart by nobody: it is not acknowledged.
        if isTaken { noteObserved() }
    }

    /// Whether a run that prints nothing new must still hear of it: its own state, bounces, and answers.
    private func concernsUs(_ event: Session.Event) -> Bool {
        switch event {
        case .message(let message): message.type == "error" || message.room?.isReflection == true
        case .presence, .subscription, .roster, .rosterComplete, .block, .receipt, .occupant, .forged: false
        case .connecting, .online, .offline, .stanzaLimit, .room, .answered, .rejected, .warning: true
        }
    }

    private mutating func online(_ jid: JID, resumed: Bool, _ peer: String) {
        actions.append(.say(.info, "online as \(jid) at \(peer)\(resumed ? ", resumed" : "")"))
        emit(.session(.online, jid: jid, resumed: resumed, peer: peer))
        if wasOnline, !resumed {
            let text = "the stream could not be resumed: what came in between may be missing"
            if options.prints, errand == nil { actions.append(.say(.warning, text)) }
            emit(.gap(reason: "not-resumed", text: text))
        }
        isRedelivering = false
        if !resumed { blockByPolicy() }
        if !wasOnline { beginErrand() }
        wasOnline = true
        settleIfDrained()
    }

    private mutating func observe(_ update: PresenceUpdate) {
        let event = EventRecord.presence(EventRecord.PresenceFields(update))
        emit(event)
        errandHeard(event)
    }

    private mutating func observe(_ update: OccupantUpdate) {
        let event = EventRecord.occupant(EventRecord.OccupantFields(update))
        emit(event)
        errandHeard(event)
    }

    /// A receipt (XEP-0184) counts from whom the message went to, and from nobody else.
    private mutating func receipt(_ id: String, _ from: JID) {
        switch receipts.arrived(id, from: from) {
        case .ours(let ref): report(.delivery(ref: ref, to: from, .received, id: id))
        case .unknown: emit(.receipt(from: from, id: id))
        case .forged: forged(EventRecord.Forgery.receipt.rawValue, from)
        }
    }

    /// Something that was ignored: told at once, and then once a minute at the most.
    private mutating func forged(_ what: String, _ from: JID) {
        guard let count = forgeries.count(what, at: now), let what = EventRecord.Forgery(rawValue: what) else { return }
        let event = EventRecord.forged(what, from: from, count: count)
        actions.append(.say(.warning, "ignored a \(what.rawValue) from \(from), who has no right to it"))
        emit(event)
    }

    private mutating func observe(_ message: Message) {
        if message.type == "error", let id = message.stanza["id"], let row = givenIDs[id] ?? stanzas.row(of: id),
            bounced(row, id: id, from: message.from, StanzaError(of: message.stanza))
        {
            return
        }
        if isShownAgain(message) || isSated { return }
        counters.messagesReceived += 1
        guard router.usesEvents else { return }
        route(message)
        commit()
    }

    /// An event of our own, to whatever rule takes events.
    mutating func emit(_ event: EventRecord) {
        if options.printsSession, event.kind == .session || event.kind == .room { printEvent(event) }
        guard router.usesEvents else { return }
        route(.event(event), from: .session)
    }

    /// A delivery or a result: where no rule takes events, commands still get their answers on standard output.
    mutating func report(_ event: EventRecord) {
        if options.answersCommands, !router.takesAllEvents { printEvent(event) }
        emit(event)
    }

    mutating func countMessage() {
        messagesPrinted += 1
        lastMessage = now
        guard let count = options.count, messagesPrinted >= count, !isSated else { return }
        // From here on what comes is the next run's.
        isSated = true
        if phase == .running { beginDrain(limit: nil) }
    }

    static func words(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        return milliseconds < 10_000
            ? "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s" : "\(milliseconds / 1_000) s"
    }
}

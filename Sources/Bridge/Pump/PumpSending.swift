import Endpoints
import Session
import Spool
import Stanza

// The backlog to the session, and what becomes of each row.
extension Pump {
    /// In memory what was appended is safe at once; with a store it is once the batch of this input is.
    mutating func commit() {
        guard !backlog.isDurable, backlog.committedNumber < backlog.lastNumber else { return }
        backlog.committed(upTo: backlog.lastNumber)
        send()
    }

    /// By what the times of attempts are told, in milliseconds since 1970: civil time as it was at the beginning, moved on
    /// by the monotonic clock. So a clock that is set moves no attempt by hours.
    var attemptTime: Int64 { began.wall.milliseconds + (now - began.now).wholeMilliseconds }

    /// Rows that come out of the store: the clock may have been set since they were postponed, and none waits longer than
    /// the pause that it was given.
    func timed(_ rows: [StoredRow]) -> [StoredRow] {
        rows.map { stored in
            guard stored.until > 0 else { return stored }
            var row = stored
            row.until = min(stored.until, attemptTime + Refusal.pause(after: stored.attempts).wholeMilliseconds)
            return row
        }
    }

    /// Gives the session what is committed and may go, as far as its window goes.
    mutating func send() {
        while session.canSend, let flight = backlog.next(at: attemptTime) { dispatch(flight) }
    }

    private mutating func dispatch(_ flight: Backlog.Flight) {
        let row = flight.row
        // A row that was made before the server told its limit (XEP-0478): the server would end the stream.
        if row.payload.count > stanzaBytesMax {
            return giveUp(flight, "\(row.payload.count) bytes, and the server takes \(stanzaBytesMax)")
        }
        if !gates.isEmpty, let room = destinations.rooms[row.lane] {
            if let why = closedRooms[room] { return bury(flight, to: room, why) }
            if gates[room]?.takeShown(row.originID) == true { return saidBefore(flight, in: room) }
            gates[room]?.spoke(row.number, dispatch: flight.dispatch, at: now)
            settleGate(room)
        }
        // An id of the user's, or of another spool whose rows were taken over.
        if !row.originID.isEmpty, !stanzas.isIdentifier(row.originID, of: row.number) {
            givenIDs[row.originID] = row.number
        }
        let isRetried = flight.attempts > 0
        let doubt = isRetried ? nil : doubt(about: row)
        session.send(row.payload, row: flight.dispatch, doubt: doubt, isRetried: isRetried, at: now)
    }

    // MARK: - Accepted

    /// The server has accepted all flights up to this one, or refused them and said so before.
    mutating func accepted(upTo dispatch: UInt64) {
        var released: [RowTag] = []
        while let flight = backlog.flight(after: acceptedDispatch), flight.dispatch <= dispatch {
            acceptedDispatch = flight.dispatch
            // What is said in a room leaves when the room has shown it.
            if !gates.isEmpty, let room = destinations.rooms[flight.row.lane] {
                gates[room]?.accepted(flight.dispatch, at: now)
                continue
            }
            backlog.release(flight.dispatch)
            forgetID(of: flight.row)
            counters.rowsAccepted += 1
            if let tag = flight.row.ref { released.append(RowTag(tag)) }
        }
        acceptedDispatch = max(acceptedDispatch, dispatch)
        failures.landed(upTo: dispatch)
        if waitingCount < Limits.spoolRowsMax { isDroppingRelayed = false }
        for tag in released { report(.delivery(ref: tag.ref, to: tag.recipient ?? accountJID, .acknowledged)) }
        digest()
        settleIfDrained()
    }

    mutating func forgetID(of row: Row) { if !givenIDs.isEmpty { givenIDs[row.originID] = nil } }

    // MARK: - Refused

    /// The server ends the stream over this flight: the others go on without it.
    mutating func rejected(_ dispatch: UInt64, _ reason: String) {
        if let flight = backlog.flight(dispatch) { giveUp(flight, reason) }
        settleIfDrained()
    }

    private mutating func giveUp(_ flight: Backlog.Flight, _ text: String) {
        let recipient = destinations.jid(of: flight.row.lane) ?? accountJID
        bury(flight, to: recipient, condition: "policy-violation", text)
        actions.append(.say(.error, "the message to \(recipient) was not delivered: \(text)"))
    }

    /// A row comes to its end without having arrived: it is kept as a dead letter, where there is a store.
    mutating func bury(
        _ flight: Backlog.Flight, to recipient: JID, condition: String? = nil, id: String? = nil, _ text: String?
    ) {
        let row = flight.row
        if backlog.isDurable, deadLetters < Limits.deadLettersMax {
            deadLetters += 1
            backlog.bury(
                flight.dispatch,
                .init(condition: condition, text: text ?? condition ?? "refused", time: wall.milliseconds))
        } else {
            if backlog.isDurable { tellTooManyDeadLetters() }
            backlog.release(flight.dispatch)
        }
        landed(flight)
        receipts.forget(row.originID)
        failures.count += 1
        report(
            .delivery(
                ref: row.ref.map { RowTag($0).ref }, to: recipient, .failed, id: id ?? row.originID,
                condition: condition, text: text))
    }

    private mutating func tellTooManyDeadLetters() {
        guard deadLetters == Limits.deadLettersMax else { return }
        deadLetters += 1
        let text = "\(Limits.deadLettersMax) refused messages are kept, and no more; see xmpp-bridge spool"
        actions.append(.say(.warning, text))
    }

    /// A flight is over before the server has accepted it: it is not sent again by the session.
    private mutating func landed(_ flight: Backlog.Flight) {
        if let room = destinations.rooms[flight.row.lane] { gates[room]?.drop(flight.row.number) }
        forgetID(of: flight.row)
        if flight.dispatch > acceptedDispatch { failures.note(flight.row.number, dispatch: flight.dispatch) }
        session.arrived(row: flight.dispatch, at: now)
    }

    /// The row is refused for now, and sent again later: it and those behind it wait, and nobody else.
    private mutating func postpone(_ flight: Backlog.Flight, to recipient: JID, id: String?, _ error: StanzaError) {
        let pause = Refusal.pause(after: flight.attempts + 1)
        backlog.postpone(flight.dispatch, until: attemptTime + pause.wholeMilliseconds, error: error.description)
        landed(flight)
        let text = "\(error.text ?? error.meaning ?? error.condition); it is sent again in \(Self.words(pause))"
        report(
            .delivery(
                ref: flight.row.ref.map { RowTag($0).ref }, to: recipient, .queued, id: id ?? flight.row.originID,
                condition: error.condition, text: text))
        guard toldPostponed < Limits.failuresNamedMax else { return }
        toldPostponed += 1
        actions.append(.say(.warning, "the message to \(recipient) is refused for now: \(text)"))
    }

    /// A message of ours came back (RFC 6120 8.3): it was not delivered, whatever was acknowledged.
    /// - Returns: Whether it is a bounce at all: anybody may write an error that names an id of ours.
    mutating func bounced(_ number: UInt64, id: String, from: JID, _ error: StanzaError) -> Bool {
        let flight = backlog.flight(ofRow: number)
        guard number <= backlog.lastNumber, mayBounce(flight?.row.lane, from) else { return false }
        guard let flight else {
            // One row fails once.
            if failures.isRefused(number) { return true }
            // An earlier run's copy, or one that was refused before: the row goes again, and what comes of that counts.
            if backlog.mayWait(number, in: destinations.lane(of: from)) { return true }
            failures.count += 1
            report(.delivery(to: from, .failed, id: id, condition: error.condition, text: error.text))
            tellFailure("the message to \(from) was not delivered: \(error)")
            return true
        }
        if roomTurnedAway(flight, error) { return true }
        refuse(flight, from: from, id: id, error)
        send()
        digest()
        settleIfDrained()
        return true
    }

    /// A flight came to nothing: for now, where that may be mended, or for good.
    mutating func refuse(_ flight: Backlog.Flight, from: JID, id: String? = nil, _ error: StanzaError) {
        if backlog.isDurable, error.isTemporary, flight.attempts < Refusal.attemptsMax {
            postpone(flight, to: from, id: id, error)
        } else {
            bury(flight, to: from, condition: error.condition, id: id, error.text)
            tellFailure("the message to \(from) was not delivered: \(error)")
        }
        if let room = destinations.rooms[flight.row.lane] { settleGate(room) }
    }

    /// A bounce comes from the recipient, from its server, or from ours. Of a row that is released long since only
    /// that is known whom we wrote to at all.
    private func mayBounce(_ lane: Lane?, _ from: JID) -> Bool {
        if from == accountJID || from == accountJID.server { return true }
        guard let lane else { return destinations.wroteTo(from) }
        guard let recipient = destinations.jid(of: lane) else { return true }
        return from.bare == recipient.bare || from == recipient.server
    }
}

/// What is done about refusals that may not last.
enum Refusal {
    /// Between two attempts: after the first, the second, and so on; the last one stays.
    static let pauses: [Duration] = [
        .seconds(30), .seconds(120), .seconds(600), .seconds(1_800), .seconds(3_600), .seconds(7_200), .seconds(14_400),
    ]
    /// From that refusal, counted from 1, to the next attempt.
    static func pause(after refusals: Int) -> Duration { pauses[min(max(refusals, 1), pauses.count) - 1] }

    /// After so many pauses, a day in all, the refusal counts as one for good.
    static let attemptsMax = 11
}

extension StanzaError {
    /// Whether the same may be taken later. The type says so (RFC 6120 8.3.2); that another server cannot be reached is
    /// said with the type `cancel` by some, and it may be there in an hour.
    var isTemporary: Bool {
        if type == "wait" { return true }
        switch condition {
        case "remote-server-timeout", "remote-server-not-found", "resource-constraint": return true
        case _: return false
        }
    }
}

extension Pump {
    /// What did not arrive.
    struct Failures: Equatable, Sendable {
        /// Refusals told by the server or by recipients.
        var count = 0
        /// Those of them that a line for many has told.
        var told = 0
        /// Those that are to be named one by one.
        var single: Int { count - told }
        /// Rows that were refused and are not accepted yet, by their flights: a second refusal says nothing new.
        private var refused: [UInt64: UInt64] = [:]

        mutating func note(_ row: UInt64, dispatch: UInt64) { refused[row] = dispatch }
        func isRefused(_ row: UInt64) -> Bool { refused[row] != nil }

        /// The server has accepted all flights up to this one.
        mutating func landed(upTo dispatch: UInt64) {
            guard !refused.isEmpty else { return }
            refused = refused.filter { $0.value > dispatch }
        }
    }
}

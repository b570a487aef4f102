import Endpoints
import Session
import Spool
import Stanza

/// How far archives were told, by stanzas that are not handled yet.
struct CursorMarks: Sendable {
    private var marks = Queue<(stanza: UInt64, archive: JID, cursor: ArchiveCursor?)>()

    mutating func note(_ archive: JID, _ cursor: ArchiveCursor?, by stanza: UInt64) {
        marks.append((stanza, archive, cursor))
    }

    /// Where each archive stands whose stanzas up to that one are handled: the last word on each.
    mutating func takeDue(upTo stanza: UInt64) -> [JID: ArchiveCursor?] {
        var due: [JID: ArchiveCursor?] = [:]
        while let first = marks.first, first.stanza <= stanza {
            marks.popFirst()
            due.updateValue(first.cursor, forKey: first.archive)
        }
        return due
    }
}

/// Since when that may have been sent which is not accepted: never too late, and not much too early.
struct SendMark: Sendable {
    /// Between two times that are kept.
    static let interval: Duration = .seconds(10)

    /// Flights up to this one were sent at this time or before.
    private(set) var dispatch: UInt64 = 0
    private(set) var time: WallTime
    /// When it was last looked whether it may move.
    private var looked: WallTime

    init(at time: WallTime) { (self.time, looked) = (time, time) }

    /// Whether it is to be looked at again.
    mutating func isDue(at now: WallTime) -> Bool {
        // A clock that was set back makes it due as well.
        guard now < looked || now.milliseconds - looked.milliseconds >= Self.interval.wholeMilliseconds else {
            return false
        }
        looked = now
        return true
    }

    mutating func move(to dispatch: UInt64, at now: WallTime) {
        self.dispatch = dispatch
        time = now
    }
}

// What archives (XEP-0313) say: what was missed, and what has arrived after all.
extension Pump {
    // MARK: - Cursors

    /// Those that the last run has left.
    static func cursors(in checkpoints: [String: [UInt8]]) -> [JID: ArchiveCursor] {
        var cursors: [JID: ArchiveCursor] = [:]
        for (name, bytes) in checkpoints where name.hasPrefix(Checkpoint.cursorPrefix) {
            guard let archive = try? JID(received: String(name.dropFirst(Checkpoint.cursorPrefix.count))) else {
                continue
            }
            cursors[archive] = ArchiveCursor(bytes: bytes)
        }
        return cursors
    }

    /// An archive is told up to there, with all that came of the stanza that is being observed. Of a run that hears no
    /// events nobody was told anything.
    mutating func observe(_ cursor: ArchiveCursor?, of archive: JID) {
        guard journal.isDurable, router.usesEvents else { return }
        cursors.note(archive, cursor, by: session.inboundStanza)
    }

    /// Keeps the cursors that stanzas up to this one have moved: all that came of them is safe, or in this batch.
    mutating func keepCursors(upTo stanza: UInt64) {
        for (archive, cursor) in cursors.takeDue(upTo: stanza).sorted(by: { $0.key.text < $1.key.text }) {
            journal.order(.keep(Checkpoint.cursorPrefix + archive.text, cursor?.bytes))
        }
    }

    /// What was missed is told, as far as there is anybody who has it.
    mutating func caughtUp(_ archive: JID, _ count: Int, gap: String?) {
        let isRoom = archive != session.boundJID?.bare
        if count > 0 {
            let what = count == 1 ? "1 message" : "\(count) messages"
            actions.append(.say(.info, "\(what) that came meanwhile \(count == 1 ? "is" : "are") told now: \(archive)"))
        }
        if let gap {
            let place = isRoom ? " in \(archive)" : ""
            let text = "what came in between\(place) may be missing: \(gap)"
            if options.prints, errand == nil { actions.append(.say(.warning, text)) }
            emit(.gap(reason: isRoom ? "missed" : "not-resumed", text: text, jid: isRoom ? archive : nil))
        }
        if isRoom { speakOn(in: archive) }
    }

    /// Whether a message may have been told by a run that did not end in good order.
    func mayRepeat(_ message: Message) -> Bool {
        if isRedelivering { return true }
        guard wasUnclean, let stamp = message.delay.flatMap({ WallTime(stamp: $0) }) else { return false }
        return stamp < began.wall
    }

    // MARK: - Rows that may have arrived

    /// A row for a room was on its way when the stream was lost: it waits until the room has told what we missed.
    mutating func returned(_ dispatch: UInt64) {
        guard let flight = backlog.flight(dispatch) else { return }
        if let room = destinations.rooms[flight.row.lane] {
            gates[room]?.drop(flight.row.number)
            settleGate(room)
        }
        backlog.putBack(dispatch)
    }

    /// A room has shown a message that is not on its way: one that was, when a stream or a process ended.
    /// - Returns: Whether it waits to be said here.
    mutating func isShownAfterAll(_ id: String, in room: JID) -> Bool {
        guard let gate = gates[room], gate.spoken == nil, waitingCount(in: room) > 0 else { return false }
        let isOurs = stanzas.row(of: id).map { $0 <= backlog.lastNumber } ?? false
        guard isOurs || backlog.first(in: gate.lane)?.originID == id else { return false }
        gates[room]?.noteShown(id)
        speakOn(in: room)
        return true
    }

    /// The next row of a room is said there already.
    mutating func saidBefore(_ flight: Backlog.Flight, in room: JID) {
        arrived(flight, at: room)
        settleGate(room)
        settleIfDrained()
    }

    /// Our archive has that row: it has arrived, though nobody has acknowledged it.
    mutating func foundInArchive(_ dispatch: UInt64) {
        guard let flight = backlog.flight(dispatch) else { return }
        arrived(flight, at: nil)
        digest()
        settleIfDrained()
    }

    private mutating func arrived(_ flight: Backlog.Flight, at room: JID?) {
        backlog.release(flight.dispatch)
        forgetID(of: flight.row)
        counters.rowsAccepted += 1
        guard let tag = flight.row.ref.map({ RowTag($0) }) else { return }
        report(.delivery(ref: tag.ref, to: room ?? tag.recipient ?? accountJID, .acknowledged))
    }

    /// What is to be asked of the archive about a row before it goes: those of an earlier run may have gone already, the
    /// first of each lane, as far as a window goes.
    mutating func doubt(about row: Row) -> Doubt? {
        guard let since = doubtsSince, row.number <= doubtfulUpTo, !row.originID.isEmpty,
            destinations.rooms[row.lane] == nil, doubted[row.lane, default: 0] < Limits.spoolRowsMax
        else { return nil }
        doubted[row.lane, default: 0] += 1
        return Doubt(originID: row.originID, since: since)
    }

    /// Keeps since when that may have been sent which the server has not accepted, for who comes after us.
    mutating func settleSendMark() {
        guard sendMark.isDue(at: wall), acceptedDispatch >= sendMark.dispatch else { return }
        if doubtfulUpTo > 0 {
            if backlog.holdsRows(upTo: doubtfulUpTo) { return }
            doubtfulUpTo = 0
        }
        journal.order(.keep(Checkpoint.sent, Self.bytes(of: sendMark.time.milliseconds)))
        sendMark.move(to: backlog.lastDispatch, at: wall)
    }

    /// What an earlier run has left may have been sent by it.
    mutating func restoreDoubts(_ checkpoints: [String: [UInt8]]) {
        sendMark = SendMark(at: wall)
        let known = checkpoints[Checkpoint.sent].flatMap(Self.number(of:))
        guard backlog.count > 0 else {
            journal.order(.keep(Checkpoint.sent, Self.bytes(of: wall.milliseconds)))
            return
        }
        doubtsSince = known.map { WallTime(milliseconds: $0) } ?? wall
        doubtfulUpTo = backlog.lastNumber
    }
}

import Endpoints
import Session
import Spool
import Stanza

// What archives (XEP-0313) say: what was missed, and what has arrived after all.
extension Pump {
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

    /// A row for a room was on its way when the stream was lost: it waits until the room has told what we missed.
    mutating func returned(_ row: UInt64) {
        if let room = roomOfRow[row] {
            if outboxes[room]?.putBack(row) == true { forget(row, id: nil) }
        } else if let old = store.release(row) {
            // Somebody's own stanza, which nobody watches for: it goes again.
            let draft = RowDraft(lane: old.lane, payload: old.payload, originID: old.originID, ref: old.ref)
            let number = store.append(CollectionOfOne(draft)).lowerBound
            if givenIDs[old.originID] != nil { givenIDs[old.originID] = number }
            commit()
        }
    }

    /// A room has shown what was put back.
    mutating func shownAfterAll(_ id: String, in room: JID) -> Bool {
        guard let message = outboxes[room]?.shown(id: id) else { return false }
        givenIDs[id] = nil
        counters.rowsAccepted += 1
        if let ref = message.ref { report(.delivery(ref: ref, to: room, .acknowledged)) }
        speakOn(in: room)
        digest()
        settleIfDrained()
        return true
    }

    /// Our archive has that row: it has arrived, though nobody has acknowledged it.
    mutating func foundInArchive(_ row: UInt64) {
        guard let row = store.release(row) else { return }
        counters.rowsAccepted += 1
        givenIDs[row.originID] = nil
        if let tag = row.ref.map({ RowTag($0) }) {
            report(.delivery(ref: tag.ref, to: tag.recipient ?? accountJID, .acknowledged))
        }
        digest()
        settleIfDrained()
    }
}

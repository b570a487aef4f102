import Endpoints
import Session
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

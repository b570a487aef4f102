import Stanza

// A stream that outlives its process (XEP-0198 5).
extension ClientSession {
    /// What `h` will be once ``Input/handled(upTo:)`` has named that stanza; nil where no later process could resume the
    /// stream, so that nothing need be kept. Who wants to restore the stream keeps this count safe before that input: an
    /// `h` that is below an earlier one ends the stream, and one that is ahead of the sinks loses what they have not
    /// written.
    public func handledCount(ifHandledUpTo number: UInt64) -> UInt32? {
        guard queue.isManaged, resumable?.saved != nil else { return nil }
        return inbound.count(ifHandledUpTo: number)
    }

    /// Begins where another process stopped.
    mutating func restore(_ saved: SavedStream?, handled: UInt32, goneFor: Duration) {
        isStreamKept = saved != nil
        guard let saved, saved.fits(configuration) else { return }
        resumable = ResumableSession(saved, goneFor: goneFor)
        inbound.restore(count: handled)
    }

    /// The server goes on with the stream of the other process.
    mutating func takeOver(h: UInt32) {
        guard let session = resumable, session.isRestored, let saved = session.saved else { return }
        boundTo = saved.jid
        presenceSent = saved.isPresent
        queue.takeOver(h: h)
        rooms.takeOver()
        expectOwnArchive()
    }

    /// The stream of the other process is ours. What it had asked and learnt is not known, so all is asked again, though
    /// XEP-0198 5 would spare the server that; nor whether its presence was heard, so it is said again.
    mutating func settleIn() {
        resumable?.isRestored = false
        openOwnArchive(continued: true)
        introduce()
    }

    /// Tells what is to be kept of the stream, where that has changed: between two streams there is always none.
    mutating func keepStream(_ actions: inout [Action]) {
        let saved = resumable?.saved
        guard (saved != nil) != isStreamKept else { return }
        isStreamKept = saved != nil
        actions.append(.keepStream(saved))
    }
}

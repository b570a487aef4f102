import Stanza

/// Messages that asked for a receipt (XEP-0184) and have not got one, the newest ``Pump/Limits/receiptsMax`` of them.
struct ReceiptBook: Sendable {
    private struct Entry: Sendable {
        var to: JID
        var ref: String?
    }

    private var entries: [String: Entry] = [:]
    private var order: [String] = []

    /// What a receipt is.
    enum Arrival: Equatable {
        /// For a message of ours.
        case ours(ref: String?)
        /// For one that we do not know, or no longer.
        case unknown
        /// For one of ours, from somebody whom it did not go to.
        case forged
    }

    /// A message goes out.
    mutating func await(_ id: String, from recipient: JID, ref: String?) {
        if entries.updateValue(Entry(to: recipient, ref: ref), forKey: id) == nil { order.append(id) }
        guard order.count > 2 * Pump.Limits.receiptsMax else { return }
        for old in order.prefix(Pump.Limits.receiptsMax) { entries[old] = nil }
        order.removeFirst(Pump.Limits.receiptsMax)
    }

    /// It will not arrive.
    mutating func forget(_ id: String) { entries[id] = nil }

    /// A receipt has come. The first one counts; further devices make further receipts, which are told alike.
    func arrived(_ id: String, from sender: JID) -> Arrival {
        guard let entry = entries[id] else { return .unknown }
        return entry.to.bare == sender.bare ? .ours(ref: entry.ref) : .forged
    }
}

/// What came from those who have no right to it, counted, so that it is told at once and then now and then.
struct Forgeries: Sendable {
    private struct Count: Sendable {
        var untold: UInt64 = 0
        var told: Instant?
    }

    private var counts: [String: Count] = [:]

    /// Counts one.
    /// - Returns: How many there were since that was told last, where it is to be told now.
    mutating func count(_ what: String, at now: Instant) -> UInt64? {
        var count = counts[what] ?? Count()
        count.untold += 1
        defer { counts[what] = count }
        if let told = count.told, now < told + .seconds(Pump.Limits.complaintSeconds) { return nil }
        count.told = now
        defer { count.untold = 0 }
        return count.untold
    }
}

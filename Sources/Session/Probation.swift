import Stanza

/// After the server has ended the stream over something that we sent: rows go one at a time, so that the one it cannot
/// bear is found, and does not stop the others for ever.
struct Probation: Equatable, Sendable {
    /// How often the stream must have ended over a row that was alone on its way.
    static let strikesMax = 3

    /// It lasts until this row is accepted: the last one that was there when the stream ended first.
    let until: UInt64
    private var suspect: UInt64?
    private var strikes = 0

    init(until row: UInt64) { until = row }

    /// The stream has ended again.
    /// - Returns: Whether this row, which was alone on its way, has had its chances.
    mutating func convicts(_ row: UInt64) -> Bool {
        strikes = suspect == row ? strikes + 1 : 1
        suspect = row
        return strikes >= Self.strikesMax
    }

    /// Conditions of stream errors (RFC 6120 4.9.3) that may be about a stanza rather than about us. Servers say
    /// `policy-violation` of rates as well: hence the strikes, each after a longer wait.
    static func concerns(_ condition: String) -> Bool {
        [
            "policy-violation", "not-well-formed", "invalid-xml", "restricted-xml", "bad-format",
            "bad-namespace-prefix",
            "unsupported-stanza-type",
        ].contains(condition)
    }
}

extension ClientSession {
    /// How many bytes may be on their way now.
    var sendWindow: Int { probation == nil ? window.bytes : 1 }

    /// The server ends the stream, perhaps over a row of ours.
    /// - Returns: Whether that may be; then the rows go one by one on a fresh stream.
    mutating func suspectRows(_ condition: String, _ reason: String, _ actions: inout [Action]) -> Bool {
        guard isOnline, Probation.concerns(condition), let row = queue.rowsOnTheirWay.first else { return false }
        var current = probation ?? Probation(until: queue.lastRow ?? row)
        if queue.rowsOnTheirWay.count == 1, current.convicts(row) {
            queue.forget(row: row)
            actions.append(.event(.rejected(row: row, reason: reason)))
        }
        probation = current
        return true
    }
}

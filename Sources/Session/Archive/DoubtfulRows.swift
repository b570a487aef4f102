public import Stanza

/// A row that may have been sent before, by this process or by one before it.
public struct Doubt: Sendable, Equatable {
    /// The origin-id in it (XEP-0359), by which an archive knows it.
    public var originID: String
    /// When it may have been sent first, by our own clock.
    public var since: WallTime

    /// A doubt.
    public init(originID: String, since: WallTime) {
        self.originID = originID
        self.since = since
    }
}

/// Rows of which it is not known whether they have arrived: nothing is sent until our archive was asked.
struct DoubtfulRows: Sendable {
    enum State: Equatable, Sendable {
        /// More of them, before they are asked about. → asking
        case collecting
        /// What our account can do, or a page. → collecting
        case asking(ArchiveTrack.Page, pages: Int)
    }

    var state = State.collecting
    /// By their origin-ids.
    var rows: [String: UInt64] = [:]
    /// Those of them that the archive has.
    var found: Set<UInt64> = []
    /// When the first of them may have been sent.
    var since: WallTime?
    /// The last message that the archive has told of.
    var after: String?
    /// When rows were sent.
    var sends = SendTimes()

    var isCollecting: Bool { !rows.isEmpty && state == .collecting }

    mutating func insert(_ doubt: Doubt, row: UInt64) {
        rows[doubt.originID] = row
        since = min(since ?? doubt.since, doubt.since)
    }
}

/// When rows were given to the session, to some seconds: looked up when a stream is lost.
struct SendTimes: Sendable {
    /// Between two rows whose times are kept.
    static let interval: Duration = .seconds(10)
    /// How many times are kept; of rows before them the oldest of them stands.
    static let timesMax = 1_024

    private var times = FIFO<(row: UInt64, at: WallTime)>()

    mutating func note(_ row: UInt64, at wall: WallTime) {
        if let last = times.last, wall.milliseconds - last.at.milliseconds < Self.interval.wholeMilliseconds { return }
        times.append((row, wall))
        if times.count > Self.timesMax { times.popFirst() }
    }

    /// Not after that row was sent; nil where no row was.
    func time(of row: UInt64) -> WallTime? {
        var found = times.first?.at
        for offset in 0..<times.count where times[offset].row <= row { found = times[offset].at }
        return found
    }

    /// No row before that one will be asked for.
    mutating func forget(before row: UInt64) {
        while times.count > 1, times[1].row <= row { times.popFirst() }
    }
}

// Rows that may have arrived (XEP-0313, XEP-0359).
extension ClientSession {
    /// A stream begins that knows nothing of the one before: what was written on that may have arrived, unless the server
    /// has said itself what did.
    mutating func doubtWritten() {
        guard !isVouchedFor else { return }
        for (row, payload, isRetried) in queue.written {
            // Of one that was refused before, the archive has the first attempt, which says nothing of this one.
            guard !isRetried, !OriginID.isForRoom(payload), let id = OriginID.find(in: payload) else { continue }
            doubt(Doubt(originID: id, since: doubts.sends.time(of: row) ?? wall), row: row)
        }
    }

    mutating func doubt(_ doubt: Doubt, row: UInt64) {
        // There is nobody to ask.
        let own = archives[account]
        if archives.isOwnAsked, own?.isKept != true, own?.state != .asking { return }
        doubts.insert(doubt, row: row)
        queue.isHeldBack = true
    }

    /// Asks about all that are collected.
    mutating func askAboutDoubtfulRows() {
        guard doubts.isCollecting else { return }
        guard archives[account]?.isKept != nil, archives.isOwnAsked else { return askForOwnArchive() }
        guard archives[account]?.isKept == true else { return }
        doubts.after = nil
        doubts.found = []
        askDoubtPage(1)
    }

    private mutating func askDoubtPage(_ number: Int) {
        let queryID = pending.id(idPrefix, "doubt")
        doubts.state = .asking(.init(queryID: queryID), pages: number)
        let start = (doubts.since ?? wall) - ArchiveTrack.slack
        let max = configuration.limits.archiveDoubtPageMessages
        let query = ArchiveQuery(start: start, place: .after(doubts.after), max: max)
        pose(.raw(query.iq(to: nil, id: queryID)), .doubts(queryID: queryID))
    }

    /// It is known what our account can do, or that it does not say.
    mutating func checkDoubtfulRows(_ actions: inout [Action]) {
        guard doubts.isCollecting else { return }
        if archives[account]?.isKept == true { askAboutDoubtfulRows() } else { settleDoubts(&actions) }
    }

    /// - Returns: Whether a message of our archive is an answer about rows.
    mutating func takeDoubtResult(_ result: Element) -> Bool {
        guard case .asking(var page, let pages) = doubts.state, result["queryid"] == page.queryID else { return false }
        guard let item = ArchivedMessage(result) else { return true }
        page.results += 1
        if item.id != doubts.after { page.news += 1 }
        doubts.after = item.id
        doubts.state = .asking(page, pages: pages)
        guard let stanza = item.stanza, let text = stanza["from"], let from = try? JID(received: text),
            from.bare == account
        else { return true }
        for id in [stanza.child("origin-id", NS.stanzaID)?["id"], stanza["id"]] {
            if let id, let row = doubts.rows[id] { doubts.found.insert(row) }
        }
        return true
    }

    mutating func doubtAnswered(_ queryID: String, _ answer: Answer, _ actions: inout [Action]) {
        guard case .asking(let page, let pages) = doubts.state, page.queryID == queryID else { return }
        switch answer {
        case .element(let iq):
            let isOver = ArchivePageEnd(iq)?.isComplete ?? true
            let hasMore = !isOver && page.news > 0 && doubts.found.count < doubts.rows.count
            if hasMore, pages < configuration.limits.archiveDoubtPagesMax { return askDoubtPage(pages + 1) }
            settleDoubts(&actions)
        case .unanswered(.streamLost), .unanswered(.ending):
            // Asked anew on the next stream.
            doubts.state = .collecting
            doubts.found = []
        case .refused, .unanswered(.timeout), .done, .roster, .blocked, .info, .items, .pong, .version, .affiliations:
            settleDoubts(&actions)
        }
    }

    /// What has arrived is told, and the rest goes.
    private mutating func settleDoubts(_ actions: inout [Action]) {
        for row in queue.remove(unwritten: doubts.found) { actions.append(.foundInArchive(row: row)) }
        doubts.state = .collecting
        doubts.rows = [:]
        doubts.found = []
        doubts.since = nil
        queue.isHeldBack = false
    }
}

/// The origin-id (XEP-0359) of a message of ours, as it is serialised.
enum OriginID {
    /// nil where there is none.
    static func find(in payload: [UInt8]) -> String? {
        let opening = Array("<origin-id xmlns='urn:xmpp:sid:0' id='".utf8)
        guard payload.count > opening.count else { return nil }
        // It stands at the end, and what a user writes is escaped.
        var position = payload.count - opening.count
        while position >= 0 {
            if payload[position] == opening[0], payload[position...].starts(with: opening) {
                let value = payload[(position + opening.count)...].prefix { $0 != UInt8(ascii: "'") }
                return unescaped(value)
            }
            position -= 1
        }
        return nil
    }

    /// Whether it is said in a room, of which our account's archive knows nothing.
    static func isForRoom(_ payload: [UInt8]) -> Bool {
        let head = payload.prefix { $0 != UInt8(ascii: ">") }
        let type = Array(" type='groupchat'".utf8)
        return head.indices.contains { head[$0...].starts(with: type) }
    }

    private static func unescaped(_ value: ArraySlice<UInt8>) -> String {
        var text = String(decoding: value, as: UTF8.self)
        guard text.contains("&") else { return text }
        for (entity, sign) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&apos;", "'"), ("&quot;", "\""), ("&#9;", "\t"), ("&#10;", "\n"),
            ("&#13;", "\r"), ("&amp;", "&"),
        ] {
            text = text.split(separator: entity, omittingEmptySubsequences: false).joined(separator: sign)
        }
        return text
    }
}

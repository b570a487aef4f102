import Stanza

/// The messages of an account or of a room (XEP-0313), the oldest first.
struct Archive: Sendable {
    struct Item: Sendable {
        /// Rising within the server; its text is the id.
        let number: UInt64
        let stamp: WallTime
        /// The other side's address; of a room's message the occupant's.
        let with: JID
        /// The message as it is forwarded, without its name: what follows `<message`.
        let content: [UInt8]

        var id: String { String(number) }
    }

    private var items: [Item] = []
    private var first = 0

    var count: Int { items.count - first }

    /// Keeps one more; past the limit the oldest goes.
    mutating func append(_ item: Item, max: Int) {
        items.append(item)
        while count > max { first += 1 }
        if first > 64, first * 2 > items.count {
            items.removeFirst(first)
            first = 0
        }
    }

    /// A page of the messages that match; nil where the query names an id that is not there.
    func page(_ query: ArchiveQuery, max: Int) -> Page? {
        let matching = items[first...].filter { query.matches($0) }
        var wanted = matching[...]
        for (edge, isAfter) in [(query.after, true), (query.before, false)] {
            guard let edge, !edge.isEmpty else { continue }
            guard let number = UInt64(edge), items[first...].contains(where: { $0.number == number }) else {
                return nil
            }
            wanted = wanted.filter { isAfter ? $0.number > number : $0.number < number }[...]
        }
        let most = min(query.max ?? max, max)
        let page = query.before == nil ? wanted.prefix(most) : wanted.suffix(most)
        let index = page.first.flatMap { head in matching.firstIndex { $0.number == head.number } }
        return Page(items: Array(page), index: index, count: matching.count, isComplete: page.count == wanted.count)
    }

    struct Page: Sendable {
        let items: [Item]
        /// The place of the first among all that match.
        let index: Int?
        /// All that match.
        let count: Int
        let isComplete: Bool
    }
}

/// A query as it is read (XEP-0313 4, XEP-0059).
struct ArchiveQuery: Sendable {
    private(set) var start: WallTime?
    private(set) var end: WallTime?
    private(set) var with: JID?
    private(set) var max: Int?
    private(set) var after: String?
    /// Empty: the end of the archive.
    private(set) var before: String?

    /// - Throws: the condition with which it is refused.
    init(_ query: Element) throws(Refusal) {
        for field in query.child("x", ServerNS.form)?.children.map({ $0 }) ?? [] where field.hasName("field") {
            let value = field.child("value", ServerNS.form)?.text ?? ""
            switch field["var"] {
            case "FORM_TYPE": guard value == NS.archive.description else { throw .badRequest }
            case "start": start = try Self.moment(value)
            case "end": end = try Self.moment(value)
            case "with":
                guard let jid = try? JID(value) else { throw .badRequest }
                with = jid
            case _: throw .unknownField
            }
        }
        guard let set = query.child("set", NS.resultSet) else { return }
        max = set.child("max", NS.resultSet).flatMap { UInt16($0.text) }.map(Int.init)
        after = set.child("after", NS.resultSet)?.text
        before = set.child("before", NS.resultSet)?.text
    }

    enum Refusal: Error {
        case badRequest
        case unknownField

        var condition: String {
            switch self {
            case .badRequest: "bad-request"
            case .unknownField: "feature-not-implemented"
            }
        }
    }

    private static func moment(_ text: String) throws(Refusal) -> WallTime {
        guard let moment = WallTime(stamp: text) else { throw .badRequest }
        return moment
    }

    func matches(_ item: Archive.Item) -> Bool {
        if let start, item.stamp < start { return false }
        if let end, end < item.stamp { return false }
        guard let with else { return true }
        return with.isBare ? item.with.bare == with : item.with == with
    }
}

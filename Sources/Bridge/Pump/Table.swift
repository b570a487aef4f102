import Endpoints
import Routing
import Stanza

/// What a subcommand has heard, as a table for a person.
struct Table: Sendable {
    /// What is shown, each with its columns.
    enum Kind: Sendable, Equatable {
        case roster, blocked, presence, occupants, affiliations

        /// The headings, and the fields below them.
        var columns: [(heading: String, field: String)] {
            switch self {
            case .roster:
                [("JID", "jid"), ("NAME", "name"), ("SUBSCRIPTION", "subscription"), ("GROUPS", "groups")]
            case .blocked: [("JID", "jid")]
            case .presence:
                [("JID", "from"), ("SHOW", "show"), ("PRIORITY", "priority"), ("STATUS", "status")]
            case .occupants:
                [
                    ("NICK", "nick"), ("ROLE", "role"), ("AFFILIATION", "affiliation"), ("JID", "jid"),
                    ("SHOW", "show"),
                    ("STATUS", "status"),
                ]
            case .affiliations:
                [("JID", "jid"), ("AFFILIATION", "affiliation"), ("NICK", "nick"), ("REASON", "reason")]
            }
        }

        /// Whether that event is one of a row.
        func takes(_ event: EventRecord) -> Bool {
            switch self {
            case .roster: event.kind == .roster
            case .blocked: event.kind == .block
            case .presence: event.kind == .presence && event["condition"] == nil
            case .occupants: event.kind == .occupant && event["action"] == .string("joined")
            case .affiliations: event.kind == .occupant && event["action"] == .string("affiliation")
            }
        }

        /// What a row is known by.
        fileprivate var key: String { columns[0].field }
    }

    private var rows: [EventRecord] = []

    /// Takes a row.
    mutating func add(_ event: EventRecord) { rows.append(event) }

    /// The table: a line of headings and a line for each row, in the order of the first column; of rows that are about
    /// the same the last one counts, and who has gone has none.
    func text(_ kind: Kind) -> [UInt8] {
        var latest: [String: EventRecord] = [:]
        for row in rows { latest[row.words(kind.key) ?? ""] = row }
        let shown = latest.filter { $0.value["available"] != .bool(false) }.sorted { $0.key < $1.key }.map(\.value)
        let columns = kind.columns
        let lines =
            [columns.map(\.heading)] + shown.map { row in columns.map { Self.cell(row, $0.field) } }
        let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for line in lines {
            var padded = ""
            for (column, cell) in line.enumerated() {
                padded += column == 0 ? cell : "  " + cell
                if column < line.count - 1 { padded += String(repeating: " ", count: widths[column] - cell.count) }
            }
            while padded.last == " " { padded.removeLast() }
            text += padded + "\n"
        }
        return Array(text.utf8)
    }

    /// What others wrote is shown on one line, with nothing hidden.
    private static func cell(_ row: EventRecord, _ field: String) -> String {
        let words =
            switch field {
            case "subscription" where row["ask"] == .bool(true): (row.words(field) ?? "none") + " (asked)"
            case "show": row.words(field) ?? "available"
            case "priority": row.words(field) ?? "0"
            case _: row.words(field) ?? ""
            }
        return words.isEmpty ? "-" : ShownText.escaped(words, charactersMax: 100)
    }
}

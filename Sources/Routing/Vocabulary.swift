/// The placeholders that a template may use: what the rule's sources carry, and the groups of its pattern.
public struct Vocabulary: Sendable {
    /// What is known of the rule's pattern.
    public enum Groups: Sendable {
        /// There is no pattern.
        case none
        /// This one.
        case of(Pattern)
        /// There is one, and its own problem is reported: any name may be one of its groups.
        case unknown
    }

    /// Where the rule's records come from; nil where one of them is not known, and its own problem is reported.
    let sources: [Endpoint]?
    let groups: Groups

    /// The vocabulary of a rule.
    public init(sources: [Endpoint]?, groups: Groups) {
        self.sources = sources
        self.groups = groups
    }

    /// The fields of messages that people send.
    public static let messageFields = [
        "from", "jid", "to", "type", "room", "nick", "id", "body", "subject", "thread", "lang", "delay", "origin_id",
        "stanza_id", "occupant_id", "private", "carbon", "encrypted", "replayed", "redelivered",
    ]

    /// The fields of the events that this version emits, as their schema names them, but for `time`, which every record
    /// has, and `seq`, which is given when the line is written; an event that has none of that name gives "".
    public static let eventFields =
        messageFields + [
            "event", "state", "resumed", "peer", "reason", "retry_in_ms", "resource", "available", "show", "status",
            "priority", "caps", "action", "name", "groups", "subscription", "ask", "approved", "initial", "by",
            "alternative", "occupants", "role", "affiliation", "new_nick", "self", "ref", "line", "stage", "condition",
            "text", "ok", "code", "xml", "key", "column", "count", "jids", "features", "identities", "ms", "version",
            "os", "lines", "accepted", "failed", "waiting", "waiting_bytes", "source", "what", "invalid_utf8",
            "illegal_characters", "overlong_lines", "split_parts", "sink", "bytes", "needs_restart",
        ]

    private static let lineFields = ["line", "source"]
    private static let everywhere = ["host", "time"]

    /// The names that every one of the sources has, as they stand between braces.
    var fields: [String] {
        guard let sources else { return Vocabulary.everywhere }
        var common: [String]?
        for source in sources {
            let own =
                switch source {
                case .stdin, .stdout, .presence, .commands, .file, .fifo, .tail: Vocabulary.lineFields
                case .xmpp, .room: Vocabulary.messageFields
                case .events: Vocabulary.eventFields
                }
            common = common.map { $0.filter(own.contains) } ?? own
        }
        return (common ?? []) + Vocabulary.everywhere
    }

    /// What is named: a placeholder of a template, or the field of a condition.
    enum Use {
        case placeholder, field

        /// The name as it is written there.
        func written(_ name: String) -> String { self == .placeholder ? "{\(name)}" : name }
    }

    /// What the name between two braces, or of a condition's field, stands for.
    func piece(
        for name: String, at offset: Int, as use: Use = .placeholder
    ) throws(Template.Problem) -> Template.Piece {
        if name.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return .group(try number(name, at: offset, use))
        }
        if name.hasPrefix("json.") { return .json(try path(name, at: offset, use)) }
        switch groups {
        case .of(let pattern):
            // A group stands over a field of that name: who wrote (?<time>..) means it.
            if let number = pattern.number(of: name) { return .group(number) }
        case .unknown: break
        case .none: break
        }
        switch name {
        case "host": return .host
        case "time": return .time
        case _ where sources == nil || fields.contains(name): return name == "line" ? .line : .field(name)
        case _: break
        }
        if case .unknown = groups { return .field(name) }
        throw unknown(name, at: offset, use)
    }

    private func number(_ digits: String, at offset: Int, _ use: Use) throws(Template.Problem) -> Int {
        let what = "no group \(use.written(digits))"
        switch groups {
        case .unknown: return 0
        case .none:
            throw Template.Problem(
                what: what, hint: "this bridge has no match, whose groups are numbered", offset: offset)
        case .of(let pattern):
            if let number = Int(digits), number <= pattern.groupCount { return number }
            let last = pattern.groupCount
            let hint =
                switch last {
                case 0: "its match has no groups; \(use.written("0")) is all that it matched"
                case 1: "its match has one group, \(use.written("1"))"
                case _: "its match has the groups \(use.written("1")) to \(use.written(String(last)))"
                }
            throw Template.Problem(what: what, hint: hint, offset: offset)
        }
    }

    private func path(_ name: String, at offset: Int, _ use: Use) throws(Template.Problem) -> [String] {
        let steps = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().map(String.init)
        if steps.contains("") {
            throw Template.Problem(
                what: "\(use.written(name)) has an empty step",
                hint: "expected for example \(use.written("json.user.name")) or \(use.written("json.tags.0"))",
                offset: offset)
        }
        return steps
    }

    private func unknown(_ name: String, at offset: Int, _ use: Use) -> Template.Problem {
        let what = "unknown \(use) \(Wording.quote(use.written(name)))"
        let named: [String] = if case .of(let pattern) = groups { pattern.names.map(\.name) } else { [] }
        let known = named + fields.filter { use == .placeholder || $0 != "time" }
        if let near = Wording.nearest(to: name, among: known) {
            return Template.Problem(what: what, hint: "did you mean \(use.written(near))?", offset: offset)
        }
        if name == "json" {
            return Template.Problem(
                what: what, hint: "expected a path, as in \(use.written("json.user.name"))", offset: offset)
        }
        let expected = "expected \(expectation(known, use))"
        if Vocabulary.eventFields.contains(name) || name == "line" {
            let list = (sources ?? []).map { "\($0)" }.joined(separator: ", ")
            return Template.Problem(what: "\(what) for records from \(list)", hint: expected, offset: offset)
        }
        return Template.Problem(what: what, hint: expected, offset: offset)
    }

    private func expectation(_ known: [String], _ use: Use) -> String {
        let shown = known.count > 16 ? 12 : 16
        let written = known.prefix(shown).map(use.written)
        let path = use.written("json.PATH")
        if known.count > shown { return written.joined(separator: ", ") + ", ... or \(path)" }
        return Wording.alternatives(written + [path])
    }
}

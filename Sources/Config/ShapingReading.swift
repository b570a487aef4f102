import Routing

// How a bridge joins, limits and edits what it sends.
extension Reading {
    /// Reads the keys that shape a bridge's texts.
    /// - Returns: Whether all that are there could be read.
    mutating func shaping(_ fields: Fields, _ shaping: inout Shaping) -> Bool {
        var isWhole = true
        if let node = fields["group"] {
            shaping.group = group(node)
            isWhole = shaping.group != nil
        }
        if let node = fields["limit"] {
            shaping.limit = limit(node)
            isWhole = isWhole && shaping.limit != nil
        }
        if let node = fields["repeat"] {
            shaping.repetition = length(node, "repeat")
            isWhole = isWhole && shaping.repetition != nil
        }
        if let node = fields["update"] {
            let updates = boolean(node, "update")
            shaping.updates = updates ?? false
            isWhole = isWhole && updates != nil
        }
        return isWhole
    }

    // MARK: - group

    private mutating func group(_ node: Node) -> Shaping.Group? {
        let keys = Keys(of: "group", known: ["start", "continue", "within", "max_lines", "max_bytes"])
        let before = problems.count
        guard let fields = fields(node, keys) else { return nil }
        var group = Shaping.Group(boundary(fields))
        if let node = fields["within"] {
            group.within = length(node, "within") ?? group.within
        } else if fields["start"] == nil, fields["continue"] == nil,
            ["start", "continue", "within"].allSatisfy({ fields.isMissing($0) })
        {
            report(
                node, "group has neither a pattern nor a time",
                "add within: 500ms to join what comes within that time, or start: or continue: with a pattern for the "
                    + "lines of one record")
        }
        if let node = fields["max_lines"] {
            group.linesMax = integer(node, "max_lines", in: 1...Shaping.Group.linesMaxMax) ?? group.linesMax
        }
        if let node = fields["max_bytes"] {
            group.bytesMax = integer(node, "max_bytes", in: 1...Shaping.Group.bytesMaxMax) ?? group.bytesMax
        }
        return problems.count == before ? group : nil
    }

    private mutating func boundary(_ fields: Fields) -> Shaping.Group.Boundary {
        if let node = fields["continue"], fields["start"] != nil {
            report(node, "continue beside start", "a record has one mark: leave one of them out")
        }
        var boundary = Shaping.Group.Boundary.none
        if let node = fields["start"], case .of(let pattern) = pattern(node, "start") { boundary = .start(pattern) }
        if let node = fields["continue"], case .of(let pattern) = pattern(node, "continue") {
            boundary = .goesOn(pattern)
        }
        return boundary
    }

    // MARK: - limit

    private mutating func limit(_ node: Node) -> Shaping.Limit? {
        let before = problems.count
        let keys = Keys(of: "limit", known: ["rate", "burst", "overflow", "queue", "per"])
        guard let fields = fields(node, keys) else { return nil }
        if fields.isMissing("rate") { report(node, "limit without rate", "add rate: \(Shaping.Limit.Rate.example)") }
        let rate = fields["rate"].flatMap { self.rate($0) }
        let burst = fields["burst"].flatMap { integer($0, "burst", in: 1...Shaping.Limit.burstMax) }
        let overflow = fields["overflow"].flatMap { node in
            string(node, "overflow").flatMap {
                choice($0, node, "overflow", among: Shaping.Limit.Overflow.allCases)
            }
        }
        let queue = fields["queue"].flatMap { integer($0, "queue", in: 1...Shaping.Limit.queueMaxMax) }
        let scope = fields["per"].flatMap { node in
            string(node, "per").flatMap { choice($0, node, "per", among: Shaping.Limit.Scope.allCases) }
        }
        if let node = fields["queue"], let overflow, overflow != .queue {
            warn(node.start, "queue has no effect with overflow: \(overflow.rawValue)", "leave it out")
        }
        guard problems.count == before, let rate else { return nil }
        return Shaping.Limit(
            rate: rate, burst: burst, overflow: overflow ?? .queue,
            queueMax: queue ?? Shaping.Limit.queueMaxDefault, per: scope ?? .destination)
    }

    private mutating func rate(_ node: Node) -> Shaping.Limit.Rate? {
        guard let text = string(node, "rate") else { return nil }
        do {
            return try Shaping.Limit.Rate(parsing: text)
        } catch {
            report(node, error.what, error.hint)
            return nil
        }
    }
}

extension Shaping.Limit.Rate {
    static let example = "10/min"
    private static let units: [(name: String, seconds: Int64)] = [
        ("s", 1), ("sec", 1), ("second", 1), ("m", 60), ("min", 60), ("minute", 60), ("h", 3_600), ("hour", 3_600),
        ("d", 86_400), ("day", 86_400),
    ]

    /// Parses a rate: a whole number, a slash, and a unit (`s`, `min`, `h`, `day` and their kin) or a length of time, as
    /// `10/min`, `1/s`, `100/15m`.
    /// - Throws: ``DurationProblem`` that says what was expected.
    init(parsing text: String) throws(DurationProblem) {
        let expected = "expected for example \(Self.example), 1/s or 100/15m"
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let count = Int(parts[0]), parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else {
            throw DurationProblem(what: "rate \(Wording.quote(text)) is not so many in a time", hint: expected)
        }
        guard (1...Self.countMax).contains(count) else {
            throw DurationProblem(
                what: "rate \(Wording.quote(text)) has \(parts[0])", hint: "expected 1 to \(Self.countMax)")
        }
        self.init(count: count, period: try Self.period(parts[1], in: text, expected))
    }

    private static func period(
        _ text: String, in rate: String, _ expected: String
    ) throws(DurationProblem) -> Duration {
        if let unit = units.first(where: { $0.name == text }) { return .seconds(unit.seconds) }
        guard let span = try? Duration(parsing: text) else {
            var hint = expected
            if let near = Wording.nearest(to: text, among: units.map(\.name)) { hint = "did you mean \(near)? \(hint)" }
            throw DurationProblem(what: "rate \(Wording.quote(rate)) has no unit of time behind its slash", hint: hint)
        }
        if span <= .zero || span > periodMax {
            throw DurationProblem(
                what: "rate \(Wording.quote(rate)) is for \(span <= .zero ? "no time" : "too long a time")",
                hint: "at most a day")
        }
        return span
    }
}

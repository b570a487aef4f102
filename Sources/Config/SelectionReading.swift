import Routing

/// Where the parts of a bridge stand.
struct BridgePlaces {
    let node: Node
    let fields: Fields
    let sources: [Node?]
    let destinations: [Node?]
    /// Of its conditions the fields and values, by the numbers that its draft gives them.
    let values: [Node]
}

// Which records a bridge takes (where, stop, default, on_error), and what its messages carry (subject, thread, lang).
extension Reading {
    /// Where a part of a bridge stands; the bridge itself, where the part is not there.
    func place(of part: Rule.Problem.Part, in places: BridgePlaces) -> Int {
        let fields = places.fields
        func inside(_ node: Node?, _ offset: Int) -> Int? { node.map { text.index(of: offset, in: $0) } }
        let place =
            switch part {
            case .from(let index): places.sources[index]?.start
            case .to(let index): places.destinations[index]?.start
            case .body(let offset): inside(fields["body"], offset)
            case .subject(let offset): inside(fields["subject"], offset)
            case .thread(let offset): inside(fields["thread"], offset)
            case .place(let number, let offset): inside(places.values[number], offset)
            case .type: fields["type"]?.start
            case .show: fields["show"]?.start
            case .hold: fields["hold"]?.start
            case .overflow: fields["overflow"]?.start
            case .file(let key): fields[key.rawValue]?.start
            case .lang: fields["lang"]?.start
            case .onError: fields["on_error"]?.start
            case .match: fields["match"]?.start
            case .stop: fields["stop"]?.start
            case .isDefault: fields["default"]?.start
            case .shaping(let key): fields[key.rawValue]?.start
            case .whole: places.node.start
            }
        return place ?? places.node.start
    }

    /// - Returns: Whether all of it could be read.
    mutating func selection(_ fields: Fields, _ draft: inout Selection.Draft, _ values: inout [Node]) -> Bool {
        var isWhole = true
        if let node = fields["where"] {
            isWhole = conditions(node, &draft.conditions, &values)
        }
        if let node = fields["stop"] {
            draft.stops = boolean(node, "stop")
            isWhole = isWhole && draft.stops != nil
        }
        if let node = fields["default"] {
            draft.isDefault = boolean(node, "default")
            isWhole = isWhole && draft.isDefault != nil
        }
        if let node = fields["on_error"] {
            draft.onError = string(node, "on_error").flatMap {
                choice($0, node, "on_error", among: Selection.OnError.allCases)
            }
            isWhole = isWhole && draft.onError != nil
        }
        return isWhole
    }

    /// - Returns: Whether all of it could be read.
    mutating func heading(_ fields: Fields, _ draft: inout Heading.Draft) -> Bool {
        var isWhole = true
        for (key, path) in [("subject", \Heading.Draft.subject), ("thread", \.thread), ("lang", \.lang)] {
            guard let node = fields[key] else { continue }
            draft[keyPath: path] = string(node, key)
            isWhole = isWhole && draft[keyPath: path] != nil
        }
        return isWhole
    }

    // MARK: - Conditions

    private static let expectedConditions = "expected fields and values: {level: [error, crit], json.status: {ge: 500}}"

    /// Reads what can be read, so that no mistake hides another.
    /// - Returns: Whether all of it could be read.
    private mutating func conditions(
        _ node: Node, _ conditions: inout [Condition.Draft], _ values: inout [Node]
    ) -> Bool {
        switch node.kind {
        case .broken: return false
        case .scalar, .list:
            report(node, "\(node.word) where conditions belong", Reading.expectedConditions)
            return false
        case .mapping(let entries):
            if entries.isEmpty { report(node, "where is empty", Reading.expectedConditions) }
            var lines: [String: Int] = [:]
            var isWhole = !entries.isEmpty
            for entry in entries { isWhole = condition(entry, &lines, &conditions, &values) && isWhole }
            return isWhole
        }
    }

    private mutating func condition(
        _ entry: Node.Entry, _ lines: inout [String: Int], _ conditions: inout [Condition.Draft],
        _ values: inout [Node]
    ) -> Bool {
        guard case .scalar(let field, _) = entry.key.kind, !entry.key.isNull else {
            if case .broken = entry.key.kind { return false }
            report(entry.key, "\(entry.key.word) where a field belongs", Reading.expectedConditions)
            return false
        }
        if let line = lines[field] {
            report(entry.key, "\(field) stands here twice", "the first is in line \(line); leave one out")
            return false
        }
        lines[field] = text.place(of: entry.key.start).line
        var condition = Condition.Draft(field: field, tests: [], place: mark(entry.key, &values))
        let isWhole = tests(entry.value, field, &condition.tests, &values)
        conditions.append(condition)
        return isWhole
    }

    private func mark(_ node: Node, _ values: inout [Node]) -> Int {
        values.append(node)
        return values.count - 1
    }

    private mutating func tests(
        _ node: Node, _ field: String, _ tests: inout [Condition.Draft.Test], _ values: inout [Node]
    ) -> Bool {
        switch node.kind {
        case .broken: return false
        case .scalar, .list:
            var operands: [Condition.Draft.Value] = []
            let isWhole = self.operands(node, field, &operands, &values)
            tests.append(.isOneOf(operands))
            return isWhole
        case .mapping: break
        }
        let keys = ["not"] + Condition.Comparison.allCases.map(\.rawValue)
        guard let fields = fields(node, Keys(of: "a condition", known: keys)) else { return false }
        var isWhole = !fields.hasUnknown && !fields.isBroken
        if let node = fields["not"] {
            var operands: [Condition.Draft.Value] = []
            isWhole = self.operands(node, "not", &operands, &values) && isWhole
            tests.append(.isNoneOf(operands))
        }
        for comparison in Condition.Comparison.allCases {
            guard let node = fields[comparison.rawValue] else { continue }
            if let number = string(node, comparison.rawValue) {
                tests.append(.compares(comparison, .init(number, place: mark(node, &values))))
            } else {
                isWhole = false
            }
        }
        if tests.isEmpty, isWhole {
            report(node, "a condition without a test", "expected \(Wording.alternatives(keys))")
            return false
        }
        return isWhole
    }

    /// One value or several; a text that is empty needs its quotes.
    private mutating func operands(
        _ node: Node, _ key: String, _ operands: inout [Condition.Draft.Value], _ values: inout [Node]
    ) -> Bool {
        let nodes: [Node]
        switch node.kind {
        case .broken: return false
        case .mapping:
            report(node, "keys and values where \(key) has its values", "expected one value or a list")
            return false
        case .scalar: nodes = [node]
        case .list(let items):
            if items.isEmpty { report(node, "\(key) is an empty list", "name at least one value") }
            nodes = items
        }
        for node in nodes {
            switch node.kind {
            case .broken: break
            case .scalar where node.isNull:
                report(node, "\(key) has no value", "write \"\" for a text that is empty, or not there")
            case .scalar(let value, let style):
                operands.append(.init(value, isQuoted: style != .plain, place: mark(node, &values)))
            case .list, .mapping: report(node, "\(node.word) where a value of \(key) belongs", "expected one value")
            }
        }
        return !nodes.isEmpty && operands.count == nodes.count
    }
}

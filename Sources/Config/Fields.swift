import Routing

/// The keys of a mapping.
struct Keys {
    /// What the mapping describes, in a problem's words.
    let of: String
    let known: [String]
    /// Those that a later version will have.
    let later: [String]
    /// Whether what stands in place of a key may be a secret, and is not shown.
    let isSecret: Bool

    init(of: String, known: [String], later: [String] = [], isSecret: Bool = false) {
        self.isSecret = isSecret
        self.of = of
        self.known = known
        self.later = later
    }
}

/// The values of a mapping by their keys.
struct Fields {
    fileprivate(set) var nodes: [String: Node] = [:]
    /// Keys that are not there, and for which a misspelt one is: nothing more is to be said about them.
    fileprivate(set) var misspelt: Set<String> = []
    /// Whether a key could not be read at all.
    fileprivate(set) var isBroken = false
    /// Whether there is a key that is not known.
    fileprivate(set) var hasUnknown = false

    subscript(_ key: String) -> Node? { nodes[key] }

    /// Whether the key is missing, and that is not already told in other words.
    func isMissing(_ key: String) -> Bool { nodes[key] == nil && !misspelt.contains(key) && !isBroken }
}

/// A value that is one of a few words.
protocol Choice: RawRepresentable, Sendable where RawValue == String {}
extension Plan.Presence.Show: Choice {}
extension Plan.Room.NickConflict: Choice {}
extension Plan.Receipts.Answer: Choice {}
extension Rule.MessageType: Choice {}
extension Rule.Shown.Show: Choice {}
extension Rule.Overflow: Choice {}
extension Selection.OnError: Choice {}
extension Shaping.Limit.Overflow: Choice {}
extension Shaping.Limit.Scope: Choice {}

extension Reading {
    /// The values of a mapping, every problem of its keys reported; nil where it is none.
    mutating func fields(_ node: Node, _ keys: Keys) -> Fields? {
        switch node.kind {
        case .broken: return nil
        case .scalar, .list:
            let known = Wording.alternatives(keys.known)
            report(node, "\(node.word) where \(keys.of) belongs", "expected keys and values: \(known)")
            return nil
        case .mapping(let entries):
            var fields = Fields()
            for entry in entries { add(entry, to: &fields, keys) }
            return fields
        }
    }

    private mutating func add(_ entry: Node.Entry, to fields: inout Fields, _ keys: Keys) {
        guard case .scalar(let name, _) = entry.key.kind else {
            fields.isBroken = true
            if case .broken = entry.key.kind { return }
            report(entry.key, "\(entry.key.word) where a key belongs", "expected \(Wording.alternatives(keys.known))")
            return
        }
        if let first = fields.nodes[name] {
            let line = text.place(of: first.start).line
            report(entry.key, "\(name) stands here twice", "the first is in line \(line); leave one out")
        } else if keys.known.contains(name) {
            fields.nodes[name] = entry.value
        } else if keys.later.contains(name) {
            report(entry.key, "\(name) is not in this version yet", "leave it out")
        } else {
            var hint = "expected \(Wording.alternatives(keys.known))"
            if let near = Wording.nearest(to: name, among: keys.known) {
                fields.misspelt.insert(near)
                hint = "did you mean \(near)? \(hint)"
            }
            fields.hasUnknown = true
            report(entry.key, "unknown key \(keys.isSecret ? "" : Wording.quote(name) + " ")in \(keys.of)", hint)
        }
    }

    /// Text that is not empty; nil, and reported, where it is none.
    mutating func string(_ node: Node, _ key: String) -> String? {
        switch node.kind {
        case .broken: return nil
        case .list, .mapping:
            let bracket = if case .list = node.kind { "[" } else { "{" }
            report(
                node, "\(node.word) where the text of \(key) belongs",
                "expected one value; a text that begins with \(bracket) needs quotes")
            return nil
        case .scalar(let value, _):
            if value.isEmpty || node.isNull {
                report(node, "\(key) has no value", "write one, or leave \(key) out")
                return nil
            }
            return value
        }
    }

    /// `true` or `false`; nil, and reported, where it is neither.
    mutating func boolean(_ node: Node, _ key: String) -> Bool? {
        guard let value = string(node, key) else { return nil }
        switch value {
        case "true": return true
        case "false": return false
        case _:
            report(node, "\(key) is \(Wording.quote(value))", "expected true or false")
            return nil
        }
    }

    /// A whole number of that range; nil, and reported, where it is none.
    mutating func integer(_ node: Node, _ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = string(node, key) else { return nil }
        if let number = Int(value), range.contains(number) { return number }
        let expected = "expected a whole number from \(range.lowerBound) to \(range.upperBound)"
        report(node, "\(key) \(Wording.quote(value))", expected)
        return nil
    }

    /// One of a few words; nil, and reported, where it is none of them.
    mutating func choice<Value: Choice>(_ value: String, _ node: Node, _ key: String, among all: [Value]) -> Value? {
        if let found = Value(rawValue: value) { return found }
        let words = all.map(\.rawValue)
        var hint = "expected \(Wording.alternatives(words))"
        if let near = Wording.nearest(to: value, among: words) { hint = "did you mean \(near)? \(hint)" }
        report(node, "unknown \(key) \(Wording.quote(value))", hint)
        return nil
    }

    /// The items of a list, or the one value that stands for a list of one; nil, and reported, where there is nothing.
    mutating func items(_ node: Node, _ key: String) -> [Node]? {
        switch node.kind {
        case .broken: return nil
        case .scalar: return string(node, key) == nil ? nil : [node]
        case .mapping:
            report(
                node, "\(node.word) where \(key) belongs", "expected one value or a list; quote what has a colon in it")
            return nil
        case .list(let items):
            if items.isEmpty { report(node, "\(key) is an empty list", "name at least one") }
            return items.isEmpty ? nil : items
        }
    }
}

extension Rule.Draft {
    /// Shaping that does not go with the rule's ends.
    func shapes() -> [Rule.Problem] {
        let keys = shaping.keys
        if keys.isEmpty { return [] }
        var problems: [Rule.Problem] = []
        func report(_ key: Shaping.Key, _ what: String, _ hint: String, isWarning: Bool = false) {
            problems.append(Rule.Problem(part: .shaping(key), what: what, hint: hint, isWarning: isWarning))
        }
        let joinsLines = shaping.group?.joinsLines ?? false
        if to.contains(.commands) {
            for key in keys {
                report(
                    key, "\(key.rawValue) has no place in a bridge to commands",
                    "each line is one command, and is obeyed at once; leave \(key.rawValue) out")
            }
            return problems
        }
        // A source that is not known may be of any kind.
        let sources = from.compactMap { $0 }.filter(\.canBeSource)
        if joinsLines, sources.count == from.count, let source = sources.first(where: { !$0.givesLines }) {
            report(
                .group, "group joins lines by a pattern, and \(source) gives none",
                "leave start and continue out, to join messages that come within a time")
        }
        let isBodyKnown = if case .unknown = match { body != nil } else { true }
        if to.contains(.stdout), body == nil, isBodyKnown, let source = sources.first(where: { !$0.givesLines }) {
            for key in keys where key != .update && !(key == .group && joinsLines) {
                report(
                    key, "\(key.rawValue) is for text, and what goes from \(source) to stdout is events",
                    "add a body, as in body: \"{from}: {body}\"")
            }
        }
        if shaping.updates, !to.isEmpty, !to.contains(nil), !to.contains(where: { $0?.takesEdits ?? true }) {
            report(
                .update, "update has no effect: only messages to xmpp: and room: can be edited", "leave it out",
                isWarning: true)
        }
        return problems
    }
}

extension Endpoint {
    /// Whether its records are lines.
    var givesLines: Bool {
        switch self {
        case .stdin, .fifo, .tail: true
        case .xmpp, .room, .events, .stdout, .file, .presence, .commands: false
        }
    }
}

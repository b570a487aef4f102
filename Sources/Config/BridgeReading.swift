import Routing

extension Reading {
    mutating func bridges(_ node: Node) -> [Rule] {
        switch node.kind {
        case .broken: return []
        case .scalar, .mapping:
            report(
                node, "\(node.word) where the list of bridges belongs",
                "expected a list: - {from: stdin, to: xmpp:ops@example.org}")
            return []
        case .list(let items):
            if items.isEmpty { report(node, "bridges is an empty list", "add a bridge, or leave bridges out") }
            var names: [String: Int] = [:]
            let rules = items.compactMap { bridge($0, &names) }
            for (index, problem) in Rule.suspicions(in: rules) {
                let at = bridgePlaces[index]
                warn(place(of: problem.part, in: at), problem.what, problem.hint)
            }
            return rules
        }
    }

    private mutating func bridge(_ node: Node, _ names: inout [String: Int]) -> Rule? {
        let keys = Keys(
            of: "a bridge",
            known: [
                "name", "from", "match", "where", "default", "stop", "on_error", "body", "subject", "thread", "lang",
                "to", "type", "show", "hold", "overflow", "mode", "fsync", "group", "limit", "repeat",
                "update",
            ])
        guard let fields = fields(node, keys) else { return nil }
        var draft = Rule.Draft(name: nil, from: [], match: .none, body: nil, to: [], type: nil)
        let sources = ends(fields, "from", of: node, expected: Endpoint.sources)
        let destinations = ends(fields, "to", of: node, expected: Endpoint.destinations)
        draft.from = sources.map(\.endpoint)
        draft.to = destinations.map(\.endpoint)
        if let node = fields["name"] { draft.name = name(node, &names) }
        if let node = fields["match"] {
            draft.match = pattern(node)
        } else if !fields.isMissing("match") {
            draft.match = .unknown
        }
        var isWhole = true
        if let node = fields["body"] {
            draft.body = string(node, "body")
            isWhole = draft.body != nil
        }
        if let node = fields["type"] {
            draft.type = type(node)
            isWhole = isWhole && draft.type != nil
        }
        isWhole = shown(fields, &draft) && isWhole
        isWhole = file(fields, &draft.file) && isWhole
        var values: [Node] = []
        isWhole = selection(fields, &draft.selection, &values) && isWhole
        isWhole = heading(fields, &draft.heading) && isWhole
        isWhole = shaping(fields, &draft.shaping) && isWhole
        // A body that could not be read, or stands under a misspelt key, is not one that is missing.
        let isBodyUnknown = draft.body == nil && (fields["body"] != nil || !fields.isMissing("body"))
        if isBodyUnknown, case .none = draft.match { draft.match = .unknown }
        let at = BridgePlaces(
            node: node, fields: fields, sources: sources.map(\.node), destinations: destinations.map(\.node),
            values: values)
        let (rule, problems) = draft.checked()
        for problem in problems {
            let place = place(of: problem.part, in: at)
            if problem.isWarning {
                warn(place, problem.what, problem.hint)
            } else {
                report(place, problem.what, problem.hint)
            }
        }
        guard isWhole, let rule else { return nil }
        bridgePlaces.append(at)
        return rule
    }

    /// How a bridge to presence shows us, and what one to a FIFO does where that takes no more.
    private mutating func shown(_ fields: Fields, _ draft: inout Rule.Draft) -> Bool {
        var isWhole = true
        if let node = fields["show"] {
            draft.shown.show = string(node, "show").flatMap {
                choice($0, node, "show", among: Rule.Shown.Show.allCases)
            }
            isWhole = draft.shown.show != nil
        }
        if let node = fields["hold"] {
            draft.shown.hold = length(node, "hold")
            isWhole = isWhole && draft.shown.hold != nil
        }
        if let node = fields["overflow"] {
            draft.overflow = string(node, "overflow").flatMap {
                choice($0, node, "overflow", among: Rule.Overflow.allCases)
            }
            isWhole = isWhole && draft.overflow != nil
        }
        return isWhole
    }

    /// An endpoint where it stands; nil where it is none, which is reported.
    private struct End {
        var endpoint: Endpoint?
        var node: Node?
    }

    private mutating func ends(_ fields: Fields, _ key: String, of bridge: Node, expected: String) -> [End] {
        guard let node = fields[key] else {
            if fields.isMissing(key) { report(bridge, "a bridge without \(key)", "add \(key): \(expected)") }
            return [End()]
        }
        guard let items = items(node, key) else { return [End()] }
        return items.map { end($0, key) }
    }

    private mutating func end(_ node: Node, _ key: String) -> End {
        guard let value = string(node, key) else { return End(endpoint: nil, node: node) }
        do {
            return End(endpoint: try Endpoint(parsing: value), node: node)
        } catch {
            report(text.index(of: error.offset, in: node), error.what, error.hint)
            return End(endpoint: nil, node: node)
        }
    }

    private mutating func name(_ node: Node, _ names: inout [String: Int]) -> String? {
        guard let name = string(node, "name") else { return nil }
        let line = text.place(of: node.start).line
        if let first = names[name] {
            report(node, "the name \(Wording.quote(name)) is taken", "by the bridge in line \(first); names are unique")
        } else {
            names[name] = line
        }
        return name
    }

    mutating func pattern(_ node: Node, _ key: String = "match") -> Vocabulary.Groups {
        guard let source = string(node, key) else { return .unknown }
        do {
            return .of(try Pattern(compiling: source))
        } catch {
            var hint = "expected a regular expression (PCRE2)"
            if case .scalar(_, .doubleQuoted) = node.kind {
                hint += "; in single quotes backslashes stand for themselves"
            }
            report(text.index(of: error.offset, in: node), "\(key) does not compile: \(error.what)", hint)
            return .unknown
        }
    }

    private mutating func type(_ node: Node) -> Rule.MessageType? {
        guard let value = string(node, "type") else { return nil }
        if value == "groupchat" {
            report(node, "type groupchat is not chosen here", "leave it out: what goes to: room:JID is of that type")
            return nil
        }
        return choice(value, node, "type", among: Rule.MessageType.allCases)
    }
}

import Routing

/// Reads a configuration file.
public enum Load {
    /// Checks a file whole and makes a plan of it; opens no other file, no secret and no network.
    /// - Parameters:
    ///   - yaml: the file's bytes.
    ///   - file: its name, for the problems.
    /// - Returns: the plan, or every mistake in the file. Behind a mistake of YAML itself nothing can be understood: it is
    ///   told alone.
    public static func plan(yaml: [UInt8], file: String) -> Result<Plan, Problems> {
        let text: SourceText
        let root: Node?
        var reading: Reading
        do {
            text = try SourceText(yaml)
            reading = Reading(text: text)
            let (read, problems) = try YAMLReader.root(of: text)
            root = read
            reading.problems = problems
        } catch {
            return .failure(Problems(file: file, error))
        }
        let plan = reading.plan(root)
        if let first = reading.problems.first {
            return .failure(Problems(file: file, first, Array(reading.problems.dropFirst())))
        }
        return .success(plan)
    }
}

/// The reading of one file: collects what is wrong while it takes the nodes apart.
struct Reading {
    let text: SourceText
    var problems: [Problem] = []
    var warnings: [Problem] = []
    /// Where the parts of each bridge stand that became a rule.
    var bridgePlaces: [BridgePlaces] = []
    /// The first password that stands in the file itself.
    var plainPassword: Int?

    init(text: SourceText) { self.text = text }

    mutating func plan(_ root: Node?) -> Plan {
        var plan = Plan()
        guard let root, !root.isNull else {
            report(
                root?.start ?? 0, "the file is empty",
                "expected account, presence, contacts, rooms, receipts, spool or bridges")
            return plan
        }
        let keys = Keys(
            of: "a configuration", known: ["account", "presence", "contacts", "rooms", "receipts", "spool", "bridges"])
        guard let fields = fields(root, keys) else { return plan }
        if let node = fields["account"] { plan.account = account(node) }
        if let node = fields["presence"] { plan.presence = presence(node) }
        if let node = fields["contacts"] { plan.contacts = contacts(node) }
        if let node = fields["rooms"] { plan.rooms = rooms(node) }
        if let node = fields["receipts"] { plan.receipts = receipts(node) }
        if let node = fields["spool"] { plan.spool = spool(node) }
        if let node = fields["bridges"] { plan.rules = bridges(node) }
        plan.plainPassword = plainPassword.map(text.place).map { Plan.Place(line: $0.line, column: $0.column) }
        plan.warnings = warnings.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
        return plan
    }

    mutating func report(_ index: Int, _ what: String, _ hint: String) {
        problems.append(text.problem(at: index, what, hint))
    }

    mutating func report(_ node: Node, _ what: String, _ hint: String) { report(node.start, what, hint) }

    mutating func warn(_ index: Int, _ what: String, _ hint: String) {
        warnings.append(text.problem(at: index, what, hint))
    }
}

// MARK: - Presence

extension Reading {
    private mutating func presence(_ node: Node) -> Plan.Presence? {
        guard let fields = fields(node, Keys(of: "presence", known: ["show", "status", "priority", "invisible"])) else {
            return nil
        }
        var presence = Plan.Presence()
        if let node = fields["show"], let show = string(node, "show") {
            presence.show = choice(show, node, "show", among: Plan.Presence.Show.allCases)
        }
        if let node = fields["status"] { presence.status = string(node, "status") }
        if let node = fields["priority"] { presence.priority = integer(node, "priority", in: -128...127) ?? 0 }
        presence.invisible = fields["invisible"].flatMap { boolean($0, "invisible") } ?? false
        return presence
    }
}

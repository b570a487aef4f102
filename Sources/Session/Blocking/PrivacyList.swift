import Stanza

/// A privacy list (XEP-0016 2.1), as far as it blocks: who is denied everything, and all other rules as they stand.
struct PrivacyList: Sendable, Equatable {
    /// The name of our own list; what others keep under other names stays as it is.
    static let name = "xmpp-bridge"

    /// Who is denied everything.
    private(set) var blocked: [JID] = []
    /// All other rules, in their order.
    private var others: [Element] = []

    init() {}

    /// The list that an answer holds.
    init(_ query: Element?) {
        guard let list = query?.child("list", NS.privacy) else { return }
        let rules = list.children.filter { $0.isNamed("item", NS.privacy) }.enumerated()
            .map { (order: $1["order"].flatMap { UInt32($0) } ?? UInt32.max, place: $0, rule: $1) }
            .sorted { ($0.order, $0.place) < ($1.order, $1.place) }
        var known: Set<JID> = []
        for (_, _, rule) in rules {
            guard let jid = Self.blocked(by: rule) else {
                others.append(rule)
                continue
            }
            if known.insert(jid).inserted { blocked.append(jid) }
        }
    }

    /// Whom a rule denies everything: it names all four kinds of stanzas or none.
    private static func blocked(by rule: Element) -> JID? {
        guard rule.attribute("type", equals: "jid"), rule.attribute("action", equals: "deny"),
            let value = rule["value"], let jid = try? JID(received: value)
        else { return nil }
        let kinds = Set(rule.children.filter { $0.hasNamespace(NS.privacy) }.map(\.name))
            .intersection(["message", "iq", "presence-in", "presence-out"])
        return kinds.isEmpty || kinds.count == 4 ? jid : nil
    }

    mutating func block(_ jids: [JID]) {
        var known = Set(blocked)
        for jid in jids where known.insert(jid).inserted { blocked.append(jid) }
    }

    /// - Parameter jids: whom; nobody named is everybody.
    mutating func unblock(_ jids: [JID]) {
        let freed = Set(jids)
        blocked.removeAll { jids.isEmpty || freed.contains($0) }
    }

    /// The list under our name. The blocks come first (XEP-0191 5), and a list is never empty, which would remove it
    /// while it is in use.
    func write(into writer: inout XMLWriter) {
        writer.start("list")
        writer.attribute("name", Self.name)
        writer.content()
        var order: UInt32 = 0
        for jid in blocked {
            order += 1
            writer.start("item")
            writer.attribute("type", "jid" as StaticString)
            writer.attribute("value", jid.text)
            writer.attribute("action", "deny" as StaticString)
            writer.attribute("order", order)
            writer.endEmpty()
        }
        for rule in others {
            order += 1
            writer.element(rule.with("order", String(order)), inside: NS.privacy.description)
        }
        if order == 0 { writer.raw("<item action='allow' order='1'/>") }
        writer.end("list")
    }
}

/// Which privacy lists there are, and which apply.
struct PrivacyNames: Sendable, Equatable {
    private(set) var active: String?
    private(set) var usual: String?
    private(set) var hasOurs = false

    init(_ query: Element?) {
        guard let query else { return }
        active = query.child("active", NS.privacy)?["name"]
        usual = query.child("default", NS.privacy)?["name"]
        hasOurs = query.children.contains { $0.isNamed("list", NS.privacy) && $0["name"] == PrivacyList.name }
    }

    /// The list that says who is blocked: ours, or the default one, whose rules ours takes over when it is made.
    var base: String? { hasOurs ? PrivacyList.name : usual }

    /// Whether ours applies to this session.
    var isActive: Bool { (active ?? usual) == PrivacyList.name }
    /// Whether ours applies to the account.
    var isUsual: Bool { usual == PrivacyList.name }
}

/// Which answer a question of blocking waits for, on a server that has only privacy lists.
enum PrivacyStep: Sendable {
    /// Which lists there are. → list, edit, activate, makeDefault
    case names
    /// The list that counts. → edit, activate, makeDefault
    case list(PrivacyNames)
    /// Our list is written. → activate, makeDefault
    case edit(PrivacyNames, PrivacyList, before: PrivacyList)
    /// It applies to this session. → makeDefault
    case activate(PrivacyNames)
    /// It applies to the account.
    case makeDefault
}

import Stanza

/// One privacy list (XEP-0016) of an account.
struct PrivacyList: Sendable {
    let name: String
    /// In the order in which they are tried.
    let rules: [Rule]

    /// One item of a list.
    struct Rule: Sendable {
        let criterion: Criterion
        let denies: Bool
        /// Unique in its list.
        let order: UInt32
        /// What it is about; empty: everything.
        let kinds: Set<Traffic>
    }

    /// Whom a rule is for.
    enum Criterion: Sendable, Equatable {
        case everyone
        case jid(JID)
        case group(String)
        /// `none`, `to`, `from`, `both`.
        case subscription(String)
    }

    /// Reads a list as a client sets it; nil where XEP-0016 2.1 forbids it.
    init?(_ element: Element) {
        guard let name = element["name"], !name.isEmpty else { return nil }
        var rules: [Rule] = []
        for item in element.children {
            guard item.isNamed("item", ServerNS.privacy), let rule = Rule(item) else { return nil }
            rules.append(rule)
        }
        guard Set(rules.map(\.order)).count == rules.count else { return nil }
        self.name = name
        self.rules = rules.sorted { $0.order < $1.order }
    }

    /// The first rule that fits decides; where none does, nothing is denied (XEP-0016 2.2).
    func denies(_ other: JID, _ traffic: Traffic, _ roster: Roster) -> Bool {
        rules.first { $0.fits(other, traffic, roster) }?.denies ?? false
    }
}

extension PrivacyList.Rule {
    fileprivate init?(_ item: Element) {
        guard let order = item["order"].flatMap({ UInt32($0) }), let criterion = PrivacyList.Criterion(item) else {
            return nil
        }
        switch item["action"] {
        case "allow": denies = false
        case "deny": denies = true
        default: return nil  // a text, not one of our enums
        }
        self.order = order
        self.criterion = criterion
        kinds = Set(item.children.compactMap { Traffic(rawValue: $0.name) })
    }

    fileprivate func fits(_ other: JID, _ traffic: Traffic, _ roster: Roster) -> Bool {
        guard kinds.isEmpty || kinds.contains(traffic) else { return false }
        let item = roster[other.bare]
        switch criterion {
        case .everyone: return true
        case .jid(let jid): return jid.covers(other)
        case .group(let name): return item?.groups.contains(name) == true
        case .subscription(let word): return (item?.subscription ?? Subscription()).word.description == word
        }
    }
}

extension PrivacyList.Criterion {
    fileprivate init?(_ item: Element) {
        switch (item["type"], item["value"]) {
        case (nil, _): self = .everyone
        case ("jid", let text?):
            guard let jid = try? JID(text) else { return nil }
            self = .jid(jid)
        case ("group", let name?): self = .group(name)
        case ("subscription", let word?):
            guard ["none", "to", "from", "both"].contains(word) else { return nil }
            self = .subscription(word)
        default: return nil  // texts, not one of our enums
        }
    }
}

extension XMLWriter {
    /// The whole list.
    mutating func list(_ list: PrivacyList) {
        start("list")
        attribute("name", list.name)
        content()
        for rule in list.rules {
            start("item")
            switch rule.criterion {
            case .everyone: break
            case .jid(let jid):
                attribute("type", "jid")
                attribute("value", jid.text)
            case .group(let name):
                attribute("type", "group")
                attribute("value", name)
            case .subscription(let word):
                attribute("type", "subscription")
                attribute("value", word)
            }
            attribute("action", rule.denies ? "deny" : "allow")
            attribute("order", rule.order)
            guard !rule.kinds.isEmpty else {
                endEmpty()
                continue
            }
            content()
            for kind in Traffic.allCases where rule.kinds.contains(kind) { raw("<\(kind.rawValue)/>".utf8) }
            end("item")
        }
        end("list")
    }
}

import Stanza

extension LoopbackServer {
    /// XEP-0016 2.3 to 2.8: the lists, one list, and which of them count.
    mutating func handlePrivacy(_ stanza: Element, _ query: Element, session: SessionID, on id: ConnectionID) {
        guard let account = sessions[session]?.account else { return }
        var children = query.children
        let first = children.next()
        guard children.next() == nil else {
            bounce(stanza, on: id, "bad-request")
            return
        }
        if stanza.attribute("type", equals: "get") {
            sendLists(stanza, first, account, session: session, on: id)
        } else if let first, first.isNamed("active", ServerNS.privacy) {
            guard isKnown(first["name"], account) else {
                bounce(stanza, on: id, "item-not-found")
                return
            }
            sessions[session]?.activeList = first["name"]
            answer(stanza, session) { _ in }
        } else if let first, first.isNamed("default", ServerNS.privacy) {
            setDefault(first["name"], stanza, account, session: session, on: id)
        } else if let first, first.isNamed("list", ServerNS.privacy) {
            setList(first, stanza, account, session: session, on: id)
        } else {
            bounce(stanza, on: id, "bad-request")
        }
    }

    private mutating func sendLists(
        _ stanza: Element, _ wish: Element?, _ account: String, session: SessionID, on id: ConnectionID
    ) {
        guard let owner = accounts[account] else { return }
        guard let wish else {
            let active = sessions[session]?.activeList
            answer(stanza, session) {
                $0.start("query", ServerNS.privacy)
                $0.content()
                if let active { $0.named("active", active) }
                if let name = owner.defaultList { $0.named("default", name) }
                for list in owner.privacyLists { $0.named("list", list.name) }
                $0.end("query")
            }
            return
        }
        guard let list = owner.privacyLists.first(where: { $0.name == wish["name"] }) else {
            bounce(stanza, on: id, "item-not-found")
            return
        }
        answer(stanza, session) {
            $0.start("query", ServerNS.privacy)
            $0.content()
            $0.list(list)
            $0.end("query")
        }
    }

    private mutating func setDefault(
        _ name: String?, _ stanza: Element, _ account: String, session: SessionID, on id: ConnectionID
    ) {
        guard isKnown(name, account) else {
            bounce(stanza, on: id, "item-not-found")
            return
        }
        if let old = accounts[account]?.defaultList, old != name, isInUse(old, account, besides: session) {
            bounce(stanza, on: id, "conflict")
            return
        }
        accounts[account]?.defaultList = name
        answer(stanza, session) { _ in }
    }

    /// A list that is set anew, or, empty, goes.
    private mutating func setList(
        _ element: Element, _ stanza: Element, _ account: String, session: SessionID, on id: ConnectionID
    ) {
        guard let list = PrivacyList(element) else {
            bounce(stanza, on: id, "bad-request")
            return
        }
        let place = accounts[account]?.privacyLists.firstIndex { $0.name == list.name }
        if list.rules.isEmpty {
            guard let place else {
                bounce(stanza, on: id, "item-not-found")
                return
            }
            guard !isInUse(list.name, account, besides: session) else {
                bounce(stanza, on: id, "conflict")
                return
            }
            accounts[account]?.privacyLists.remove(at: place)
            if accounts[account]?.defaultList == list.name { accounts[account]?.defaultList = nil }
            if sessions[session]?.activeList == list.name { sessions[session]?.activeList = nil }
        } else if let place {
            accounts[account]?.privacyLists[place] = list
        } else {
            guard (accounts[account]?.privacyLists.count ?? 0) < configuration.limits.privacyListsMax else {
                bounce(stanza, on: id, "resource-constraint")
                return
            }
            accounts[account]?.privacyLists.append(list)
        }
        answer(stanza, session) { _ in }
        for other in accounts[account]?.sessions ?? [] {
            push(to: other) {
                $0.start("query", ServerNS.privacy)
                $0.content()
                $0.named("list", list.name)
                $0.end("query")
            }
        }
    }

    /// Whether there is such a list; no name stands for none.
    private func isKnown(_ name: String?, _ account: String) -> Bool {
        name == nil || accounts[account]?.privacyLists.contains { $0.name == name } == true
    }

    /// Whether a list counts for another session (XEP-0016 2.2).
    private func isInUse(_ name: String, _ account: String, besides session: SessionID) -> Bool {
        let isDefault = accounts[account]?.defaultList == name
        return (accounts[account]?.sessions ?? []).contains {
            guard $0 != session, let other = sessions[$0] else { return false }
            return other.activeList == name || (other.activeList == nil && isDefault)
        }
    }
}

extension XMLWriter {
    fileprivate mutating func named(_ element: StaticString, _ name: String) {
        start(element)
        attribute("name", name)
        endEmpty()
    }
}

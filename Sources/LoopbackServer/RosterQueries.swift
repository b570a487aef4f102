import Stanza

extension LoopbackServer {
    /// RFC 6121 2: get and set of the roster.
    mutating func handleRoster(_ stanza: Element, _ query: Element, session: SessionID, on id: ConnectionID) {
        guard stanza.attribute("type", equals: "set") else {
            sendRoster(stanza, query, session: session)
            return
        }
        var items = query.children
        guard let first = items.next(), items.next() == nil, first.isNamed("item", NS.roster),
            let contact = first["jid"].flatMap({ try? JID($0) })?.bare, let account = sessions[session]?.account
        else {
            bounce(stanza, on: id, "bad-request")
            return
        }
        if first.attribute("subscription", equals: "remove") {
            removeItem(contact, account, stanza, session: session, on: id)
        } else {
            setItem(first, contact, account, stanza, session: session, on: id)
        }
    }

    /// The whole roster, or nothing where the client has this very version (RFC 6121 2.6.3).
    private mutating func sendRoster(_ stanza: Element, _ query: Element, session: SessionID) {
        guard let account = sessions[session]?.account, let roster = accounts[account]?.roster else { return }
        sessions[session]?.isInterested = true
        let version = word(of: roster.version)
        let known = query["ver"]
        answer(stanza, session) {
            guard known != version else { return }
            $0.start("query", NS.roster)
            if known != nil { $0.attribute("ver", version) }
            $0.content()
            for item in roster.items where item.isListed { $0.item(item) }
            $0.end("query")
        }
    }

    private mutating func setItem(
        _ element: Element, _ contact: JID, _ account: String, _ stanza: Element, session: SessionID,
        on id: ConnectionID
    ) {
        let groups = element.children.filter { $0.isNamed("group", NS.roster) }.map(\.text)
        guard Set(groups).count == groups.count, contact.local != nil || contact.bare == contact else {
            bounce(stanza, on: id, "bad-request")
            return
        }
        guard hasRoom(for: contact, account) else {
            bounce(stanza, on: id, "resource-constraint")
            return
        }
        let news = accounts[account]?.roster.change(contact) {
            $0.isListed = true
            $0.name = element["name"]
            $0.groups = groups
        }
        acknowledgeSet(stanza, session) { server in
            if let news { server.push(news, account) }
        }
    }

    private mutating func removeItem(
        _ contact: JID, _ account: String, _ stanza: Element, session: SessionID, on id: ConnectionID
    ) {
        guard let gone = accounts[account]?.roster.remove(contact) else {
            bounce(stanza, on: id, "item-not-found")
            return
        }
        acknowledgeSet(stanza, session) { $0.pushRemoval(gone, account) }
        endSubscriptions(gone, of: account)
    }

    /// The result and the pushes of a set; Openfire pushes first.
    private mutating func acknowledgeSet(_ stanza: Element, _ session: SessionID, _ push: (inout Self) -> Void) {
        switch configuration.profile {
        case .plain:
            answer(stanza, session) { _ in }
            push(&self)
        case .openfire:
            push(&self)
            answer(stanza, session) { _ in }
        }
    }

    /// Openfire takes a mutual contact off in three steps.
    private mutating func pushRemoval(_ gone: Roster.Item, _ account: String) {
        if configuration.profile == .openfire && gone.subscription.isTo && gone.subscription.isFrom {
            var step = gone
            step.subscription.isTo = false
            push(step, account)
            step.subscription.isFrom = false
            push(step, account)
        }
        push(gone, account, isRemoved: true)
    }

    /// RFC 6121 2.1.6: to every session that has asked for the roster.
    mutating func push(_ item: Roster.Item, _ account: String, isRemoved: Bool = false) {
        guard let owner = accounts[account] else { return }
        let version = word(of: owner.roster.version)
        for session in owner.sessions where sessions[session]?.isInterested == true {
            push(to: session) {
                $0.start("query", NS.roster)
                $0.attribute("ver", version)
                $0.content()
                $0.item(item, isRemoved: isRemoved)
                $0.end("query")
            }
        }
    }

    /// An iq of the account's to one of its own sessions.
    mutating func push(to session: SessionID, _ payload: (inout XMLWriter) -> Void) {
        guard let jid = sessions[session]?.jid else { return }
        lastQuery += 1
        let number = lastQuery
        let isOpenfire = configuration.profile == .openfire
        deliver(to: session) {
            $0.start("iq")
            $0.attribute("type", "set")
            $0.attribute("id", "push-\(number)")
            if !isOpenfire { $0.attribute("from", jid.bare.text) }
            $0.attribute("to", jid.text)
            $0.content()
            payload(&$0)
            $0.end("iq")
        }
    }

    /// Versions are opaque (RFC 6121 2.6.1); Openfire's may be negative.
    private func word(of version: Int) -> String {
        configuration.profile == .openfire ? String(-version) : String(version)
    }
}

extension XMLWriter {
    fileprivate mutating func item(_ item: Roster.Item, isRemoved: Bool = false) {
        start("item")
        attribute("jid", item.jid.text)
        if isRemoved {
            attribute("subscription", "remove")
            endEmpty()
            return
        }
        attribute("name", ifPresent: item.name)
        attribute("subscription", item.subscription.word)
        if item.subscription.isPendingOut { attribute("ask", "subscribe") }
        if item.subscription.isApproved { attribute("approved", "true") }
        guard !item.groups.isEmpty else {
            endEmpty()
            return
        }
        content()
        for group in item.groups { element("group", text: group) }
        end("item")
    }
}

import Stanza

extension LoopbackServer {
    /// A client's subscription stanza (RFC 6121 3 and A.2), to the bare address of a contact.
    mutating func sendSubscription(
        _ kind: SubscriptionKind, _ stanza: Element, to: JID, session: SessionID, on id: ConnectionID
    ) {
        guard let account = sessions[session]?.account, let own = accounts[account]?.jid else { return }
        guard to != own else {
            bounce(stanza, on: id, "not-allowed")
            return
        }
        guard hasRoom(for: to, account) else {
            bounce(stanza, on: id, "resource-constraint")
            return
        }
        var consequence = Subscription.Consequence.stop
        var wasVisible = false
        let news = accounts[account]?.roster.change(to) {
            wasVisible = $0.subscription.isFrom
            consequence = $0.subscription.send(kind)
            if kind == .subscribed || kind == .unsubscribed { $0.request = nil }
        }
        if let news { push(news, account) }
        guard consequence == .passOn else { return }
        if to.domain != configuration.domain.text {
            if kind == .subscribe { bounce(stanza, on: id, "remote-server-not-found") }
            return
        }
        if kind == .unsubscribed && wasVisible { show(account, to: to, available: false) }
        receiveSubscription(kind, Parcel(stanza, from: own, at: wall), from: own, to: to)
        if kind == .subscribed { show(account, to: to, available: true) }
    }

    /// A subscription stanza at the account it is for (RFC 6121 A.3).
    private mutating func receiveSubscription(_ kind: SubscriptionKind, _ parcel: Parcel, from: JID, to: JID) {
        guard let account = account(of: to), hasRoom(for: from, account) else { return }
        var consequence = Subscription.Consequence.stop
        var wasVisible = false
        let news = accounts[account]?.roster.change(from) {
            wasVisible = $0.subscription.isFrom
            consequence = $0.subscription.receive(kind)
            if kind == .subscribe && $0.subscription.isPendingIn { $0.request = parcel }
            if kind == .unsubscribe { $0.request = nil }
        }
        switch consequence {
        case .passOn:
            for session in availableSessions(account)
            where kind == .subscribe || sessions[session]?.isInterested == true {
                deliver(parcel, to: session)
            }
        case .grant:
            let answer = Element("presence", NS.client.description, ["type": "subscribed", "to": from.text])
            receiveSubscription(.subscribed, Parcel(answer, from: to, at: wall), from: to, to: from)
            show(account, to: from, available: true)
        case .stop: break
        }
        if let news { push(news, account) }
        if kind == .unsubscribe && wasVisible { show(account, to: from, available: false) }
    }

    /// Requests that nobody has answered yet come at each login (RFC 6121 3.1.3).
    mutating func deliverRequests(to session: SessionID) {
        guard let account = sessions[session]?.account else { return }
        for item in accounts[account]?.roster.items ?? [] {
            if let request = item.request { deliver(request, to: session) }
        }
    }

    /// Ends both directions of the subscription with a contact that was taken off the roster (RFC 6121 2.5.2).
    mutating func endSubscriptions(_ item: Roster.Item, of account: String) {
        guard let own = accounts[account]?.jid, self.account(of: item.jid) != nil else { return }
        func stanza(_ kind: SubscriptionKind) -> Parcel {
            let element = Element("presence", NS.client.description, ["type": kind.rawValue, "to": item.jid.text])
            return Parcel(element, from: own, at: wall)
        }
        if item.subscription.isTo || item.subscription.isPendingOut {
            receiveSubscription(.unsubscribe, stanza(.unsubscribe), from: own, to: item.jid)
        }
        if item.subscription.isFrom {
            show(account, to: item.jid, available: false)
            receiveSubscription(.unsubscribed, stanza(.unsubscribed), from: own, to: item.jid)
        }
    }

    private func hasRoom(for contact: JID, _ account: String) -> Bool {
        guard let roster = accounts[account]?.roster else { return false }
        return roster[contact] != nil || roster.items.count < configuration.limits.rosterItemsMax
    }
}

// MARK: - The roster's queries

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
    private mutating func push(_ item: Roster.Item, _ account: String, isRemoved: Bool = false) {
        guard let owner = accounts[account], let bare = accounts[account]?.jid.text else { return }
        let version = word(of: owner.roster.version)
        let isOpenfire = configuration.profile == .openfire
        for session in owner.sessions {
            guard sessions[session]?.isInterested == true, let to = sessions[session]?.jid.text else { continue }
            lastQuery += 1
            let number = lastQuery
            deliver(to: session) {
                $0.start("iq")
                $0.attribute("type", "set")
                $0.attribute("id", "push-\(number)")
                if !isOpenfire { $0.attribute("from", bare) }
                $0.attribute("to", to)
                $0.content()
                $0.start("query", NS.roster)
                $0.attribute("ver", version)
                $0.content()
                $0.item(item, isRemoved: isRemoved)
                $0.raw("</query></iq>")
            }
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

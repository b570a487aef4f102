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
        guard let account = account(of: to), hasRoom(for: from, account), !isBlocked(from, for: account, nil, .other)
        else { return }
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

    func hasRoom(for contact: JID, _ account: String) -> Bool {
        guard let roster = accounts[account]?.roster else { return false }
        return roster[contact] != nil || roster.items.count < configuration.limits.rosterItemsMax
    }
}

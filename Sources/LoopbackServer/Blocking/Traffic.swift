import Stanza

/// What a block is asked about (XEP-0016 2.1).
enum Traffic: String, Sendable, CaseIterable {
    case message
    case iq
    /// Presence of others, without subscriptions.
    case presenceIn = "presence-in"
    /// One's own presence.
    case presenceOut = "presence-out"
    /// Anything else, which only a block of everything stops: subscriptions, and what one sends oneself.
    case other
}

extension JID {
    /// Whether an address is one that this one, blocked, stands for (XEP-0191 5, XEP-0016 2.1).
    func covers(_ other: JID) -> Bool {
        if resource != nil { return self == other }
        return local == nil ? domain == other.domain : self == other.bare
    }
}

extension LoopbackServer {
    /// Whether an account has blocked somebody.
    /// - Parameter session: whose list counts where lists are by session; nil: the account's default.
    func isBlocked(_ other: JID, for account: String, _ session: SessionID?, _ traffic: Traffic) -> Bool {
        // Nobody is cut off from oneself (XEP-0016 2.1, note).
        guard let owner = accounts[account], other.bare != owner.jid else { return false }
        switch configuration.blocking {
        case .none: return false
        case .command: return owner.blocklist.contains { $0.covers(other) }
        case .privacyLists:
            let name = session.flatMap { sessions[$0]?.activeList } ?? owner.defaultList
            guard let list = owner.privacyLists.first(where: { $0.name == name }) else { return false }
            return list.denies(other, traffic, owner.roster)
        }
    }

    /// Whether a client may not send to that address, and has been told so.
    mutating func refusesBlocked(
        _ stanza: Element, _ kind: StanzaKind, to: JID, session: SessionID, on id: ConnectionID
    ) -> Bool {
        let isNotification = kind == .presence && ["unavailable", nil].contains(stanza["type"])
        guard let account = sessions[session]?.account,
            isBlocked(to, for: account, session, isNotification ? .presenceOut : .other)
        else { return false }
        let detail = configuration.blocking == .command ? ServerNS.blockingErrors : nil
        bounce(stanza, on: id, "not-acceptable", type: "cancel", detail: detail.map { ("blocked", $0) })
        return true
    }

    /// Gives a session somebody's presence, unless either has blocked the other.
    mutating func deliver(presence parcel: Parcel, from: JID, to id: SessionID) {
        guard let recipient = sessions[id], !isBlocked(from, for: recipient.account, id, .presenceIn) else { return }
        if let sender = account(of: from), isBlocked(recipient.jid, for: sender, session(of: from), .presenceOut) {
            return
        }
        deliver(parcel, to: id)
    }
}

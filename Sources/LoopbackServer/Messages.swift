import Stanza

extension LoopbackServer {
    /// A message of a client (RFC 6121 5 and 8).
    mutating func handleMessage(_ stanza: Element, to: JID?, session: SessionID, on id: ConnectionID) {
        guard let from = sessions[session]?.jid else { return }
        let outcome: SeenMessage.Outcome
        if let to, to.domain == roomDomain?.domain {
            outcome = handleRoomMessage(stanza, to: to, session: session, on: id)
        } else {
            outcome = route(stanza, to: to ?? from.bare, from: from)
            switch outcome {
            case .bounced(let condition): bounce(stanza, on: id, condition)
            case .delivered, .stored: copySent(stanza, to: to ?? from.bare, by: session)
            case .ignored: break
            }
        }
        guard configuration.observesMessages else { return }
        let seen = SeenMessage(
            from: from, to: stanza["to"] ?? from.bare.text, type: stanza["type"] ?? "normal", id: stanza["id"],
            body: stanza.child("body", NS.client)?.text, outcome: outcome)
        actions.append(.observed(.message(seen)))
    }

    /// Takes a message to whom it is for.
    mutating func route(_ stanza: Element, to: JID, from: JID) -> SeenMessage.Outcome {
        guard to.domain == configuration.domain.text else { return refusal(stanza, "remote-server-not-found") }
        guard let account = account(of: to) else {
            // Openfire says nothing about accounts that do not exist.
            let isSilent = configuration.profile == .openfire && to.local != nil
            return isSilent ? .ignored : refusal(stanza, "service-unavailable")
        }
        let parcel = Parcel(stanza, from: from, at: wall)
        let addressed = to.resource == nil ? nil : session(of: to)
        if isBlocked(from, for: account, addressed, .message) { return refusal(stanza, "service-unavailable") }
        if let addressed {
            deliver(parcel, to: addressed)
            copyReceived(stanza, parcel, account, besides: [addressed])
            return .delivered(sessions: 1)
        }
        return routeToBare(stanza, parcel, account, from: from, isFull: to.resource != nil)
    }

    /// RFC 6121 8.5.2 for the bare address, 8.5.3.2 for a resource that is not there.
    private mutating func routeToBare(
        _ stanza: Element, _ parcel: Parcel, _ account: String, from: JID, isFull: Bool
    ) -> SeenMessage.Outcome {
        switch stanza["type"] {
        case "error": return .ignored
        case "groupchat": return .bounced(condition: "service-unavailable")
        case "headline" where isFull: return .ignored
        default: break  // a text, not one of our enums: headline, chat, normal and what is taken for it
        }
        let takers = availableSessions(account).filter {
            sessions[$0]?.takesBareMessages == true && !isBlocked(from, for: account, $0, .message)
        }
        for session in takers { deliver(parcel, to: session) }
        copyReceived(stanza, parcel, account, besides: takers)
        if !takers.isEmpty { return .delivered(sessions: takers.count) }
        guard parcel.isStorable else { return .ignored }
        return store(parcel, for: account) ? .stored : .bounced(condition: "service-unavailable")
    }

    private func refusal(_ stanza: Element, _ condition: String) -> SeenMessage.Outcome {
        stanza.attribute("type", equals: "error") ? .ignored : .bounced(condition: condition)
    }

    private mutating func store(_ parcel: Parcel, for account: String) -> Bool {
        guard (accounts[account]?.offline.count ?? 0) < configuration.limits.offlineStanzasMax else { return false }
        // What a session has not taken may be older than what was stored since.
        accounts[account]?.offline.insert(parcel) { $0.stamp > parcel.stamp }
        return true
    }

    /// A message that its session did not take: for the other sessions of the account, or the offline store. Past the
    /// store's limit the oldest stay and this one is lost; a server that cannot keep it has nobody left to tell.
    mutating func deliverLate(_ parcel: Parcel, to account: String) {
        let takers = availableSessions(account).filter { sessions[$0]?.takesBareMessages == true }
        let late = parcel.delayed(by: configuration.domain)
        if takers.isEmpty { _ = store(parcel, for: account) }
        for session in takers { deliver(late, to: session) }
    }

    /// Gives a session that now takes messages what waited for it and its account.
    mutating func greet(_ session: SessionID) {
        guard sessions[session]?.hasGreeted == false, sessions[session]?.takesBareMessages == true,
            let account = sessions[session]?.account
        else { return }
        sessions[session]?.hasGreeted = true
        let inherited = sessions[session]?.inherited ?? []
        sessions[session]?.inherited = []
        let waiting = inherited + (accounts[account]?.offline.takeAll() ?? [])
        for parcel in waiting {
            // The session may end in the middle: by a fault, or because it takes no more.
            if sessions[session] == nil {
                deliverLate(parcel, to: account)
            } else {
                deliver(parcel.delayed(by: configuration.domain), to: session)
            }
        }
    }
}

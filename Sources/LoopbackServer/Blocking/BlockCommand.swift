import Stanza

extension LoopbackServer {
    /// XEP-0191: the list, a block, an unblock.
    mutating func handleBlocking(_ stanza: Element, _ command: Element, session: SessionID, on id: ConnectionID) {
        guard let account = sessions[session]?.account, let blocked = accounts[account]?.blocklist else { return }
        let isSet = stanza.attribute("type", equals: "set")
        if !isSet && command.hasName("blocklist") {
            sessions[session]?.hasFetchedBlocklist = true
            answer(stanza, session) { $0.blocked("blocklist", blocked) }
            return
        }
        var items: [JID] = []
        for item in command.children where item.isNamed("item", ServerNS.blocking) {
            guard let jid = item["jid"].flatMap({ try? JID($0) }) else {
                bounce(stanza, on: id, "jid-malformed")
                return
            }
            items.append(jid)
        }
        if isSet && command.hasName("block") && !items.isEmpty {
            let fresh = items.filter { !blocked.contains($0) }
            guard blocked.count + fresh.count <= configuration.limits.blockedAddressesMax else {
                bounce(stanza, on: id, "resource-constraint")
                return
            }
            show(account, covered: fresh, available: false)
            accounts[account]?.blocklist += fresh
        } else if isSet && command.hasName("unblock") {
            let freed = items.isEmpty ? blocked : items.filter { blocked.contains($0) }
            accounts[account]?.blocklist.removeAll { freed.contains($0) }
            show(account, covered: freed, available: true)
        } else {
            bounce(stanza, on: id, "bad-request")
            return
        }
        answer(stanza, session) { _ in }
        pushBlocking(account) { $0.blocked(command.hasName("block") ? "block" : "unblock", items) }
    }

    /// Who is blocked sees the account go, who is free again sees it come, where it may see it (XEP-0191 3.3, 3.4).
    private mutating func show(_ account: String, covered patterns: [JID], available: Bool) {
        for item in accounts[account]?.roster.items ?? []
        where item.subscription.isFrom && patterns.contains(where: { $0.covers(item.jid) }) {
            show(account, to: item.jid, available: available)
        }
    }

    /// To every session that has fetched the list (XEP-0191 3.3).
    private mutating func pushBlocking(_ account: String, _ command: (inout XMLWriter) -> Void) {
        for session in accounts[account]?.sessions ?? [] where sessions[session]?.hasFetchedBlocklist == true {
            push(to: session, command)
        }
    }
}

extension XMLWriter {
    fileprivate mutating func blocked(_ name: StaticString, _ addresses: [JID]) {
        start(name, ServerNS.blocking)
        guard !addresses.isEmpty else {
            endEmpty()
            return
        }
        content()
        for address in addresses {
            start("item")
            attribute("jid", address.text)
            endEmpty()
        }
        end(name)
    }
}

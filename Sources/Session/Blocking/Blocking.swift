import Stanza

/// What is known of blocking on this server, since the resource was bound.
struct Blocking: Sendable {
    enum Way: Sendable {
        /// XEP-0191, as far as is known.
        case command
        /// XEP-0016: the server has said that it does not know the other.
        case privacyLists
    }

    var way = Way.command

    // Privacy lists only. A list is read, changed and written as a whole: one question at a time.
    /// The question whose turn it is.
    var running: UInt64?
    var waiting = FIFO<UInt64>()
    /// A push waits for its turn: another one needs none of its own.
    var pushWaits = false
    /// Who is blocked, once that was asked.
    var known: Set<JID>?
    /// The list that says so.
    var base: String?

    /// Whether an error says that the server does not know what we asked (RFC 6120 8.3.3.3, 8.3.3.19).
    static func isUnknown(_ error: StanzaError) -> Bool {
        error.condition == "service-unavailable" || error.condition == "feature-not-implemented"
    }
}

// Blocking (XEP-0191), and its pushes.
extension ClientSession {
    /// A push of our own account's; a forger gets the answer of anybody who asks for what is not there.
    /// - Returns: Whether it is one, whatever became of it.
    mutating func blockPush(_ payload: Element, _ stanza: Element, from: JID, _ actions: inout [Action]) -> Bool {
        let isBlock = payload.isNamed("block", NS.blocking)
        let isOfList = payload.isNamed("query", NS.privacy)
        guard isBlock || isOfList || payload.isNamed("unblock", NS.blocking) else { return false }
        guard from == account else {
            actions.append(.event(.forged(what: "block push", from: from)))
            refuse(stanza, type: "cancel", condition: "service-unavailable")
            return true
        }
        if isOfList {
            reply(stanza, payload: [])
            privacyPush(payload)
            return true
        }
        let jids = Question.jids(payload)
        if jids.isEmpty, isBlock || payload.children.contains(where: { $0.hasName("item") }) {
            refuse(stanza, type: "modify", condition: "bad-request")
            return true
        }
        reply(stanza, payload: [])
        if jids.isEmpty { actions.append(.event(.block(jid: nil, isBlocked: false, initial: false))) }
        for jid in jids { actions.append(.event(.block(jid: jid, isBlocked: isBlock, initial: false))) }
        return true
    }
}

import Stanza

/// The contacts of one account with the state of each subscription (RFC 6121 2 and 3).
struct Roster: Sendable {
    /// One contact, or somebody who only asks to become one.
    struct Item: Sendable {
        /// The bare address.
        let jid: JID
        var name: String?
        var groups: [String] = []
        var subscription = Subscription()
        /// Whether it is shown to clients: who only asks is not (RFC 6121 A.1).
        var isListed = false
        /// The request that waits for an answer, to be shown at each login (RFC 6121 3.1.3).
        var request: Parcel?
    }

    private(set) var items: [Item] = []
    /// Rises with every change that clients are told (RFC 6121 2.6).
    private(set) var version = 1

    /// What is known of that bare address.
    subscript(_ jid: JID) -> Item? { items.first { $0.jid == jid } }

    /// Changes what is known of an address, making an item where there is none. An item that holds nothing any more is
    /// forgotten.
    /// - Returns: the item as it is now where clients must be told, nil otherwise.
    mutating func change(_ jid: JID, _ body: (inout Item) -> Void) -> Item? {
        let place = items.firstIndex { $0.jid == jid }
        let before = place.map { items[$0] } ?? Item(jid: jid)
        var item = before
        body(&item)
        if item.subscription.mustBeListed { item.isListed = true }
        if let place {
            if item.isListed || item.subscription.isPendingIn { items[place] = item } else { items.remove(at: place) }
        } else if item.isListed || item.subscription.isPendingIn {
            items.append(item)
        }
        let isNews =
            item.isListed
            && (!before.isListed || item.name != before.name || item.groups != before.groups
                || item.subscription.shown != before.subscription.shown)
        if isNews { version += 1 }
        return isNews ? item : nil
    }

    /// Takes a contact off; nil where it was not listed.
    mutating func remove(_ jid: JID) -> Item? {
        guard let place = items.firstIndex(where: { $0.jid == jid && $0.isListed }) else { return nil }
        version += 1
        return items.remove(at: place)
    }
}

/// The state of a subscription between an account and a contact (RFC 6121 A.1), with the account's eyes.
struct Subscription: Sendable, Equatable {
    /// The account sees the contact's presence.
    var isTo = false
    /// The contact sees the account's presence.
    var isFrom = false
    /// The account has asked to see the contact's.
    var isPendingOut = false
    /// The contact has asked to see the account's.
    var isPendingIn = false
    /// The account has granted it before it was asked (RFC 6121 3.4).
    var isApproved = false

    /// `none`, `to`, `from`, `both`.
    var word: StaticString { isTo ? (isFrom ? "both" : "to") : (isFrom ? "from" : "none") }

    var mustBeListed: Bool { isTo || isFrom || isPendingOut || isApproved }

    /// The part of the state that clients see.
    var shown: [Bool] { [isTo, isFrom, isPendingOut, isApproved] }

    /// What becomes of a stanza that was sent or received.
    enum Consequence: Equatable {
        /// It goes on: to the contact's server, or to the account's clients.
        case passOn
        /// It goes no further.
        case stop
        /// It goes no further, and the server answers it with `subscribed`.
        case grant
    }

    /// The account sends a subscription stanza (RFC 6121 A.2).
    mutating func send(_ kind: SubscriptionKind) -> Consequence {
        let before = self
        switch kind {
        case .subscribe:
            if !isTo { isPendingOut = true }
            return .passOn
        case .unsubscribe:
            isTo = false
            isPendingOut = false
            return self == before ? .stop : .passOn
        case .subscribed:
            if isPendingIn {
                isPendingIn = false
                isFrom = true
                return .passOn
            }
            if !isFrom { isApproved = true }
            return .stop
        case .unsubscribed:
            let wasKnown = isFrom || isPendingIn
            isFrom = false
            isPendingIn = false
            isApproved = false
            return wasKnown ? .passOn : .stop
        }
    }

    /// The account is sent a subscription stanza (RFC 6121 A.3).
    mutating func receive(_ kind: SubscriptionKind) -> Consequence {
        let before = self
        switch kind {
        case .subscribe:
            if isFrom { return .grant }
            if isApproved {
                isFrom = true
                return .grant
            }
            isPendingIn = true
            return before.isPendingIn ? .stop : .passOn
        case .unsubscribe:
            isFrom = false
            isPendingIn = false
        case .subscribed:
            guard isPendingOut else { return .stop }
            isPendingOut = false
            isTo = true
        case .unsubscribed:
            isTo = false
            isPendingOut = false
        }
        return self == before ? .stop : .passOn
    }
}

/// The four stanzas that manage subscriptions (RFC 6121 3).
enum SubscriptionKind: String, Sendable, CaseIterable {
    case subscribe, subscribed, unsubscribe, unsubscribed
}

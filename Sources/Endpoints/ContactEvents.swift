public import Routing
public import Stanza

// Contacts: who sees whom, the roster, who is blocked.
extension EventRecord {
    /// `subscription`: a change in who may see whom, in the words of DESIGN 5.3.
    public enum SubscriptionAction: String, Sendable, CaseIterable {
        case request, approved, denied, cancelled, unsubscribed
    }

    /// `subscription`; `status` is what the other side wrote with it.
    public static func subscription(
        jid: JID, _ action: SubscriptionAction, status: String? = nil
    ) -> EventRecord {
        var fields = Fields(.init("jid", .string(jid.bare.text)))
        fields.add("action", action.rawValue)
        fields.add("status", status)
        return EventRecord(.subscription, fields.all)
    }

    /// An item of the roster (RFC 6121 2.1).
    public struct RosterFields: Sendable, Equatable {
        /// The contact.
        public var jid: JID
        /// The name we gave it.
        public var name: String?
        /// The groups it is in.
        public var groups: [String] = []
        /// Who sees whom; nil for an item that was removed.
        public var subscription: Subscription?
        /// Whether our request to see its presence is pending.
        public var ask = false
        /// Whether we approved its request in advance.
        public var approved = false

        /// Who sees whom.
        public enum Subscription: String, Sendable, CaseIterable {
            case none, to, from, both
        }

        /// The item; a nil `subscription` says that it was removed.
        public init(jid: JID, subscription: Subscription?) {
            self.jid = jid
            self.subscription = subscription
        }
    }

    /// `roster`: `action` is `set` or `remove`; `initial` for the items told at login, `ref` for those that a `roster_get`
    /// asked for.
    public static func roster(_ item: RosterFields, initial: Bool, ref: String? = nil) -> EventRecord {
        var fields = Fields(.init("jid", .string(item.jid.text)))
        fields.add("action", item.subscription == nil ? "remove" : "set")
        if let subscription = item.subscription {
            fields.add("name", item.name)
            fields.add("groups", item.groups)
            fields.add("subscription", subscription.rawValue)
            fields.add(whereTrue: "ask", item.ask)
            fields.add(whereTrue: "approved", item.approved)
        }
        fields.add(whereTrue: "initial", initial)
        fields.add("ref", ref)
        return EventRecord(.roster, fields.all)
    }

    /// What was done about an address, or about all.
    public enum BlockAction: String, Sendable, CaseIterable {
        case blocked, unblocked
    }

    /// `block`: who is blocked, or is no longer (XEP-0191).
    /// - Parameters:
    ///   - jid: who, an address of any form; nil for all.
    ///   - initial: whether it was so at login.
    ///   - ref: that of the `block_list` it answers.
    public static func block(
        jid: JID?, _ action: BlockAction, initial: Bool = false, ref: String? = nil
    ) -> EventRecord {
        var fields = Fields()
        fields.add("jid", jid?.text)
        fields.add("action", action.rawValue)
        fields.add(whereTrue: "initial", initial)
        fields.add("ref", ref)
        return EventRecord(.block, fields.all)
    }
}

import Endpoints
import Routing
import Session
import Stanza

// What the session tells, as the fields of events: the only place where the two vocabularies meet.

extension EventRecord.MessageFields {
    /// A message stanza, each field where the stanza has it.
    /// - Parameter server: whose stanza-ids are believed (XEP-0359 5): our own account's.
    init(_ message: Message, server: JID) {
        let stanza = message.stanza
        self.init(from: message.from, type: MessageType(stanzaType: message.type))
        to = stanza["to"].flatMap { try? JID($0) }
        id = stanza["id"]
        if let element = stanza.child("body", NS.client) {
            var bytes: [UInt8] = []
            element.appendText(to: &bytes)
            body = bytes
            lang = element["lang", NS.xml] ?? stanza["lang", NS.xml]
        }
        subject = stanza.child("subject", NS.client)?.text
        thread = stanza.child("thread", NS.client)?.text
        delay = message.delay
        originID = stanza.child("origin-id", NS.stanzaID)?["id"]
        for child in stanza.children where child.isNamed("stanza-id", NS.stanzaID) {
            if child["by"] == server.text { stanzaID = child["id"] }
        }
        if type == .error {
            let failure = StanzaError(of: stanza)
            error = .init(condition: failure.condition, text: failure.text)
        }
    }
}

extension EventRecord.PresenceFields {
    init(_ update: PresenceUpdate) {
        self.init(from: update.from, available: update.available)
        show = update.show.flatMap(Show.init(rawValue:))
        status = update.status
        priority = update.priority
        delay = update.delay
        error = update.error.map { .init(condition: $0.condition, text: $0.text) }
    }
}

extension EventRecord.RosterFields {
    /// A pushed removal has no subscription left (RFC 6121 2.5.2).
    init(_ item: RosterItem) {
        self.init(jid: item.jid, subscription: Subscription(rawValue: item.subscription))
        name = item.name
        groups = item.groups
        ask = item.ask
        approved = item.approved
    }
}

extension EventRecord.SubscriptionAction {
    init(_ action: Event.SubscriptionAction) {
        switch action {
        case .request: self = .request
        case .approved: self = .approved
        case .denied: self = .denied
        case .cancelled: self = .cancelled
        case .unsubscribed: self = .unsubscribed
        }
    }
}

extension Router {
    /// Whether some rule hears every event, so that results and deliveries need no way of their own.
    var takesAllEvents: Bool {
        rules.contains { $0.from.contains(.events) && $0.to.contains(.stdout) && $0.body == nil }
    }
}

import Endpoints
import Routing
import Session
import Stanza

// What the session tells, as the fields of events: the only place where the two vocabularies meet.

extension EventRecord.MessageFields {
    /// A message stanza, each field where the stanza has it.
    /// - Parameter account: whose stanza-ids are believed (XEP-0359 5), beside those of a room for what is said there.
    init(_ message: Message, account: JID) {
        let stanza = message.stanza
        self.init(from: message.from, type: MessageType(stanzaType: message.type))
        carbon = message.carbon.flatMap { Carbon(rawValue: $0.rawValue) }
        encrypted = message.encryption
        if let origin = message.room {
            room = origin.room
            nick = origin.nick
            occupantID = origin.occupantID
            isPrivate = origin.isPrivate
            isOwn = origin.isReflection && !origin.isPrivate
        }
        replayed = message.isReplayed || message.room?.isHistory == true
        let archive = message.room.map { $0.isPrivate ? account : $0.room } ?? account
        to = stanza["to"].flatMap { try? JID(received: $0) }
        id = stanza["id"]
        // What stands beside an encrypted text is a word for those who cannot read it, and not what was said.
        if encrypted == nil, let element = stanza.child("body", NS.client) {
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
            if child["by"] == archive.text { stanzaID = child["id"] }
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
        caps = update.caps
        initial = update.initial
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

extension EventRecord.RoomFields {
    init(_ update: RoomUpdate) {
        self.init(room: update.room, action: EventRecord.RoomAction(update.action))
        nick = update.nick
        subject = update.subject
        by = update.by
        reason = update.reason
        condition = update.condition
        retryIn = update.retryIn
        alternative = update.alternative
        occupants = update.occupants
    }
}

extension EventRecord.RoomAction {
    init(_ action: RoomUpdate.Action) {
        switch action {
        case .joined: self = .joined
        case .created: self = .created
        case .rejoined: self = .rejoined
        case .refused: self = .refused
        case .lost: self = .lost
        case .left: self = .left
        case .kicked: self = .kicked
        case .banned: self = .banned
        case .removed: self = .removed
        case .destroyed: self = .destroyed
        case .subject: self = .subject
        case .invited: self = .invited
        case .declined: self = .declined
        }
    }
}

extension EventRecord.OccupantFields {
    init(_ update: OccupantUpdate) {
        self.init(room: update.room, nick: update.nick, action: EventRecord.OccupantAction(update.action))
        jid = update.jid
        role = update.role
        affiliation = update.affiliation
        occupantID = update.occupantID
        show = update.show.flatMap(Show.init(rawValue:))
        status = update.status
        newNick = update.newNick
        by = update.by
        reason = update.reason
        isSelf = update.isSelf
        initial = update.initial
    }
}

extension EventRecord.OccupantAction {
    init(_ action: OccupantUpdate.Action) {
        switch action {
        case .joined: self = .joined
        case .left: self = .left
        case .changed: self = .changed
        case .renamed: self = .renamed
        case .kicked: self = .kicked
        case .banned: self = .banned
        case .removed: self = .removed
        }
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
        rules.contains { $0.from.contains(.events) && $0.to.contains(.stdout) && $0.body == nil && $0.takesAll }
    }
}

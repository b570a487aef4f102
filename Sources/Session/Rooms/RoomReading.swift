import Stanza

/// What a room knows of an occupant.
struct Occupant: Equatable, Sendable {
    /// A status that is longer is told, but not kept.
    static let statusBytesMax = 1_024

    var role: String?
    var affiliation: String?
    var jid: JID?
    /// As it came, whether the room vouches for it or not.
    var occupantID: String?
    var show: String?
    var status: String?
}

/// A presence stanza from an occupant's address (XEP-0045 7.1), read.
struct OccupantPresence {
    /// The status codes of XEP-0045 15.6 that mean something to us.
    struct Codes: OptionSet {
        let rawValue: UInt16

        /// 110: it is about us.
        static let own = Codes(rawValue: 1)
        /// 201: the room was made by this.
        static let created = Codes(rawValue: 2)
        /// 301.
        static let banned = Codes(rawValue: 4)
        /// 303: the occupant takes another nick.
        static let renamed = Codes(rawValue: 8)
        /// 307.
        static let kicked = Codes(rawValue: 16)
        /// 321, 322: the room demands an affiliation that the occupant lacks now.
        static let removed = Codes(rawValue: 32)
        /// 332: the service shuts down.
        static let shutDown = Codes(rawValue: 64)
        /// 333: nobody's will, but a technical problem; servers say 307 as well.
        static let failed = Codes(rawValue: 128)
        /// 104: the room's configuration has changed.
        static let configured = Codes(rawValue: 256)

        init(rawValue: UInt16) { self.rawValue = rawValue }

        /// Of an `<x/>` of `muc#user`.
        init(of x: Stanza.Element?) {
            self = []
            guard let x else { return }
            for child in x.children where child.isNamed("status", NS.mucUser) {
                switch child["code"] {
                case "110": insert(.own)
                case "201": insert(.created)
                case "301": insert(.banned)
                case "303": insert(.renamed)
                case "307": insert(.kicked)
                case "321", "322": insert(.removed)
                case "332": insert(.shutDown)
                case "333": insert(.failed)
                case "104": insert(.configured)
                case _: break
                }
            }
        }
    }

    let codes: Codes
    let occupant: Occupant
    let newNick: String?
    let by: String?
    let reason: String?
    /// The room is destroyed (XEP-0045 10.9).
    let destruction: Destruction?

    struct Destruction {
        var reason: String?
        var alternative: JID?
    }

    init(_ stanza: Element) {
        let x = stanza.child("x", NS.mucUser)
        let item = x?.child("item", NS.mucUser)
        codes = Codes(of: x)
        occupant = Occupant(
            role: item?["role"].flatMap { Self.roles.contains($0) ? $0 : nil },
            affiliation: item?["affiliation"].flatMap { Self.affiliations.contains($0) ? $0 : nil },
            jid: item?["jid"].flatMap { try? JID(received: $0) },
            occupantID: Self.occupantID(of: stanza),
            show: stanza.child("show", NS.client).flatMap { Self.shows.contains($0.text) ? $0.text : nil },
            status: stanza.child("status", NS.client)?.text)
        newNick = item?["nick"]
        let doer = item?.child("actor", NS.mucUser)
        by = doer?["nick"] ?? doer?["jid"]
        reason = item?.child("reason", NS.mucUser)?.text
        destruction = x?.child("destroy", NS.mucUser).map { destroy in
            Destruction(
                reason: destroy.child("reason", NS.mucUser)?.text,
                alternative: destroy["jid"].flatMap { try? JID(received: $0).bare })
        }
    }

    private static let roles: Set<String> = ["moderator", "participant", "visitor", "none"]
    private static let affiliations: Set<String> = ["owner", "admin", "member", "none", "outcast"]
    private static let shows: Set<String> = ["away", "chat", "dnd", "xa"]
    /// The longest that an id may be (XEP-0421 4.1), in characters; here in bytes of the longest of them.
    private static let occupantIDBytesMax = 4 * 128

    /// The id of whoever sends a stanza, as it says (XEP-0421); to be believed only of a room that announces such ids.
    static func occupantID(of stanza: Element) -> String? {
        guard let id = stanza.child("occupant-id", NS.occupantID)?["id"], !id.isEmpty,
            id.utf8.count <= occupantIDBytesMax
        else { return nil }
        return id
    }
}

/// Invitations as they come: what they say, where they are any.
enum RoomInvitation {
    /// Through the room (XEP-0045 7.8.2): anybody can say so in a message of his own, but not from a room's address.
    static func mediated(_ stanza: Element, from room: JID) -> RoomUpdate? {
        guard room.isBare, let x = stanza.child("x", NS.mucUser), let invite = x.child("invite", NS.mucUser) else {
            return nil
        }
        var update = RoomUpdate(.invited, room: room)
        update.by = invite["from"]
        update.reason = invite.child("reason", NS.mucUser)?.text
        update.password = (x.child("password", NS.mucUser)?.text).map { Secret($0) }
        return update
    }

    /// From somebody to us, past the room (XEP-0249).
    static func direct(_ stanza: Element, from: JID) -> RoomUpdate? {
        guard let x = stanza.child("x", NS.conference), let text = x["jid"], let room = try? JID(received: text) else {
            return nil
        }
        var update = RoomUpdate(.invited, room: room.bare)
        update.by = from.text
        update.reason = x["reason"] ?? stanza.child("body", NS.client)?.text
        update.password = x["password"].map { Secret($0) }
        return update
    }

    /// Somebody does not come (XEP-0045 7.8.2).
    static func declined(_ stanza: Element, from room: JID) -> RoomUpdate? {
        guard room.isBare, let decline = stanza.child("x", NS.mucUser)?.child("decline", NS.mucUser) else { return nil }
        var update = RoomUpdate(.declined, room: room)
        update.by = decline["from"]
        update.reason = decline.child("reason", NS.mucUser)?.text
        return update
    }
}

import Spool
import Stanza

/// Where rows lead: a lane for each recipient, and one for each room that we speak in.
struct Destinations: Sendable {
    /// What is known of a recipient, made once.
    struct Recipient: Sendable {
        var lane: Lane
        /// The type of the messages that ``head`` is for.
        var type: String
        var head: [UInt8]
    }

    private struct Place: Hashable {
        var jid: JID
        var isRoom: Bool
    }

    /// What recipients beyond ``Pump/Limits/recipientsMax`` share.
    static let shared = Lane(rawValue: 0)
    private static let sharedName = "others"

    private var recipients: [JID: Recipient] = [:]
    private var roomRecipients: [JID: Recipient] = [:]
    private var lanes: [Place: Lane] = [:]
    private var places: [Lane: Place] = [:]
    /// The rooms, by their lanes.
    private(set) var rooms: [Lane: JID] = [:]
    private var lastLane: UInt32 = 0
    private var hasShared = false

    init() {}

    /// Knows the lanes of a store.
    init(restoring stored: [StoredLane]) {
        for one in stored {
            lastLane = max(lastLane, one.lane.rawValue)
            if one.lane == Self.shared { hasShared = true }
            guard let place = Self.place(one.name) else { continue }
            note(one.lane, place)
        }
    }

    private mutating func note(_ lane: Lane, _ place: Place) {
        lanes[place] = lane
        places[lane] = place
        if place.isRoom { rooms[lane] = place.jid }
    }

    /// A recipient whose messages were of that type before.
    func known(_ jid: JID, type: String) -> Recipient? {
        guard type != "groupchat" else { return roomRecipients[jid] }
        guard let known = recipients[jid], known.type == type else { return nil }
        return known
    }

    /// The lane that leads there, and its name where it is new.
    mutating func lane(of jid: JID, isRoom: Bool) -> (Lane, name: String?) {
        let place = Place(jid: jid, isRoom: isRoom)
        if let known = lanes[place] { return (known, nil) }
        // A room's lane is its gate, so each has its own; the session bounds how many there are.
        guard isRoom || lanes.count < Pump.Limits.recipientsMax else {
            defer { hasShared = true }
            return (Self.shared, hasShared ? nil : Self.sharedName)
        }
        lastLane += 1
        let lane = Lane(rawValue: lastLane)
        note(lane, place)
        return (lane, Self.name(place))
    }

    /// Remembers what was made for a recipient.
    mutating func keep(_ recipient: Recipient, for jid: JID) {
        if recipient.type == "groupchat" {
            roomRecipients[jid] = recipient
        } else if recipient.lane != Self.shared {
            recipients[jid] = recipient
        }
    }

    /// Whom a lane leads to; nil where several share it.
    func jid(of lane: Lane) -> JID? { places[lane]?.jid }

    /// The lane that leads to whoever that is; nil where none does, or one that others share.
    func lane(of jid: JID) -> Lane? {
        for one in [jid, jid.bare] {
            for isRoom in [false, true] { if let lane = lanes[Place(jid: one, isRoom: isRoom)] { return lane } }
        }
        return nil
    }

    /// Whether we wrote there at all, or to somebody of that server.
    func wroteTo(_ jid: JID) -> Bool {
        let known = [jid, jid.bare].contains { one in
            [false, true].contains { lanes[Place(jid: one, isRoom: $0)] != nil }
        }
        return known || places.values.contains { $0.jid.server == jid }
    }

    // MARK: - Names

    private static func name(_ place: Place) -> String { (place.isRoom ? "room:" : "xmpp:") + place.jid.text }

    private static func place(_ name: String) -> Place? {
        for (prefix, isRoom) in [("xmpp:", false), ("room:", true)] where name.hasPrefix(prefix) {
            return (try? JID(name.dropFirst(prefix.count).description)).map { Place(jid: $0, isRoom: isRoom) }
        }
        return nil
    }
}

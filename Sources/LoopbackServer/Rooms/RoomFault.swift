import Stanza

/// What the room service can be made to do wrong; the words of the text form stand at ``Fault``.
public enum RoomFault: Sendable, Equatable {
    /// The service forgets the occupants of a room, or the one of that nick, and tells nobody.
    case forget(room: String, nick: String?)
    /// From now on the service takes nothing and says nothing, until ``answer``.
    case fallSilent
    /// It answers again.
    case answer
    /// The service restarts: the rooms of the configuration are as at the start, all others gone. The occupants hear
    /// of it (status 332), or do not.
    case restart(isTold: Bool)
    /// The next messages to rooms are taken, and come to nobody.
    case withhold(messages: Int)
    /// From now on an occupant has to wait that long between two messages; sooner ones get `policy-violation` of the
    /// type `wait`.
    case limit(Duration)
}

extension RoomFault: CustomStringConvertible {
    /// Reads the text form, cut at its first equals sign; nil where it is none.
    init?(_ word: Substring, _ value: Substring?) {
        switch (word, value) {
        case ("room-forget", let place?):
            let parts = place.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard !parts.contains("") else { return nil }
            self = .forget(room: String(parts[0]), nick: parts.count == 2 ? String(parts[1]) : nil)
        case ("rooms-silent", nil): self = .fallSilent
        case ("rooms-answer", nil): self = .answer
        case ("rooms-restart", nil): self = .restart(isTold: false)
        case ("rooms-shutdown", nil): self = .restart(isTold: true)
        case ("rooms-withhold", let number?):
            guard let count = Fault.count(number) else { return nil }
            self = .withhold(messages: count)
        case ("rooms-limit", let time?):
            guard let duration = Fault.Effect.duration(time) else { return nil }
            self = .limit(duration)
        default: return nil  // a text, not one of our enums
        }
    }

    /// As in the text form.
    public var description: String {
        switch self {
        case .forget(let room, let nick): "room-forget=\(room)" + (nick.map { "/\($0)" } ?? "")
        case .fallSilent: "rooms-silent"
        case .answer: "rooms-answer"
        case .restart(let isTold): isTold ? "rooms-shutdown" : "rooms-restart"
        case .withhold(let messages): "rooms-withhold=\(messages)"
        case .limit(let interval): "rooms-limit=\(interval.wholeMilliseconds)ms"
        }
    }
}

/// What faults have done to the room service so far.
struct RoomMischief: Sendable {
    var isAnswering = true
    /// Messages that are still to vanish.
    var withheld = 0
    var interval: Duration?
}

extension LoopbackServer {
    mutating func apply(_ fault: RoomFault) {
        switch fault {
        case .forget(let room, let nick):
            rooms[room]?.occupants.removeAll { nick == nil || $0.nick == nick }
            forgetIfEmpty(room)
        case .fallSilent: roomMischief.isAnswering = false
        case .answer: roomMischief.isAnswering = true
        case .restart(let isTold):
            var notice = RoomNotice(isGone: true)
            notice.statuses = [332]
            if isTold { for name in rooms.keys.sorted() { dismissAll(from: name, notice) } }
            furnishRooms()
        case .withhold(let messages): roomMischief.withheld = messages
        case .limit(let interval): roomMischief.interval = interval
        }
    }

    /// The rooms of the configuration, as they are at the start; all others are gone.
    mutating func furnishRooms() {
        rooms = [:]
        guard let domain = roomDomain else { return }
        for one in configuration.roomService.rooms {
            guard let jid = try? JID("\(one.name)@\(domain.text)") else { continue }
            var room = Room(jid: jid, settings: one.settings, isPersistent: true)
            for (jid, affiliation) in one.affiliations { room.set(affiliation, of: jid) }
            rooms[one.name] = room
        }
    }
}

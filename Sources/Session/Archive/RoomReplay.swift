import Stanza

// Messages of rooms that come out of archives.
extension Rooms {
    /// Messages of that room are told up to then.
    mutating func saw(_ room: JID, at time: WallTime) { rooms[room]?.seenUpTo = time }

    /// A message of a room's archive; nil for what is told otherwise, or means nothing: another room's, a subject.
    /// - Parameter stamp: when the archive got it.
    func replayed(_ stanza: Element, stamp: String?, in jid: JID) -> Message? {
        guard let room = rooms[jid], stanza.attribute("type", equals: "groupchat"), let text = stanza["from"],
            let from = try? JID(received: text), from.bare == jid
        else { return nil }
        if stanza.child("subject", NS.client) != nil, stanza.child("body", NS.client) == nil,
            stanza.child("thread", NS.client) == nil
        {
            return nil
        }
        var message = Message(stanza, from: from, delay: stamp)
        message.room = room.origin(of: stanza, nick: from.resource)
        return message
    }

    /// A message of our account's archive, which may come from a room's address, or be about one.
    /// - Returns: Whether it is to be told as a message.
    mutating func place(_ message: inout Message, at now: Instant) -> Bool {
        around.now = now
        if message.type == "error" { return true }
        if let invitation = invitation(message) {
            around.tell(invitation)
            return false
        }
        if rooms[message.from.bare] != nil {
            message.room = RoomOrigin(
                room: message.from.bare, nick: message.from.resource, isPrivate: message.from.resource != nil)
        }
        return true
    }
}

extension Room {
    /// Where a message of the room's archive comes from: under our nick it is ours, unless the room says that somebody
    /// else had it then (XEP-0421).
    fileprivate func origin(of stanza: Element, nick: String?) -> RoomOrigin {
        var origin = RoomOrigin(room: jid, nick: nick, isHistory: true)
        origin.occupantID = announcesOccupantIDs ? OccupantPresence.occupantID(of: stanza) : nil
        origin.isReflection = nick == self.nick
        if let theirs = origin.occupantID, let ours = occupants[self.nick]?.occupantID, theirs != ours {
            origin.isReflection = false
        }
        return origin
    }
}

public import Stanza

// Rooms (XEP-0045) over the whole session.
extension ClientSession {
    /// Wants to be in that room from now on, over reconnections too; while there is no stream, it is joined at the next
    /// login. What comes of it is told by ``Event/room(_:)``. For a room that we are in it means a change of nick, where
    /// that differs, and otherwise nothing; one that refused us is asked again.
    public mutating func join(_ choice: RoomChoice, at now: Instant) {
        self.now = now
        rooms.join(choice, seen: archives[choice.room.bare]?.cursor?.time, at: now)
        writeToRooms()
    }

    /// Goes out of that room, or wants into it no longer; ``RoomUpdate/Action/left`` tells when it is done. Of a room
    /// that was not wanted nothing is told.
    public mutating func leave(room: JID, status: String?, at now: Instant) {
        self.now = now
        rooms.leave(room, status: status, at: now)
        writeToRooms()
    }

    /// How we stand in that room; nil where it is none of those that we want to be in.
    public func standing(in room: JID) -> RoomStanding? { rooms.standing(in: room, at: now) }

    /// Writes and tells what the rooms want written and told.
    mutating func followRooms(_ actions: inout [Action]) {
        writeToRooms()
        if rooms.hasEvents { actions += rooms.takeEvents().map { .event($0) } }
        followRoomNews(&actions)
    }

    /// What a replay draws before the stream is up waits for it.
    private mutating func writeToRooms() {
        guard isOnline else { return }
        for stanza in rooms.takeStanzas() { write(stanza) }
    }
}

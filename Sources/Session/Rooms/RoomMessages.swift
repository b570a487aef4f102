import Stanza

// Messages from a room's address (XEP-0045 7.4, 7.5, 8.1).
extension Room {
    /// Says where in the room the message comes from; false where it is told otherwise, or means nothing to anybody.
    mutating func take(_ message: inout Message, _ around: inout RoomSurroundings) -> Bool {
        check.heard(at: around.now)
        let stanza = message.stanza
        if let update = RoomInvitation.declined(stanza, from: message.from) {
            around.tell(update)
            return false
        }
        if OccupantPresence.Codes(of: stanza.child("x", NS.mucUser)).contains(.configured) { askForInfo(&around) }
        let isGroupchat = message.type == "groupchat"
        let from = message.from.resource
        var origin = RoomOrigin(room: jid, nick: from, isPrivate: !isGroupchat && from != nil)
        origin.occupantID = announcesOccupantIDs ? OccupantPresence.occupantID(of: stanza) : nil
        if isGroupchat {
            origin.isReflection = from == nick
            // Servers delay what they kept for a stream that goes on, too.
            origin.isHistory = message.delay != nil && (awaitsSubject && !mayBeIn || isDelayedByRoom(stanza))
            if let subject = stanza.child("subject", NS.client), stanza.child("body", NS.client) == nil,
                stanza.child("thread", NS.client) == nil
            {
                changed(subject: subject.text, by: from, &around)
                return false
            }
        }
        message.room = origin
        return true
    }

    /// Services that send the subject ahead of the history say at least who delays.
    private func isDelayedByRoom(_ stanza: Element) -> Bool {
        stanza.child("delay", NS.delay)?["from"].flatMap { try? JID(received: $0) } == jid
    }

    private mutating func changed(subject: String, by: String?, _ around: inout RoomSurroundings) {
        // What it has when we come in is news only where it is not what we know.
        let isNews = !awaitsSubject || subject != self.subject
        if awaitsSubject, isJoined { around.note(.historyEnded, of: jid) }
        awaitsSubject = false
        self.subject = subject
        guard isNews else { return }
        var update = RoomUpdate(.subject, room: jid, nick: nick)
        update.subject = subject
        update.by = by
        around.tell(update)
    }
}

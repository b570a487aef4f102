import Stanza

// Presence from a room's occupants (XEP-0045 7.1), we among them.
extension Room {
    /// A presence of type nil or `unavailable` from an occupant's address.
    mutating func presence(_ stanza: Element, nick: String, isAvailable: Bool, _ around: inout RoomSurroundings) {
        check.heard(at: around.now)
        let presence = OccupantPresence(stanza)
        let isSelf = isSelf(nick, presence.codes)
        if isAvailable {
            available(presence, nick: nick, isSelf: isSelf, &around)
        } else {
            unavailable(presence, nick: nick, isSelf: isSelf, &around)
        }
    }

    /// 110 says so; servers older than it say nothing (XEP-0045 7.2.3).
    private func isSelf(_ nick: String, _ codes: OccupantPresence.Codes) -> Bool {
        if codes.contains(.own) { return true }
        switch state {
        case .comingIn, .opening, .joined, .leaving: return nick == self.nick
        case .waiting, .asking, .lost, .refused, .left: return false
        }
    }

    // MARK: - Available

    private mutating func available(
        _ presence: OccupantPresence, nick: String, isSelf: Bool, _ around: inout RoomSurroundings
    ) {
        let known = occupants[nick]
        keep(presence.occupant, as: nick, max: around.limits.roomOccupantsMax)
        if known == nil || known != presence.occupant || isLong(presence.occupant) {
            var update = self.update(known == nil ? .joined : .changed, nick, presence.occupant, isSelf)
            update.initial = !isSelf && awaitsOurselves
            update.by = presence.by
            update.reason = presence.reason
            around.tell(.occupant(update))
        }
        guard isSelf else { return }
        switch state {
        // Late, of an attempt that was given up: in is in.
        case .comingIn, .waiting, .asking, .lost:
            self.nick = nick
            cameIn(created: presence.codes.contains(.created), &around)
        case .joined: self.nick = nick
        case .opening, .leaving, .refused, .left: break
        }
    }

    /// Whether the room is still telling who was there before us.
    private var awaitsOurselves: Bool {
        switch state {
        case .comingIn, .waiting, .asking, .lost: true
        case .opening, .joined, .leaving, .refused, .left: false
        }
    }

    private mutating func keep(_ occupant: Occupant, as nick: String, max: Int) {
        guard occupants[nick] != nil || occupants.count < max else {
            hasMoreOccupants = true
            return
        }
        var kept = occupant
        if isLong(occupant) { kept.status = nil }
        occupants[nick] = kept
    }

    private func isLong(_ occupant: Occupant) -> Bool {
        occupant.status.map { $0.utf8.count > Occupant.statusBytesMax } ?? false
    }

    func update(
        _ action: OccupantUpdate.Action, _ nick: String, _ occupant: Occupant, _ isSelf: Bool
    ) -> OccupantUpdate {
        var update = OccupantUpdate(action, room: jid, nick: nick)
        update.jid = occupant.jid
        update.role = occupant.role
        update.affiliation = occupant.affiliation
        update.occupantID = announcesOccupantIDs ? occupant.occupantID : nil
        update.show = occupant.show
        update.status = occupant.status
        update.isSelf = isSelf
        return update
    }

    // MARK: - Unavailable

    private mutating func unavailable(
        _ presence: OccupantPresence, nick: String, isSelf: Bool, _ around: inout RoomSurroundings
    ) {
        let known = occupants.removeValue(forKey: nick)
        let codes = presence.codes
        var told = presence.occupant
        told.jid = told.jid ?? known?.jid
        told.occupantID = told.occupantID ?? known?.occupantID
        if codes.contains(.renamed), let newNick = prepared(presence.newNick) {
            // The presence under it follows.
            if let known { occupants[newNick] = known }
            var update = self.update(.renamed, nick, told, isSelf)
            update.newNick = newNick
            around.tell(.occupant(update))
            if isSelf { self.nick = newNick }
            return
        }
        if known != nil || hasMoreOccupants {
            var update = self.update(Self.departure(codes), nick, told, isSelf)
            update.by = presence.by
            update.reason = presence.reason
            around.tell(.occupant(update))
        }
        if isSelf { wentOut(presence, &around) }
    }

    /// A nick as it will stand in an address.
    private func prepared(_ nick: String?) -> String? {
        nick.flatMap { try? JID(received: "\(jid.text)/\($0)").resource }
    }

    private static func departure(_ codes: OccupantPresence.Codes) -> OccupantUpdate.Action {
        if codes.contains(.banned) { return .banned }
        if codes.contains(.failed) { return .left }
        if !codes.isDisjoint(with: [.removed, .shutDown]) { return .removed }
        return codes.contains(.kicked) ? .kicked : .left
    }

    /// We are out: as we asked, or not (XEP-0045 7.14, 8.2, 9.1, 9.4, 10.9).
    private mutating func wentOut(_ presence: OccupantPresence, _ around: inout RoomSurroundings) {
        if case .leaving = state { return left(&around) }
        if let destruction = presence.destruction { return destroyed(destruction, &around) }
        let codes = presence.codes
        if codes.contains(.banned) {
            return out(.banned, presence, "this account is banned from the room", &around)
        }
        // Whoever is not in, or is asking again, is told nothing by the end of an earlier stay.
        guard isJoined || isOpening else { return }
        if !codes.isDisjoint(with: [.shutDown, .failed]) {
            let words = codes.contains(.shutDown) ? "the room's service shuts down" : "the room lost us by a fault"
            return lose(words, &around)
        }
        if codes.contains(.removed) {
            return out(.removed, presence, "the room is for members only now, or for others than us", &around)
        }
        if codes.contains(.kicked) { return kicked(presence, &around) }
        lose("the room has taken us out", &around)
    }

    private var isOpening: Bool { if case .opening = state { true } else { false } }

    private mutating func destroyed(_ destruction: OccupantPresence.Destruction, _ around: inout RoomSurroundings) {
        var update = RoomUpdate(.destroyed, room: jid, nick: nick)
        update.reason = destruction.reason
        update.alternative = destruction.alternative
        around.tell(update)
        stayOut("the room was destroyed", &around)
    }

    private mutating func kicked(_ presence: OccupantPresence, _ around: inout RoomSurroundings) {
        guard choice.rejoinsAfterKick else { return out(.kicked, presence, "kicked out of the room", &around) }
        var update = RoomUpdate(.kicked, room: jid, nick: nick)
        update.by = presence.by
        update.reason = presence.reason
        update.retryIn = waitForNext(atLeast: Self.kickedWait, &around)
        around.tell(update)
    }

    private mutating func out(
        _ action: RoomUpdate.Action, _ presence: OccupantPresence, _ words: String, _ around: inout RoomSurroundings
    ) {
        var update = RoomUpdate(action, room: jid, nick: nick)
        update.by = presence.by
        update.reason = presence.reason ?? words
        around.tell(update)
        let by = presence.by.map { " by \(SASLFailure.printable($0))" } ?? ""
        let reason = presence.reason.map { ": \(SASLFailure.printable($0))" } ?? ""
        stayOut(words + by + reason, &around)
    }
}

import Stanza

// What a room and its service answer to us.
extension Room {
    // MARK: - Errors

    /// Our joining, or another presence of ours to it, was refused; false where it is to be told as any presence.
    mutating func refused(_ stanza: Element, _ around: inout RoomSurroundings) -> Bool {
        let id = stanza["id"]
        switch state {
        case .comingIn:
            // Late, of an attempt that is given up.
            if let id, id != joinID { return true }
            notLetIn(stanza, &around)
        case .leaving: left(&around)
        case .joined:
            if let id, id == renameID {
                renameID = nil
                let error = SASLFailure.printable(StanzaError(of: stanza).description)
                around.tell(.warning("\(jid) leaves us the nick \(SASLFailure.printable(nick)): \(error)"))
            } else {
                // A presence of the user's to somebody in it; perhaps it fails because we are not.
                suspectAbsence(&around)
                return false
            }
        case .waiting, .asking, .opening, .lost, .refused, .left: break
        }
        return true
    }

    private mutating func notLetIn(_ stanza: Element, _ around: inout RoomSurroundings) {
        let condition = StanzaError(of: stanza).condition
        switch RoomRefusal(of: stanza, nick: nick, hasPassword: choice.password != nil) {
        case .conflict: nickIsTaken(&around)
        case .temporary(let reason): lose(reason, condition: condition, &around)
        case .permanent(let reason, let alternative):
            refuse(reason, condition: condition, alternative: alternative, &around)
        }
    }

    private mutating func nickIsTaken(_ around: inout RoomSurroundings) {
        switch choice.nickConflict {
        case .alter where alterations < Self.nickAlterationsMax:
            alterations += 1
            nick = choice.nick + (alterations == 1 ? "_" : "_\(alterations)")
            return askToComeIn(&around)
        case .alter, .refuse: break
        }
        let reason = "somebody else has the nick \(SASLFailure.printable(choice.nick)); nick: gives another"
        // After a loss it may well be the ghost of our own last stay.
        if hasBeenJoined { return lose(reason, condition: "conflict", &around) }
        refuse(reason, condition: "conflict", &around)
    }

    // MARK: - Answers

    /// An answer from the room's address; false where it is to no question of ours.
    mutating func answer(_ stanza: Element, id: String, _ around: inout RoomSurroundings) -> Bool {
        if id == check.askedID {
            checked(stanza, &around)
        } else if id == infoID {
            infoID = nil
            learn(stanza, &around)
        } else if id == openID, case .opening = state {
            openID = nil
            opened(stanza, &around)
        } else {
            return false
        }
        return true
    }

    /// What the room says it can do.
    private mutating func learn(_ stanza: Element, _ around: inout RoomSurroundings) {
        if stanza.attribute("type", equals: "result") {
            knowsFeatures = true
            let features = stanza.child("query", NS.discoInfo)
            announcesOccupantIDs =
                features?.children.contains {
                    $0.isNamed("feature", NS.discoInfo) && $0["var"] == NS.occupantID.description
                } ?? false
            let archive = RoomArchive(features: features)
            self.archive = archive
            if isJoined { around.note(.learnt(archive), of: jid) }
        } else if isJoined, infoAsks < Self.infoAsksMax {
            askForInfo(&around)
        }
        if case .asking = state { askToComeIn(&around) }
    }

    private mutating func opened(_ stanza: Element, _ around: inout RoomSurroundings) {
        if stanza.attribute("type", equals: "result") {
            return becomeJoined(.created, &around)
        }
        let error = StanzaError(of: stanza)
        if let occupant { around.write(RoomStanza.leave(occupant, status: nil)) }
        let shown = SASLFailure.printable(error.description)
        refuse("the room was made, but does not open: \(shown)", condition: error.condition, &around)
    }
}

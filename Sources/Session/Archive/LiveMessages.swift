public import Stanza

// Live messages beside what archives hold.
extension ClientSession {
    /// Whether what is said in that room waits for what was said while we were out: ``Event/caughtUp(archive:count:gap:)``
    /// follows.
    public func isCatchingUp(in room: JID) -> Bool { archives[room.bare]?.isCatchingUp ?? false }

    /// The archive that a message is in, if any.
    private func archive(of message: Message) -> JID {
        message.type == "groupchat" ? message.room?.room ?? account : account
    }

    /// A live message, once it is known where it comes from: told, kept back, or known already.
    mutating func pass(_ message: Message, _ actions: inout [Action]) {
        let archive = archive(of: message)
        guard let standing = archives[archive]?.standing else { return give(message, &actions) }
        var message = message
        if standing.isTrusted { message.archiveID = ArchiveID(of: message.stanza, by: archive) }
        let id = identity(of: message, standing)
        let isHistory = message.room?.isHistory == true
        // A fingerprint is the same for whoever says the same again.
        let isCertain = message.archiveID != nil || (isHistory && standing.state == .current)
        if let id, isCertain, archives.knows(id, of: archive) {
            if isHistory, archives[archive]?.given.contains(id) == true {
                archives.with(archive, isRoom: archive != account) { $0.reached() }
            }
            return
        }
        switch standing.state {
        case .paging, .resting:
            // What a room sends unasked, its archive brings.
            if isHistory { return }
            // A bounce and a proof of delivery are waited for.
            if let id = message.archiveID?.id, message.type != "error", message.room?.isReflection != true {
                return keep(message, id, archive)
            }
        case .history:
            if isHistory, let id { return keep(message, "\(id) \(inbound.current)", archive) }
            endHistory(archive, isWhole: false, &actions)
        case .current:
            // Of a service that sends its subject ahead of its history.
            if isHistory, let floor = standing.floor, message.isOlder(than: floor) { return }
        case .asking:
            // There was an archive before, so there is one, unless it is told otherwise in a moment.
            if let id, message.type != "error", mayWait(id, for: archive) { return keep(message, id, archive) }
        case .unknown, .seekingEnd, .behind: break
        }
        give(message, &actions)
    }

    /// Whether it may be kept back though nobody vouches for its id: then it is not let go, and nothing else for it.
    private func mayWait(_ id: String, for archive: JID) -> Bool {
        guard let track = archives[archive], track.cursor != nil else { return false }
        return !track.kept.contains(id) && track.kept.count < configuration.limits.archiveKeptStanzas
            && track.kept.bytes < configuration.limits.archiveKeptBytes
    }

    private mutating func keep(_ message: Message, _ id: String, _ archive: JID) {
        let limits = configuration.limits
        archives.with(archive, isRoom: archive != account) {
            $0.kept.append(
                message, id: id, stanzasMax: limits.archiveKeptStanzas, bytesMax: limits.archiveKeptBytes)
        }
    }

    /// What tells a message from others: its archive's id; before that is believed, what it claims; of a room without
    /// such ids, a fingerprint.
    private func identity(of message: Message, _ standing: ArchiveTrack.Standing) -> String? {
        if let id = message.archiveID?.id { return id }
        let archive = archive(of: message)
        if standing.isKept == nil, let claimed = ArchiveID(of: message.stanza, by: archive)?.id { return claimed }
        guard archive != account, standing.isKept != true else { return nil }
        return RoomHistory.fingerprint(of: message)
    }

    /// Tells a message, and moves the cursor where nothing before it is missing.
    mutating func give(_ message: Message, _ actions: inout [Action]) {
        owe(for: message)
        tell(message, &actions)
        told(message, &actions)
    }

    /// A message that came live is over with, whether it was told or meant something else.
    mutating func told(_ message: Message, _ actions: inout [Action]) {
        let archive = archive(of: message)
        guard let standing = archives[archive]?.standing else { return }
        if archive == account, standing.isKept == true, message.isOfUse {
            archives.with(archive, isRoom: false) { $0.leavesOut = message.archiveID == nil }
        }
        guard let id = identity(of: message, standing) else { return }
        let isHistory = message.room?.isHistory == true
        let time = isHistory ? message.delay.flatMap { WallTime(stamp: $0) } : nil
        let cursor = ArchiveCursor(id: id, time: time ?? wall)
        // Of a room without an archive the order of what it sends is all there is.
        let mayMove = standing.isKept == true ? message.archiveID != nil && !isHistory : archive != account
        let moves = archives.with(archive, isRoom: archive != account) { track in
            track.given.insert(id)
            guard mayMove else { return false }
            switch track.state {
            case .current: return true
            case .seekingEnd:
                track.liveEnd = cursor
                return false
            case .unknown, .asking, .paging, .resting, .history, .behind: return false
            }
        }
        if moves { move(archive, to: cursor, &actions) }
    }

    /// A live message that is told otherwise than as one (an invitation).
    mutating func passedOver(_ message: Message, _ actions: inout [Action]) {
        guard message.type != "groupchat" else { return }
        var message = message
        if archives[account]?.isTrusted == true { message.archiveID = ArchiveID(of: message.stanza, by: account) }
        told(message, &actions)
    }
}

extension Message {
    /// Whether any archive of an account keeps it that keeps what comes at all (XEP-0313 5.1.1, XEP-0334 4).
    fileprivate var isOfUse: Bool {
        guard type == "chat" || type == "normal", carbon == nil, room == nil,
            stanza.child("body", NS.client) != nil
        else { return false }
        return !stanza.children.contains { $0.hasNamespace("urn:xmpp:hints") }
    }

    /// Whether it was said then or before, as far as clocks tell.
    func isOlder(than time: WallTime) -> Bool {
        guard let said = delay.flatMap({ WallTime(stamp: $0) }) else { return false }
        return !(time < said)
    }
}

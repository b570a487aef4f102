import Digest
import Stanza

/// The history that a room sends to who comes in (XEP-0045 7.2.13), where it has no archive.
enum RoomHistory {
    /// How many of its messages a room is asked for, when we come back.
    static let messagesMax = 500

    /// What tells a message of a room from others: who said it, under which id, and what.
    static func fingerprint(of message: Message) -> String {
        var bytes: [UInt8] = []
        for part in [message.room?.nick, message.stanza["id"], message.stanza.child("body", NS.client)?.text] {
            bytes += (part ?? "").utf8
            bytes.append(0)
        }
        return "history:" + Base64.encode(Array(Hash.sha256.digest(bytes).prefix(12)))
    }
}

/// What a room says of itself to the archives.
enum RoomNews: Equatable, Sendable {
    /// We are in. What it can do is nil where it has not said so; with `continued` the stream brings all that was said
    /// since we were in last.
    case entered(RoomArchive?, continued: Bool, historyIsOver: Bool)
    /// What it can do.
    case learnt(RoomArchive)
    /// All of its history has come.
    case historyEnded
    /// We are out, perhaps to come back.
    case out
    /// We are out, and do not try to come back.
    case shutOut
    /// We are out because we wanted so.
    case left
}

/// What a room's information says of archives.
struct RoomArchive: Equatable, Sendable {
    /// Whether it has one (XEP-0313).
    var isKept: Bool
    /// Whether the ids in its name are to be believed (XEP-0359 5).
    var isTrusted: Bool

    /// - Parameter features: the answer to a question for them (XEP-0030).
    init(features: Element?) {
        let names = features?.children.compactMap { $0.isNamed("feature", NS.discoInfo) ? $0["var"] : nil } ?? []
        isKept = names.contains(NS.archive.description)
        isTrusted = isKept || names.contains(NS.stanzaID.description)
    }
}

// Rooms, of which each is an archive, or has a history.
extension ClientSession {
    mutating func followRoomNews(_ actions: inout [Action]) {
        guard rooms.hasNews else { return }
        for (room, news) in rooms.takeNews() {
            switch news {
            case .entered(let archive, let continued, let historyIsOver):
                entered(room, archive, continued, historyIsOver, &actions)
            case .learnt(let archive): learnt(room, archive, &actions)
            case .historyEnded: endHistory(room, isWhole: false, &actions)
            case .out: if archives[room] != nil { archives.with(room, isRoom: true) { $0.state = .unknown } }
            case .shutOut: release(room, &actions)
            case .left:
                release(room, &actions)
                if archives[room]?.cursor != nil { actions.append(.event(.cursor(archive: room, nil))) }
                archives.forget(room)
            }
        }
    }

    private mutating func entered(
        _ room: JID, _ archive: RoomArchive?, _ isContinued: Bool, _ historyIsOver: Bool, _ actions: inout [Action]
    ) {
        let until = now + configuration.limits.roomAnswerTimeout
        let hasCursor = archives.with(room, isRoom: true) {
            $0.believe(archive)
            return $0.cursor != nil
        }
        if archive?.isKept == true { return beginCatchUp(room) }
        guard hasCursor else {
            // Perhaps it has just been made, and says later what it can do.
            if archive != nil { beginWithout(room, &actions) }
            return
        }
        archives.with(room, isRoom: true) {
            $0.begin()
            $0.state = .history(until: until)
        }
        if isContinued || historyIsOver { endHistory(room, isWhole: isContinued, &actions) }
    }

    private mutating func learnt(_ room: JID, _ archive: RoomArchive, _ actions: inout [Action]) {
        guard let track = archives[room] else { return }
        archives.with(room, isRoom: true) { $0.believe(archive) }
        guard track.state == .unknown else { return }
        if archive.isKept { beginCatchUp(room) } else { beginWithout(room, &actions) }
    }

    /// A room without an archive that is new to us.
    private mutating func beginWithout(_ room: JID, _ actions: inout [Action]) {
        guard archives[room]?.cursor == nil else { return }
        archives.with(room, isRoom: true) { $0.state = .current }
        move(room, to: ArchiveCursor(id: "", time: wall), &actions)
    }

    /// All of a room's history is here, or will not come: of it, what lies behind the cursor was missed.
    /// - Parameter isWhole: nothing can be missing.
    mutating func endHistory(_ room: JID, isWhole: Bool, _ actions: inout [Action]) {
        guard case .history = archives[room]?.state else { return }
        let (cursor, hasReached, hasLetGo, history) = archives.with(room, isRoom: true) {
            $0.state = .current
            return ($0.cursor, $0.hasReached, $0.kept.hasLetGo, $0.kept.takeAll())
        }
        var missed = history[...]
        // Where nothing was told yet, there is nothing to reach back to.
        var isWhole = isWhole || hasReached || cursor?.id.isEmpty != false
        if let last = history.lastIndex(where: { RoomHistory.names($0, cursor) }) {
            missed = history[(last + 1)...]
            isWhole = true
        } else if !hasReached, let time = cursor?.time {
            missed = missed.drop { $0.isOlder(than: time) }
        }
        for var message in missed {
            message.isReplayed = true
            give(message, &actions)
        }
        let gap = "the room keeps no archive, and its history does not reach back to what was told last"
        actions.append(
            .event(.caughtUp(archive: room, count: missed.count, gap: isWhole && !hasLetGo ? nil : gap)))
    }
}

extension RoomHistory {
    /// Whether the cursor stands at that message.
    static func names(_ message: Message, _ cursor: ArchiveCursor?) -> Bool {
        guard let cursor, !cursor.id.isEmpty else { return false }
        return message.archiveID?.id == cursor.id || fingerprint(of: message) == cursor.id
    }
}

extension ArchiveTrack {
    fileprivate mutating func believe(_ archive: RoomArchive?) {
        isKept = archive?.isKept
        isTrusted = archive?.isTrusted ?? false
    }
}

import Stanza

/// Whether we are still in a room that is silent: the self-ping of XEP-0410.
struct PresenceCheck: Sendable {
    /// What an answer means (XEP-0410 3.2).
    enum Verdict: Equatable {
        /// We are in.
        case present
        /// We are not.
        case absent
        /// It does not tell.
        case unclear
        /// There is no such occupant: the nick has just changed, or the room is gone.
        case unknownNick
    }

    /// So many unclear answers in a row, or none, are as good as not being in.
    static let doubtsMax = 3

    private(set) var askedID: String?
    private var answerDeadline: Instant?
    private var askedAt: Instant?
    private var heardAt: Instant?
    private var silence = Duration.zero
    /// To be asked then, however much is heard.
    private var hurriedAt: Instant?
    private var doubts = 0
    /// The nick that the room said it does not know.
    private(set) var unknownNick: String?

    init() {}

    /// We have just come in.
    init(heardAt: Instant, silence: Duration) {
        self.heardAt = heardAt
        self.silence = silence
    }

    var deadline: Instant? {
        if let answerDeadline { return answerDeadline }
        return hurriedAt ?? heardAt.map { $0 + silence }
    }

    /// The room has said something to us.
    mutating func heard(at now: Instant) { heardAt = now }

    /// Something speaks for asking soon.
    mutating func hurry(at then: Instant) {
        // What was asked before a lost stream, or before this doubt, proves nothing.
        askedID = nil
        answerDeadline = nil
        hurriedAt = hurriedAt.map { min($0, then) } ?? then
    }

    mutating func asked(_ id: String, at now: Instant, deadline: Instant) {
        askedID = id
        askedAt = now
        answerDeadline = deadline
        hurriedAt = nil
    }

    /// We are in, as it seems.
    mutating func confirmed(at now: Instant, silence: Duration) {
        askedID = nil
        answerDeadline = nil
        heardAt = now
        self.silence = silence
        doubts = 0
        unknownNick = nil
    }

    /// Whether the room was heard since it was asked.
    var wasHeardMeanwhile: Bool {
        guard let heardAt, let askedAt else { return false }
        return heardAt > askedAt
    }

    /// The answer tells nothing, or does not come.
    /// - Returns: How many times in a row that was so.
    mutating func doubt(unknownNick: String? = nil) -> Int {
        askedID = nil
        answerDeadline = nil
        self.unknownNick = unknownNick
        doubts += 1
        return doubts
    }

    static func verdict(_ stanza: Element) -> Verdict {
        if stanza.attribute("type", equals: "result") { return .present }
        let error = StanzaError(of: stanza)
        switch error.condition {
        case "service-unavailable", "feature-not-implemented": return .present
        case "item-not-found": return .unknownNick
        case "remote-server-not-found", "remote-server-timeout": return .unclear
        // A limit of rates, or a service that is busy, says nothing of us.
        case _: return error.type == "wait" ? .unclear : .absent
        }
    }
}

extension Room {
    mutating func expireCheck(_ around: inout RoomSurroundings) {
        if check.askedID == nil {
            guard let occupant else { return lose("the room gives us no nick", &around) }
            let id = around.id("self")
            check.asked(id, at: around.now, deadline: around.now + around.limits.roomAnswerTimeout)
            return around.write(RoomStanza.ping(occupant, id: id))
        }
        if check.wasHeardMeanwhile { return check.confirmed(at: around.now, silence: around.silence()) }
        doubt("the room does not answer", nil, &around)
    }

    /// The answer to the self-ping.
    mutating func checked(_ stanza: Element, _ around: inout RoomSurroundings) {
        let condition = StanzaError(of: stanza).condition
        switch PresenceCheck.verdict(stanza) {
        case .present: check.confirmed(at: around.now, silence: around.silence())
        case .absent: lose("the room does not know us any more", condition: condition, atOnce: true, &around)
        case .unclear: doubt("the room cannot be asked", condition, &around)
        case .unknownNick:
            // A room that the server has forgotten answers the same; then there is no other nick by now.
            if check.unknownNick == nick {
                return lose("the room does not know us any more", condition: condition, atOnce: true, &around)
            }
            doubt("the room does not know our nick", condition, unknownNick: nick, &around)
        }
    }

    private mutating func doubt(
        _ reason: String, _ condition: String?, unknownNick: String? = nil, _ around: inout RoomSurroundings
    ) {
        let doubts = check.doubt(unknownNick: unknownNick)
        if doubts >= PresenceCheck.doubtsMax { return lose(reason, condition: condition, &around) }
        check.hurry(at: around.now + around.wait(failures: doubts - 1))
    }

    /// Something of ours was refused as if we were not in.
    mutating func suspectAbsence(_ around: inout RoomSurroundings) {
        guard isJoined, check.askedID == nil else { return }
        check.hurry(at: around.now)
    }
}

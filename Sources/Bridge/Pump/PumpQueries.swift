import Endpoints
import Routing
import Session
import Stanza

// Commands that somebody answers: each question of ours waits for its answer, which becomes the command's result.
extension Pump {
    /// A command that waits for an answer.
    struct Query: Equatable, Sendable {
        var ref: String?
        var kind: Kind

        /// What its answer is told as.
        enum Kind: Equatable, Sendable {
            /// The result says it all.
            case done
            /// Each item is an event before the result.
            case roster, blocked
            case affiliations(room: JID)
            /// Nobody asked for it but the configuration: only its failure is told.
            case policy(String)
        }
    }

    /// Asks, and keeps what the answer is for.
    mutating func ask(
        _ question: Question, _ kind: Query.Kind, _ ref: String?, key: String? = nil, line: UInt64? = nil
    ) {
        let tag = nextTag
        nextTag += 1
        do throws(QuestionProblem) {
            try session.ask(question, tag: tag, at: now)
            queries[tag] = Query(ref: ref, kind: kind)
        } catch {
            if case .policy = kind { return }
            refusedInput = true
            let (code, text) =
                switch error {
                case .offline: ("offline", "not online; only messages are kept until then")
                case .tooMany(let max): ("too-many", "\(max) queries wait for their answers; wait for some")
                case .idTaken(let id): ("bad-value", "a query with the id \(id) still waits for its answer")
                }
            answer(.result(ref: ref, ok: false, code: code, text: text, key: key, line: line))
        }
    }

    /// The answer to a question of ours.
    mutating func answered(_ tag: UInt64, _ answer: Answer) {
        guard let query = queries.removeValue(forKey: tag) else { return }
        if case .policy(let what) = query.kind { return tellPolicy(what, answer) }
        var result = EventRecord.ResultFields(ref: query.ref, ok: true)
        switch answer {
        case .done: break
        case .roster(let items):
            for item in items { tell(.roster(EventRecord.RosterFields(item), initial: false, ref: query.ref)) }
            result.count = items.count
        case .blocked(let jids):
            for jid in jids { tell(.block(jid: jid, .blocked, ref: query.ref)) }
            result.count = jids.count
            result.jids = jids
        case .affiliations(let list):
            if case .affiliations(let room) = query.kind { tell(list, of: room, query.ref) }
            result.count = list.count
        case .info(let features, let identities):
            result.features = features
            result.identities = identities
        case .items(let jids): result.jids = jids
        case .pong(let time): result.roundTrip = time
        case .version(let name, let version, let os):
            result.name = name
            result.version = version
            result.os = os
        case .element(let element): result.xml = element.description
        case .refused(let error, let element):
            result.refuse(condition: error.condition, text: error.text ?? error.meaning)
            result.xml = element.description
        case .unanswered(let why): result.refuse(why)
        }
        self.answer(.result(result))
        leaveIfSettled()
    }

    /// An event that is part of an answer: it goes where results go.
    private mutating func tell(_ event: EventRecord) {
        if errand == nil { report(event) } else { errandHeard(event) }
    }

    private mutating func tell(_ list: [RoomAffiliation], of room: JID, _ ref: String?) {
        for one in list {
            var fields = EventRecord.OccupantFields(room: room, nick: one.nick, action: .affiliation)
            fields.jid = one.jid
            fields.affiliation = one.affiliation
            fields.reason = one.reason
            fields.ref = ref
            tell(.occupant(fields))
        }
    }

    private mutating func tellPolicy(_ what: String, _ answer: Answer) {
        switch answer {
        case .refused(let error, _): actions.append(.say(.warning, "\(what): the server refuses it: \(error)"))
        case .unanswered: actions.append(.say(.warning, "\(what): the server does not answer"))
        case .done, .roster, .blocked, .affiliations, .info, .items, .pong, .version, .element: break
        }
    }

    /// Blocks whom the configuration names, at each fresh login.
    mutating func blockByPolicy() {
        guard !options.blocks.isEmpty else { return }
        ask(.block(options.blocks), .policy("contacts: block"), nil)
    }

    /// Whether results are still to come.
    var awaitsAnswers: Bool { !queries.isEmpty || !joins.isEmpty }

    /// Ends the wait for what no answer will come to any more.
    mutating func dropQueries(_ why: String) {
        for tag in queries.keys.sorted() {
            guard let query = queries.removeValue(forKey: tag), query.kind.isAsked else { continue }
            answer(.result(ref: query.ref, ok: false, code: "offline", text: why))
        }
        for room in joins.keys.sorted(by: { $0.text < $1.text }) {
            answerJoin(room) { $0.refuse(code: "offline", text: why) }
        }
        leaveIfSettled()
    }

    // MARK: - Rooms

    /// A `join` that waits to hear whether the room lets us in.
    struct Join: Equatable, Sendable {
        var ref: String?
        var until: Instant
    }

    mutating func enter(_ join: Command.Join, number: UInt64) {
        if joins[join.room] != nil {
            return answer(
                .result(
                    ref: join.ref, ok: false, code: "bad-value",
                    text: "another join of \(join.room) waits for its answer",
                    key: "room", line: number))
        }
        if case .joined(let nick) = session.standing(in: join.room), join.nick == nil || join.nick == nick {
            return answer(.result(ref: join.ref, ok: true, text: "in the room already, as \(nick)"))
        }
        var choice = RoomChoice(
            room: join.room, nick: join.nick ?? options.nick, password: join.password.map { Secret($0) })
        choice.creates = join.creates
        choice.history = join.history ?? 0
        joins[join.room] = Join(ref: join.ref, until: now + .seconds(Limits.answerSeconds))
        session.join(choice, at: now)
    }

    /// Answers the `join` of that room, where one waits: well, or as `fault` says.
    mutating func answerJoin(_ room: JID, _ fault: (inout EventRecord.ResultFields) -> Void) {
        guard let join = joins.removeValue(forKey: room) else { return }
        var result = EventRecord.ResultFields(ref: join.ref, ok: true)
        fault(&result)
        answer(.result(result))
        leaveIfSettled()
    }

    mutating func expireJoins() {
        for room in joins.keys.sorted(by: { $0.text < $1.text }) {
            guard let join = joins[room], join.until <= now else { continue }
            answerJoin(room) {
                $0.refuse(code: "timeout", text: "the room has not answered; it is tried again until leave")
            }
        }
    }

    mutating func leave(_ leave: Command.Leave, number: UInt64) {
        guard session.standing(in: leave.room) != nil else {
            return answer(
                .result(
                    ref: leave.ref, ok: false, code: "not-joined", text: "not in the room \(leave.room)", key: "room",
                    line: number))
        }
        session.leave(room: leave.room, status: leave.status, at: now)
        answer(.result(ref: leave.ref, ok: true, text: "accepted"))
    }

    mutating func setSubject(_ subject: Command.Subject) {
        let id = stanzas.identifier(backlog.lastNumber + 1)
        let bytes = RoomStanza.subject(room: subject.room, text: subject.subject, id: id)
        appendStanza(bytes, to: subject.room, id: id, ref: subject.ref)
        answer(.result(ref: subject.ref, ok: true, text: "accepted"))
        commit()
    }

    mutating func invite(_ invite: Command.Invite) {
        let id = stanzas.identifier(backlog.lastNumber + 1)
        let bytes = RoomStanza.invitation(
            room: invite.room, to: invite.jid, reason: invite.reason, direct: invite.direct, password: nil, id: id)
        appendStanza(bytes, to: invite.direct ? invite.jid : invite.room, id: id, ref: invite.ref)
        answer(.result(ref: invite.ref, ok: true, text: "accepted"))
        commit()
    }

    mutating func affiliate(_ one: Command.Affiliate) {
        guard let jid = one.jid else {
            return ask(
                .affiliations(room: one.room, affiliation: one.affiliation.rawValue), .affiliations(room: one.room),
                one.ref)
        }
        ask(
            .setAffiliation(room: one.room, jid: jid, affiliation: one.affiliation.rawValue, reason: one.reason), .done,
            one.ref)
    }
}

extension Pump.Query.Kind {
    /// Whether somebody waits for the result.
    fileprivate var isAsked: Bool {
        if case .policy = self { false } else { true }
    }
}

extension EventRecord.ResultFields {
    /// Says that it was refused.
    mutating func refuse(code: String = "refused", condition: String? = nil, text: String?) {
        ok = false
        self.code = code
        self.condition = condition
        self.text = text
    }

    /// Says that no answer came.
    fileprivate mutating func refuse(_ why: Unanswered) {
        switch why {
        case .timeout(let seconds): refuse(code: "timeout", text: "no answer within \(seconds) s")
        case .streamLost:
            refuse(code: "offline", text: "the stream was lost before the answer: perhaps it was carried out")
        case .ending: refuse(code: "offline", text: "no answer came before the end")
        }
    }
}

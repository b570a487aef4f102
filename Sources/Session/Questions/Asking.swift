public import Stanza

extension Answer {
    /// Whether somebody has answered, whatever.
    fileprivate var isHeard: Bool {
        if case .unanswered = self { false } else { true }
    }
}

// Questions by iq, the user's and our own: asked, answered, overdue, lost.
extension ClientSession {
    /// Asks, and tells what came of it by exactly one ``Event/answered(tag:_:)``: the answer, the refusal, or that none
    /// came within ``Configuration/Limits/questionTimeout``, or over a stream that was not resumed. An answer counts
    /// only from whom was asked (RFC 6120 8.1.2.1).
    /// - Parameter tag: the caller's own name for it.
    public mutating func ask(_ question: Question, tag: UInt64, at now: Instant) throws(QuestionProblem) {
        guard isOnline else { throw .offline }
        let max = configuration.limits.questionsMax
        guard questions.ofUser < max else { throw .tooMany(max: max) }
        if let id = question.givenID, id.hasPrefix(idPrefix) || questions.number(of: id) != nil { throw .idTaken(id) }
        self.now = now
        pose(question, .user(tag: tag))
    }

    /// Asks for whomever; only while online.
    @discardableResult
    mutating func pose(_ question: Question, _ asker: OpenQuestions.Asker) -> UInt64 {
        let due = now + configuration.limits.questionTimeout
        let number = questions.add(question, asker, at: now, due: due)
        if question.isOfBlocking && blocking.way == .privacyLists {
            takeTurn(number)
        } else if case .rosterSet(_, let name, let groups) = question, name == nil || groups == nil,
            !roster.isKnown || pending.rosterID != nil
        {
            // What is to stay as it is must be known first.
            put(.rosterGet, number, .roster)
        } else {
            put(completed(question), number, .whole)
        }
        return number
    }

    /// With what the roster says, where the question leaves it open.
    private func completed(_ question: Question) -> Question {
        guard case .rosterSet(let jid, let name, let groups) = question else { return question }
        let item = roster[jid.bare]
        return .rosterSet(jid: jid, name: name ?? item?.name, groups: groups ?? item?.groups)
    }

    private mutating func put(_ question: Question, _ number: UInt64, _ step: OpenQuestions.Step) {
        let id = question.givenID ?? pending.id(idPrefix, kind(of: number))
        questions.asked(number, step, id: id, to: question.addressee(server: server), at: now)
        // An empty version asks for the whole, with its version (RFC 6121 2.6.2).
        let version = negotiation.features?.rosterVersioning == true ? "" : nil
        write(question.stanza(id: id, server: server, rosterVersion: version))
    }

    func kind(of number: UInt64) -> StaticString {
        switch questions[number]?.asker {
        case .user, nil: "ask"
        case .login, .push: "blocks"
        case .carbons: "carbons"
        case .archive, .doubts: "archive"
        case .presence: "shown"
        }
    }

    /// Our own server, as an address.
    private var server: JID { configuration.account.server }

    // MARK: - Answers

    /// An iq of type `result` or `error` with the id of a question.
    mutating func answered(_ number: UInt64, _ iq: Element, from: JID, _ actions: inout [Action]) {
        guard let open = questions[number], isAnswer(iq, from: from, of: open.addressee) else { return }
        switch open.step {
        case .privacy(let step): privacyAnswered(number, step, iq, &actions)
        case .roster:
            if let refusal = Self.refusal(iq) { return finish(number, refusal, &actions) }
            _ = roster.replace(with: iq.child("query", NS.roster))
            put(completed(open.question), number, .whole)
        case .whole:
            guard let refusal = Self.refusal(iq) else {
                return finish(number, result(of: open, iq), &actions)
            }
            if open.question.isOfBlocking, case .refused(let error, _) = refusal, Blocking.isUnknown(error) {
                blocking.way = .privacyLists
                return takeTurn(number)
            }
            finish(number, refusal, &actions)
        }
    }

    private mutating func result(of open: OpenQuestions.Open, _ iq: Element) -> Answer {
        if case .rosterGet = open.question { return .roster(roster.replace(with: iq.child("query", NS.roster))) }
        return open.question.answer(iq, after: now - open.askedAt)
    }

    static func refusal(_ iq: Element) -> Answer? {
        iq.attribute("type", equals: "error") ? .refused(StanzaError(of: iq), iq) : nil
    }

    /// An id is no secret: an answer counts only from whom we asked. Without a `from` it is the server's, on behalf of
    /// our account (RFC 6120 8.1.2.1); what was asked of our account may be answered as either.
    private func isAnswer(_ iq: Element, from: JID, of addressee: JID?) -> Bool {
        guard let addressee else { return from == account || from == boundTo || from == server }
        return from == addressee || (iq["from"] == nil && addressee == server)
    }

    // MARK: - The end of a question

    mutating func finish(_ number: UInt64, _ answer: Answer, _ actions: inout [Action]) {
        guard let open = questions.close(number) else { return }
        tell(answer, to: open.asker, &actions)
        passTurn(from: number)
    }

    private mutating func tell(_ answer: Answer, to asker: OpenQuestions.Asker, _ actions: inout [Action]) {
        switch asker {
        case .user(let tag): actions.append(.event(.answered(tag: tag, answer)))
        case .login:
            guard case .blocked(let jids) = answer else { return }
            for jid in jids { actions.append(.event(.block(jid: jid, isBlocked: true, initial: true))) }
        case .presence(let isSecond):
            // ejabberd answers the first ping while the contacts' presences are still on their way through it.
            isComingIn = !isSecond && isOnline && answer.isHeard
            if isComingIn { pose(.ping(nil), .presence(isSecond: true)) }
        // What a push has changed is told where it is compared; whether carbons come is seen when they do.
        case .push: blocking.pushWaits = false
        case .carbons: return
        case .archive(let archive, let step): answered(archive, step, answer, &actions)
        case .doubts(let queryID): doubtAnswered(queryID, answer, &actions)
        }
    }

    /// Those that have waited too long.
    mutating func expireQuestions(_ actions: inout [Action]) {
        let seconds = configuration.limits.questionTimeout.components.seconds
        for number in questions.overdue(at: now) {
            finish(number, .unanswered(isOnline ? .timeout(seconds: seconds) : .streamLost), &actions)
        }
    }

    /// Nobody will answer what was asked.
    mutating func dropQuestions(_ why: Unanswered, _ actions: inout [Action]) {
        blocking = Blocking()
        for open in questions.closeAll() { tell(.unanswered(why), to: open.asker, &actions) }
    }
}

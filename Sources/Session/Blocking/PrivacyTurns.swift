import Stanza

// The questions of blocking on a server without XEP-0191: one list of ours (XEP-0016), active and default.
extension ClientSession {
    // MARK: - Turns

    mutating func takeTurn(_ number: UInt64) {
        questions.queue(number)
        blocking.waiting.append(number)
        nextTurn()
    }

    /// That question is closed.
    mutating func passTurn(from number: UInt64) {
        guard blocking.running == number else { return }
        blocking.running = nil
        nextTurn()
    }

    /// Without a stream nobody's turn comes.
    mutating func nextTurn() {
        guard isOnline else { return }
        while blocking.running == nil, let next = blocking.waiting.popFirst() {
            // Those that have waited too long are closed.
            if questions[next] != nil { begin(next) }
        }
    }

    private mutating func begin(_ number: UInt64) {
        blocking.running = number
        if case .push = questions[number]?.asker { blocking.pushWaits = false }
        put(number, .names, isSet: false) { _ in }
    }

    /// Writes the iq of one step.
    private mutating func put(
        _ number: UInt64, _ step: PrivacyStep, isSet: Bool, _ content: (inout XMLWriter) -> Void
    ) {
        let id = pending.id(idPrefix, kind(of: number))
        questions.asked(number, .privacy(step), id: id, to: nil, at: now)
        writePrivacy(id, isSet: isSet, content)
    }

    private mutating func writePrivacy(_ id: String, isSet: Bool, _ content: (inout XMLWriter) -> Void) {
        var writer = XMLWriter(capacity: 256)
        Question.start(isSet: isSet, id: id, to: nil, into: &writer)
        writer.start("query", NS.privacy)
        writer.content()
        content(&writer)
        writer.end("query")
        writer.end("iq")
        write(writer.bytes)
    }

    // MARK: - Answers

    mutating func privacyAnswered(_ number: UInt64, _ step: PrivacyStep?, _ iq: Element, _ actions: inout [Action]) {
        let query = iq.child("query", NS.privacy)
        let refusal = Self.refusal(iq)
        switch step {
        case .list(let names):
            if case .refused(let error, _) = refusal, error.condition == "item-not-found" {
                return know(number, names, PrivacyList(), &actions)
            }
            if let refusal { return finish(number, refusal, &actions) }
            know(number, names, PrivacyList(query), &actions)
        case .names:
            if let refusal { return finish(number, refusal, &actions) }
            let names = PrivacyNames(query)
            blocking.base = names.base
            guard let base = names.base else { return know(number, names, PrivacyList(), &actions) }
            put(number, .list(names), isSet: false) { Self.write("list", base, into: &$0) }
        case .edit(let names, let list, let before):
            if let refusal { return finish(number, refusal, &actions) }
            blocking.base = PrivacyList.name
            compare(list, with: before, &actions)
            apply(number, names, &actions)
        case .activate(let names):
            if let refusal { return finish(number, refusal, &actions) }
            makeDefault(number, names, &actions)
        case .makeDefault: finish(number, refusal ?? .done, &actions)
        // It has no id while it waits for its turn.
        case nil: return
        }
    }

    /// Now it is known who is blocked.
    private mutating func know(
        _ number: UInt64, _ names: PrivacyNames, _ list: PrivacyList, _ actions: inout [Action]
    ) {
        guard let open = questions[number] else { return }
        compare(list, with: list, &actions)
        var wanted = list
        if case .block(let jids) = open.question {
            wanted.block(jids)
        } else if case .unblock(let jids) = open.question {
            wanted.unblock(jids)
        } else {
            if case .login = open.asker { activateAgain(names) }
            return finish(number, .blocked(list.blocked), &actions)
        }
        if wanted != list {
            put(number, .edit(names, wanted, before: list), isSet: true) { wanted.write(into: &$0) }
        } else if names.hasOurs {
            apply(number, names, &actions)
        } else {
            finish(number, .done, &actions)
        }
    }

    private mutating func apply(_ number: UInt64, _ names: PrivacyNames, _ actions: inout [Action]) {
        if names.isActive { return makeDefault(number, names, &actions) }
        put(number, .activate(names), isSet: true) { Self.write("active", PrivacyList.name, into: &$0) }
    }

    private mutating func makeDefault(_ number: UInt64, _ names: PrivacyNames, _ actions: inout [Action]) {
        if names.isUsual { return finish(number, .done, &actions) }
        put(number, .makeDefault, isSet: true) { Self.write("default", PrivacyList.name, into: &$0) }
    }

    /// A list is active for one session only, and another client's may be the default: whom we have blocked stays
    /// blocked here. Nobody waits for the answer.
    private mutating func activateAgain(_ names: PrivacyNames) {
        guard names.hasOurs, !names.isActive else { return }
        writePrivacy(pending.id(idPrefix, "active"), isSet: true) { Self.write("active", PrivacyList.name, into: &$0) }
    }

    private static func write(_ element: StaticString, _ name: String, into writer: inout XMLWriter) {
        writer.start(element)
        writer.attribute("name", name)
        writer.endEmpty()
    }

    // MARK: - Pushes

    /// A push names the list alone (XEP-0016 2.2.10).
    mutating func privacyPush(_ query: Element) {
        guard blocking.known != nil, !blocking.pushWaits, let name = query.child("list", NS.privacy)?["name"],
            name == PrivacyList.name || name == blocking.base
        else { return }
        blocking.pushWaits = true
        pose(.blockList, .push)
    }

    /// Tells who is blocked now, or no longer, since we knew last.
    private mutating func compare(_ list: PrivacyList, with before: PrivacyList, _ actions: inout [Action]) {
        let known = blocking.known ?? Set(before.blocked)
        let blocked = Set(list.blocked)
        for jid in list.blocked where !known.contains(jid) {
            actions.append(.event(.block(jid: jid, isBlocked: true, initial: false)))
        }
        for jid in known.subtracting(blocked).sorted(by: { $0.text < $1.text }) {
            actions.append(.event(.block(jid: jid, isBlocked: false, initial: false)))
        }
        blocking.known = blocked
    }
}

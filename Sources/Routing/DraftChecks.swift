import Stanza

// The templates and conditions of a draft, each against what the rule's records have.
extension Rule.Draft {
    func template(
        _ text: String?, _ key: String, _ vocabulary: Vocabulary, _ problems: inout [Rule.Problem],
        _ part: (Int) -> Rule.Problem.Part
    ) -> Template? {
        guard let text else { return nil }
        do { return try Template(parsing: text, vocabulary, key: key) } catch {
            problems += error.list.map { Rule.Problem(part: part($0.offset), what: $0.what, hint: $0.hint) }
            return nil
        }
    }

    func heading(_ vocabulary: Vocabulary, _ problems: inout [Rule.Problem]) -> Heading {
        var whole = Heading()
        whole.subject = template(heading.subject, "subject", vocabulary, &problems) { .subject(offset: $0) }
        whole.thread = template(heading.thread, "thread", vocabulary, &problems) { .thread(offset: $0) }
        if let lang = heading.lang, !Heading.isLanguage(lang) {
            problems.append(
                Rule.Problem(
                    part: .lang, what: "lang \(Wording.quote(lang)) is no language",
                    hint: "expected a tag such as de, en-GB or zh-Hant"))
        }
        whole.lang = heading.lang
        let joinsLines = shaping.group?.joinsLines ?? false
        guard let shape = shaping.keys.first(where: { !($0 == .group && joinsLines) }) else { return whole }
        let given: [(String, Template?, Rule.Problem.Part)] = [
            ("subject", whole.subject, .subject(offset: 0)), ("thread", whole.thread, .thread(offset: 0)),
        ]
        for (key, template, part) in given where template?.followsRecord ?? false {
            // What is held, counted or joined has no record of its own any more.
            problems.append(
                Rule.Problem(
                    part: part, what: "\(key) follows each record, and \(shape.rawValue) makes messages of several",
                    hint: "leave out its placeholders but {host}, or put them into the body"))
        }
        return whole
    }

    func selection(_ vocabulary: Vocabulary, _ problems: inout [Rule.Problem]) -> Selection {
        var whole = Selection()
        for draft in selection.conditions {
            let (condition, found) = draft.checked(vocabulary)
            problems += found
            if let condition { whole.conditions.append(condition) }
        }
        whole.stops = selection.stops ?? false
        whole.isDefault = selection.isDefault ?? false
        whole.onError = selection.onError ?? .drop
        if selection.onError != nil, case .none = match {
            problems.append(
                Rule.Problem(
                    part: .onError, what: "on_error has no effect: this bridge has no match", hint: "leave it out",
                    isWarning: true))
        }
        // What it takes are records of its own, that no other rule sees.
        guard shaping.group?.joinsLines ?? false else { return whole }
        let hint = "leave it out, or group by time alone"
        if whole.stops {
            problems.append(
                Rule.Problem(
                    part: .stop, what: "stop has no place in a bridge that joins lines: no other sees its records",
                    hint: hint))
        }
        if whole.isDefault {
            problems.append(
                Rule.Problem(
                    part: .isDefault,
                    what: "default has no place in a bridge that joins lines: no other takes its records", hint: hint))
        }
        return whole
    }

    /// What a message carries has no effect where none is sent.
    func idleHeading(_ sendsToPeople: Bool) -> [Rule.Problem] {
        let sendsToRooms = to.contains { if case .room = $0 { true } else { false } }
        if sendsToPeople || sendsToRooms { return [] }
        let given: [(String, Rule.Problem.Part)] =
            (heading.subject == nil ? [] : [("subject", .subject(offset: 0))])
            + (heading.thread == nil ? [] : [("thread", .thread(offset: 0))])
            + (heading.lang == nil ? [] : [("lang", .lang)])
        return given.map { key, part in
            Rule.Problem(
                part: part, what: "\(key) has no effect: nothing here is sent to a person or a room",
                hint: "leave it out", isWarning: true)
        }
    }
}

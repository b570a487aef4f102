import Stanza

/// One bridge: which records it takes, what it makes of them, and where they go.
///
/// A rule in hand is whole: its endpoints stand the right way round, and its template knows every name it uses.
public struct Rule: Sendable, Equatable {
    /// Its name in the configuration.
    public let name: String?
    /// Where records come from; never empty.
    public private(set) var from: [Endpoint]
    /// What the line, or the message's body, must match.
    public let match: Pattern?
    /// What is made of a record; nil passes it on as it is.
    public let body: Template?
    /// Where records go; never empty.
    public private(set) var to: [Endpoint]
    /// The type of the messages it sends to people; those to rooms are `groupchat`.
    public let type: MessageType
    /// How our presence changes, where one of the ends is ``Endpoint/presence``.
    public let shown: Shown
    /// What happens where a FIFO that it writes to has no reader, or a slow one.
    public let overflow: Overflow
    /// How it appends to files.
    public let file: FileOptions
    /// What happens to what it makes before that goes out.
    public let shaping: Shaping
    /// Which records it takes, beside its pattern, and who sees them after it.
    public let selection: Selection
    /// What its messages carry beside their body.
    public let heading: Heading

    /// What happens where a FIFO takes no more.
    public enum Overflow: String, Sendable, CaseIterable {
        /// Its sources are not read until it does.
        case block
        /// The oldest lines are dropped, and told as a gap.
        case dropOldest = "drop-oldest"
    }

    /// How a rule shows us (`to: presence`); the status is the rule's text.
    public struct Shown: Sendable, Equatable {
        /// How available (RFC 6121 4.7.2.1); nil is plainly available.
        public var show: Show?
        /// How long, until the presence of the configuration is back; nil: until the next change.
        public var hold: Duration?

        /// Plainly available, until the next change.
        public init(show: Show? = nil, hold: Duration? = nil) {
            self.show = show
            self.hold = hold
        }

        /// How available somebody is.
        public enum Show: String, Sendable, CaseIterable {
            /// Gone for a moment.
            case away
            /// Open for a chat.
            case chat
            /// Do not disturb.
            case dnd
            /// Gone for longer.
            case xa
        }
    }

    /// The type of a message that is sent (RFC 6121 5.2.2).
    public enum MessageType: String, Sendable, CaseIterable {
        /// Part of a conversation; what clients show, and servers carbon and archive, best.
        case chat
        /// A single message.
        case normal
        /// Something of the moment, that servers do not store.
        case headline
    }

    /// What is wrong in a rule, and in which part.
    public struct Problem: Error, Equatable, Sendable {
        /// The part.
        public enum Part: Equatable, Sendable {
            /// The source at that index, from 0.
            case from(Int)
            /// The destination at that index, from 0.
            case to(Int)
            /// The template, at that offset in bytes.
            case body(offset: Int)
            /// The type.
            case type
            /// How available.
            case show
            /// How long.
            case hold
            /// What happens where a FIFO takes no more.
            case overflow
            /// How files are appended to.
            case file(FileOptions.Key)
            /// How texts are shaped.
            case shaping(Shaping.Key)
            /// The subject's template, at that offset in bytes.
            case subject(offset: Int)
            /// The thread's template, at that offset in bytes.
            case thread(offset: Int)
            /// The language.
            case lang
            /// The pattern.
            case match
            /// What happens where the pattern is given up.
            case onError
            /// Whether later rules see what it takes.
            case stop
            /// Whether it takes what no other rule does.
            case isDefault
            /// The place that a part of the draft carries, and an offset in bytes from there.
            case place(Int, offset: Int)
            /// All of it.
            case whole
        }

        /// Which part.
        public var part: Part
        /// What stood there.
        public var what: String
        /// What to do.
        public var hint: String
        /// Whether it is legal, only suspicious.
        public var isWarning = false
    }

    /// All that is wrong in a rule; never empty.
    public struct Problems: Error, Equatable, Sendable {
        /// The problems.
        public let list: [Problem]
    }

    /// A rule of parts that are each right by themselves.
    /// - Throws: ``Problems`` where they do not fit together.
    public init(
        name: String? = nil, from: [Endpoint], match: Pattern? = nil, body: String? = nil, to: [Endpoint],
        type: MessageType = .chat, shown: Shown = Shown(), shaping: Shaping = Shaping(),
        selection: Selection.Draft = .init(), heading: Heading.Draft = .init()
    ) throws(Problems) {
        var draft = Draft(
            name: name, from: from, match: match.map { .of($0) } ?? .none, body: body, to: to, type: type)
        draft.shown = shown
        draft.shaping = shaping
        draft.selection = selection
        draft.heading = heading
        let (rule, problems) = draft.checked()
        guard let rule else { throw Problems(list: problems.filter { !$0.isWarning }) }
        self = rule
    }

    /// The rule for some of its ends only; nil where none is left on a side.
    public func between(_ isSource: (Endpoint) -> Bool, _ isDestination: (Endpoint) -> Bool) -> Rule? {
        var rule = self
        rule.from.removeAll { !isSource($0) }
        rule.to.removeAll { !isDestination($0) }
        return rule.from.isEmpty || rule.to.isEmpty ? nil : rule
    }

    /// Whether it takes every record of its sources.
    public var takesAll: Bool { match == nil && selection.conditions.isEmpty && !selection.isDefault }

    init(
        draft: Draft, from: [Endpoint], body: Template?, to: [Endpoint], _ selection: Selection, _ heading: Heading
    ) {
        name = draft.name
        if case .of(let pattern) = draft.match { match = pattern } else { match = nil }
        type = draft.type ?? .chat
        shown = draft.shown
        overflow = draft.overflow ?? .block
        shaping = draft.shaping
        file = draft.file
        self.from = from
        self.body = body
        self.to = to
        self.selection = selection
        self.heading = heading
    }
}

extension Rule {
    /// A rule's parts before it is known whether they fit together. A part whose own problem is already reported takes
    /// part as unknown, so that no problem hides another and none is told twice.
    public struct Draft: Sendable {
        /// Its name.
        public var name: String?
        /// The sources; nil is one that is not known.
        public var from: [Endpoint?]
        /// The pattern.
        public var match: Vocabulary.Groups
        /// The template's text.
        public var body: String?
        /// The destinations; nil is one that is not known.
        public var to: [Endpoint?]
        /// The type of messages, where it is given.
        public var type: MessageType?
        /// How our presence changes.
        public var shown = Shown()
        /// What happens where a FIFO takes no more, where it is given.
        public var overflow: Overflow?
        /// How it appends to files.
        public var file = FileOptions()
        /// How its texts are shaped.
        public var shaping = Shaping()
        /// Which records it takes, beside its pattern.
        public var selection = Selection.Draft()
        /// What its messages carry beside their body.
        public var heading = Heading.Draft()

        /// A draft.
        public init(
            name: String?, from: [Endpoint?], match: Vocabulary.Groups, body: String?, to: [Endpoint?],
            type: MessageType?
        ) {
            self.name = name
            self.from = from
            self.match = match
            self.body = body
            self.to = to
            self.type = type
        }

        /// The rule, or nil where a part is unknown or wrong; and all that is to be said about it.
        public func checked() -> (rule: Rule?, problems: [Problem]) {
            var problems = directions() + pairs() + repetitions() + shapes() + idleFileOptions()
            let sources = from.compactMap { $0 }
            let destinations = to.compactMap { $0 }
            let usable = sources.filter { $0.canBeSource }
            let isKnown = !usable.isEmpty && usable.count == from.count
            let vocabulary = Vocabulary(sources: isKnown ? usable : nil, groups: match)
            let template = template(body, "body", vocabulary, &problems) { .body(offset: $0) }
            let heading = heading(vocabulary, &problems)
            let selection = selection(vocabulary, &problems)
            if case .unknown = match { return (nil, problems) }
            let isWhole = isKnown && !to.isEmpty && destinations.count == to.count
            if !isWhole || problems.contains(where: { !$0.isWarning }) { return (nil, problems) }
            let rule = Rule(draft: self, from: sources, body: template, to: destinations, selection, heading)
            return (rule, problems)
        }

        /// Endpoints that stand the wrong way round.
        private func directions() -> [Problem] {
            var problems: [Problem] = []
            for (index, endpoint) in from.enumerated() {
                guard let endpoint, !endpoint.canBeSource else { continue }
                problems.append(
                    Problem(
                        part: .from(index), what: "\(endpoint) is no source: records only go there",
                        hint: "expected \(Endpoint.sources)"))
            }
            for (index, endpoint) in to.enumerated() {
                guard let endpoint, !endpoint.canBeDestination else { continue }
                problems.append(
                    Problem(
                        part: .to(index), what: "\(endpoint) is no destination: records only come from there",
                        hint: "expected \(Endpoint.destinations)"))
            }
            return problems
        }

        /// Ends that are each right, and do not go together.
        private func pairs() -> [Problem] {
            var problems: [Problem] = []
            for (index, destination) in to.enumerated() {
                switch destination {
                case .commands: problems += commands(index)
                case .xmpp, .room, .presence: problems += texts(to: destination, index)
                case .stdin, .stdout, .events, .file, .fifo, .tail, nil: break
                }
            }
            return problems + idleKeys()
        }

        /// Keys that have no effect where the rule's records go.
        private func idleKeys() -> [Problem] {
            // A destination that is not known may be of any kind.
            guard !to.isEmpty, !to.contains(nil) else { return [] }
            var problems: [Problem] = []
            func warn(_ part: Problem.Part, _ what: String) {
                problems.append(Problem(part: part, what: what, hint: "leave it out", isWarning: true))
            }
            let sendsToPeople = to.contains { if case .xmpp = $0 { true } else { false } }
            if type != nil, !sendsToPeople {
                warn(.type, "type has no effect: nothing here is sent to an xmpp: address")
            }
            if overflow != nil, !to.contains(where: { if case .fifo = $0 { true } else { false } }) {
                warn(.overflow, "overflow has no effect: nothing here goes to a FIFO")
            }
            if !to.contains(.presence) {
                if shown.show != nil { warn(.show, "show has no effect: nothing here goes to presence") }
                if shown.hold != nil { warn(.hold, "hold has no effect: nothing here goes to presence") }
            }
            return problems + idleHeading(sendsToPeople)
        }

        private func commands(_ index: Int) -> [Problem] {
            for case .some(let source) in from where source.canBeSource && !source.givesLines {
                return [
                    Problem(
                        part: .to(index), what: "commands cannot come from \(source)",
                        hint: "only lines, as from: stdin or fifo:PATH, can go to commands, a JSON object a line")
                ]
            }
            if body == nil { return [] }
            return [
                Problem(
                    part: .body(offset: 0), what: "a body has no place in a bridge to commands",
                    hint: "the line itself is the command; leave body out")
            ]
        }

        /// What goes to people, to rooms and into our status is text.
        private func texts(to destination: Endpoint?, _ index: Int) -> [Problem] {
            guard let destination else { return [] }
            var problems: [Problem] = []
            let isUnsaid = if case .none = match { body == nil } else { false }
            if isUnsaid && from.contains(.events) {
                problems.append(
                    Problem(
                        part: .to(index), what: "events are no text that could be sent to \(destination)",
                        hint: "add a body, as in body: \"{event}: {from} {body}\", or a match on the messages' bodies"))
            }
            for case .some(let source) in from where source.answersItself(destination) {
                problems.append(
                    Problem(
                        part: .to(index), what: "what \(source.address?.text ?? "") says is sent back to it",
                        hint: "two bots that do so never stop", isWarning: true))
            }
            return problems
        }

        /// Ends that stand in a list twice.
        private func repetitions() -> [Problem] {
            var problems: [Problem] = []
            for (index, endpoint) in from.enumerated() where endpoint != nil && from[..<index].contains(endpoint) {
                problems.append(
                    Problem(
                        part: .from(index), what: "\(from[index].map { "\($0)" } ?? "") stands here twice",
                        hint: "leave one out"))
            }
            for (index, endpoint) in to.enumerated() where endpoint != nil && to[..<index].contains(endpoint) {
                problems.append(
                    Problem(
                        part: .to(index), what: "\(to[index].map { "\($0)" } ?? "") stands here twice",
                        hint: "leave one out"))
            }
            return problems
        }
    }
}

extension Endpoint {
    /// Whether records come from there.
    public var canBeSource: Bool {
        switch self {
        case .stdin, .xmpp, .room, .events, .fifo, .tail: true
        case .stdout, .presence, .commands, .file: false
        }
    }

    /// Whether records go there.
    public var canBeDestination: Bool {
        switch self {
        case .stdout, .xmpp, .room, .presence, .commands, .file, .fifo: true
        case .stdin, .events, .tail: false
        }
    }

    /// Whose it is: of a person or a room.
    var address: JID? {
        switch self {
        case .xmpp(let jid), .room(let jid): jid
        case .stdin, .stdout, .events, .presence, .commands, .file, .fifo, .tail: nil
        }
    }

    /// Whether a record from here to there goes back to where it came from.
    fileprivate func answersItself(_ destination: Endpoint) -> Bool {
        guard let address, let other = destination.address else { return false }
        return address.bare == other.bare
    }
}

import Endpoints
import Routing
import Session
import Stanza

/// What a configuration file that is read again asks of a run that goes on (SIGHUP).
struct Reload: Sendable {
    var rules: [Rule]
    /// The rooms to be in.
    var rooms: [RoomChoice]
    /// How we show ourselves where no rule says otherwise.
    var presence: Configuration.Presence?
    var accepts: [JIDGlob] = []
    var invitations: [JIDGlob] = []
    var blocks: [JID] = []
    var asksReceipts = false
    /// What has changed and takes a restart, as the file calls it.
    var lasting: [String] = []
}

/// Which new rule takes the place of each old one.
struct Succession: Equatable {
    /// By the old index; nil for one that is gone.
    let heirs: [Int?]
    /// How many are new, changed and gone.
    let new: Int
    let changed: Int
    let gone: Int

    /// A rule with a name goes on as the one of that name, one without as the first like it.
    init(from old: [Rule], to rules: [Rule]) {
        var free = Set(rules.indices)
        var heirs: [Int?] = []
        for rule in old {
            let heir = free.sorted().first { index in
                rule.name != nil ? rules[index].name == rule.name : rules[index] == rule
            }
            if let heir { free.remove(heir) }
            heirs.append(heir)
        }
        self.heirs = heirs
        new = free.count
        gone = heirs.count { $0 == nil }
        changed = zip(old, heirs).count { rule, heir in heir.map { rules[$0] != rule } ?? false }
    }
}

// The file is read again: what has not changed goes on as if nothing had been.
extension Pump {
    mutating func reload(_ change: Reload) {
        guard phase == .running else { return }
        // What was read under the old rules is theirs, as far as it is cut into lines.
        digest()
        let succession = Succession(from: router.rules, to: change.rules)
        tellLimited(evenNow: true)
        let old = router
        let heirs = old.rules.indices.map { rule in
            succession.heirs[rule].flatMap { change.rules[$0].shapes(like: old.rules[rule]) ? $0 : nil }
        }
        takeLeave(ofSourcesNotIn: Set(change.rules.flatMap(\.from)))
        for (rule, heir) in heirs.enumerated() where heir == nil { flushHeld(of: rule) }
        router = old.replacing(rules: change.rules)
        settleSources()
        hops.goOn(heirs)
        held = HeldTexts(router, after: held, heirs)
        settleSinks()
        settleRooms(change.rooms)
        settlePolicies(change)
        tellReloaded(change, succession)
        commit()
        digest()
    }

    /// The file has mistakes: what was goes on.
    mutating func reloadRefused(_ mistakes: [String]) {
        for line in mistakes { actions.append(.say(.error, line)) }
        let count = mistakes.count == 1 ? "a mistake" : "\(mistakes.count) mistakes"
        actions.append(.say(.error, "the configuration has \(count) and was not loaded: the old one goes on"))
        emit(.error(code: "reload", text: mistakes.joined(separator: "\n")))
        commit()
    }

    mutating func sourceUnavailable(_ reason: String, _ source: Int) {
        // The next reload tries again.
        sources[source].isRetired = true
        actions.append(.say(.error, reason))
        emit(.error(code: "source", text: reason, source: "\(sources[source].endpoint)"))
        commit()
    }

    // MARK: - Ends

    /// What was read of sources that go is still their old rules'. A FIFO is closed, so its last line has no end to wait for.
    private mutating func takeLeave(ofSourcesNotIn read: Set<Endpoint>) {
        for index in sources.indices.dropFirst()
        where !sources[index].isRetired && !read.contains(sources[index].endpoint) {
            digestAll(of: index)
            if case .fifo = sources[index].endpoint { finishLine(of: index) }
        }
    }

    /// What a source brings that no rule reads any more: it was on its way when the rules changed.
    mutating func tellUnread(_ count: Int, of source: Int) {
        let endpoint = "\(sources[source].endpoint)"
        let text = "\(count) bytes of \(endpoint) were read too late: no bridge reads it any more"
        actions.append(.say(.warning, text))
        emit(.gap(reason: "reloaded", text: text, source: endpoint, bytes: UInt64(count)))
    }

    /// Sources keep their numbers. One that no rule reads any more is not read; it is there again when a rule is.
    private mutating func settleSources() {
        var known: Set<Endpoint> = []
        for index in sources.indices.dropFirst() {
            let endpoint = sources[index].endpoint
            guard let number = router.localSources.firstIndex(of: endpoint) else {
                if !sources[index].isRetired, sources[index].parent == nil { actions.append(.closeSource(index)) }
                sources[index].isRetired = true
                continue
            }
            known.insert(endpoint)
            sources[index].route = .local(number)
            if sources[index].isRetired, sources[index].parent == nil { actions.append(.openSource(index)) }
            sources[index].isRetired = false
        }
        for (number, endpoint) in router.localSources.enumerated() where !known.contains(endpoint) {
            let framer = LineFramer(.text, limits: options.framing)
            sources.append(
                InputSource(
                    endpoint: endpoint, route: .local(number), reads: .lines, framer: framer, origin: endpoint.origin))
            actions.append(.openSource(sources.count - 1))
        }
    }

    /// Sinks keep their numbers, and what waits for them is still written.
    private mutating func settleSinks() {
        for endpoint in router.localSinks where sinkNumbers[endpoint] == nil {
            sinks.append(OutputSink(endpoint, form: .ndjson))
            sinkNumbers[endpoint] = sinks.count - 1
            actions.append(.openSink(sinks.count - 1))
        }
        settleOverflow()
    }

    /// One that is no longer wanted is left, unless something waits to be said there, or to be shown by it.
    private mutating func settleRooms(_ rooms: [RoomChoice]) {
        let wanted = Set(rooms.map(\.room))
        for room in options.rooms.map(\.room) where !wanted.contains(room) && waitingCount(in: room) == 0 {
            session.leave(room: room, status: nil, at: now)
        }
        for choice in rooms where !options.rooms.contains(choice) {
            closedRooms[choice.room] = nil
            shelvedRooms[choice.room] = nil
            session.join(choice, at: now)
        }
        options.rooms = rooms
    }

    private mutating func settlePolicies(_ change: Reload) {
        let blocksAnew = Set(change.blocks).subtracting(options.blocks)
        options.accepts = change.accepts
        options.invitations = change.invitations
        options.blocks = change.blocks
        options.asksReceipts = change.asksReceipts
        if !blocksAnew.isEmpty, session.isOnline { blockByPolicy() }
        guard let presence = change.presence, presence != board.base, board.base != nil else { return }
        if let due = board.rebase(presence, at: now) { session.show(due, at: now) }
    }

    // MARK: - Words

    private mutating func tellReloaded(_ change: Reload, _ succession: Succession) {
        var parts: [String] = []
        for (count, what) in [
            (succession.changed, "changed"), (succession.new, "new"), (succession.gone, "gone"),
        ] where count > 0 { parts.append("\(count) \(what)") }
        let text =
            "the configuration is loaded again; bridges: \(parts.isEmpty ? "as before" : parts.joined(separator: ", "))"
        actions.append(.say(.info, text))
        var lasting = change.lasting
        if router.usesStdin, options.reads == .nothing { lasting.append("from: stdin") }
        if router.usesStdout, !options.prints { lasting.append("to: stdout") }
        if !lasting.isEmpty {
            actions.append(.say(.warning, "needs a restart, and goes on as before: \(lasting.joined(separator: ", "))"))
        }
        emit(.configuration(.reloaded, text: text, needsRestart: lasting))
    }
}

extension HeldTexts {
    /// What rules hold back, for the rules that have come in the place of those.
    /// - Parameter heirs: the new index of each old rule whose texts stay; the others hold nothing any more.
    init(_ router: Router, after old: HeldTexts, _ heirs: [Int?]) {
        self.init(router)
        for rule in old.shapers.indices {
            guard let heir = heirs[rule] else { continue }
            if let shaper = old.shapers[rule], shapers[heir] != nil { shapers[heir] = shaper }
            for (key, group) in old.lines where key.rule == rule {
                lines[LineSource(rule: heir, number: key.number)] = group
            }
            for (edit, id) in old.editedIDs where edit.rule == rule {
                editedIDs[Edit(rule: heir, handle: edit.handle)] = id
            }
        }
        goOn(from: old)
    }
}

extension Rule {
    /// Whether what one holds back can stay with the other.
    fileprivate func shapes(like other: Rule) -> Bool {
        shaping == other.shaping && to == other.to && from == other.from
    }
}

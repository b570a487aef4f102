import Stanza

// What was missed, page by page (XEP-0313).
extension ClientSession {
    /// Which answer a question about an archive waits for.
    enum ArchiveStep: Equatable, Sendable {
        /// What our account can do (XEP-0030).
        case features
        /// The end of the page with that query id.
        case page(queryID: String)
    }

    // MARK: - Our account

    /// A login: asks what our account can do, before our presence brings what waited for us.
    /// - Parameter continued: the stream is one that another process began, and brings all that it did not handle.
    mutating func openOwnArchive(continued: Bool) {
        archives.isOwnAsked = false
        archives.isContinued = continued
        guard configuration.presence != nil else { return }
        askForOwnArchive()
    }

    /// A stream begins, or goes on that another process began: what comes before our account has said what it can do
    /// waits, where there was an archive before.
    mutating func expectOwnArchive() {
        guard configuration.presence != nil, archives[account]?.cursor != nil else { return }
        archives.with(account, isRoom: false) { $0.state = .asking }
    }

    /// Asks once on a stream.
    mutating func askForOwnArchive() {
        guard !archives.isOwnAsked else { return }
        archives.isOwnAsked = true
        archives.with(account, isRoom: false) { $0.state = .asking }
        pose(.discoInfo(account, node: nil), .archive(account, .features))
    }

    private mutating func learnt(_ answer: Answer, _ actions: inout [Action]) {
        let archive = account
        guard archives[archive]?.state == .asking else { return }
        switch answer {
        case .info(let features, _):
            let keeps = features.contains(NS.archive.description)
            let announces = keeps || features.contains(NS.stanzaID.description)
            archives.with(archive, isRoom: false) {
                $0.isKept = keeps
                $0.isTrusted = announces
            }
        case .unanswered(.streamLost), .unanswered(.ending):
            archives.with(archive, isRoom: false) { $0.state = .unknown }
            archives.hasBegun = true
            return
        case .unanswered(.timeout):
            archives.with(archive, isRoom: false) { $0.state = .behind }
            checkDoubtfulRows(&actions)
            tellOfOwnGap("the server does not say whether it keeps an archive", &actions)
            return release(archive, &actions)
        case .refused, .done, .roster, .blocked, .items, .pong, .version, .affiliations, .element:
            archives.with(archive, isRoom: false) { $0.isKept = false }
        }
        checkDoubtfulRows(&actions)
        guard configuration.presence != nil else {
            archives.with(archive, isRoom: false) { $0.state = .unknown }
            return
        }
        if archives[archive]?.isKept == true {
            beginCatchUp(archive)
        } else {
            archives.with(archive, isRoom: false) { $0.state = .current }
            tellOfOwnGap("the server keeps no archive (XEP-0313)", &actions)
            release(archive, &actions)
        }
        archives.hasBegun = true
    }

    /// Nothing can be caught up: that matters where there was something before.
    private mutating func tellOfOwnGap(_ why: String, _ actions: inout [Action]) {
        let hadStream = archives.hasBegun || archives[account]?.cursor != nil
        archives.hasBegun = true
        guard hadStream, !archives.isContinued else { return }
        actions.append(.event(.caughtUp(archive: account, count: 0, gap: why)))
    }

    // MARK: - Pages

    /// Asks for what lies behind the cursor; without one, where the archive ends.
    mutating func beginCatchUp(_ archive: JID) {
        let isNew = archives.with(archive, isRoom: archive != account) {
            $0.begin()
            return $0.cursor == nil
        }
        if isNew { askForEnd(archive) } else { askForPage(archive) }
    }

    private mutating func askForEnd(_ archive: JID) {
        let queryID = pending.id(idPrefix, "end")
        archives.with(archive, isRoom: archive != account) { $0.state = .seekingEnd(.init(queryID: queryID)) }
        ask(ArchiveQuery(place: .end, max: 1), queryID, archive)
    }

    private mutating func askForPage(_ archive: JID) {
        let queryID = pending.id(idPrefix, "page")
        let max = configuration.limits.archivePageMessages
        let query = archives.with(archive, isRoom: archive != account) { track in
            track.state = .paging(.init(queryID: queryID))
            track.kept.hasLetGo = false
            return ArchiveQuery(start: track.start, place: .after(track.after), max: max)
        }
        ask(query, queryID, archive)
    }

    private mutating func ask(_ query: ArchiveQuery, _ queryID: String, _ archive: JID) {
        let iq = query.iq(to: archive == account ? nil : archive, id: queryID)
        pose(.raw(iq), .archive(archive, .page(queryID: queryID)))
    }

    /// What came of a question about an archive.
    mutating func answered(
        _ archive: JID, _ step: ArchiveStep, _ answer: Answer, _ actions: inout [Action]
    ) {
        switch step {
        case .features: learnt(answer, &actions)
        case .page(let queryID):
            // Another one is on its way by now, or none is wanted any more.
            guard let page = archives[archive]?.page, page.queryID == queryID else { return }
            if case .seekingEnd = archives[archive]?.state {
                endFound(archive, answer, &actions)
            } else {
                pageEnded(archive, page, answer, &actions)
            }
        }
    }

    private mutating func endFound(_ archive: JID, _ answer: Answer, _ actions: inout [Action]) {
        switch answer {
        case .unanswered(.streamLost), .unanswered(.ending):
            archives.with(archive, isRoom: archive != account) { $0.state = .unknown }
        case .element, .refused, .unanswered(.timeout), .done, .roster, .blocked, .info, .items, .pong, .version,
            .affiliations:
            let wall = wall
            let cursor = archives.with(archive, isRoom: archive != account) { track in
                track.state = .current
                return track.liveEnd ?? track.end ?? ArchiveCursor(id: "", time: wall)
            }
            move(archive, to: cursor, &actions)
        }
    }

    private mutating func pageEnded(
        _ archive: JID, _ page: ArchiveTrack.Page, _ answer: Answer, _ actions: inout [Action]
    ) {
        switch answer {
        case .element(let iq):
            guard let end = ArchivePageEnd(iq) else {
                return finish(archive, .current, gap: "the archive answers without sense", &actions)
            }
            // An empty page ends whatever it says; one with nothing new in it would come for ever.
            if end.isComplete || page.results == 0 {
                if archives[archive]?.kept.hasLetGo == true { return askForPage(archive) }
                return finish(archive, .current, gap: nil, &actions)
            }
            let isRound = archives[archive].map { $0.repeated > $0.given.max } ?? true
            if page.news == 0 || isRound {
                return finish(archive, .current, gap: "the archive repeats itself and does not end", &actions)
            }
            archives.with(archive, isRoom: archive != account) { $0.state = .resting(until: $0.lastResult) }
        case .refused(let error, _): pageRefused(archive, error, &actions)
        case .unanswered(.timeout):
            // What comes, comes slowly: the time is that of a page, not of all.
            if page.news > 0 { return askForPage(archive) }
            finish(archive, .behind, gap: "the archive does not answer", &actions)
        case .unanswered(.streamLost), .unanswered(.ending):
            archives.with(archive, isRoom: archive != account) { $0.state = .unknown }
        case .done, .roster, .blocked, .info, .items, .pong, .version, .affiliations:
            // No question about an archive is answered so.
            return
        }
    }

    private mutating func pageRefused(_ archive: JID, _ error: StanzaError, _ actions: inout [Action]) {
        if error.condition == "item-not-found", archives[archive]?.start == nil {
            archives.with(archive, isRoom: archive != account) {
                $0.beginByTime()
                $0.gap = "the archive has forgotten the message that was told last; it was searched by time"
            }
            return askForPage(archive)
        }
        let said = "the archive is refused to us: \(SASLFailure.printable(error.description))"
        finish(archive, error.type == "wait" ? .behind : .current, gap: said, &actions)
    }

    /// The catch-up is over: what came meanwhile follows.
    private mutating func finish(
        _ archive: JID, _ state: ArchiveTrack.State, gap: String?, _ actions: inout [Action]
    ) {
        let (count, known) = archives.with(archive, isRoom: archive != account) { track in
            track.state = state
            return (track.count, track.gap ?? (track.leavesOut ? "the archive does not keep what we get" : nil))
        }
        actions.append(.event(.caughtUp(archive: archive, count: count, gap: gap ?? known)))
        release(archive, &actions)
    }

    /// Tells what was kept back.
    mutating func release(_ archive: JID, _ actions: inout [Action]) {
        guard archives[archive]?.kept.count ?? 0 > 0 else { return }
        for message in archives.with(archive, isRoom: archive != account, { $0.kept.takeAll() }) {
            give(message, &actions)
        }
    }

    // MARK: - Results

    /// A message out of an archive: only from that archive, and only as it was asked for.
    mutating func archived(_ result: Element, from: JID, _ actions: inout [Action]) {
        guard from == account || archives[from] != nil else {
            return actions.append(.event(.forged(what: "archive result", from: from)))
        }
        if from == account, takeDoubtResult(result) { return }
        // Late, of a page that is given up.
        guard var page = archives[from]?.page, result["queryid"] == page.queryID,
            let item = ArchivedMessage(result)
        else { return }
        page.results += 1
        if case .seekingEnd = archives[from]?.state {
            let end = ArchiveCursor(id: item.id, time: item.time ?? wall)
            archives.with(from, isRoom: from != account) {
                $0.end = end
                $0.page = page
            }
            return
        }
        let number = inbound.current
        let (isNew, isGiven) = archives.with(from, isRoom: from != account) { track in
            let isNew = item.id != track.after
            if isNew { page.news += 1 }
            track.page = page
            track.after = item.id
            track.lastResult = number
            let isGiven = !isNew || track.given.contains(item.id)
            track.repeated = isGiven ? track.repeated + 1 : 0
            track.given.insert(item.id)
            track.kept.drop(item.id)
            return (isNew, isGiven)
        }
        if !isGiven { replay(item, from: from, &actions) }
        if isNew { move(from, to: ArchiveCursor(id: item.id, time: item.time ?? wall), &actions) }
    }

    private mutating func replay(_ item: ArchivedMessage, from archive: JID, _ actions: inout [Action]) {
        guard let stanza = item.stanza else { return }
        let read =
            archive == account
            ? readOwn(stanza, item) : rooms.replayed(stanza, stamp: item.stamp, in: archive)
        guard var message = read else { return }
        message.archiveID = ArchiveID(by: archive, id: item.id)
        message.isReplayed = true
        if archive == account, message.carbon == nil, !rooms.place(&message, at: now) { return }
        owe(for: message)
        tell(message, &actions)
        archives.with(archive, isRoom: archive != account) { $0.count += 1 }
    }

    /// A message of our account's archive; nil for what is no event: a room's, which the room itself has, or our own.
    private func readOwn(_ stanza: Element, _ item: ArchivedMessage) -> Message? {
        guard !stanza.attribute("type", equals: "groupchat"),
            let from = stanza["from"].map({ try? JID(received: $0) }) ?? account
        else { return nil }
        let to = stanza["to"].flatMap { try? JID(received: $0) }
        guard from.bare == account, let to, to.bare != account else {
            return Message(stanza, from: from, delay: item.stamp)
        }
        if from == boundTo || isOwnID(of: stanza) || CarbonCopy.isOfRoom(stanza) { return nil }
        return Message(stanza, from: from, carbon: .sent, delay: item.stamp)
    }

    /// Whether a message carries an id of this bridge's.
    private func isOwnID(of stanza: Element) -> Bool {
        guard let prefix = configuration.messageIDPrefix else { return false }
        return stanza.child("origin-id", NS.stanzaID)?["id"]?.hasPrefix(prefix) == true
            || stanza["id"]?.hasPrefix(prefix) == true
    }

    /// Everything up to there is told.
    mutating func move(_ archive: JID, to cursor: ArchiveCursor, _ actions: inout [Action]) {
        archives.with(archive, isRoom: archive != account) { $0.cursor = cursor }
        if archive != account { rooms.saw(archive, at: cursor.time) }
        actions.append(.event(.cursor(archive: archive, cursor)))
    }

    // MARK: - Between inputs

    /// What archives wait for may have come.
    mutating func followArchives(_ actions: inout [Action]) {
        guard isOnline, !archives.waiting.isEmpty else { return }
        for archive in archives.waiting.sorted(by: { $0.text < $1.text }) {
            switch archives[archive]?.state {
            case .resting(let number): if inbound.handledPrefix >= number { askForPage(archive) }
            case .history(let until): if until <= now { endHistory(archive, isWhole: false, &actions) }
            case .unknown, .asking, .seekingEnd, .paging, .current, .behind, nil: break
            }
        }
    }
}

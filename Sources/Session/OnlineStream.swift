import Stanza

// The stream while it is up: its first stanzas, acknowledgements both ways, acceptance, liveness, windows.
extension ClientSession {
    // MARK: - Coming online

    /// A resource is bound: nothing of the old session goes on but the rows.
    mutating func beginFresh(_ jid: JID, _ actions: inout [Action]) {
        boundTo = jid
        queue.begin(keepsAcked: isVouchedFor)
        isVouchedFor = false
        inbound.begin()
        pending.forget()
        dropQuestions(.streamLost, &actions)
        receipts.removeAll()
        resumable = nil
        presenceSent = false
    }

    mutating func freshOnline(_ actions: inout [Action]) {
        beginStream(resumed: false, &actions)
        if let wanted = configuration.resource, let jid = boundTo, jid.resource != wanted {
            actions.append(.event(.warning("\(peerName) bound \(jid) instead of the resource \(wanted)")))
        }
        introduce()
        rooms.wentOnline(resumed: false, at: now)
    }

    /// What is asked and said where the server, or we, know nothing of each other.
    mutating func introduce() {
        if configuration.presence != nil {
            let id = pending.id(idPrefix, "roster")
            pending.rosterID = id
            var writer = XMLWriter(capacity: 512)
            let version = negotiation.features?.rosterVersioning == true ? roster.versionToAsk : nil
            Roster.writeRequest(id: id, version: version, into: &writer)
            write(writer.bytes)
            // Pushes come only to those who have asked for the list.
            pose(.blockList, .login)
        }
        announce()
        // Not before our presence: what is stored for us until then would come as a copy first, and then again.
        if configuration.presence != nil { pose(.raw(CarbonCopy.enable), .carbons) }
    }

    /// Sends our presence as it is to be, or that we are gone if we were there.
    mutating func announce(farewell: String? = nil) {
        guard presence != nil || presenceSent else { return }
        var writer = XMLWriter(capacity: 256)
        if let presence {
            PresenceStanza.write(presence, capabilities, into: &writer)
        } else {
            PresenceStanza.writeUnavailable(farewell, into: &writer)
        }
        write(writer.bytes)
        let isFirst = presence != nil && !presenceSent
        presenceSent = presence != nil
        if isFirst, !isComingIn {
            isComingIn = true
            pose(.ping(nil), .presence(isSecond: false))
        }
    }

    /// The old session goes on, once the stream is seen to be read.
    mutating func resumed(h: UInt32, _ actions: inout [Action]) {
        takeOver(h: h)
        guard queue.acknowledge(h) else { return countError(h: h, &actions) }
        inbound.resume()
        guard case .connecting(let deadline) = life else { return }
        life = .connecting(deadline: min(deadline, now + configuration.limits.resumptionTimeout))
    }

    mutating func verified(h: UInt32, _ actions: inout [Action]) {
        guard queue.acknowledge(h) else { return countError(h: h, &actions) }
        resumable?.unanswered = 0
        beginStream(resumed: true, &actions)
        queue.resume(into: &output)
        if resumable?.isRestored == true { settleIn() }
        rooms.wentOnline(resumed: true, at: now)
        nextTurn()
    }

    private mutating func beginStream(resumed: Bool, _ actions: inout [Action]) {
        life = .online(since: now)
        hasBeenOnline = true
        redirects = 0
        retry.wentOnline()
        keyCache = negotiation.keyCache
        liveness = Liveness(at: now)
        answers.begin(at: queue.acked, writtenBytes: queue.writtenBytes)
        // What was asked before the stream was lost has all its time again.
        pending.acceptance?.at = now
        questions.extend(to: now + configuration.limits.questionTimeout)
        if let limit = negotiation.features?.stanzaBytesMax, limit != stanzaLimitTold {
            stanzaLimitTold = limit
            actions.append(.event(.stanzaLimit(bytes: limit)))
        }
        // The JID was bound on this stream or on the one that is resumed, so it is there.
        let jid = boundTo ?? configuration.account
        actions.append(.event(.online(jid: jid, resumed: resumed, peer: peerName)))
    }

    // MARK: - Elements

    mutating func takeOnline(_ element: Element, _ actions: inout [Action]) {
        if Negotiation.isStanza(element) {
            receive(element, &actions)
        } else if element.isNamed("r", NS.streamManagement) {
            if queue.isManaged { StreamManagement.writeAnswer(h: inbound.answer(), into: &output) }
        } else if element.isNamed("a", NS.streamManagement) {
            acknowledged(element, &actions)
        } else if element.isNamed("error", NS.stream) {
            return streamError(element, &actions)
        }
        // Anything else is of an extension that we did not ask for.
        liveness.received(at: now, isOwed: isAnswerOwed)
    }

    private mutating func acknowledged(_ element: Element, _ actions: inout [Action]) {
        guard queue.isManaged else { return }
        guard let h = StreamManagement.count(of: element) else {
            let words = "\(peerName) acknowledges without a count"
            return lose(Loss(.transient, words), .close, keepsSession: false, &actions)
        }
        guard queue.acknowledge(h) else { return countError(h: h, &actions) }
        answers.answered(upTo: queue.acked, at: now, window: &window)
    }

    private mutating func countError(h: UInt32, _ actions: inout [Action]) {
        let sent = queue.sentCount
        StreamManagement.writeCountError(h: h, sent: sent, into: &output)
        let words = "\(peerName) acknowledges \(h) stanzas, of which \(sent) were sent and \(queue.ackedCount) known"
        lose(Loss(.transient, words), .close, keepsSession: false, &actions)
    }

    /// Whether the peer owes us anything.
    var isAnswerOwed: Bool {
        (queue.isManaged && queue.sentRows > askedUpTo) || answers.isWaiting || pending.awaitsPing
    }

    // MARK: - Writing

    /// Writes a stanza that may be lost.
    mutating func write(_ payload: [UInt8]) {
        // A resumed stream that is not yet seen to be read gets it with all that is sent again.
        if !isOnline, negotiation.state == .expectAnswer { return queue.hold(payload) }
        queue.write(payload, into: &output)
        noteBlockage()
        liveness.owed(isAnswerOwed, at: now)
    }

    /// Whoever finds no room is told when there is some: also where it was taken by stanzas that are no rows.
    mutating func noteBlockage() { if isOnline && !canSend { isBlocked = true } }

    /// Before bytes are taken: pings and requests for what they hold.
    mutating func flush() {
        if let due = acceptanceDeadline, due <= now { askForAcceptance() }
        if let due = requestDeadline, due <= now { requestAcknowledgement() }
    }

    /// Everything below is acknowledged, or asked for.
    private var askedUpTo: UInt64 { max(queue.acked, answers.requestedUpTo) }

    /// When to ask for an acknowledgement (XEP-0198 4): at once where a window is half full of what nobody has asked about,
    /// or where somebody waits for it and no question is open; else now and then. For stanzas that are no rows nobody
    /// waits: they are asked about together with others, or when the peer is probed.
    private var requestDeadline: Instant? {
        let known = askedUpTo
        guard queue.isManaged, queue.sent > known else { return nil }
        let isHalfFull =
            (queue.writtenBytes - answers.requestedBytes) * 2 >= sendWindow
            || Int(queue.sent - known) * 2 >= configuration.limits.windowStanzas
        if isHalfFull { return now }
        guard queue.sentRows > known else { return nil }
        return answers.due(hurried: drain == .asked || !canSend, at: now)
    }

    private mutating func requestAcknowledgement() {
        StreamManagement.writeRequest(into: &output)
        answers.asked(
            upTo: queue.sent, writtenBytes: queue.writtenBytes, inFlightBytes: queue.inFlightBytes, at: now)
        liveness.owed(true, at: now)
    }

    // MARK: - Acceptance (DESIGN 6.1)

    /// When to ask by a ping whether rows are accepted: at once where somebody waits for it, else now and then.
    var acceptanceDeadline: Instant? {
        guard pending.acceptance == nil, queue.hasAcceptableRows else { return nil }
        let limits = configuration.limits
        let isHurried =
            drain == .asked || queue.unacceptedRows * 2 >= limits.windowStanzas
            || queue.unacceptedBytes * 2 >= limits.windowBytes
            || (!queue.isManaged && queue.inFlightBytes * 2 >= sendWindow)
        return pending.acceptanceDue(hurried: isHurried, at: now)
    }

    private mutating func askForAcceptance() {
        let id = pending.id(idPrefix, "accept")
        pending.asked(
            .init(id: id, limit: queue.acceptable, at: now, inFlightBytes: queue.inFlightBytes))
        writePing(id)
    }

    private mutating func writePing(_ id: String) {
        var writer = XMLWriter(capacity: 128)
        Ping.write(to: configuration.account.domain, id: id, into: &writer)
        write(writer.bytes)
    }

    /// Our own server has answered the ping.
    mutating func accepted(_ question: PendingQuestions.Acceptance, _ actions: inout [Action]) {
        pending.acceptance = nil
        if !queue.isManaged { window.answered(after: now - question.at, bytesThen: question.inFlightBytes) }
        if let row = queue.accept(below: question.limit) {
            retry.progressed()
            if let current = probation, row >= current.until || queue.unacceptedRows == 0 { probation = nil }
            actions.append(.accepted(upTo: row))
        }
    }

    // MARK: - Inbound

    mutating func handled(upTo number: UInt64) {
        inbound.handled(upTo: number)
        guard isOnline, queue.isManaged, let h = inbound.unaskedAnswer() else { return }
        StreamManagement.writeAnswer(h: h, into: &output)
    }

    // MARK: - Time

    /// The silence that the server bears from us.
    private var peerIdle: Duration? { negotiation.features?.idleSeconds.map { .seconds(Int64($0)) } }

    /// When a peer that sends but leaves our questions unanswered is given up, lest rows wait for ever.
    private var overdue: Instant? {
        Self.earlier(pending.acceptance?.at, answers.oldest).map {
            $0 + configuration.limits.answerTimeout * Self.patience
        }
    }

    /// When silence means death: a slow server still reads what is on its way.
    private var deathDeadline: Instant? {
        liveness.deathDeadline(configuration.limits).map { $0 + window.transferTime(queue.inFlightBytes) }
    }

    var onlineDeadline: Instant? {
        let limits = configuration.limits
        let inquiry = Self.earlier(
            deathDeadline, liveness.probeDeadline(limits, peerIdle: peerIdle))
        let rows = Self.earlier(Self.earlier(acceptanceDeadline, requestDeadline), overdue)
        let stanzas = Self.earlier(inbound.spillDeadline(limits), rooms.hasEvents ? now : rooms.deadline)
        return Self.earlier(Self.earlier(inquiry, rows), stanzas)
    }

    static func earlier(_ a: Instant?, _ b: Instant?) -> Instant? {
        guard let a, let b else { return a ?? b }
        return min(a, b)
    }

    mutating func expireOnline(_ actions: inout [Action]) {
        let limits = configuration.limits
        if let death = deathDeadline, death <= now {
            window.unanswered()
            let span = limits.answerTimeout.components.seconds
            return lose(Loss(.transient, "\(peerName) has not answered for \(span) s"), .abort, &actions)
        }
        if let overdue, overdue <= now {
            let words =
                "\(peerName) sends, but does not answer \(pending.acceptance == nil ? "requests for acknowledgement" : "pings")"
            return lose(Loss(.transient, words), .abort, &actions)
        }
        if let probe = liveness.probeDeadline(limits, peerIdle: peerIdle), probe <= now { probePeer() }
        rooms.expire(at: now)
    }

    private mutating func probePeer() {
        if queue.isManaged { return requestAcknowledgement() }
        let id = pending.id(idPrefix, "alive")
        pending.livenessID = id
        writePing(id)
        liveness.owed(true, at: now)
    }

    // MARK: - After every input

    /// What follows from the state, whatever the input was.
    mutating func settle(_ actions: inout [Action]) {
        keepStream(&actions)
        followRooms(&actions)
        if isOnline {
            if queue.hasUnsent { queue.transmit(window: sendWindow, into: &output) }
            if queue.count > configuration.limits.windowStanzas + Self.unaskedStanzasMax {
                let words = "\(peerName) reads, but has not acknowledged \(queue.count) stanzas"
                lose(Loss(.transient, words), .abort, &actions)
            }
        }
        if isOnline {
            if let number = inbound.spill(configuration.limits, at: now) {
                actions.append(.spill(upTo: number))
            }
            sendReceipts()
            liveness.owed(isAnswerOwed, at: now)
            noteBlockage()
            if isBlocked && canSend {
                isBlocked = false
                actions.append(.writable)
            }
        }
        if drain == .asked && queue.unacceptedRows == 0 {
            drain = .told
            actions.append(.drained)
        }
    }
}

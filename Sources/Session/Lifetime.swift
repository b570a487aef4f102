import Stanza

// Attempts, losses and the end: the session over its connections.
extension ClientSession {
    /// What becomes of a connection that is lost to us.
    enum Farewell {
        /// It is gone already.
        case gone
        /// Nothing can be said on it.
        case abort
        /// The stream is closed in good order, behind what is written already.
        case close
    }

    // MARK: - Attempts

    mutating func start(_ actions: inout [Action]) {
        guard case .idle = life else { return }
        retry.begin(at: now)
        if isHeir { ghostUntil = now + Self.ghostLife }
        resumable?.lostAt = now
        connect(resumptionTarget, &actions)
    }

    mutating func connect(_ target: ConnectTarget, _ actions: inout [Action]) {
        self.target = target
        if let session = resumable, !session.isAlive(at: now) { resumable = nil }
        let resumption = resumable.map { (id: $0.id, h: inbound.resumptionCount()) }
        negotiation = Negotiation(
            configuration, resumption: resumption, idPrefix: idPrefix, keyCache: keyCache, random: random)
        peerName = configuration.account.domain
        let deadline = now + configuration.connectTimeout
        life = .connecting(deadline: retry.end.map { min($0, deadline) } ?? deadline)
        actions.append(.event(.connecting))
        actions.append(.connect(target))
    }

    mutating func connected(_ transport: Transport, _ actions: inout [Action]) {
        guard case .connecting = life else { return }
        let progress = negotiation.connected(transport, into: &output)
        peerName = negotiation.peerName
        follow(progress, &actions)
    }

    mutating func secured(_ facts: TLSFacts, _ actions: inout [Action]) {
        guard case .connecting = life else { return }
        follow(negotiation.secured(facts, into: &output), &actions)
    }

    mutating func streamOpened(_ header: StreamHeader, _ actions: inout [Action]) {
        guard case .connecting = life else { return }
        follow(negotiation.streamOpened(header), &actions)
    }

    mutating func derived(_ keys: DerivedKeys, _ actions: inout [Action]) {
        guard case .connecting = life else { return }
        follow(negotiation.derived(keys, into: &output), &actions)
    }

    mutating func take(_ element: Element, _ actions: inout [Action]) {
        switch life {
        case .online: takeOnline(element, &actions)
        case .connecting:
            if element.isNamed("error", NS.stream) { return streamError(element, &actions) }
            follow(negotiation.element(element, into: &output), &actions)
        // What comes behind our goodbye is not acknowledged, so the server keeps it for the next session.
        case .idle, .waiting, .leaving, .ended: return
        }
    }

    /// Carries out what the negotiation has come to.
    private mutating func follow(_ progress: Negotiation.Progress, _ actions: inout [Action]) {
        switch progress {
        case .wait(let more): actions += more
        case .stanza(let stanza): receive(stanza, &actions)
        case .bound(let jid): beginFresh(jid, &actions)
        case .enabling(let jid):
            if let jid { beginFresh(jid, &actions) }
            queue.beginManaged()
        case .resumptionRefused(let h):
            isVouchedFor = h.map { queue.acknowledge($0) } ?? false
            resumable = nil
        case .resumed(let h): resumed(h: h, &actions)
        case .asked: StreamManagement.writeAnswer(h: inbound.answer(), into: &output)
        case .verified(let h): verified(h: h, &actions)
        case .ready(let jid, let managed, let session):
            if let jid { beginFresh(jid, &actions) }
            if managed { inbound.beginManaged() } else { queue.endManaged() }
            resumable = session
            if let session, let jid = boundTo {
                resumable?.saved = SavedStream(session, jid: jid, configuration)
            }
            freshOnline(&actions)
        case .lost(let loss):
            switch negotiation.state {
            case .expectConnection, .expectTLS: lose(loss, .abort, &actions)
            case .expectStreamHeader, .expectFeatures, .expectProceed, .expectKeys, .expectChallenge, .expectResumed,
                .expectAnswer,
                .expectBound, .expectSession, .expectEnabled, .done:
                lose(loss, .close, &actions)
            }
        }
    }

    // MARK: - Losses

    mutating func streamError(_ element: Element, _ actions: inout [Action]) {
        let loss = Loss(
            streamError: element, peer: peerName, account: configuration.account,
            resource: boundTo?.resource ?? configuration.resource)
        let mayBeOurs = suspectRows(loss.condition ?? "", loss.reason, &actions)
        // Resumed, the server would get all that was on its way at once again; and what it says to a resumption it would
        // say again, unless it sends us elsewhere with it.
        var isAboutResumption = negotiation.state == .expectResumed
        if case .elsewhere = loss.verdict { isAboutResumption = false }
        lose(loss, .close, keepsSession: !mayBeOurs && !isAboutResumption, &actions)
    }

    mutating func streamClosed(_ actions: inout [Action]) {
        switch life {
        case .connecting:
            lose(Loss(.transient, "\(peerName) closed the stream while \(phase)"), .close, &actions)
        case .online: lose(Loss(.transient, "\(peerName) closed the stream"), .close, &actions)
        case .leaving:
            actions.append(.closeConnection)
            end(.left, &actions)
        case .idle, .waiting, .ended: return
        }
    }

    mutating func disconnected(_ failure: TransportFailure, _ actions: inout [Action]) {
        switch life {
        case .connecting, .online:
            if case .malformed(let condition, _) = failure { writeStreamError(condition) }
            let during = isOnline ? nil : phase
            let loss = Loss(failure, peer: peerName, phase: during)
            if case .malformed = failure { lose(loss, .close, &actions) } else { lose(loss, .gone, &actions) }
        case .leaving: end(.left, &actions)
        case .idle, .waiting, .ended: return
        }
    }

    private mutating func writeStreamError(_ condition: String) {
        let isName = condition.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x2D }
        output.raw("<stream:error><")
        output.raw((isName && !condition.isEmpty ? condition : "undefined-condition").utf8)
        output.attribute("xmlns", NS.streams)
        output.raw("/></stream:error>")
    }

    /// The stream, or the attempt at one, is lost: what comes next is decided here and nowhere else.
    mutating func lose(_ loss: Loss, _ farewell: Farewell, keepsSession: Bool = true, _ actions: inout [Action]) {
        let wasOnline = forgetStream(farewell, keepsSession: keepsSession, &actions)
        switch loss.verdict {
        case .credentials: return giveUp(.refused(loss.reason), wasOnline, &actions)
        case .conflict:
            // One at the most, so that two real clients do not fight.
            guard let until = ghostUntil, now < until else {
                return giveUp(.conflict(loss.reason), wasOnline, &actions)
            }
            ghostUntil = nil
        case .occupied:
            if !hasBeenOnline && !isHeir { return giveUp(.conflict(loss.reason), wasOnline, &actions) }
        case .elsewhere(let location):
            redirects += 1
            if redirects <= Self.redirectsMax {
                if wasOnline { actions.append(.event(.offline(reason: loss.reason, retryIn: .zero))) }
                return connect(.location(host: location.host, port: location.port), &actions)
            }
        case .protocolFault, .transient: break
        }
        if !wasOnline, case .location = target {
            // XEP-0198 5: where the hint leads nowhere, the usual way is gone, at once.
            return connect(.account, &actions)
        }
        if loss.verdict == .protocolFault && !hasBeenOnline {
            return giveUp(.protocolFailure(loss.reason), wasOnline, &actions)
        }
        guard let wait = retry.wait(at: now, chance: chance()) else {
            return giveUp(.unreachable(loss.reason), wasOnline, &actions)
        }
        redirects = 0
        life = .waiting(until: now + wait, reason: loss.reason)
        actions.append(.event(.offline(reason: loss.reason, retryIn: wait)))
    }

    /// Lets the connection go, and keeps what outlives it.
    private mutating func forgetStream(
        _ farewell: Farewell, keepsSession: Bool, _ actions: inout [Action]
    ) -> Bool {
        switch farewell {
        case .gone: output = XMLWriter()
        case .abort:
            output = XMLWriter()
            actions.append(.abortConnection)
        case .close:
            if negotiation.state != .expectConnection { output.raw("</stream:stream>") }
            actions.append(.closeConnection)
        }
        noteGhost(farewell)
        var wasOnline = false
        rooms.wentOffline()
        if case .online(let since) = life {
            wasOnline = true
            retry.wentOffline(onlineSince: since, at: now)
            resumable?.lostAt = now
            nextTarget = resumptionTarget
        }
        if !keepsSession {
            resumable = nil
        } else if negotiation.state == .expectAnswer {
            // Resumed, but not read: another resumption would be no better. What the server handled it has just said.
            resumable = nil
            isVouchedFor = true
        }
        keyCache = negotiation.keyCache
        isBlocked = true
        return wasOnline
    }

    /// XEP-0198 5: where the server wants us to come back.
    private var resumptionTarget: ConnectTarget {
        guard let location = resumable?.location else { return .account }
        return .location(host: location.host, port: location.port)
    }

    /// An attempt that is given up while its order to bind or to resume is on its way may still be heard: what waits in a
    /// closed socket is sent for a while.
    private mutating func noteGhost(_ farewell: Farewell) {
        guard case .connecting = life else { return }
        switch farewell {
        case .close: return
        case .gone, .abort: break
        }
        switch negotiation.state {
        case .expectResumed, .expectBound: ghostUntil = now + Self.ghostLife
        case .expectConnection, .expectStreamHeader, .expectFeatures, .expectProceed, .expectTLS, .expectKeys,
            .expectChallenge, .expectAnswer, .expectSession, .expectEnabled, .done:
            return
        }
    }

    private func chance() -> UInt16 {
        random(2).reduce(0) { $0 << 8 | UInt16($1) }
    }

    // MARK: - The end

    private mutating func giveUp(_ ending: Ending, _ wasOnline: Bool, _ actions: inout [Action]) {
        if wasOnline { actions.append(.event(.offline(reason: ending.reason, retryIn: nil))) }
        end(ending, &actions)
    }

    private mutating func end(_ ending: Ending, _ actions: inout [Action]) {
        switch (ending, life) {
        case (.left, .leaving), (.conflict, _): resumable = nil
        // Nobody has ended it at the server: the next process may resume it.
        case (.left, _), (.refused, _), (.protocolFailure, _), (.unreachable, _): break
        }
        life = .ended
        keepStream(&actions)
        dropQuestions(ending == .left ? .ending : .streamLost, &actions)
        actions.append(.ended(ending))
    }

    mutating func leave(_ actions: inout [Action]) {
        switch life {
        case .idle, .waiting: end(.left, &actions)
        case .connecting:
            output = XMLWriter()
            actions.append(.abortConnection)
            end(.left, &actions)
        case .online:
            if queue.isManaged { StreamManagement.writeAnswer(h: inbound.answer(), into: &output) }
            rooms.leaveAll(at: now)
            followRooms(&actions)
            if presenceSent { PresenceStanza.writeUnavailable(into: &output) }
            output.raw("</stream:stream>")
            life = .leaving(until: now + configuration.limits.leaveTimeout)
            // What comes behind our goodbye is not heard.
            dropQuestions(.ending, &actions)
        case .leaving, .ended: return
        }
    }

    // MARK: - Time

    mutating func expire(_ actions: inout [Action]) {
        switch life {
        case .idle, .ended: return
        case .connecting(let deadline):
            guard deadline <= now else { return }
            let words =
                negotiation.state == .expectConnection
                ? "\(targetName): no connection in time" : "\(peerName) did not answer: \(phase)"
            // Prosody 0.12 is silent where a count cannot be.
            if negotiation.state == .expectResumed { resumable?.unanswered += 1 }
            let keepsSession = (resumable?.unanswered ?? 0) < ResumableSession.unansweredMax
            lose(Loss(.transient, words), .abort, keepsSession: keepsSession, &actions)
        case .online: expireOnline(&actions)
        case .waiting(let until, let reason):
            guard until <= now else { return }
            if let end = retry.end, end <= now {
                return self.end(.unreachable(reason), &actions)
            }
            let target = nextTarget
            nextTarget = .account
            connect(target, &actions)
        case .leaving(let until):
            guard until <= now else { return }
            actions.append(.abortConnection)
            end(.left, &actions)
        }
    }

    private var targetName: String {
        switch target {
        case .account: configuration.account.domain
        case .location(let host, let port): PeerName(host: host, port: port ?? 5222, isLoopback: false).description
        }
    }
}

extension Ending {
    var reason: String {
        switch self {
        case .left: "left"
        case .refused(let words), .protocolFailure(let words), .conflict(let words), .unreachable(let words): words
        }
    }
}

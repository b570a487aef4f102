import Stanza

/// From a fresh connection to a bound or resumed stream (RFC 6120 4.3): one attempt.
struct Negotiation: Sendable {
    /// What protects the stream that is being opened.
    enum Layer: Equatable, Sendable {
        /// TCP in clear.
        case clear
        /// TLS, or clear where the user allows it; not authenticated.
        case anonymous
        /// Authenticated.
        case authenticated
    }

    /// Named for what is awaited.
    enum State: Equatable, Sendable {
        /// The driver's connection. → ExpectStreamHeader
        case expectConnection
        /// The peer's stream header. → ExpectFeatures
        case expectStreamHeader(Layer)
        /// `<stream:features/>`. → ExpectProceed, ExpectKeys, ExpectChallenge, ExpectResumed, ExpectBound
        case expectFeatures(Layer)
        /// `<proceed/>` or `<failure/>` (RFC 6120 5.4.2). → ExpectTLS
        case expectProceed
        /// The driver's TLS handshake. → ExpectStreamHeader
        case expectTLS
        /// The driver's key derivation. → ExpectChallenge
        case expectKeys
        /// `<challenge/>`, `<success/>` or `<failure/>` (RFC 6120 6.4). → ExpectChallenge, ExpectKeys,
        /// ExpectStreamHeader
        case expectChallenge
        /// `<resumed/>` or `<failed/>` (XEP-0198 5). → ExpectAnswer, ExpectBound
        case expectResumed
        /// The first `<a/>` of the resumed stream: Prosody 0.12 goes on parsing where the lost connection stopped, so
        /// that half a stanza can swallow all that comes; nothing is sent again before the stream is seen to be read.
        /// → Done
        case expectAnswer
        /// The result of bind (RFC 6120 7.6). → ExpectSession, ExpectEnabled, Done
        case expectBound(id: String)
        /// The result of the legacy session (RFC 3921 3). → ExpectEnabled, Done
        case expectSession(id: String)
        /// `<enabled/>` or `<failed/>` (XEP-0198 3). → Done
        case expectEnabled
        /// Nothing more: the stream is ready.
        case done
    }

    /// What an input has led to.
    enum Progress: Sendable {
        /// On the way: carry this out.
        case wait([Action])
        /// The stanza is for the session: it came between bind and the end of the negotiation.
        case stanza(Element)
        /// The resource is bound: the session is a new one.
        case bound(JID)
        /// `<enable/>` is written: our stanzas count from here.
        case enabling(JID?)
        /// The old session goes on; the server's count of our stanzas.
        case resumed(h: UInt32)
        /// The server asks for our count on the resumed stream.
        case asked
        /// The resumed stream is read; the server's count of our stanzas.
        case verified(h: UInt32)
        /// There is no old session; what the server says it handled of it. Bind is written.
        case resumptionRefused(h: UInt32?)
        /// All is done, with the session that stream management grants (nil: none, or none to resume).
        case ready(JID?, managed: Bool, ResumableSession?)
        /// It cannot go on.
        case lost(Loss)
    }

    let configuration: Configuration
    /// The session to resume, with our count of the server's stanzas.
    let resumption: (id: String, h: UInt32)?
    /// The prefix of the ids of our iqs.
    let idPrefix: String
    /// Keys of an earlier login; of this one, once the server has proven itself.
    private(set) var keyCache: SCRAMKeyCache?
    let random: @Sendable (Int) -> [UInt8]

    var state = State.expectConnection
    private(set) var peer: PeerName?
    private var tls: TLSFacts?
    var exchange: SASLExchange?
    /// What the server offered last.
    private(set) var features: StreamFeatures?

    init(
        _ configuration: Configuration, resumption: (id: String, h: UInt32)?, idPrefix: String,
        keyCache: SCRAMKeyCache?, random: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.configuration = configuration
        self.resumption = resumption
        self.idPrefix = idPrefix
        self.keyCache = keyCache
        self.random = random
    }

    /// The peer's name, or the domain where no connection stands yet.
    var peerName: String { peer?.description ?? configuration.account.domain }

    // MARK: - The driver's words

    mutating func connected(_ transport: Transport, into output: inout XMLWriter) -> Progress {
        guard state == .expectConnection else { return .wait([]) }
        switch transport {
        case .plain(let peer):
            self.peer = peer
            openStream(.clear, into: &output)
        case .tls(let facts, let peer):
            self.peer = peer
            tls = facts
            openStream(.anonymous, into: &output)
        }
        return .wait([])
    }

    mutating func secured(_ facts: TLSFacts, into output: inout XMLWriter) -> Progress {
        guard state == .expectTLS else { return .wait([]) }
        tls = facts
        openStream(.anonymous, into: &output)
        return .wait([.restartStream])
    }

    mutating func streamOpened(_ header: StreamHeader) -> Progress {
        guard case .expectStreamHeader(let layer) = state else { return .wait([]) }
        // RFC 6120 4.7.5: without a version there will be no features to wait for.
        guard let major = header.version?.split(separator: ".").first.flatMap({ Int($0) }), major >= 1 else {
            return .lost(Loss(.protocolFault, "\(peerName) does not speak XMPP 1.0"))
        }
        state = .expectFeatures(layer)
        return .wait([])
    }

    // MARK: - The peer's elements

    mutating func element(_ element: Element, into output: inout XMLWriter) -> Progress {
        switch state {
        case .expectFeatures(let layer):
            guard element.isNamed("features", NS.stream) else { return unexpected(element) }
            return take(StreamFeatures(element), layer, into: &output)
        case .expectProceed:
            if element.isNamed("proceed", NS.tls) {
                state = .expectTLS
                return .wait([.startTLS])
            }
            guard element.hasNamespace(NS.tls) else { return unexpected(element) }
            return .lost(Loss(.protocolFault, "\(peerName) refuses STARTTLS, and nothing is sent without TLS"))
        case .expectChallenge: return authenticationAnswer(element, into: &output)
        case .expectResumed: return resumptionAnswer(element, into: &output)
        case .expectAnswer: return verification(element)
        case .expectBound(let id): return bindAnswer(element, id: id, into: &output)
        case .expectSession(let id): return sessionAnswer(element, id: id, into: &output)
        case .expectEnabled: return enableAnswer(element)
        case .expectConnection, .expectStreamHeader, .expectTLS, .expectKeys, .done: return unexpected(element)
        }
    }

    func unexpected(_ element: Element) -> Progress {
        let name = SASLFailure.printable(element.name)
        return .lost(Loss(.protocolFault, "\(peerName) sent <\(name)/> while \(state)"))
    }

    /// RFC 6120 5: TLS before anything else, whatever is announced in clear.
    private mutating func take(
        _ offered: StreamFeatures, _ layer: Layer, into output: inout XMLWriter
    ) -> Progress {
        features = offered
        switch layer {
        case .clear:
            if configuration.security == .plaintextAllowed && peer?.isLoopback == true && !offered.startTLS {
                return authenticate(offered, into: &output)
            }
            // Where STARTTLS is not advertised somebody may have taken it out of the features: ask all the same.
            output.empty("starttls", NS.tls)
            state = .expectProceed
            return .wait([])
        case .anonymous:
            return authenticate(offered, into: &output)
        case .authenticated:
            if let resumption, offered.streamManagement {
                StreamManagement.writeResume(id: resumption.id, h: resumption.h, into: &output)
                state = .expectResumed
                return .wait([])
            }
            return bind(into: &output)
        }
    }

    // MARK: - Streams

    mutating func openStream(_ layer: Layer, into output: inout XMLWriter) {
        output.raw("<?xml version='1.0'?><stream:stream")
        output.attribute("to", configuration.account.domain)
        // RFC 6120 4.7.1: who we are is said only where nobody else hears it.
        if tls != nil && configuration.account.local != nil {
            output.attribute("from", configuration.account.bare.text)
        }
        output.raw(" version='1.0' xml:lang='en'")
        output.attribute("xmlns", NS.client)
        output.attribute("xmlns:stream", NS.stream)
        output.content()
        state = .expectStreamHeader(layer)
    }

    // MARK: - SASL (RFC 6120 6)

    private mutating func authenticate(_ offered: StreamFeatures, into output: inout XMLWriter) -> Progress {
        let inClear = tls == nil
        let choice = SASLExchange.select(
            offered: offered.mechanisms, credentials: configuration.credentials, account: configuration.account,
            tls: tls, bindingTypes: offered.bindingTypes, cachedKeys: keyCache,
            plaintextAllowed: inClear && configuration.security == .plaintextAllowed && peer?.isLoopback == true)
        switch choice {
        case .failure(let failure): return .lost(loss(failure))
        case .success(let chosen):
            exchange = chosen
            let step = exchange?.begin(nonce: random(SASLExchange.nonceBytes))
            return step.map { carryOut($0, isFirst: true, into: &output) } ?? .wait([])
        }
    }

    mutating func derived(_ keys: DerivedKeys, into output: inout XMLWriter) -> Progress {
        guard state == .expectKeys, let step = exchange?.derived(keys) else { return .wait([]) }
        return carryOut(step, isFirst: false, into: &output)
    }

    private mutating func carryOut(
        _ step: SASLExchange.Step, isFirst: Bool, into output: inout XMLWriter
    ) -> Progress {
        switch step {
        case .failed(let failure): return .lost(loss(failure))
        case .derive(let derivation):
            state = .expectKeys
            return .wait([.derive(derivation)])
        case .respond(let data):
            state = .expectChallenge
            output.start(isFirst ? "auth" : "response", NS.sasl)
            if isFirst, let mechanism = exchange?.mechanism { output.attribute("mechanism", mechanism) }
            let text = isFirst || data?.isEmpty == false ? SASLExchange.text(data) : nil
            if let text {
                output.content()
                output.text(text)
                output.end(isFirst ? "auth" : "response")
            } else {
                output.endEmpty()
            }
            return .wait([])
        }
    }

    private mutating func authenticationAnswer(_ element: Element, into output: inout XMLWriter) -> Progress {
        guard element.hasNamespace(NS.sasl), var running = exchange else { return unexpected(element) }
        if element.hasName("challenge") {
            let step = running.challenge(text: element.text)
            exchange = running
            return carryOut(step, isFirst: false, into: &output)
        }
        if element.hasName("failure") {
            return .lost(loss(SASLFailure(refusal: element)))
        }
        guard element.hasName("success") else { return unexpected(element) }
        if let failure = running.success(text: element.text) { return .lost(loss(failure)) }
        exchange = running
        keyCache = running.keyCache ?? keyCache
        openStream(.authenticated, into: &output)
        return .wait([.restartStream])
    }
}

extension Negotiation {
    /// A failed login, with whose login it was and where.
    private func loss(_ failure: SASLFailure) -> Loss {
        let verdict: Loss.Verdict =
            switch failure.disposition {
            case .credentials: .credentials
            case .protocolFault: .protocolFault
            case .temporary: .transient
            }
        return Loss(verdict, "\(configuration.account) at \(peerName): \(failure)")
    }
}

extension Negotiation.State: CustomStringConvertible {
    /// What is going on, for a person: "waiting for ...".
    var description: String {
        switch self {
        case .expectConnection: "connecting"
        case .expectStreamHeader(.clear): "waiting for the stream header"
        case .expectStreamHeader(.anonymous): "waiting for the stream header inside TLS"
        case .expectStreamHeader(.authenticated): "waiting for the stream header after authentication"
        case .expectFeatures(.authenticated): "waiting for stream features after authentication"
        case .expectFeatures(.clear), .expectFeatures(.anonymous): "waiting for stream features"
        case .expectProceed: "waiting for the answer to STARTTLS"
        case .expectTLS: "waiting for the TLS handshake"
        case .expectKeys: "deriving keys from the password"
        case .expectChallenge: "waiting for the answer to authentication"
        case .expectResumed: "waiting for the answer to resumption"
        case .expectAnswer: "waiting for a sign that the resumed stream is read"
        case .expectBound: "waiting for the resource to be bound"
        case .expectSession: "waiting for the session to be established"
        case .expectEnabled: "waiting for the answer to stream management"
        case .done: "online"
        }
    }
}

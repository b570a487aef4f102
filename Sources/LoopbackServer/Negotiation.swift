import Digest
import Stanza

extension LoopbackServer {
    /// The client's stream header (RFC 6120 4.7): ours and the features follow.
    mutating func streamOpened(_ id: ConnectionID, _ header: Element) {
        guard case .expectHeader(let account) = connections[id]?.stage else {
            fail(id, "bad-format")
            return
        }
        guard strike(.header, on: id) else { return }
        if configuration.profile == .plain { connections[id]?.streamID = nil }
        writeHeader(id)
        if let condition = fault(of: header) {
            fail(id, condition)
            return
        }
        strikeAfter(.header, on: id)
        guard isAlive(id) else { return }
        connections[id]?.stage = account.map { .expectBind(account: $0) } ?? .expectAuthentication
        if strike(.features, on: id) { writeFeatures(id, isAuthenticated: account != nil) }
        strikeAfter(.features, on: id)
    }

    /// The stream error a header deserves; nil for a good one.
    private func fault(of header: Element) -> String? {
        guard header.hasNamespace(NS.stream) else { return "invalid-namespace" }
        guard header.hasName("stream") else { return "bad-format" }
        guard header["version"]?.hasPrefix("1.") == true else { return "unsupported-version" }
        guard configuration.profile == .plain, let to = header["to"] else { return nil }
        return (try? JID(to)) == configuration.domain ? nil : "host-unknown"
    }

    mutating func writeHeader(_ id: ConnectionID) {
        let streamID = connections[id]?.streamID ?? Hash.sha256.name(of: random(8))
        connections[id]?.streamID = streamID
        connections[id]?.isHeaderWritten = true
        let domain = configuration.domain.text
        write(id) {
            $0.raw("<?xml version='1.0'?><stream:stream xmlns='jabber:client'")
            $0.attribute("xmlns:stream", NS.stream)
            $0.attribute("from", domain)
            $0.attribute("id", streamID)
            $0.raw(" version='1.0' xml:lang='en'>")
        }
    }

    private mutating func writeFeatures(_ id: ConnectionID, isAuthenticated: Bool) {
        let configuration = configuration
        let isSecure = connections[id]?.isSecure ?? false
        write(id) { writer in
            writer.raw("<stream:features>")
            if isAuthenticated {
                configuration.writeSessionFeatures(to: &writer)
            } else {
                configuration.writeLoginFeatures(to: &writer, isSecure: isSecure)
            }
            writer.raw("</stream:features>")
        }
    }

    /// An element before the session: TLS (RFC 6120 5) or SASL (RFC 6120 6).
    mutating func receivedBeforeLogin(_ element: Element, on id: ConnectionID) {
        if element.isNamed("starttls", NS.tls) {
            startTLS(id)
        } else if element.isNamed("auth", NS.sasl) {
            authenticate(element, on: id)
        } else if element.isNamed("abort", NS.sasl) {
            refuseAuthentication(id, account: "", "aborted")
        } else {
            fail(id, element.hasNamespace(NS.client) ? "not-authorized" : "unsupported-stanza-type")
        }
    }

    private mutating func startTLS(_ id: ConnectionID) {
        guard strike(.starttls, on: id) else { return }
        guard configuration.offersSTARTTLS, connections[id]?.isSecure == false else {
            refuseTLS(id)
            return
        }
        if strike(.proceed, on: id) {
            write(id) { $0.empty("proceed", NS.tls) }
        } else if !isAlive(id) {
            return
        }
        strikeAfter(.proceed, on: id)
        guard isAlive(id) else { return }
        flush(id)
        connections[id]?.stage = .expectHandshake
        emit(.startTLS(id), on: id)
        emit(.restartStream(id), on: id)
        connections[id]?.isHeaderWritten = false
        strikeAfter(.starttls, on: id)
    }

    /// RFC 6120 5.4.2.2: the failure ends the stream.
    mutating func refuseTLS(_ id: ConnectionID) {
        write(id) { $0.empty("failure", NS.tls) }
        close(id)
    }

    mutating func handshakeEnded(_ id: ConnectionID) {
        guard case .expectHandshake = connections[id]?.stage, strike(.secured, on: id) else { return }
        connections[id]?.isSecure = true
        connections[id]?.stage = .expectHeader(account: nil)
        strikeAfter(.secured, on: id)
    }
}

extension LoopbackServer.Configuration {
    fileprivate func writeLoginFeatures(to writer: inout XMLWriter, isSecure: Bool) {
        let mayAuthenticate = isSecure || !requiresTLS
        if !isSecure && offersSTARTTLS && advertisesSTARTTLS {
            writer.start("starttls", NS.tls)
            if requiresTLS && profile == .plain {
                writer.content()
                writer.raw("<required/></starttls>")
            } else {
                writer.endEmpty()
            }
        }
        switch profile {
        case .plain:
            if mayAuthenticate { writeMechanisms(to: &writer) }
            writeLimits(to: &writer)
        case .openfire:
            // It names its mechanisms in clear, whether or not they may be used there.
            writeLimits(to: &writer)
            writeMechanisms(to: &writer)
            writeCompression(to: &writer)
            writer.empty("ver", NS.rosterVersioning)
            writer.empty("register", "http://jabber.org/features/iq-register")
        }
    }

    fileprivate func writeSessionFeatures(to writer: inout XMLWriter) {
        if profile == .openfire {
            writeCompression(to: &writer)
            writer.empty("ver", NS.rosterVersioning)
        }
        writer.empty("bind", NS.bind)
        writer.start("session", NS.session)
        writer.content()
        writer.raw("<optional/></session>")
        if streamManagement {
            if profile == .openfire { writer.empty("sm", "urn:xmpp:sm:2") }
            writer.empty("sm", NS.streamManagement)
        }
        switch profile {
        case .plain:
            writer.empty("ver", NS.rosterVersioning)
            if advertisesPreApproval { writer.empty("sub", ServerNS.preApproval) }
            writeLimits(to: &writer)
        case .openfire: writer.empty("csi", "urn:xmpp:csi:0")
        }
    }

    private func writeMechanisms(to writer: inout XMLWriter) {
        writer.start("mechanisms", NS.sasl)
        writer.content()
        for mechanism in saslMechanisms { writer.element("mechanism", text: mechanism.rawValue) }
        writer.end("mechanisms")
    }

    private func writeLimits(to writer: inout XMLWriter) {
        guard let stanzaBytesMax else { return }
        writer.start("limits", NS.limits)
        writer.content()
        writer.element("max-bytes", text: String(stanzaBytesMax))
        writer.end("limits")
    }

    private func writeCompression(to writer: inout XMLWriter) {
        writer.start("compression", "http://jabber.org/features/compress")
        writer.content()
        writer.element("method", text: "zlib")
        writer.end("compression")
    }
}

extension Hash {
    /// A short name that shows nothing of the random bytes behind it.
    func name(of bytes: [UInt8]) -> String {
        Hex.encode(Array(digest(bytes).prefix(8)))
    }
}

import Stanza

/// What a server offers on a stream (RFC 6120 4.3.2), as far as we act on it.
struct StreamFeatures: Equatable, Sendable {
    /// The legacy session (RFC 3921 3): done only where a server insists.
    enum LegacySession: Equatable, Sendable {
        case absent, optional, required
    }

    var startTLS = false
    /// SASL mechanisms, in the server's order.
    var mechanisms: [String] = []
    /// XEP-0440; nil where the server does not say.
    var bindingTypes: [String]?
    var bind = false
    var session = LegacySession.absent
    /// XEP-0198 in the version we speak.
    var streamManagement = false
    var rosterVersioning = false
    /// XEP-0478: the largest stanza it takes.
    var stanzaBytesMax: Int?
    /// XEP-0478: the silence after which it ends the stream.
    var idleSeconds: Int?

    init(_ element: Element) {
        for feature in element.children {
            if feature.isNamed("starttls", NS.tls) {
                startTLS = true
            } else if feature.isNamed("mechanisms", NS.sasl) {
                mechanisms = feature.children.compactMap { $0.isNamed("mechanism", NS.sasl) ? $0.text : nil }
            } else if feature.isNamed("sasl-channel-binding", NS.channelBinding) {
                bindingTypes = feature.children.compactMap {
                    $0.isNamed("channel-binding", NS.channelBinding) ? $0["type"] : nil
                }
            } else if feature.isNamed("bind", NS.bind) {
                bind = true
            } else if feature.isNamed("session", NS.session) {
                session = feature.child("optional", NS.session) == nil ? .required : .optional
            } else if feature.isNamed("sm", NS.streamManagement) {
                streamManagement = true
            } else if feature.isNamed("ver", NS.rosterVersioning) {
                rosterVersioning = true
            } else if feature.isNamed("limits", NS.limits) {
                stanzaBytesMax = Self.number(feature.child("max-bytes", NS.limits))
                idleSeconds = Self.number(feature.child("idle-seconds", NS.limits))
            }
        }
    }

    private static func number(_ element: Element?) -> Int? {
        element.flatMap { UInt32($0.text) }.flatMap { $0 > 0 ? Int($0) : nil }
    }
}

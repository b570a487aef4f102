import Digest
import Stanza

/// What we say we are and can do (XEP-0030, XEP-0115, XEP-0092).
struct Capabilities: Sendable {
    /// An identity of XEP-0030 3.1.
    struct Identity: Sendable {
        var category: String
        var type: String
        var language = ""
        var name: String
    }

    let software: Configuration.Software
    let identities: [Identity]
    let features: [String]
    /// The verification string of XEP-0115 5.
    let version: String

    init(_ software: Configuration.Software, receipts: Configuration.Receipts = .contacts) {
        self.software = software
        identities = [Identity(category: "client", type: "bot", name: software.name)]
        let always = [
            NS.discoInfo, NS.discoItems, NS.caps, NS.ping, NS.version, NS.delay, NS.encryption, NS.muc,
            NS.conference,
        ]
        features = (receipts == .never ? always : always + [NS.receipts]).map(\.description)
        version = Self.hash(identities: identities, features: features)
    }

    /// XEP-0115 5.1, without forms, which we have none of.
    static func hash(identities: [Identity], features: [String]) -> String {
        var text: [UInt8] = []
        let sorted = identities.map { [$0.category, $0.type, $0.language, $0.name] }
            .sorted { $0.lexicographicallyPrecedes($1) { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
        for parts in sorted {
            text += Array(parts.joined(separator: "/").utf8)
            text.append(UInt8(ascii: "<"))
        }
        for feature in features.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            text += Array(feature.utf8)
            text.append(UInt8(ascii: "<"))
        }
        return Base64.encode(Hash.sha1.digest(text))
    }

    /// The `<c/>` of our presence.
    func write(into writer: inout XMLWriter) {
        writer.start("c", NS.caps)
        writer.attribute("hash", "sha-1" as StaticString)
        writer.attribute("node", software.node)
        writer.attribute("ver", version)
        writer.endEmpty()
    }

    /// The payload of the answer to disco#info; nil where the node asked for is not one of ours.
    func info(node: String?) -> [UInt8]? {
        if let node, node != "\(software.node)#\(version)" { return nil }
        var writer = XMLWriter(capacity: 512)
        writer.start("query", NS.discoInfo)
        writer.attribute("node", ifPresent: node)
        writer.content()
        for identity in identities {
            writer.start("identity")
            writer.attribute("category", identity.category)
            writer.attribute("type", identity.type)
            writer.attribute("name", identity.name)
            writer.endEmpty()
        }
        for feature in features {
            writer.start("feature")
            writer.attribute("var", feature)
            writer.endEmpty()
        }
        writer.end("query")
        return writer.bytes
    }

    /// The payload of the answer to disco#items: we have none.
    func items() -> [UInt8] {
        var writer = XMLWriter()
        writer.empty("query", NS.discoItems)
        return writer.bytes
    }

    /// The payload of the answer to jabber:iq:version; the operating system is nobody's business.
    func versionAnswer() -> [UInt8] {
        var writer = XMLWriter(capacity: 128)
        writer.start("query", NS.version)
        writer.content()
        writer.element("name", text: software.name)
        writer.element("version", text: software.version)
        writer.end("query")
        return writer.bytes
    }
}

/// An XMPP address, prepared by RFC 7622: a `JID` in hand is valid.
public struct JID: Hashable, Sendable {
    /// The address, prepared, as `local@domain/resource`.
    public let text: String
    private let localEnd: Int
    private let domainEnd: Int

    /// Why a text is no JID.
    public enum Failure: Error, Equatable, Sendable {
        /// Nothing stands where the domain belongs.
        case emptyDomain
    }

    /// Parses and prepares an address.
    /// - Throws: ``Failure`` that names the part and the rule of RFC 7622 it breaks.
    public init(_ text: String) throws(Failure) {
        let slash = text.firstIndex(of: "/")
        let bare = text[..<(slash ?? text.endIndex)]
        let at = bare.firstIndex(of: "@")
        let domain = at.map { bare[bare.index(after: $0)...] } ?? bare
        if domain.isEmpty { throw .emptyDomain }
        self.text = text
        localEnd = at.map { text.utf8.distance(from: text.startIndex, to: $0) } ?? 0
        domainEnd = text.utf8.distance(from: text.startIndex, to: slash ?? text.endIndex)
    }

    /// The part before `@`.
    public var local: String? { localEnd == 0 ? nil : slice(0, localEnd) }
    /// The domain: never empty, in U-label form.
    public var domain: String { slice(localEnd == 0 ? 0 : localEnd + 1, domainEnd) }
    /// The part behind the first `/`.
    public var resource: String? { domainEnd == text.utf8.count ? nil : slice(domainEnd + 1, text.utf8.count) }
    /// Whether there is no resource.
    public var isBare: Bool { domainEnd == text.utf8.count }
    /// The same address without its resource.
    public var bare: JID { JID(prepared: slice(0, domainEnd), localEnd: localEnd, domainEnd: domainEnd) }
    /// The domain alone, as the address of a server.
    public var server: JID { JID(prepared: domain, localEnd: 0, domainEnd: domain.utf8.count) }

    /// The same bare address with that resource, prepared.
    public func with(resource: String) throws(Failure) -> JID { try JID(bare.text + "/" + resource) }

    private init(prepared text: String, localEnd: Int, domainEnd: Int) {
        self.text = text
        self.localEnd = localEnd
        self.domainEnd = domainEnd
    }

    private func slice(_ from: Int, _ to: Int) -> String { String(decoding: Array(text.utf8)[from..<to], as: UTF8.self) }
}

extension JID: CustomStringConvertible {
    public var description: String { text }
}

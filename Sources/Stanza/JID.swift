/// An XMPP address, prepared by RFC 7622: a `JID` in hand is valid, and equal addresses have equal ``text``.
public struct JID: Sendable {
    /// The longest a part may be once it is prepared, in bytes of UTF-8 (RFC 7622 3.1).
    public static let partBytesMax = 1023

    /// The address, prepared, as `local@domain/resource`.
    public let text: String
    /// How many bytes of ``text`` are the local part; 0 where there is none.
    private let localEnd: UInt16
    /// Where in ``text`` the domain ends, in bytes.
    private let domainEnd: UInt16

    /// Parses and prepares an address; plain ASCII that needs no preparation costs one pass over its bytes.
    /// - Throws: ``Failure`` that names the part and the rule of RFC 7622 it breaks.
    public init(_ text: String) throws(Failure) {
        var text = text
        if let ends = text.withUTF8(PlainAddress.ends) {
            self.init(prepared: text, localEnd: ends.local, domainEnd: ends.domain)
        } else {
            try self.init(preparing: text)
        }
    }

    /// The part before `@`.
    public var local: String? { localEnd == 0 ? nil : slice(0, Int(localEnd)) }
    /// The domain: never empty, in U-label form; an address literal as it is.
    public var domain: String { slice(domainStart, Int(domainEnd)) }
    /// The part behind the first `/`.
    public var resource: String? { isBare ? nil : slice(Int(domainEnd) + 1, text.utf8.count) }
    /// Whether there is no resource.
    public var isBare: Bool { Int(domainEnd) == text.utf8.count }

    /// The same address without its resource.
    public var bare: JID {
        isBare ? self : JID(prepared: slice(0, Int(domainEnd)), localEnd: Int(localEnd), domainEnd: Int(domainEnd))
    }

    /// The domain alone, as the address of a server.
    public var server: JID { JID(prepared: domain, localEnd: 0, domainEnd: Int(domainEnd) - domainStart) }

    /// The domain as DNS and TLS want it: A-labels (RFC 5890 2.3.2.1) for a name; an address literal as it is.
    public var asciiDomain: String { DomainName.ascii(domain) }

    /// Whether the domain is an IPv4 address or an IPv6 address in brackets, and so no name to look up.
    public var domainIsAddress: Bool { DomainName.isAddress(domain) }

    /// The same bare address with that resource, prepared.
    /// - Throws: ``Failure/resource(_:value:of:)``.
    public func with(resource: String) throws(Failure) -> JID {
        let address = bare.text + "/" + resource
        let prepared = try Self.prepare(resource: resource, of: address)
        return JID(
            prepared: slice(0, Int(domainEnd)) + "/" + prepared, localEnd: Int(localEnd), domainEnd: Int(domainEnd))
    }

    private var domainStart: Int { localEnd == 0 ? 0 : Int(localEnd) + 1 }

    private init(prepared text: String, localEnd: Int, domainEnd: Int) {
        self.text = text
        // Each part has at most 1023 bytes, so both ends fit.
        self.localEnd = UInt16(localEnd)
        self.domainEnd = UInt16(domainEnd)
    }

    private func slice(_ from: Int, _ to: Int) -> String {
        let utf8 = text.utf8
        let start = utf8.index(utf8.startIndex, offsetBy: from)
        return String(text[start..<utf8.index(start, offsetBy: to - from)])
    }
}

extension JID: Hashable {
    /// The text alone decides: no prepared local part or domain holds "@" or "/", so it says where its parts are.
    public static func == (a: JID, b: JID) -> Bool { a.text == b.text }
    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension JID: CustomStringConvertible {
    /// The address, prepared.
    public var description: String { text }
}

// MARK: - Preparing

extension JID {
    /// RFC 7622 3.1: the resource begins behind the first "/", and only then the local part ends at the first "@".
    private init(preparing text: String) throws(Failure) {
        let utf8 = text.utf8
        let slash = utf8.firstIndex(of: UInt8(ascii: "/"))
        let bareEnd = slash ?? utf8.endIndex
        let at = utf8[..<bareEnd].firstIndex(of: UInt8(ascii: "@"))
        var result = ""
        var localEnd = 0
        if let at {
            result = try Self.prepare(local: String(text[..<at]), of: text)
            localEnd = result.utf8.count
            result += "@"
        }
        let domain = String(text[(at.map { utf8.index(after: $0) } ?? text.startIndex)..<bareEnd])
        do { result += try DomainName.prepare(domain) } catch { throw .domain(error, value: domain, of: text) }
        let domainEnd = result.utf8.count
        if let slash {
            result += "/" + (try Self.prepare(resource: String(text[utf8.index(after: slash)...]), of: text))
        }
        self.init(prepared: result, localEnd: localEnd, domainEnd: domainEnd)
    }

    private static func prepare(local: String, of text: String) throws(Failure) -> String {
        do {
            return try bounded(local) { part throws(Rule) in
                let isASCII = part.utf8.allSatisfy { $0 < 0x80 }
                let prepared = isASCII ? part.lowercased() : try PRECIS.usernameCaseMapped(part)
                for scalar in prepared.unicodeScalars where scalar.isASCII && !PlainAddress.isLocal(scalar) {
                    throw .forbidden(scalar)
                }
                return prepared
            }
        } catch { throw .local(error, value: local, of: text) }
    }

    private static func prepare(resource: String, of text: String) throws(Failure) -> String {
        do {
            return try bounded(resource) { part throws(Rule) in
                if part.utf8.allSatisfy(PlainAddress.isResource) { return part }
                return try PRECIS.opaqueString(part)
            }
        } catch { throw .resource(error, value: resource, of: text) }
    }

    /// What is prepared is measured after (RFC 7622 3.1), but first a bound on the work.
    private static func bounded(
        _ part: String, _ prepare: (String) throws(Rule) -> String
    ) throws(Rule) -> String {
        let count = part.utf8.count
        if count == 0 { throw .empty }
        if count > 4 * partBytesMax { throw .tooLong(bytes: count) }
        let prepared = try prepare(part)
        if prepared.utf8.isEmpty { throw .empty }
        if prepared.utf8.count > partBytesMax { throw .tooLong(bytes: prepared.utf8.count) }
        return prepared
    }
}

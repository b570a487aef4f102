import Stanza

/// What of a stream must outlive the process, so that the next one resumes it (XEP-0198 5). The count of what was handled
/// is kept apart, because it changes with every stanza: see ``ClientSession/handledCount(ifHandledUpTo:)``.
public struct SavedStream: Equatable, Sendable {
    /// The longest id that is kept (XEP-0198 5 wants none longer); a stream with a longer one ends with its process.
    public static let idBytesMax = 4_000

    /// The id to resume with.
    let id: String
    /// Where the server wants us to come back.
    let location: HostPort?
    /// How long the server keeps the session without a connection; nil where it does not say.
    let kept: Duration?
    /// Where it was bound.
    let jid: JID
    /// The resource that was asked for; the server may have bound another.
    let resource: String?
    /// Whether it has a presence and the roster's pushes: a run that only sends is not to get what was meant for one that
    /// listens.
    let isPresent: Bool

    /// What to keep of a session that the server would resume; nil where it cannot be kept.
    init?(_ session: ResumableSession, jid: JID, _ configuration: Configuration) {
        guard session.id.utf8.count <= Self.idBytesMax else { return nil }
        id = session.id
        location = session.location
        kept = session.kept
        self.jid = jid
        resource = configuration.resource
        isPresent = configuration.presence != nil
    }

    /// Whether a session with that configuration goes on where this one stopped.
    func fits(_ configuration: Configuration) -> Bool {
        jid.bare == configuration.account && resource == configuration.resource
            && isPresent == (configuration.presence != nil)
    }
}

// MARK: - Bytes

extension SavedStream {
    /// The form of ``bytes``; another one is not read.
    private static let version: UInt8 = 1

    private enum Flag {
        static let isPresent: UInt8 = 1
        static let hasResource: UInt8 = 2
        static let hasLocation: UInt8 = 4
        static let hasKept: UInt8 = 8
        static let all: UInt8 = 15
    }

    /// For the store: the version, flags, the time it is kept in seconds, then texts, each with its length before it.
    public var bytes: [UInt8] {
        var flags: UInt8 = isPresent ? Flag.isPresent : 0
        if resource != nil { flags |= Flag.hasResource }
        if location != nil { flags |= Flag.hasLocation }
        if kept != nil { flags |= Flag.hasKept }
        var bytes = [Self.version, flags]
        if let kept {
            // It was read from a number of 32 bits.
            let seconds = UInt32(clamping: kept.components.seconds)
            for shift: UInt32 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: seconds >> shift)) }
        }
        for text in [id, jid.text, resource, location?.description] {
            guard let text else { continue }
            // An id is bounded above, an address and a place by their own rules.
            let length = UInt16(clamping: text.utf8.count)
            bytes += [UInt8(length >> 8), UInt8(truncatingIfNeeded: length)]
            bytes += text.utf8
        }
        return bytes
    }

    /// Reads ``bytes`` back; nil for anything else, also of another version.
    public init?(bytes: [UInt8]) {
        var rest = bytes[...]
        guard rest.popFirst() == Self.version, let flags = rest.popFirst(), flags & ~Flag.all == 0 else { return nil }
        if flags & Flag.hasKept != 0 {
            guard rest.count >= 4 else { return nil }
            kept = .seconds(Int64(rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
            rest = rest.dropFirst(4)
        } else {
            kept = nil
        }
        guard let id = Self.text(&rest), !id.isEmpty, id.utf8.count <= Self.idBytesMax,
            let address = Self.text(&rest), let jid = try? JID(received: address), !jid.isBare, jid.text == address
        else { return nil }
        self.id = id
        self.jid = jid
        isPresent = flags & Flag.isPresent != 0
        if flags & Flag.hasResource != 0 {
            guard let text = Self.text(&rest) else { return nil }
            resource = text
        } else {
            resource = nil
        }
        if flags & Flag.hasLocation != 0 {
            guard let text = Self.text(&rest), let place = try? HostPort(text), place.description == text else {
                return nil
            }
            location = place
        } else {
            location = nil
        }
        guard rest.isEmpty else { return nil }
    }

    private static func text(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.count >= 2 else { return nil }
        let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
        rest = rest.dropFirst(2)
        guard rest.count >= length else { return nil }
        let text = String(validating: rest.prefix(length), as: UTF8.self)
        rest = rest.dropFirst(length)
        return text
    }
}

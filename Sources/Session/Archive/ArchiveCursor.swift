public import Stanza

/// How far an archive (XEP-0313), or a room without one, has been told: what comes behind is still to be told.
public struct ArchiveCursor: Sendable, Equatable, Hashable {
    /// The id that the archive gave the last message that was told (XEP-0359). Of a room that gives none, a fingerprint of
    /// the message; empty where there was no message yet.
    public var id: String
    /// When that was: as the archive says, or our own clock where the message came live. Used where the id is not enough.
    public var time: WallTime

    /// A cursor.
    public init(id: String, time: WallTime) {
        self.id = id
        self.time = time
    }

    /// The longest id that is read back.
    static let idBytesMax = 4_096

    /// For the store: the time as 8 bytes, the most significant first, then the id as UTF-8.
    public var bytes: [UInt8] {
        let time = UInt64(bitPattern: time.milliseconds)
        return stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: time >> $0) } + id.utf8
    }

    /// Reads ``bytes`` back; nil for anything else.
    public init?(bytes: [UInt8]) {
        guard bytes.count >= 8, bytes.count <= 8 + Self.idBytesMax,
            let id = String(validating: bytes.dropFirst(8), as: UTF8.self)
        else { return nil }
        let time = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(id: id, time: WallTime(milliseconds: Int64(bitPattern: time)))
    }
}

/// What an archive calls a message (XEP-0359 3), believed: the archive says of itself that it gives such ids, so it takes
/// out those that others write in its name.
public struct ArchiveID: Sendable, Equatable, Hashable {
    /// The archive: our own bare JID, or a room.
    public var by: JID
    /// The id, which means something only there.
    public var id: String

    /// An id.
    public init(by: JID, id: String) {
        self.by = by
        self.id = id
    }

    /// What that archive says in a stanza; nil where it says nothing, or somebody says it twice.
    init?(of stanza: Element, by archive: JID) {
        var found: String?
        for child in stanza.children where child.isNamed("stanza-id", NS.stanzaID) && child["by"] == archive.text {
            guard found == nil else { return nil }
            found = child["id"] ?? ""
        }
        guard let found, !found.isEmpty, found.utf8.count <= ArchiveCursor.idBytesMax else { return nil }
        self.init(by: archive, id: found)
    }
}

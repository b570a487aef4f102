import Stanza

/// The archives of a session: that of our account, and those of the rooms that we have been in.
struct Archives: Sendable {
    private var tracks: [JID: ArchiveTrack] = [:]
    /// Those that wait for something that no answer brings.
    private(set) var waiting: Set<JID> = []
    /// Whether what our account can do was asked on this stream.
    var isOwnAsked = false
    /// Whether another stream was there before this one.
    var hasBegun = false
    /// Whether this stream goes on with what another process began.
    var isContinued = false
    private let limits: Configuration.Limits

    init(_ configuration: Configuration) {
        limits = configuration.limits
        for (archive, cursor) in configuration.cursors {
            let isOwn = archive.bare == configuration.account.bare
            tracks[archive.bare] = ArchiveTrack(
                cursor: cursor, idsMax: isOwn ? limits.archiveIDsMax : limits.archiveRoomIDsMax)
        }
    }

    subscript(_ archive: JID) -> ArchiveTrack? { tracks[archive] }

    /// Whether a message of that id was told, or will be.
    func knows(_ id: String, of archive: JID) -> Bool {
        guard let track = tracks[archive] else { return false }
        return track.given.contains(id) || track.kept.contains(id)
    }

    /// Changes the track of an archive, which is made where it is new.
    @discardableResult
    mutating func with<Result>(_ archive: JID, isRoom: Bool, _ body: (inout ArchiveTrack) -> Result) -> Result {
        let idsMax = isRoom ? limits.archiveRoomIDsMax : limits.archiveIDsMax
        let result = body(&tracks[archive, default: ArchiveTrack(cursor: nil, idsMax: idsMax)])
        switch tracks[archive]?.state {
        case .resting, .history: waiting.insert(archive)
        case .unknown, .asking, .seekingEnd, .paging, .current, .behind, nil:
            if !waiting.isEmpty { waiting.remove(archive) }
        }
        return result
    }

    mutating func forget(_ archive: JID) {
        tracks[archive] = nil
        waiting.remove(archive)
    }

    /// When the wait for a room's history is over, whatever came.
    var deadline: Instant? {
        var first: Instant?
        for archive in waiting {
            if case .history(let until) = tracks[archive]?.state { first = first.map { min($0, until) } ?? until }
        }
        return first
    }
}

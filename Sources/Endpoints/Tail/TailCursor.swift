public import Stanza

/// Follows one name through all that rotation does to its file: renamed, deleted and made again, truncated in place,
/// linked elsewhere. Each file that had the name is read to its end, one after the other, and none twice.
///
/// A file is known by device and inode while it is open, and by a hash of its first bytes too once it is not, since
/// inodes are used again. Each read begins with bytes that were read before: where they have changed the file was
/// truncated, however long it has grown since.
public struct TailCursor: Sendable {
    /// Named limits, unit last.
    public enum Limits {
        /// What a file is known by, beside its inode.
        public static let headBytes = 256
        /// What each read repeats.
        public static let repeatedBytes = 64
        /// Files of one name that are open at once.
        public static let generationsMax = 64
        /// How long a file that has lost its name is watched for a writer that has not noticed.
        public static let lingerSeconds = 10
        /// How many of those.
        public static let lingeringMax = 8
        /// How often a folder is listed where names in it move.
        public static let listingsMax = 8
        /// Rotated siblings that are known; beyond it all are looked at again.
        public static let siblingsMax = 1_024
        /// How far back from the end the beginning of an unfinished line is looked for.
        public static let lineBytes = 65_536
    }

    /// What a cursor brings.
    public enum Item: Equatable, Sendable {
        /// A file begins: a stream of bytes with a number of its own.
        case began(stream: UInt64, TailPosition)
        /// Bytes of a file; the position is that behind them.
        case bytes(stream: UInt64, [UInt8], TailPosition)
        /// Bytes of a file whose name another has by now, and which is read already.
        case late(stream: UInt64, [UInt8])
        /// Nothing more comes of it: a last line without its end is a line.
        case ended(stream: UInt64)
        /// Something was lost before it was read; nil where it is not known how much.
        case gap(path: String, reason: Reason, bytes: UInt64?)
    }

    /// Why something was lost.
    public enum Reason: String, Sendable {
        /// The file was truncated, and no copy of it was found.
        case truncated
        /// The file was gone when this program began again.
        case rotated
        /// There were too many files of the name.
        case overflow
    }

    struct Generation: Sendable {
        let stream: UInt64
        let handle: Int32
        let key: FileKey
        var offset: UInt64 = 0
        var head: [UInt8] = []
        /// The last bytes before ``offset``.
        var last: [UInt8] = []
        /// The greatest size that was seen.
        var size: UInt64 = 0
        var hasBegun = false
        var lingersUntil: Instant?
    }

    /// The first bytes of a file.
    struct Head: Sendable {
        let count: Int
        let hash: UInt64
    }

    /// Where a file was left that may get the name again.
    struct End: Sendable {
        /// Which; nil for one that was truncated since.
        let key: FileKey?
        let offset: UInt64
        let head: [UInt8]
        let last: [UInt8]
    }

    /// The name.
    public let path: String
    /// The files, in the order in which they had the name; the last one may have it still.
    var generations: [Generation] = []
    var lingering: [Generation] = []
    var ends: [End] = []
    /// Rotated siblings that are not ours to read, or were read, with what they begin with: inodes are used again.
    var siblings: [FileKey: Head] = [:]
    var items: [Item] = []
    var saved: TailPosition?
    /// Whether the first look finds a file that was there before: it is read from its end.
    var beginsAtEnd: Bool
    private var hasLooked = false
    /// Whether no file has the name.
    var isNameless = false

    /// A cursor that has not looked yet.
    /// - Parameters:
    ///   - saved: where a former run stood.
    ///   - beginsAtEnd: whether a file that is there at the first look is read from its end, where nothing is saved.
    public init(path: String, saved: TailPosition?, beginsAtEnd: Bool) {
        self.path = path
        self.saved = saved
        self.beginsAtEnd = beginsAtEnd
    }

    /// Whether it has no file.
    public var isIdle: Bool { generations.isEmpty && lingering.isEmpty && items.isEmpty }

    /// The files that are open.
    public var handles: [Int32] { generations.map(\.handle) + lingering.map(\.handle) }

    /// When to look again though nothing has happened.
    public var deadline: Instant? { lingering.compactMap(\.lingersUntil).min() }

    // MARK: - Looking

    /// Looks which file has the name now, and holds on to it: also where nothing may be read yet, since it may be gone
    /// before that.
    public mutating func look(_ files: inout some TailFiles, streams: inout UInt64) {
        let isFirst = !hasLooked
        hasLooked = true
        if isFirst { return begin(&files, &streams) }
        let facts = files.look(path)
        isNameless = facts == nil
        guard let facts, facts.key != generations.last?.key else { return }
        guard let (handle, opened) = files.open(path) else { return }
        guard opened.key != generations.last?.key else { return files.close(handle) }
        // Files that had the name in between have one made of it now.
        openMissed(&files, &streams, before: (handle, opened))
        append(handle, opened.key, &files, &streams)
    }

    private mutating func append(
        _ handle: Int32, _ key: FileKey, _ files: inout some TailFiles, _ streams: inout UInt64, from offset: UInt64 = 0
    ) {
        if generations.count >= Limits.generationsMax {
            let oldest = generations.removeFirst()
            let size = files.facts(oldest.handle)?.size ?? oldest.offset
            if size > oldest.offset { items.append(.gap(path: path, reason: .overflow, bytes: size - oldest.offset)) }
            if oldest.hasBegun { items.append(.ended(stream: oldest.stream)) }
            files.close(oldest.handle)
        }
        streams += 1
        var generation = Generation(stream: streams, handle: handle, key: key)
        if offset > 0 { move(&generation, to: offset, &files) }
        generations.append(generation)
    }

    /// Sets a file's offset, and reads what it is known by.
    private func move(_ generation: inout Generation, to offset: UInt64, _ files: inout some TailFiles) {
        let repeated = min(offset, UInt64(Limits.repeatedBytes))
        generation.head = files.read(
            generation.handle, at: 0, count: Int(min(offset, UInt64(Limits.headBytes))))
        generation.last = files.read(generation.handle, at: offset - repeated, count: Int(repeated))
        generation.offset = offset
        generation.size = max(generation.size, offset)
    }

    // MARK: - The first look

    private mutating func begin(_ files: inout some TailFiles, _ streams: inout UInt64) {
        let live = files.open(path)
        if live == nil, files.look(path) != nil {
            // It is there and cannot be read: its time begins when it can.
            hasLooked = false
            return
        }
        if let saved {
            self.saved = nil
            if resume(saved, live, &files, &streams) { return }
        }
        passOver(rotated(&files), &files)
        guard let live else { return }
        append(live.handle, live.facts.key, &files, &streams)
        if beginsAtEnd {
            let start = lineStart(live.handle, live.facts.size, &files)
            move(&generations[generations.count - 1], to: start, &files)
        }
    }

    /// The beginning of the line that is unfinished at the end of a file: it is not torn.
    private func lineStart(_ handle: Int32, _ size: UInt64, _ files: inout some TailFiles) -> UInt64 {
        let span = min(size, UInt64(Limits.lineBytes))
        let bytes = files.read(handle, at: size - span, count: Int(span))
        guard let end = bytes.lastIndex(of: 0x0A) else { return span == size ? 0 : size }
        return size - span + UInt64(end + 1)
    }

    /// Goes on where a former run stood.
    /// - Returns: Whether the file that has the name is dealt with.
    private mutating func resume(
        _ saved: TailPosition, _ live: (handle: Int32, facts: FileFacts)?, _ files: inout some TailFiles,
        _ streams: inout UInt64
    ) -> Bool {
        beginsAtEnd = false
        if let live, live.facts.key == saved.key, isFile(saved, live.handle, live.facts.size, &files) {
            passOver(rotated(&files), &files)
            append(live.handle, live.facts.key, &files, &streams, from: saved.offset)
            return true
        }
        // It was rotated in the meantime: renamed, or copied and truncated.
        let others = rotated(&files)
        let found =
            others.first { one in
                one.facts.key == saved.key && opensAs(saved, one.path, &files)
            } ?? others.first { one in saved.offset > 0 && opensAs(saved, one.path, &files) }
        guard let found, let (handle, facts) = files.open(found.path) else {
            // A file that was read whole, as far as is known, may have gone: how much came behind it nobody can tell.
            items.append(.gap(path: path, reason: .rotated, bytes: nil))
            return false
        }
        append(handle, facts.key, &files, &streams, from: saved.offset)
        passOver(others.filter { $0.facts.modified < found.facts.modified }, &files)
        openMissed(&files, &streams, before: live)
        if let live { append(live.handle, live.facts.key, &files, &streams) }
        return true
    }

    private func opensAs(_ saved: TailPosition, _ path: String, _ files: inout some TailFiles) -> Bool {
        guard let (handle, facts) = files.open(path) else { return false }
        defer { files.close(handle) }
        return isFile(saved, handle, facts.size, &files)
    }

    /// Whether an open file is the one of that position, by its first bytes and its size.
    private func isFile(
        _ saved: TailPosition, _ handle: Int32, _ size: UInt64, _ files: inout some TailFiles
    ) -> Bool {
        guard size >= saved.offset, size >= UInt64(saved.headBytes), saved.offset >= UInt64(saved.tailBytes) else {
            return false
        }
        let tail = files.read(handle, at: saved.offset - UInt64(saved.tailBytes), count: saved.tailBytes)
        guard tail.count == saved.tailBytes, TailPosition.hash(tail) == saved.tailHash else { return false }
        let head = files.read(handle, at: 0, count: min(saved.headBytes, Limits.headBytes))
        return head.count == saved.headBytes && TailPosition.hash(head) == saved.headHash
    }

    // MARK: - Siblings

    struct Sibling {
        let path: String
        let facts: FileFacts
    }

    /// The files that rotation has made of this one, the oldest first; compressed ones are left alone. Names move while
    /// they are looked at, so it is done again until nothing has.
    func rotated(_ files: inout some TailFiles) -> [Sibling] {
        var found = listed(&files)
        for _ in 1..<Limits.listingsMax {
            let again = listed(&files)
            let isStill = again.map(\.path) == found.map(\.path) && again.map(\.facts.key) == found.map(\.facts.key)
            found = again
            if isStill { break }
        }
        return found
    }

    private func listed(_ files: inout some TailFiles) -> [Sibling] {
        let place = TailPattern(path)
        var found: [Sibling] = []
        for name in files.names(in: place.folder)
        where TailPattern.isRotated(name, of: place.name) && !TailPattern.isCompressed(name) {
            let path = place.path(of: name)
            if let facts = files.look(path) { found.append(Sibling(path: path, facts: facts)) }
        }
        return found.sorted { ($0.facts.modified, $0.path) < ($1.facts.modified, $1.path) }
    }

    /// Opens files that had the name between two looks, but for copies of one that is open.
    /// - Parameter live: the file that had the name last; what is younger comes after it.
    private mutating func openMissed(
        _ files: inout some TailFiles, _ streams: inout UInt64, before live: (handle: Int32, facts: FileFacts)?
    ) {
        for _ in 0..<Limits.listingsMax {
            let all = rotated(&files)
            let youngest = live.flatMap { files.facts($0.handle)?.modified } ?? .max
            var hasMoved = false
            for sibling in all
            where sibling.facts.key != live?.facts.key && sibling.facts.modified <= youngest && sibling.facts.size > 0 {
                guard let (handle, facts) = files.open(sibling.path) else {
                    hasMoved = true
                    continue
                }
                if facts.key != sibling.facts.key { hasMoved = true }
                let isNew = facts.key == sibling.facts.key && takeNote(of: handle, facts, &files)
                if !isNew || isKnown(facts.key) || isCopy(handle, facts, &files) {
                    files.close(handle)
                } else {
                    append(handle, facts.key, &files, &streams)
                }
            }
            if !hasMoved { return }
        }
    }

    /// Takes note of all siblings: they are not ours to read.
    private mutating func passOver(_ all: [Sibling], _ files: inout some TailFiles) {
        for sibling in all {
            guard let (handle, facts) = files.open(sibling.path) else { continue }
            if facts.key == sibling.facts.key { _ = takeNote(of: handle, facts, &files) }
            files.close(handle)
        }
    }

    /// Takes note of a sibling.
    /// - Returns: Whether it is new.
    mutating func takeNote(of handle: Int32, _ facts: FileFacts, _ files: inout some TailFiles) -> Bool {
        // An empty file cannot be told from another.
        if let known = siblings[facts.key], known.count > 0 {
            let bytes = files.read(handle, at: 0, count: known.count)
            if bytes.count == known.count, TailPosition.hash(bytes) == known.hash { return false }
        }
        if siblings.count >= Limits.siblingsMax { siblings.removeAll() }
        let bytes = files.read(handle, at: 0, count: Limits.headBytes)
        siblings[facts.key] = Head(count: bytes.count, hash: TailPosition.hash(bytes))
        return true
    }

    private func isKnown(_ key: FileKey) -> Bool {
        generations.contains { $0.key == key } || lingering.contains { $0.key == key }
    }

    private func isCopy(_ handle: Int32, _ facts: FileFacts, _ files: inout some TailFiles) -> Bool {
        for one in generations + lingering where one.offset > 0 {
            if isSame(handle, facts, one.offset, one.head, one.last, &files) { return true }
        }
        for end in ends where end.offset > 0 {
            if isSame(handle, facts, end.offset, end.head, end.last, &files) { return true }
        }
        return false
    }

    /// Whether a file has the same bytes where another is known.
    func isSame(
        _ handle: Int32, _ facts: FileFacts, _ offset: UInt64, _ head: [UInt8], _ last: [UInt8],
        _ files: inout some TailFiles
    ) -> Bool {
        facts.size >= offset && files.read(handle, at: 0, count: head.count) == head
            && files.read(handle, at: offset - UInt64(last.count), count: last.count) == last
    }
}

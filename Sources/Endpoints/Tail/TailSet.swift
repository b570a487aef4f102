public import Stanza

/// All files that a `tail:` means: one cursor for a path, one for each name that a glob finds.
public struct TailSet: Sendable {
    /// What it means.
    public let pattern: TailPattern
    private var cursors: [TailCursor] = []
    private var saved: [String: TailPosition]
    private var hasLooked = false
    /// Where the next turn begins, so that a busy file keeps no other from its own.
    private var turn = 0
    private var streams: UInt64 = 0

    /// A set that has not looked yet.
    public init(_ pattern: TailPattern, saved: [TailPosition]) {
        self.pattern = pattern
        self.saved = Dictionary(saved.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
    }

    /// Looks which files there are, and holds on to them.
    public mutating func look(_ files: inout some TailFiles) {
        let paths =
            pattern.isGlob
            ? pattern.chosen(among: files.names(in: pattern.folder)).map(pattern.path(of:)) : [pattern.text]
        for path in paths where !cursors.contains(where: { $0.path == path }) {
            cursors.append(TailCursor(path: path, saved: saved.removeValue(forKey: path), beginsAtEnd: !hasLooked))
        }
        hasLooked = true
        for index in cursors.indices { cursors[index].look(&files, streams: &streams) }
        if pattern.isGlob { cursors.removeAll { $0.isIdle && !paths.contains($0.path) } }
    }

    /// The next item of any file; nil where there is nothing to read for now.
    public mutating func next(_ files: inout some TailFiles, bytesMax: Int, at now: Instant) -> TailCursor.Item? {
        for step in cursors.indices {
            let index = (turn + step) % cursors.count
            guard let item = cursors[index].next(&files, bytesMax: bytesMax, streams: &streams, at: now) else {
                continue
            }
            turn = index + 1
            return item
        }
        return nil
    }

    /// When to look again though nothing has happened.
    public var deadline: Instant? { cursors.compactMap(\.deadline).min() }

    /// The files that are open.
    public var handles: [Int32] { cursors.flatMap(\.handles) }
}

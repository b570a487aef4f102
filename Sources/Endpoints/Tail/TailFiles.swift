/// Which file it is, whatever its name: a number that is used again once the file is gone.
public struct FileKey: Hashable, Sendable {
    /// The file system's.
    public var device: UInt64
    /// The file's in it.
    public var inode: UInt64

    /// A file.
    public init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

/// What the system says of a regular file.
public struct FileFacts: Equatable, Sendable {
    /// Which one.
    public var key: FileKey
    /// Bytes.
    public var size: UInt64
    /// Names; none where it was deleted and is only open.
    public var links: UInt64
    /// When it was last written to, in nanoseconds since 1970.
    public var modified: Int64

    /// Facts.
    public init(key: FileKey, size: UInt64, links: UInt64 = 1, modified: Int64) {
        self.key = key
        self.size = size
        self.links = links
        self.modified = modified
    }
}

/// What a cursor asks of the system; the driver answers with system calls, tests with a model.
public protocol TailFiles {
    /// The regular file of that name, links followed; nil where there is none.
    mutating func look(_ path: String) -> FileFacts?
    /// Opens a regular file for reading. It stays what it is whatever becomes of its name.
    mutating func open(_ path: String) -> (handle: Int32, facts: FileFacts)?
    /// What is known of an open file.
    mutating func facts(_ handle: Int32) -> FileFacts?
    /// The bytes there; fewer at the end of the file, none where it cannot be read.
    mutating func read(_ handle: Int32, at offset: UInt64, count: Int) -> [UInt8]
    /// Closes an open file.
    mutating func close(_ handle: Int32)
    /// The names in a folder.
    mutating func names(in folder: String) -> [String]
}

/// Where the reading of a file stands, as it is kept over the end of the process.
public struct TailPosition: Equatable, Sendable {
    /// The name under which it is followed.
    public var path: String
    /// Which file it was.
    public var key: FileKey
    /// The first bytes of it that are hashed; at most ``TailCursor/Limits/headBytes``.
    public var headBytes: Int
    /// Their hash.
    public var headHash: UInt64
    /// All before is taken.
    public internal(set) var offset: UInt64 = 0
    /// The last bytes before that are hashed; at most ``TailCursor/Limits/repeatedBytes``.
    public internal(set) var tailBytes = 0
    /// Their hash.
    public internal(set) var tailHash = TailPosition.hash([])

    /// A position at the beginning of a file.
    public init(path: String, key: FileKey, headBytes: Int, headHash: UInt64) {
        self.path = path
        self.key = key
        self.headBytes = headBytes
        self.headHash = headHash
    }

    /// Sets the position behind bytes that end there.
    public mutating func move(to offset: UInt64, behind bytes: some BidirectionalCollection<UInt8>) {
        let tail = bytes.suffix(TailCursor.Limits.repeatedBytes)
        self.offset = offset
        tailBytes = tail.count
        tailHash = TailPosition.hash(tail)
    }

    /// FNV-1a, 64 bits: tells files apart by accident, not against an adversary.
    public static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
}

/// The file in which positions are kept: a line that names the form, then a line each, the path at its end.
public enum TailPositions {
    private static let form = "xmpp-bridge tail positions 1"

    /// The file's bytes.
    public static func text(_ positions: [TailPosition]) -> [UInt8] {
        var text = form + "\n"
        for one in positions {
            let path = one.path.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
            text +=
                "\(one.offset) \(one.key.device) \(one.key.inode) \(one.headBytes) "
                + "\(String(one.headHash, radix: 16)) \(one.tailBytes) \(String(one.tailHash, radix: 16)) \(path)\n"
        }
        return Array(text.utf8)
    }

    /// Reads back what ``text(_:)`` wrote; nil where it is something else.
    public static func read(_ bytes: [UInt8]) -> [TailPosition]? {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == form[...], lines.last == "" else { return nil }
        var positions: [TailPosition] = []
        for line in lines.dropFirst().dropLast() {
            let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: false)
            guard fields.count == 8, let offset = UInt64(fields[0]), let device = UInt64(fields[1]),
                let inode = UInt64(fields[2]), let headBytes = Int(fields[3]), headBytes >= 0,
                let hash = UInt64(fields[4], radix: 16), let tailBytes = Int(fields[5]), tailBytes >= 0,
                let tailHash = UInt64(fields[6], radix: 16)
            else { return nil }
            var one = TailPosition(
                path: unescaped(fields[7]), key: FileKey(device: device, inode: inode), headBytes: headBytes,
                headHash: hash)
            (one.offset, one.tailBytes, one.tailHash) = (offset, tailBytes, tailHash)
            positions.append(one)
        }
        return positions
    }

    private static func unescaped(_ text: Substring) -> String {
        var path = ""
        var rest = text
        while let character = rest.popFirst() {
            guard character == "\\", let next = rest.popFirst() else {
                path.append(character)
                continue
            }
            path.append(next == "n" ? "\n" : next)
        }
        return path
    }
}

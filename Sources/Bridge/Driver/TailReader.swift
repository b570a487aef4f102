import Endpoints
import Glibc
import Stanza

/// Follows the files of a `tail:` on a thread of its own, one item for each permission. The thread sleeps until inotify
/// says that something has happened; where inotify cannot say it (a network's file system, a folder that is not there yet
/// or is reached through a link), it looks every second.
final class TailReader: SourceReader, @unchecked Sendable {
    private static let pollMilliseconds: Int32 = 1_000
    private static let chunkBytesMax = 65_536

    private let deliver: @Sendable (TailCursor.Item) -> Void
    private let tell: @Sendable (EndpointNews) -> Void
    private let wake: Pipe
    // The thread's own.
    private var set: TailSet
    private var files = SystemFiles()
    private var permissions = 0
    private let inotify: Int32
    private var watched: [Int32: Int32] = [:]
    private var folderWatch: Int32 = -1
    private var mounts = Mounts()
    /// What was told of files that cannot be read.
    private var told: [String: String] = [:]

    /// Begins the thread; `tell` and `deliver` are called on it.
    init?(
        _ path: String, saved: [TailPosition], tell: @escaping @Sendable (EndpointNews) -> Void,
        deliver: @escaping @Sendable (TailCursor.Item) -> Void
    ) {
        guard let pipe = Pipe() else { return nil }
        for end in [pipe.read, pipe.write] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        wake = pipe
        self.deliver = deliver
        self.tell = tell
        set = TailSet(TailPattern(path), saved: saved)
        inotify = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        startThread(named: "tail") { self.run() }
    }

    func permit() { wake(with: 1) }
    /// SIGHUP: looks at once.
    func look() { wake(with: 0) }

    private func wake(with byte: UInt8) {
        var byte = byte
        _ = write(wake.write, &byte, 1)
    }

    private func run() {
        while true {
            let isBlind = !watchFolder()
            set.look(&files)
            tellTroubles()
            while permissions > 0, let item = set.next(&files, bytesMax: Self.chunkBytesMax, at: Clock.monotonic()) {
                permissions -= 1
                deliver(item)
            }
            // A change that came before its watch was there is not told: so it is looked once more.
            if watchFiles() { continue }
            wait(isBlind || !told.isEmpty || isRemote())
        }
    }

    private func wait(_ isBlind: Bool) {
        var timeout: Int32 = isBlind ? Self.pollMilliseconds : -1
        if permissions > 0, let deadline = set.deadline {
            let left = (deadline.nanoseconds - Clock.monotonic().nanoseconds) / 1_000_000 + 1
            let milliseconds = Int32(clamping: max(left, 0))
            timeout = timeout < 0 ? milliseconds : min(timeout, milliseconds)
        }
        var polls = [
            pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
            pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&polls, 2, timeout)
        var buffer = [UInt8](repeating: 0, count: 16_384)
        var count = read(wake.read, &buffer, buffer.count)
        while count > 0 {
            permissions += buffer[..<count].count { $0 == 1 }
            count = read(wake.read, &buffer, buffer.count)
        }
        // What happened does not matter: it is looked at whole.
        while read(inotify, &buffer, buffer.count) > 0 {}
    }

    /// Files that are there and cannot be read: told once, and looked at until they can.
    private func tellTroubles() {
        let troubles = files.takeTroubles().filter { path, reason in
            if path == set.pattern.text || path == set.pattern.folder { return true }
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            // A folder may well have a name that a glob means.
            return set.pattern.isGlob && reason != SystemFiles.notRegular
                && set.pattern.path(of: name) == path && set.pattern.chosen(among: [name]) == [name]
        }
        for (path, reason) in troubles.sorted(by: { $0.key < $1.key }) where told[path] != reason {
            tell(.lost("\(reason) (\(path))"))
        }
        if !told.isEmpty, troubles.isEmpty { tell(.found) }
        told = troubles
    }

    // MARK: - Watches

    /// Watches names come and go.
    /// - Returns: Whether that can be watched.
    private func watchFolder() -> Bool {
        let folder = set.pattern.folder
        let names = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB
        let mask = UInt32(names | IN_DELETE_SELF | IN_MOVE_SELF)
        guard let real = realpath(folder, nil) else { return false }
        defer { free(real) }
        // Asked for again it is the same watch, unless the folder is another.
        let watch = inotify_add_watch(inotify, real, mask)
        if folderWatch >= 0, watch != folderWatch { inotify_rm_watch(inotify, folderWatch) }
        folderWatch = watch
        // A link on the way may be switched, and nothing is told of it.
        let isStraight = folder == "." || folder.first != "/" || String(cString: real) == folder
        return watch >= 0 && isStraight
    }

    /// Watches what is written to open files.
    /// - Returns: Whether there is a new watch.
    private func watchFiles() -> Bool {
        // A number may be that of another file by now.
        for handle in files.takeClosed() {
            guard let watch = watched.removeValue(forKey: handle) else { continue }
            if watch >= 0, !watched.values.contains(watch) { inotify_rm_watch(inotify, watch) }
        }
        var hasNew = false
        for handle in set.handles where watched[handle] == nil {
            watched[handle] = inotify_add_watch(
                inotify, "/proc/self/fd/\(handle)", UInt32(IN_MODIFY | IN_ATTRIB))
            hasNew = true
        }
        return hasNew
    }

    /// Whether inotify hears nothing of what others do to a file: those of a network, and where it has no watch left.
    private func isRemote() -> Bool {
        for (handle, watch) in watched where watch < 0 || mounts.isRemote(handle) { return true }
        return false
    }
}

/// Which file systems are of a network, by what the kernel says of its mounts.
private struct Mounts {
    private static let remote = ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs", "lustre", "glusterfs"]
    private var known: [UInt: Bool] = [:]

    mutating func isRemote(_ handle: Int32) -> Bool {
        var status = stat()
        guard fstat(handle, &status) == 0 else { return true }
        if let answer = known[UInt(status.st_dev)] { return answer }
        // As makedev(3) puts them together.
        let number = UInt64(status.st_dev)
        let major = (number >> 8) & 0xFFF | (number >> 32) & ~0xFFF
        let device = "\(major):\(number & 0xFF | (number >> 12) & 0xFFFF_FF00)"
        let answer =
            Self.type(of: device).map { type in Self.remote.contains(type) || type.hasPrefix("fuse.") } ?? false
        known[UInt(status.st_dev)] = answer
        return answer
    }

    /// In /proc/self/mountinfo the third field is the device, and behind a lone "-" stands the type.
    private static func type(of device: String) -> String? {
        guard let bytes = try? SmallFile.read("/proc/self/mountinfo") else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2] == device, let dash = fields.firstIndex(of: "-") else { continue }
            return dash + 1 < fields.count ? String(fields[dash + 1]) : nil
        }
        return nil
    }
}

/// The system's files as a cursor asks for them.
struct SystemFiles: TailFiles {
    static let notRegular = "not a regular file"
    private var closed: [Int32] = []
    private var troubles: [String: String] = [:]

    /// What hindered the reading of files since the last call, by their paths.
    mutating func takeTroubles() -> [String: String] {
        defer { troubles = [:] }
        return troubles
    }

    /// The handles that were closed since the last call.
    mutating func takeClosed() -> [Int32] {
        defer { closed = [] }
        return closed
    }

    mutating func look(_ path: String) -> FileFacts? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            note(path, errno)
            return nil
        }
        let facts = Self.facts(status)
        if facts == nil { troubles[path] = Self.notRegular }
        return facts
    }

    private mutating func note(_ path: String, _ code: Int32) {
        // What is not there yet is waited for.
        if code != ENOENT, code != ENOTDIR { troubles[path] = Diagnostics.describe(code) }
    }

    mutating func open(_ path: String) -> (handle: Int32, facts: FileFacts)? {
        let handle = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard handle >= 0 else {
            note(path, errno)
            return nil
        }
        guard let facts = facts(handle) else {
            Glibc.close(handle)
            troubles[path] = Self.notRegular
            return nil
        }
        return (handle, facts)
    }

    func facts(_ handle: Int32) -> FileFacts? {
        var status = stat()
        return fstat(handle, &status) == 0 ? Self.facts(status) : nil
    }

    func read(_ handle: Int32, at offset: UInt64, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, filled in
            var done = 0
            while done < count {
                let got = pread(handle, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset) + off_t(done))
                if got < 0 && errno == EINTR { continue }
                if got <= 0 { break }
                done += got
            }
            filled = done
        }
    }

    mutating func close(_ handle: Int32) {
        closed.append(handle)
        Glibc.close(handle)
    }

    mutating func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else {
            note(folder, errno)
            return []
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private static func facts(_ status: stat) -> FileFacts? {
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        return FileFacts(
            key: FileKey(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)), size: UInt64(status.st_size),
            links: UInt64(status.st_nlink),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
    }
}

import Glibc

/// Tells when something happens to the names of FIFOs, on a thread of its own that sleeps until inotify wakes it. Where a
/// folder cannot be watched (it is not there) it tells every second.
final class FIFOWatch: Sendable {
    private static let blindMilliseconds: Int32 = 1_000
    private let names: Set<String>
    private let folders: Set<String>
    private let changed: @Sendable () -> Void

    /// - Parameter changed: is called on the thread, and once when that begins.
    init(_ paths: [String], changed: @escaping @Sendable () -> Void) {
        names = Set(paths.map { path in String(path.split(separator: "/").last ?? "") })
        folders = Set(
            paths.map { path in
                guard let cut = path.lastIndex(of: "/") else { return "." }
                return cut == path.startIndex ? "/" : String(path[..<cut])
            })
        self.changed = changed
    }

    func begin() { startThread(named: "fifo-watch") { self.run() } }

    private func run() {
        let inotify = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        let names = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB
        let mask = UInt32(names | IN_DELETE_SELF | IN_MOVE_SELF)
        var watches: [String: Int32] = [:]
        while true {
            var isBlind = false
            var isDue = false
            for folder in folders {
                // Asked for again it is the same watch, unless the folder is another.
                let watch = inotify_add_watch(inotify, folder, mask)
                if let old = watches[folder], old >= 0, old != watch { inotify_rm_watch(inotify, old) }
                isDue = isDue || watches[folder] != watch
                isBlind = isBlind || watch < 0
                watches[folder] = watch
            }
            if isDue || isBlind { changed() }
            var polls = pollfd(fd: inotify, events: Int16(POLLIN), revents: 0)
            _ = poll(&polls, 1, isBlind ? Self.blindMilliseconds : -1)
            if concernsUs(inotify) { changed() }
        }
    }

    /// Takes what has happened.
    private func concernsUs(_ inotify: Int32) -> Bool {
        let header = MemoryLayout<inotify_event>.size
        var isOurs = false
        var buffer = [UInt8](repeating: 0, count: 16_384)
        var count = read(inotify, &buffer, buffer.count)
        while count > 0 {
            var position = 0
            while position + header <= count {
                let event = buffer.withUnsafeBytes {
                    $0.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
                }
                let end = position + header + Int(event.len)
                let name = buffer[position + header..<end].prefix { $0 != 0 }
                // Without a name it is the folder itself.
                isOurs = isOurs || name.isEmpty || names.contains(String(decoding: name, as: UTF8.self))
                position = end
            }
            count = read(inotify, &buffer, buffer.count)
        }
        return isOurs
    }
}

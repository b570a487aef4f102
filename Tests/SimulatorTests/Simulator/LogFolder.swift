import Endpoints

/// The folder of a log file that is rotated by renaming: names, inodes that are used again, and open files that outlive
/// their names. A cursor asks it as it asks the system.
final class LogFolder {
    final class File {
        let key: FileKey
        var bytes: [UInt8] = []
        var modified: Int64
        var links: UInt64 = 1
        var openCount = 0

        init(_ key: FileKey, _ now: Int64) {
            self.key = key
            modified = now
        }
    }

    static let path = "/var/log/app"
    /// Rotated files that are kept: more than a bridge that is away can miss.
    private static let keptMax = 40

    private var names: [String: File] = [:]
    private var inodes: [UInt64: File] = [:]
    private var handles: [Int32: File] = [:]
    private var lastHandle: Int32 = 0
    private var clock: Int64 = 0

    private func tick() -> Int64 {
        clock += 1
        return clock
    }

    /// Appends lines to the file of the name.
    func append(_ bytes: [UInt8]) {
        if names[Self.path] == nil { create() }
        names[Self.path]?.bytes += bytes
        names[Self.path]?.modified = tick()
    }

    /// Makes the file, on the lowest inode that is free, as file systems do.
    func create() {
        var inode: UInt64 = 1
        while inodes[inode] != nil { inode += 1 }
        let file = File(FileKey(device: 1, inode: inode), tick())
        inodes[inode] = file
        names[Self.path] = file
    }

    /// `app` becomes `app.1`, `app.1` becomes `app.2`; the writer makes a new one when it writes.
    func rotate() {
        if let last = names.removeValue(forKey: "\(Self.path).\(Self.keptMax)") { unlink(last) }
        for number in stride(from: Self.keptMax - 1, to: 0, by: -1) {
            names["\(Self.path).\(number + 1)"] = names.removeValue(forKey: "\(Self.path).\(number)")
        }
        names["\(Self.path).1"] = names.removeValue(forKey: Self.path)
    }

    private func unlink(_ file: File) {
        file.links = 0
        forget(file)
    }

    private func forget(_ file: File) {
        if file.links == 0, file.openCount == 0 { inodes[file.key.inode] = nil }
    }

    /// The process is gone: the system closes what it had open.
    func closeAll() {
        for handle in handles.keys.sorted() { close(handle) }
    }

    /// That position at the end of its file.
    func end(of position: TailPosition) -> TailPosition {
        guard let bytes = inodes[position.key.inode]?.bytes else { return position }
        var end = position
        end.move(to: UInt64(bytes.count), behind: bytes)
        return end
    }

    private func facts(_ file: File) -> FileFacts {
        FileFacts(key: file.key, size: UInt64(file.bytes.count), links: file.links, modified: file.modified)
    }
}

extension LogFolder: TailFiles {
    func look(_ path: String) -> FileFacts? { names[path].map(facts) }

    func open(_ path: String) -> (handle: Int32, facts: FileFacts)? {
        guard let file = names[path] else { return nil }
        lastHandle += 1
        file.openCount += 1
        handles[lastHandle] = file
        return (lastHandle, facts(file))
    }

    func facts(_ handle: Int32) -> FileFacts? { handles[handle].map(facts) }

    func read(_ handle: Int32, at offset: UInt64, count: Int) -> [UInt8] {
        guard let bytes = handles[handle]?.bytes, offset < UInt64(bytes.count) else { return [] }
        return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }

    func close(_ handle: Int32) {
        guard let file = handles.removeValue(forKey: handle) else { return }
        file.openCount -= 1
        forget(file)
    }

    func names(in folder: String) -> [String] {
        names.keys.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count + 1)) }.sorted()
    }
}

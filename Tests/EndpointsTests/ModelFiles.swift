import Testing

@testable import Endpoints

/// A folder without a disk: names, inodes that are used again, links, open files that outlive their names.
final class ModelFolder {
    final class File {
        let key: FileKey
        var bytes: [UInt8] = []
        var modified: Int64
        var names = 0
        var opened = 0

        init(_ key: FileKey, _ now: Int64) {
            self.key = key
            modified = now
        }
    }

    var names: [String: File] = [:]
    var links: [String: String] = [:]
    var openFiles: [Int32: File] = [:]
    private var files: [UInt64: File] = [:]
    private var clock: Int64 = 0
    private var lastHandle: Int32 = 0

    private func tick() -> Int64 {
        clock += 1
        return clock
    }

    /// Makes an empty file; the lowest free inode is used, as file systems do.
    func create(_ name: String) {
        unlink(name)
        var inode: UInt64 = 1
        while files[inode] != nil { inode += 1 }
        let file = File(FileKey(device: 1, inode: inode), tick())
        files[inode] = file
        file.names = 1
        names[name] = file
    }

    func resolve(_ name: String) -> File? { names[links[name] ?? name] }

    func append(_ text: String, to file: File) {
        file.bytes += Array(text.utf8)
        file.modified = tick()
    }

    func rename(_ name: String, _ other: String) {
        guard let file = names.removeValue(forKey: name) else { return }
        unlink(other)
        names[other] = file
    }

    func unlink(_ name: String) {
        guard let file = names.removeValue(forKey: name) else { return }
        file.names -= 1
        forget(file)
    }

    func copy(_ name: String, _ other: String) {
        guard let bytes = resolve(name)?.bytes else { return }
        create(other)
        if let file = names[other] { append(String(decoding: bytes, as: UTF8.self), to: file) }
    }

    func truncate(_ name: String) { resolve(name)?.bytes = [] }

    func open(_ path: String) -> Int32? {
        guard let file = resolve(path) else { return nil }
        lastHandle += 1
        file.opened += 1
        openFiles[lastHandle] = file
        return lastHandle
    }

    func close(_ handle: Int32) {
        guard let file = openFiles.removeValue(forKey: handle) else { return }
        file.opened -= 1
        forget(file)
    }

    private func forget(_ file: File) {
        if file.names == 0, file.opened == 0 { files[file.key.inode] = nil }
    }

    func facts(_ file: File) -> FileFacts {
        FileFacts(
            key: file.key, size: UInt64(file.bytes.count), links: UInt64(file.names), modified: file.modified)
    }
}

/// The folder as a cursor sees it; whatever it asks, somebody may do something before.
struct ModelFiles: TailFiles {
    let folder: ModelFolder
    var before: () -> Void = {}

    mutating func look(_ path: String) -> FileFacts? {
        before()
        return folder.resolve(path).map(folder.facts)
    }

    mutating func open(_ path: String) -> (handle: Int32, facts: FileFacts)? {
        before()
        guard let handle = folder.open(path), let file = folder.openFiles[handle] else { return nil }
        return (handle, folder.facts(file))
    }

    mutating func facts(_ handle: Int32) -> FileFacts? {
        before()
        return folder.openFiles[handle].map(folder.facts)
    }

    mutating func read(_ handle: Int32, at offset: UInt64, count: Int) -> [UInt8] {
        before()
        guard let bytes = folder.openFiles[handle]?.bytes, offset < UInt64(bytes.count) else { return [] }
        return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }

    mutating func close(_ handle: Int32) { folder.close(handle) }

    mutating func names(in folder: String) -> [String] {
        before()
        return Array(self.folder.names.keys) + Array(self.folder.links.keys)
    }
}

/// A set that follows files of the folder, and what it has brought.
struct TailReaderModel {
    var set: TailSet
    var files: ModelFiles
    var now: Int64 = 0
    var lines: [String] = []
    var gaps: [TailCursor.Item] = []
    var positions: [String: TailPosition] = [:]
    private var partial: [UInt64: [UInt8]] = [:]

    init(_ pattern: String, _ folder: ModelFolder, saved: [TailPosition] = []) {
        set = TailSet(TailPattern(pattern), saved: saved)
        files = ModelFiles(folder: folder)
        for one in saved { positions[one.path] = one }
    }

    mutating func look() { set.look(&files) }

    /// Takes one item.
    mutating func step(bytesMax: Int = 100) -> Bool {
        guard let item = set.next(&files, bytesMax: bytesMax, at: .init(nanoseconds: now)) else { return false }
        switch item {
        case .began(let stream, let position):
            #expect(partial[stream] == nil)
            partial[stream] = []
            positions[position.path] = position
        case .bytes(let stream, let bytes, let position):
            #expect(!bytes.isEmpty)
            partial[stream, default: []] += bytes
            let all = partial[stream] ?? []
            guard let end = all.lastIndex(of: 0x0A) else { break }
            lines += String(decoding: all[..<end], as: UTF8.self).split(
                separator: "\n", omittingEmptySubsequences: false
            )
            .map(String.init)
            partial[stream] = Array(all[(end + 1)...])
            var there = position
            there.move(
                to: position.offset - UInt64(all.count - end - 1), behind: all[...end])
            positions[position.path] = there
        case .late(let stream, let bytes):
            let all = (partial[stream] ?? []) + bytes
            let whole = all.split(separator: 0x0A, omittingEmptySubsequences: false)
            lines += whole.dropLast().map { String(decoding: $0, as: UTF8.self) }
            partial[stream] = Array(whole.last ?? [])
        case .ended(let stream):
            let rest = partial.removeValue(forKey: stream) ?? []
            if !rest.isEmpty { lines.append(String(decoding: rest, as: UTF8.self)) }
        case .gap: gaps.append(item)
        }
        return true
    }

    /// Looks and reads until there is nothing more.
    mutating func drain() {
        repeat {
            look()
        } while step()
            && {
                while step() {}; return true
            }()
    }
}

import Glibc

/// The repository as files on a disk, found from where this file was compiled.
struct SourceTree {
    /// The repository's folder.
    let root: String

    /// This repository.
    static let ours = SourceTree(root: parent(parent(parent(#filePath))))

    /// The Swift files below that folder, parsed, in the order of their paths.
    func sources(under folder: String) -> [Source] {
        files(under: folder).filter { $0.hasSuffix(".swift") }.map { Source(path: $0, text: read($0) ?? "") }
    }

    /// The paths of all files below that folder, relative to the root, sorted; hidden ones are left out.
    func files(under folder: String) -> [String] {
        entries(of: folder).flatMap { name -> [String] in
            let path = folder + "/" + name
            return isFolder(path) ? files(under: path) : [path]
        }
    }

    /// The folders right below that one.
    func folders(of folder: String) -> [String] {
        entries(of: folder).filter { isFolder(folder + "/" + $0) }
    }

    /// The text of a file; nil where there is none.
    func read(_ path: String) -> String? {
        guard let file = fopen(root + "/" + path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    private func entries(of folder: String) -> [String] {
        guard let directory = opendir(root + "/" + folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return stat(root + "/" + path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    private static func parent(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }
}

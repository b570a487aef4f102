/// Which names a `tail:` means.
public struct TailPattern: Hashable, Sendable {
    /// As it is written in a configuration.
    public let text: String
    /// The folder that is looked into; "." where none is named.
    public let folder: String
    /// The name in it, in which `*` stands for any run of characters and `?` for one.
    public let name: String

    /// A pattern; a path is one that means itself.
    public init(_ text: String) {
        self.text = text
        let cut = text.lastIndex(of: "/")
        folder = cut.map { $0 == text.startIndex ? "/" : String(text[..<$0]) } ?? "."
        name = String(cut.map { text[text.index(after: $0)...] } ?? text[...])
    }

    /// Whether it may mean several files.
    public var isGlob: Bool { name.contains("*") || name.contains("?") }

    /// The path of a name in the folder.
    public func path(of name: String) -> String {
        text.contains("/") ? (folder == "/" ? "/\(name)" : "\(folder)/\(name)") : name
    }

    /// The names that are followed: those that match, without compressed ones, and without those that rotation has made of
    /// another of them.
    public func chosen(among names: [String]) -> [String] {
        let matching = names.filter { TailPattern.matches($0, name) && !TailPattern.isCompressed($0) }
        return matching.filter { one in !matching.contains { TailPattern.isRotated(one, of: $0) } }.sorted()
    }

    /// Whether a name is that of a compressed file.
    public static func isCompressed(_ name: String) -> Bool {
        [".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzma", ".lz", ".Z", ".zip", ".7z"].contains { name.hasSuffix($0) }
    }

    /// Whether a name is one that rotation gives to a file of another name: `app.log.1`, `app.log-20261122`, `app.log.old`.
    public static func isRotated(_ name: String, of other: String) -> Bool {
        guard name.count > other.count, name.hasPrefix(other) else { return false }
        let rest = name.dropFirst(other.count)
        guard let separator = rest.first, ".-_~".contains(separator) else { return false }
        let suffix = rest.dropFirst()
        if ["old", "bak", "prev", ""].contains(suffix) { return true }
        return suffix.first?.isNumber ?? false
    }

    private static func matches(_ name: String, _ pattern: String) -> Bool {
        let name = Array(name)
        let pattern = Array(pattern)
        // Names that begin with a dot are meant only where the pattern says so, as in a shell.
        if name.first == ".", pattern.first != "." { return false }
        var (n, p) = (0, 0)
        var back: (n: Int, p: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == "*" {
                back = (n, p)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == name[n] {
                n += 1
                p += 1
            } else if let from = back {
                back = (from.n + 1, from.p)
                n = from.n + 1
                p = from.p + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}

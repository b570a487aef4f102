/// How a file is appended to (`to: file:PATH`).
public struct FileOptions: Equatable, Sendable {
    /// The permissions of a file that is made, exactly; nil: 0640, less what the umask takes.
    public var mode: UInt32?
    /// Whether what was written is on the disk before it counts as written (fsync(2)).
    public var isSynced: Bool?

    /// As where nothing is said.
    public init() {}

    /// Its keys, as a configuration writes them.
    public enum Key: String, Sendable, CaseIterable {
        /// The permissions.
        case mode
        /// Whether it is synced.
        case fsync
    }

    /// Reads permissions: three octal digits, or four with a zero in front, that let the owner write.
    /// - Throws: ``Problem`` that says what was expected.
    public static func mode(parsing text: String) throws(Problem) -> UInt32 {
        let digits = text.count == 4 && text.hasPrefix("0") ? String(text.dropFirst()) : text
        guard digits.count == 3, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }),
            let mode = UInt32(digits, radix: 8)
        else {
            throw Problem(what: "mode \(Wording.quote(text)) is none", hint: "expected octal digits, as in 0640")
        }
        guard mode & 0o200 != 0 else {
            throw Problem(
                what: "with the mode \(text) the bridge itself could not write",
                hint: "expected a mode that lets the owner write, as in 0640")
        }
        return mode
    }

    /// Why a text is no mode.
    public struct Problem: Error, Equatable, Sendable {
        /// What stood there.
        public var what: String
        /// What to do.
        public var hint: String
    }
}

extension Router {
    /// How a file is appended to: by the first rule that says so, and synced where any rule asks for it.
    public func fileOptions(of path: DatedPath) -> FileOptions {
        var options = FileOptions()
        for rule in rules where rule.to.contains(.file(path)) {
            options.mode = options.mode ?? rule.file.mode
            if rule.file.isSynced == true { options.isSynced = true }
        }
        return options
    }
}

extension Rule.Draft {
    /// What is said of a file where nothing goes to one.
    func idleFileOptions() -> [Rule.Problem] {
        // A destination that is not known may be a file.
        if to.contains(nil) || to.contains(where: { if case .file = $0 { true } else { false } }) { return [] }
        let given = [file.mode == nil ? nil : FileOptions.Key.mode, file.isSynced == nil ? nil : .fsync]
        return given.compactMap { $0 }.map { key in
            Rule.Problem(
                part: .file(key), what: "\(key.rawValue) is for files, and nothing here goes to one",
                hint: "leave it out, or add a destination file:PATH")
        }
    }
}

extension Rule {
    /// A file that two rules want with different permissions.
    static func modeConflicts(in rules: [Rule]) -> [(rule: Int, problem: Problem)] {
        var conflicts: [(rule: Int, problem: Problem)] = []
        var first: [Endpoint: UInt32] = [:]
        for (index, rule) in rules.enumerated() {
            guard let mode = rule.file.mode else { continue }
            for case .file(let path) in rule.to {
                guard let other = first[.file(path)] else {
                    first[.file(path)] = mode
                    continue
                }
                if other == mode { continue }
                let problem = Problem(
                    part: .file(.mode), what: "\(Endpoint.file(path)) has another mode already",
                    hint: "an earlier bridge makes it with 0\(String(other, radix: 8)), which counts", isWarning: true)
                conflicts.append((index, problem))
            }
        }
        return conflicts
    }
}

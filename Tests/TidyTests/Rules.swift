/// A place where the tree breaks a rule of the house.
struct Finding: Equatable, CustomStringConvertible {
    var path: String
    var line: Int
    var what: String

    var description: String { "\(path):\(line): \(what)" }
}

/// Who may import whom: the table of the rooms in Sources/ARCHITECTURE.md.
enum ImportRule {
    /// Targets that do no I/O and know no clock, with what each may import.
    static let pure: [String: Set<String>] = [
        "Stanza": ["CIDN2", "CUnistring"],
        "Digest": ["COpenSSL"],
        "Session": ["Stanza", "Digest"],
        "Routing": ["Stanza", "CPCRE2"],
        "Endpoints": ["Routing", "Stanza"],
        // Synchronization: one lock, around the TLS session to resume, which the connections of all threads share.
        "Wire": ["Stanza", "Digest", "CLibXML2", "COpenSSL", "Synchronization"],
        "Spool": ["CSQLite"],
        "Config": ["Routing", "Stanza", "CLibYAML"],
        "LoopbackServer": ["Stanza", "Digest"],
    ]
    /// The one folder that may import NIO.
    static let driver = "Sources/Bridge/Driver/"
    /// What `Bridge` may import from outside of the package; NIO only in its driver.
    static let bridgeOutside: Set<String> = ["ArgumentParser", "Glibc", "Logging", "Synchronization"]

    static func findings(in source: Source, systemModules: Set<String>) -> [Finding] {
        imports(of: source).compactMap { token in
            mayImport(token.text, from: source, systemModules: systemModules)
                ? nil : Finding(path: source.path, line: token.line, what: "may not import \(token.text)")
        }
    }

    static func imports(of source: Source) -> [Token] {
        let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        return source.tokens.indices.compactMap { index in
            guard source.tokens[index].text == "import", index + 1 < source.tokens.count else { return nil }
            let next = source.tokens[index + 1]
            return kinds.contains(next.text) && index + 2 < source.tokens.count ? source.tokens[index + 2] : next
        }
    }

    private static func mayImport(_ module: String, from source: Source, systemModules: Set<String>) -> Bool {
        if let allowed = pure[source.target] { return allowed.contains(module) }
        if source.target == "xmpp-bridge" { return module == "Bridge" }
        guard source.target == "Bridge" else { return false }
        if module.hasPrefix("NIO") { return source.path.hasPrefix(driver) }
        return pure[module] != nil || systemModules.contains(module) || bridgeOutside.contains(module)
    }
}

/// Words and signs in a row that may not be written.
enum CallRule {
    /// What no source says.
    static let nowhere = ["try !", "as !", "fatalError ("]
    /// What a pure target does not say: clocks, randomness, the environment, threads and waiting.
    static let notInPure =
        nowhere + [
            "clock_gettime (", "gettimeofday (", "time (", "gmtime", "localtime", "Date (", "ContinuousClock",
            "SuspendingClock", "SystemRandomNumberGenerator", ". random (", ". randomElement (", ". shuffle (",
            ". shuffled (", "arc4random", "getrandom (", "RAND_bytes (", "getenv (", "setenv (", "DispatchQueue",
            "Thread (", "pthread_create (", "sleep (", "usleep (", "nanosleep (", "Task {", "Task (",
            "Task . detached", "async", "await", "actor", "print (", "CommandLine",
        ]

    static func findings(in source: Source) -> [Finding] {
        let banned = (ImportRule.pure[source.target] == nil ? nowhere : notInPure).map { $0.split(separator: " ") }
        let tokens = source.tokens
        return tokens.indices.flatMap { index in
            banned.compactMap { words in
                guard matches(words, tokens, index) else { return nil }
                let what = "may not say \(words.joined())"
                return Finding(path: source.path, line: tokens[index].line, what: what)
            }
        }
    }

    /// A name is a free function's where no dot stands before it, and a use of it where neither `func` nor `case` does.
    private static func matches(_ words: [Substring], _ tokens: [Token], _ index: Int) -> Bool {
        guard index + words.count <= tokens.count else { return false }
        for (offset, word) in words.enumerated() where tokens[index + offset].text != word { return false }
        guard words[0] != ".", index > 0 else { return true }
        return ![".", "func", "case"].contains(tokens[index - 1].text)
    }
}

/// Notes to oneself, anywhere in a line.
enum NoteRule {
    static func findings(in source: Source) -> [Finding] {
        source.lines.enumerated().flatMap { number, line in
            ["TODO", "FIXME", "XXX"].filter { line.split { !$0.isLetter }.contains(Substring($0)) }
                .map { Finding(path: source.path, line: number + 1, what: "says \($0): do it, or file an issue") }
        }
    }
}

/// Names that say nothing.
enum NameRule {
    static let endings = ["Util", "Utils", "Manager", "Helper", "Helpers", "Context"]

    static func findings(in source: Source) -> [Finding] {
        let kinds: Set<String> = ["struct", "class", "enum", "protocol", "actor", "typealias"]
        let types = source.tokens.indices.dropLast().filter { kinds.contains(source.tokens[$0].text) }
            .map { source.tokens[$0 + 1] }
        let file = source.path.split(separator: "/").last.map { String($0.prefix { $0 != "." }) } ?? ""
        return (types + [Token(text: file, line: 1)]).filter { token in
            token.text.hasPrefix("New") && token.text.dropFirst(3).first?.isUppercase ?? true
                || endings.contains { token.text.hasSuffix($0) }
        }
        .map { Finding(path: source.path, line: $0.line, what: "\($0.text): a name that says what it is, please") }
    }
}

/// The map that a newcomer reads first.
enum MapRule {
    static let path = "Sources/ARCHITECTURE.md"
    static let linesMax = 150

    static func findings(in map: String, folders: [String]) -> [Finding] {
        let count = map.split(separator: "\n", omittingEmptySubsequences: false).dropLast().count
        let long = count > linesMax ? [Finding(path: path, line: linesMax, what: "has \(count) lines")] : []
        return long
            + folders.filter { !map.contains("`\($0)`") }
            .map { Finding(path: path, line: 1, what: "does not name `\($0)`") }
    }
}

/// A system library is a module map and a header.
enum SystemModuleRule {
    static func findings(module: String, files: [String]) -> [Finding] {
        ["module.modulemap", "shim.h"].map { "Sources/\(module)/\($0)" }.filter { !files.contains($0) }
            .map { Finding(path: $0, line: 1, what: "is missing") }
    }
}

/// The README's two commands.
enum CommandRule {
    static func findings(in readme: String) -> [Finding] {
        ["contrib/quickstart", "contrib/test"].filter { !readme.contains($0) }
            .map { Finding(path: "README.md", line: 1, what: "does not name \($0)") }
    }
}

/// A value in the file: where it stands and what it is.
struct Node {
    /// The index of its first character.
    var start: Int
    /// The index behind its last.
    var end: Int
    var kind: Kind

    /// What it is.
    enum Kind {
        case scalar(String, Style)
        case list([Node])
        case mapping([Entry])
        /// Its own problem is already reported; nothing more is to be said about it.
        case broken
    }

    /// How a scalar is written.
    enum Style {
        case plain, singleQuoted, doubleQuoted
        /// `|` or `>`.
        case block
    }

    /// A key and its value.
    struct Entry {
        var key: Node
        var value: Node
    }

    /// Whether nothing stands here.
    var isNull: Bool {
        guard case .scalar(let text, .plain) = kind else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }

    /// What it is, in a problem's words.
    var word: String {
        switch kind {
        case .scalar: isNull ? "nothing" : "text"
        case .list: "a list"
        case .mapping: "keys and values"
        case .broken: "something broken"
        }
    }
}

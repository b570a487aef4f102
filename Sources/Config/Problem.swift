/// One mistake in a configuration file, for a person.
public struct Problem: Error, Equatable, Sendable {
    /// The line, from 1.
    public var line: Int
    /// The column in characters, from 1.
    public var column: Int
    /// What stood there.
    public var what: String
    /// What was expected, what to do.
    public var hint: String

    /// A problem.
    public init(line: Int, column: Int, what: String, hint: String) {
        self.line = line
        self.column = column
        self.what = what
        self.hint = hint
    }

    /// `FILE:LINE:COLUMN: what; hint`.
    public func line(in file: String) -> String { "\(file):\(line):\(column): \(what); \(hint)" }
}

/// All mistakes of a configuration file, in the order of the file; never empty.
public struct Problems: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file's name, as the user gave it.
    public let file: String
    /// The mistakes.
    public let list: [Problem]

    /// Most mistakes that are told of one file.
    public static let problemsMax = 100

    init(file: String, _ first: Problem, _ rest: [Problem] = []) {
        self.file = file
        let all = ([first] + rest).enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }
        list = all.prefix(Problems.problemsMax).map(\.element)
    }

    /// `FILE:LINE:COLUMN: what; hint`, a line each.
    public var description: String { list.map { $0.line(in: file) }.joined(separator: "\n") }
}

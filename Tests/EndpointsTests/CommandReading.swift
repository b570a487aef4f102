import Endpoints
import Routing
import Testing

func read(_ line: some Sequence<UInt8>, number: UInt64 = 3) -> Result<Command, CommandProblem> {
    var reader = CommandReader()
    return Array(line).withUnsafeBufferPointer { reader.read($0, number: number) }
}

func read(_ line: String) -> Result<Command, CommandProblem> { read(line.utf8) }

/// Why the line is no command; nil where it is one.
func refused(_ line: String) -> CommandProblem? {
    if case .failure(let problem) = read(line) { problem } else { nil }
}

/// A line that is no command, and what is said of it.
struct Mistake: CustomTestStringConvertible, Sendable {
    var line: String
    var code: CommandProblem.Code
    var key: String
    var text: String
    /// Whether it is wrong in a way that JSON Schema has no words for.
    var fitsSchema = false

    var testDescription: String { line }

    init(_ line: String, _ code: CommandProblem.Code, _ key: String, _ text: String, fitsSchema: Bool = false) {
        self.line = line
        self.code = code
        self.key = key
        self.text = text
        self.fitsSchema = fitsSchema
    }

    /// That the line is refused in these words, and by the schema.
    func check() throws {
        let problem = try #require(refused(line), "taken")
        #expect(problem.code == code)
        #expect(problem.key == key)
        #expect(problem.text == text)
        let validator = SchemaValidator(root: try JSON(reading: Schema.commands.utf8))
        #expect(validator.complaints(of: try JSON(reading: line.utf8)).isEmpty == fitsSchema)
    }
}

import Endpoints
import Glibc
import Routing
import Testing

@Suite struct SchemaTests {
    private static func file(_ name: String) -> [UInt8]? {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        guard let file = fopen("/\(root)/contrib/schema/\(name)", "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }

    @Test func theProgramAndTheFilesHoldTheSameTexts() throws {
        #expect(String(decoding: try #require(Self.file("events-v1.schema.json")), as: UTF8.self) == Schema.events)
        #expect(String(decoding: try #require(Self.file("commands-v1.schema.json")), as: UTF8.self) == Schema.commands)
        #expect(String(decoding: try #require(Self.file("explain-v1.schema.json")), as: UTF8.self) == Schema.explain)
    }

    @Test func everyKindOfEventHasItsSchema() throws {
        let schema = try JSON(reading: Schema.events.utf8)
        for kind in EventRecord.Kind.allCases {
            let properties = schema["$defs"]?[kind.rawValue]
            #expect(properties?["properties"]?["event"]?["const"] == .string(kind.rawValue))
            #expect(properties?["additionalProperties"] == .bool(false))
        }
        guard case .array(let choices)? = schema["oneOf"] else {
            Issue.record("no oneOf")
            return
        }
        #expect(choices.count == EventRecord.Kind.allCases.count)
    }

    @Test func everyVerbHasItsSchema() throws {
        let schema = try JSON(reading: Schema.commands.utf8)
        guard case .array(let choices)? = schema["oneOf"], case .object(let definitions)? = schema["$defs"] else {
            Issue.record("no oneOf, or no $defs")
            return
        }
        let commands = definitions.filter { $0.value["properties"] != nil }
        #expect(choices == commands.map { .object([.init(name: "$ref", value: .string("#/$defs/\($0.name)"))]) })
        #expect(commands.allSatisfy { $0.value["additionalProperties"] == .bool(false) })
        let verbs = commands.map { $0.value["properties"]?["do"]?["const"] }
        let unsupported: [Command.Verb] = [.history, .upload, .vcard, .publish, .adhoc]
        for verb in Command.Verb.allCases {
            // One to set an affiliation, one to list them.
            let count = unsupported.contains(verb) ? 0 : verb == .affiliate ? 2 : 1
            #expect(verbs.count { $0 == .string(verb.rawValue) } == count, "\(verb)")
        }
    }

    @Test func templatesKnowTheFieldsOfTheSchema() throws {
        let schema = try JSON(reading: Schema.events.utf8)
        var fields: Set<String> = []
        for kind in EventRecord.Kind.allCases {
            guard case .object(let properties)? = schema["$defs"]?[kind.rawValue]?["properties"] else {
                Issue.record("no properties of \(kind)")
                continue
            }
            fields.formUnion(properties.map(\.name))
        }
        // `time` every record has, and `seq` is given when the line is written, behind the rules.
        #expect(Set(Vocabulary.eventFields) == fields.subtracting(["time", "seq"]))
        #expect(Set(Vocabulary.eventFields).count == Vocabulary.eventFields.count)
    }

    @Test(arguments: [
        #"{"event":"session","time":"2026-11-22T09:40:00.123Z","seq":1,"state":"online","jid":"a@b/c","resumed":false}"#
    ])
    func whatFitsIsTaken(_ text: String) throws {
        let validator = SchemaValidator(root: try JSON(reading: Schema.events.utf8))
        #expect(validator.complaints(of: try JSON(reading: text.utf8)) == [])
    }

    /// A validator that takes all would make every other test of events worthless.
    @Test(arguments: [
        #"{"event":"session","time":"2026-11-22T09:40:00.123Z","seq":1}"#,
        #"{"event":"session","time":"2026-11-22T09:40:00.123Z","state":"online"}"#,
        #"{"event":"session","time":"2026-11-22T09:40:00.123Z","seq":1,"state":"asleep"}"#,
        #"{"event":"session","time":"2026-11-22T09:40:00.123Z","seq":0,"state":"online"}"#,
        #"{"event":"session","time":"2026-11-22 09:40:00Z","seq":1,"state":"online"}"#,
        #"{"event":"session","time":"2026-11-22T09:40:00.123Z","seq":1,"state":"online","resumed":"no"}"#,
        #"{"event":"session","time":"2026-11-22T09:40:00.123Z","seq":1,"state":"online","resumed":null}"#,
        #"{"event":"session","time":"2026-11-22T09:40:00.123Z","seq":1,"state":"online","body":"x"}"#,
        #"{"event":"weather","time":"2026-11-22T09:40:00.123Z","seq":1}"#,
        #"{"event":"presence","time":"2026-11-22T09:40:00.123Z","seq":1,"from":"a@b/c","jid":"a@b/c","available":true}"#,
        #"{"event":"roster","time":"2026-11-22T09:40:00.123Z","seq":1,"jid":"a@b","action":"set","groups":[1]}"#,
        #"{"event":"block","time":"2026-11-22T09:40:00.123Z","seq":1,"jid":"a@b","action":"forgiven"}"#,
        #"{"event":"room","time":"2026-11-22T09:40:00.123Z","seq":1,"room":"a@b/c","action":"joined"}"#,
        #"{"event":"room","time":"2026-11-22T09:40:00.123Z","seq":1,"room":"a@b","action":"joined","password":"x"}"#,
        #"{"event":"occupant","time":"2026-11-22T09:40:00.123Z","seq":1,"room":"a@b","action":"left","self":false}"#,
        #"{"event":"receipt","time":"2026-11-22T09:40:00.123Z","seq":1,"from":"a@b/c","jid":"a@b"}"#,
        #"{"event":"result","time":"2026-11-22T09:40:00.123Z","seq":1,"ok":true,"features":"x"}"#,
        "[]", "{}",
    ])
    func whatDoesNotFitIsRefused(_ text: String) throws {
        let validator = SchemaValidator(root: try JSON(reading: Schema.events.utf8))
        #expect(validator.complaints(of: try JSON(reading: text.utf8)) != [])
    }
}

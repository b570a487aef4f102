public import Routing
public import Stanza

/// NDJSON → events, as ``EventWriter`` wrote them: recorded ones, for the rules to be tried on.
public enum EventReader {
    /// Why a line is no event.
    public struct Problem: Error, Equatable, Sendable, CustomStringConvertible {
        /// What stands there, and what was expected.
        public var description: String
    }

    /// Reads one event. A kind that this version does not emit is a problem, a field that it does not know is not.
    /// - Returns: the event, and when it happened; nil where it does not say.
    /// - Throws: ``Problem`` for what is no flat JSON object, or no event.
    public static func read(
        _ line: UnsafeBufferPointer<UInt8>
    ) throws(Problem) -> (event: EventRecord, time: WallTime?) {
        let json: JSON
        do throws(JSON.Problem) { json = try JSON.parse(line) } catch {
            throw Problem(description: "column \(error.column): \(error.what)")
        }
        guard case .object(let members) = json else { throw Problem(description: "expected a JSON object") }
        var kind: EventRecord.Kind?
        var time: WallTime?
        var fields: [EventRecord.Field] = []
        for member in members {
            switch (member.name, member.value) {
            case ("event", .string(let name)):
                kind = EventRecord.Kind(rawValue: name)
                if kind == nil {
                    throw Problem(description: "there is no event \"\(ShownText.escaped(name, charactersMax: 80))\"")
                }
            case ("time", .string(let text)):
                time = WallTime(timestamp: text.utf8)
                if time == nil { throw Problem(description: "time is none of RFC 3339, as 2026-11-22T09:40:00.123Z") }
            case ("event", _), ("time", _): throw Problem(description: "\(member.name) is no text")
            case ("seq", _): break
            case (let name, _) where !isName(name):
                throw Problem(
                    description:
                        "\"\(ShownText.escaped(name, charactersMax: 80))\" is no name of a field: expected small "
                        + "letters, digits and _")
            case (let name, let value): fields.append(.init(name, try self.value(value, of: name)))
            }
        }
        guard let kind else { throw Problem(description: "the object has no \"event\"") }
        return (EventRecord(kind, fields), time)
    }

    /// Whether it is written as it is: names of fields are, without escapes.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "_")
            }
    }

    private static func value(_ json: JSON, of name: String) throws(Problem) -> EventRecord.Value {
        switch json {
        case .string(let text): return .string(text)
        case .bool(let value): return .bool(value)
        case .number(let digits):
            if let number = Int64(digits) { return .int(number) }
        case .array(let items):
            let texts = items.compactMap { if case .string(let text) = $0 { text } else { nil } }
            if texts.count == items.count { return .strings(texts) }
        case .null, .object: break
        }
        throw Problem(
            description:
                "\"\(ShownText.escaped(name, charactersMax: 80))\" is no field of an event: expected a text, a whole number, true, "
                + "false or a list of texts")
    }
}

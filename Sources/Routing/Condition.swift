import Stanza

/// What a rule asks of one field of a record (`where:`); all that is asked must hold.
public struct Condition: Equatable, Sendable {
    /// The field, as it was written.
    public let field: String
    let piece: Template.Piece
    let tests: [Test]
    /// Where it stands, as its draft says.
    let place: Int

    /// Something that is asked.
    enum Test: Equatable, Sendable {
        /// The field is one of these.
        case isOneOf([Operand])
        /// It is none of these.
        case isNoneOf([Operand])
        /// It is a number, and stands so to this one.
        case compares(Comparison, Number)
    }

    /// How numbers stand to each other.
    public enum Comparison: String, Sendable, CaseIterable {
        /// Greater than.
        case gt
        /// Greater or equal.
        case ge
        /// Less than.
        case lt
        /// Less or equal.
        case le

        func holds(_ a: Number, _ b: Number) -> Bool {
            switch self {
            case .gt: a > b
            case .ge: a >= b
            case .lt: a < b
            case .le: a <= b
            }
        }
    }

    /// What a field is compared with.
    enum Operand: Equatable, Sendable {
        /// The text that a placeholder would give, byte for byte.
        case text([UInt8])
        /// A number, or a text that is written as one.
        case number(Number)
        /// A truth, or a text that names it.
        case bool(Bool)
        /// An address without its resource.
        case glob(JIDGlob)
        /// An address with its resource.
        case address(JID)
    }

    /// Whether both ask the same, wherever they stand.
    public static func == (a: Condition, b: Condition) -> Bool {
        a.field == b.field && a.piece == b.piece && a.tests == b.tests
    }

    /// Whether it asks for what only a match, or a parser, finds: it is looked at after the pattern.
    var isLate: Bool {
        switch piece {
        case .group, .json: true
        case .literal, .line, .host, .time, .field, .filtered: false
        }
    }

    var needsJSON: Bool { if case .json = piece { true } else { false } }

    /// Fields that are true, or are left out.
    static let leftOutWhereFalse: Set<String> = ["private", "self", "initial", "replayed", "redelivered", "approved"]
    /// Fields that hold addresses, and are compared with patterns of addresses.
    static let addressFields: Set<String> = ["from", "jid", "to", "room"]

    /// Whether the record that is rendered is so.
    func holds(in rendering: Rendering) -> Bool {
        let value = rendering.value(of: piece)
        return tests.allSatisfy { test in
            switch test {
            case .isOneOf(let operands): operands.contains { value.equals($0) }
            case .isNoneOf(let operands): !operands.contains { value.equals($0) }
            case .compares(let comparison, let number): value.number.map { comparison.holds($0, number) } ?? false
            }
        }
    }
}

/// What a condition finds in a record.
enum FieldValue: Equatable {
    /// The field is not there; whether that means false.
    case nothing(isFalse: Bool)
    case text([UInt8])
    case number(Number, text: String)
    case bool(Bool)
    /// One of these is enough.
    case list([FieldValue])

    var number: Number? {
        switch self {
        case .number(let number, _): number
        case .text(let bytes):
            bytes.count <= Number.bytesMax ? Number(parsing: String(decoding: bytes, as: UTF8.self)) : nil
        case .nothing, .bool, .list: nil
        }
    }

    func equals(_ operand: Condition.Operand) -> Bool {
        if case .list(let items) = self, !items.isEmpty { return items.contains { $0.equals(operand) } }
        switch operand {
        case .text(let text): return text == shown
        case .number(let number): return self.number == number
        case .bool(let truth):
            switch self {
            case .bool(let value): return value == truth
            case .nothing(let isFalse): return isFalse && !truth
            case .text, .number, .list: return shown.elementsEqual((truth ? "true" : "false").utf8)
            }
        case .glob(let glob):
            guard case .text(let bytes) = self, let jid = try? JID(received: String(decoding: bytes, as: UTF8.self))
            else { return false }
            return glob.matches(jid)
        case .address(let jid): return shown.elementsEqual(jid.text.utf8)
        }
    }

    /// As a placeholder gives it; of a list nothing, since its items are looked at one by one.
    private var shown: [UInt8] {
        switch self {
        case .nothing, .list: []
        case .text(let bytes): bytes
        case .number(_, let text): Array(text.utf8)
        case .bool(let truth): Array((truth ? "true" : "false").utf8)
        }
    }
}

extension Rendering {
    /// The value of a field, not yet as text.
    func value(of piece: Template.Piece) -> FieldValue {
        switch piece {
        case .literal(let bytes): return .text(bytes)
        case .group(let number):
            guard let range = matcher?.group(number) else { return .nothing(isFalse: false) }
            return .text(Array(text[range]))
        case .line: return event == nil ? .text(text) : value(ofField: "line")
        case .host: return .text(host)
        case .json(let path): return json?.value(at: path)?.fieldValue ?? .nothing(isFalse: false)
        case .field(let name): return value(ofField: name)
        case .time, .filtered:
            var bytes: [UInt8] = []
            append(piece, to: &bytes)
            return .text(bytes)
        }
    }

    private func value(ofField name: String) -> FieldValue {
        guard let event else {
            guard name == "source", let source else { return .nothing(isFalse: false) }
            return .text(Array(source.utf8))
        }
        if name == "event" { return .text(Array(event.kind.rawValue.utf8)) }
        switch event[name] {
        case .string(let text): return .text(Array(text.utf8))
        case .bytes(let bytes): return .text(bytes)
        case .int(let whole): return .number(Number(whole), text: String(whole))
        case .bool(let truth): return .bool(truth)
        case .strings(let texts): return .list(texts.map { .text(Array($0.utf8)) })
        case nil: return .nothing(isFalse: Condition.leftOutWhereFalse.contains(name))
        }
    }
}

extension JSON {
    fileprivate var fieldValue: FieldValue {
        switch self {
        case .null: return .nothing(isFalse: false)
        case .bool(let truth): return .bool(truth)
        case .number(let digits):
            return Number(parsing: digits).map { .number($0, text: digits) } ?? .text(Array(digits.utf8))
        case .string(let text): return .text(Array(text.utf8))
        case .array(let items): return .list(items.map(\.fieldValue))
        case .object:
            var bytes: [UInt8] = []
            appendText(to: &bytes)
            return .text(bytes)
        }
    }
}

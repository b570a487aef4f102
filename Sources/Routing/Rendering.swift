import Stanza

/// What a template is filled from: one record, and what was found in it.
struct Rendering {
    /// The line, or the message's body.
    let text: [UInt8]
    /// The event, where the record is one.
    let event: EventRecord?
    /// The pattern that has just matched ``text``.
    let matcher: Matcher?
    /// ``text`` as JSON, where the template needs it and it is.
    let json: JSON?
    let host: [UInt8]
    let time: WallTime
    /// Where the line comes from.
    var source: String?

    /// Appends the template, filled; what is not there gives nothing.
    func append(_ template: Template, to bytes: inout [UInt8]) {
        for piece in template.pieces { append(piece, to: &bytes) }
    }

    /// Gives a message what its rule says it carries.
    func append(_ heading: Heading, to delivery: inout Delivery) {
        delivery.subject = heading.subject.flatMap(filled)
        delivery.thread = heading.thread.flatMap(filled)
        delivery.lang = heading.lang
    }

    /// The template's text; nil where it is empty.
    private func filled(_ template: Template) -> String? {
        var bytes: [UInt8] = []
        append(template, to: &bytes)
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// Appends one part of a template, filled.
    func append(_ piece: Template.Piece, to bytes: inout [UInt8]) {
        switch piece {
        case .literal(let literal): bytes.append(contentsOf: literal)
        case .group(let number):
            if let range = matcher?.group(number) { bytes.append(contentsOf: text[range]) }
        case .line:
            // Events speak of lines by their number.
            if event == nil { bytes.append(contentsOf: text) } else { append(field: "line", to: &bytes) }
        case .host: bytes.append(contentsOf: host)
        case .time: time.append(to: &bytes)
        case .json(let path): json?.value(at: path)?.appendRaw(to: &bytes)
        case .field(let name): append(field: name, to: &bytes)
        case .filtered(let piece, let filters):
            var value: [UInt8] = []
            append(piece, to: &value)
            for filter in filters { filter.apply(to: &value) }
            bytes.append(contentsOf: value)
        }
    }

    private func append(field name: String, to bytes: inout [UInt8]) {
        guard let event else {
            if name == "source", let source { bytes.append(contentsOf: source.utf8) }
            return
        }
        if name == "event" {
            bytes.append(contentsOf: event.kind.rawValue.utf8)
            return
        }
        switch event[name] {
        case .string(let value): bytes.append(contentsOf: value.utf8)
        case .bytes(let value): bytes.append(contentsOf: value)
        case .int(let value): bytes.append(contentsOf: String(value).utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .strings(let values): bytes.append(contentsOf: values.joined(separator: ", ").utf8)
        case nil: break
        }
    }
}

extension JSON {
    /// The value at a path of member names and array indexes (from 0).
    func value(at path: [String]) -> JSON? {
        var here = self
        for step in path {
            switch here {
            case .object(let members):
                guard let found = members.first(where: { $0.name == step }) else { return nil }
                here = found.value
            case .array(let items):
                guard let index = Int(step), items.indices.contains(index) else { return nil }
                here = items[index]
            case .null, .bool, .number, .string: return nil
            }
        }
        return here
    }

    /// Appends the value as a person reads it: a string bare, null as nothing, the rest as JSON.
    func appendRaw(to bytes: inout [UInt8]) {
        switch self {
        case .string(let value): bytes.append(contentsOf: value.utf8)
        case .null: break
        case .bool, .number, .array, .object: appendText(to: &bytes)
        }
    }

    /// Appends the value as a JSON text on one line.
    func appendText(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let digits): bytes.append(contentsOf: digits.utf8)
        case .string(let value): JSON.append(quoted: value, to: &bytes)
        case .array(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                item.appendText(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSON.append(quoted: member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.appendText(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Appends a text as a JSON string.
    static func append(quoted text: String, to bytes: inout [UInt8]) {
        let bytesMax = text.utf8.count * JSONText.escapedBytesMax + 2
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytesMax) { room in
            // There is room for two quotes at least, so there is a base.
            guard let base = room.baseAddress else { return }
            var json = JSONText(writingTo: base)
            json.string(text)
            bytes.append(contentsOf: UnsafeBufferPointer(start: base, count: json.count))
        }
    }
}

import Routing

/// A validator for the part of JSON Schema that our schemas use; a keyword that it does not know is a complaint, so
/// that nothing is passed over.
struct SchemaValidator {
    let root: JSON

    /// What is wrong, each with its path; nothing where the value is valid.
    func complaints(of value: JSON) -> [String] { check(value, root, "$") }

    private func check(_ value: JSON, _ schema: JSON, _ path: String) -> [String] {
        guard case .object(let keywords) = schema else { return ["\(path): a schema that is no object"] }
        return keywords.flatMap { keyword in
            switch keyword.name {
            case "$schema", "$id", "$defs", "title", "description": return [String]()
            case "$ref": return reference(keyword.value).map { check(value, $0, path) } ?? ["\(path): no such $ref"]
            case "oneOf": return oneOf(value, keyword.value, path)
            case "required", "properties", "additionalProperties": return object(value, schema, keyword, path)
            case "items", "minItems", "maxItems", "uniqueItems": return array(value, keyword, path)
            case _: return scalar(value, keyword, path)
            }
        }
    }

    private func reference(_ value: JSON) -> JSON? {
        guard case .string(let pointer) = value, pointer.hasPrefix("#/$defs/") else { return nil }
        return root["$defs"]?[String(pointer.dropFirst("#/$defs/".count))]
    }

    private func oneOf(_ value: JSON, _ schemas: JSON, _ path: String) -> [String] {
        guard case .array(let choices) = schemas else { return ["\(path): oneOf is no list"] }
        let results = choices.map { check(value, $0, path) }
        let valid = results.filter(\.isEmpty).count
        if valid == 1 { return [] }
        return valid > 1 ? ["\(path): \(valid) of oneOf fit"] : results.flatMap { $0 }
    }

    private func object(_ value: JSON, _ schema: JSON, _ keyword: JSON.Member, _ path: String) -> [String] {
        guard case .object(let members) = value else { return [] }
        switch (keyword.name, keyword.value) {
        case ("required", .array(let names)):
            return names.compactMap { name in
                guard case .string(let name) = name, value[name] != nil else { return "\(path): \(name) is missing" }
                return nil
            }
        case ("properties", let properties):
            return members.flatMap { member in
                properties[member.name].map { check(member.value, $0, "\(path).\(member.name)") } ?? []
            }
        case ("additionalProperties", .bool(false)):
            return members.filter { schema["properties"]?[$0.name] == nil }.map { "\(path): \($0.name) is not known" }
        case _: return ["\(path): \(keyword.name) is not understood"]
        }
    }

    private func array(_ value: JSON, _ keyword: JSON.Member, _ path: String) -> [String] {
        guard case .array(let items) = value else { return [] }
        switch (keyword.name, keyword.value.integer) {
        case ("items", _):
            return items.enumerated().flatMap { check($0.element, keyword.value, "\(path)[\($0.offset)]") }
        case ("minItems", let count?): return items.count >= count ? [] : ["\(path): too few"]
        case ("maxItems", let count?): return items.count <= count ? [] : ["\(path): too many"]
        case ("uniqueItems", _) where keyword.value == .bool(true):
            let isUnique = items.indices.allSatisfy { !items[..<$0].contains(items[$0]) }
            return isUnique ? [] : ["\(path): one stands twice"]
        case _: return ["\(path): \(keyword.name) is not understood"]
        }
    }

    private func scalar(_ value: JSON, _ keyword: JSON.Member, _ path: String) -> [String] {
        let valid: Bool
        switch (keyword.name, keyword.value, value) {
        case ("type", .string(let name), _): valid = value.has(type: name)
        case ("type", .array(let names), _):
            valid = names.contains { name in
                if case .string(let name) = name { value.has(type: name) } else { false }
            }
        case ("const", let constant, _): valid = value == constant
        case ("enum", .array(let choices), _): valid = choices.contains(value)
        case ("pattern", .string(let pattern), .string(let text)):
            valid = ((try? Regex(pattern).firstMatch(in: text)) ?? nil) != nil
        case ("minLength", let limit, .string(let text)): valid = text.unicodeScalars.count >= limit.integer ?? .max
        case ("maxLength", let limit, .string(let text)): valid = text.unicodeScalars.count <= limit.integer ?? .min
        case ("minimum", let limit, .number): valid = value.integer ?? .min >= limit.integer ?? .max
        case ("maximum", let limit, .number): valid = value.integer ?? .max <= limit.integer ?? .min
        case ("pattern", _, _), ("minLength", _, _), ("maxLength", _, _), ("minimum", _, _), ("maximum", _, _):
            valid = true
        case _: return ["\(path): the keyword \(keyword.name) is not understood"]
        }
        return valid ? [] : ["\(path): \(value) is against \(keyword.name) \(keyword.value)"]
    }
}

extension JSON {
    /// The member of that name, of an object.
    subscript(_ name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text)
    }

    fileprivate func has(type: String) -> Bool {
        switch (type, self) {
        case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string), ("array", .array),
            ("object", .object):
            true
        case ("integer", .number): integer != nil
        case _: false
        }
    }

    /// The value of a text in a test.
    init(reading text: some Sequence<UInt8>) throws(Problem) {
        let bytes = Array(text)
        self = try bytes.withUnsafeBufferPointer { bytes throws(Problem) in try JSON.parse(bytes) }
    }
}

import Routing
import Stanza

/// The object of a command, its keys read one by one.
struct CommandObject {
    private let members: [JSON.Member]
    private let number: UInt64
    /// The command's ref: a string, or a number as it was written.
    private(set) var ref: String?
    /// Characters made visible so far.
    private(set) var illegalCharacters: UInt64 = 0

    init(_ line: UnsafeBufferPointer<UInt8>, number: UInt64) throws(CommandProblem) {
        self.number = number
        let json: JSON
        do throws(JSON.Problem) {
            json = try JSON.parse(line)
        } catch {
            throw CommandProblem(.badJSON, line: number, column: error.column, text: error.what)
        }
        guard case .object(let members) = json else {
            let text = "expected an object, for example {\"do\":\"send\",...}, but found \(Self.name(json))"
            throw CommandProblem(.badCommand, line: number, text: text)
        }
        self.members = members
        ref = try readRef()
    }

    private func readRef() throws(CommandProblem) -> String? {
        let text: String
        switch value("ref") {
        case nil: return nil
        case .string(let string): text = string
        case .number(let number): text = number
        case let other?: throw wrong("ref", "a string or a number", other)
        }
        if text.utf8.count > CommandReader.refBytesMax {
            throw problem(.badValue, "ref", "expected at most \(CommandReader.refBytesMax) bytes")
        }
        return text
    }

    // MARK: Keys

    /// - Throws: `unknown-key` for a key that is none of these, `do` or `ref`.
    func allow(_ keys: [String]) throws(CommandProblem) {
        let known = keys + ["do", "ref"]
        for member in members where !known.contains(member.name) {
            let absent = known.filter { !has($0) }
            let hint =
                Wording.nearest(to: member.name, among: absent).map { "did you mean \(Wording.quote($0))?" }
                ?? "expected \(Wording.alternatives((keys.isEmpty ? ["ref"] : keys).map(Wording.quote)))"
            let text = "no key \(Wording.quote(member.name)) here; \(hint)"
            throw problem(.unknownKey, member.name, text)
        }
    }

    /// A string that must be there.
    func required(_ key: String) throws(CommandProblem) -> String {
        guard let text = try string(key) else { throw missing(key) }
        return text
    }

    /// A text that XML can carry.
    mutating func visibleText(_ key: String) throws(CommandProblem) -> String? {
        guard let text = try string(key) else { return nil }
        return String(decoding: visible(text), as: UTF8.self)
    }

    /// A text that is taken only as it is: not empty, and XML can carry it. No problem shows it.
    func secret(_ key: String) throws(CommandProblem) -> String? {
        guard let text = try string(key) else { return nil }
        let isClean = Array(text.utf8).withUnsafeBufferPointer { TextScan.cleanRun($0, from: 0).stop == .end }
        if !isClean || text.isEmpty {
            throw problem(.badValue, key, "expected a text that is not empty and that XML can carry")
        }
        return text
    }

    func oneOf<Choice: RawRepresentable<String>>(
        _ key: String, _ choices: [Choice]
    ) throws(CommandProblem) -> Choice? {
        guard let text = try string(key) else { return nil }
        if let choice = choices.first(where: { $0.rawValue == text }) { return choice }
        let names = choices.map { Wording.quote($0.rawValue) }
        throw problem(.badValue, key, "expected \(Wording.alternatives(names)) but found \(Wording.quote(text))")
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws(CommandProblem) -> Int? {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        switch value(key) {
        case nil: return nil
        case .number(let text):
            guard let number = Int(text), range.contains(number) else {
                throw problem(.badValue, key, "expected \(expected) but found \(text.prefix(40))")
            }
            return number
        case let other?: throw wrong(key, expected, other)
        }
    }

    func flag(_ key: String) throws(CommandProblem) -> Bool? {
        switch value(key) {
        case nil: return nil
        case .bool(let flag): return flag
        case let other?: throw wrong(key, "true or false", other)
        }
    }

    /// Whether the key is there, whatever its value.
    func has(_ key: String) -> Bool { value(key) != nil }

    /// Texts that XML can carry, none of them empty, each once.
    mutating func visibleTexts(
        _ key: String, atMost max: Int, bytesMax: Int
    ) throws(CommandProblem) -> [String]? {
        let list: [JSON]
        switch value(key) {
        case nil: return nil
        case .array(let items): list = items
        case let other?: throw wrong(key, "a list of strings", other)
        }
        if list.count > max {
            throw problem(.badValue, key, "expected at most \(max) of them but found \(list.count)")
        }
        var texts: [String] = []
        var seen: Set<String> = []
        for item in list {
            guard case .string(let raw) = item else { throw wrong(key, "a list of strings", item) }
            let text = String(decoding: visible(raw), as: UTF8.self)
            if text.isEmpty { throw problem(.badValue, key, "expected texts that are not empty") }
            try bound(text, key, bytesMax)
            if !seen.insert(text).inserted {
                throw problem(.badValue, key, "\(Wording.quote(text)) stands twice")
            }
            texts.append(text)
        }
        return texts
    }

    /// - Throws: `bad-value` for a text of more bytes.
    func bound(_ text: String, _ key: String, _ bytesMax: Int) throws(CommandProblem) {
        let count = text.utf8.count
        if count > bytesMax { throw problem(.badValue, key, "expected at most \(bytesMax) bytes but found \(count)") }
    }

    // MARK: Addresses

    func address(_ key: String) throws(CommandProblem) -> JID? {
        guard let text = try string(key) else { return nil }
        return try jid(key, text)
    }

    /// An address that must be there.
    func requiredAddress(_ key: String) throws(CommandProblem) -> JID { try jid(key, required(key)) }

    /// An address without a resource.
    func bareAddress(_ key: String) throws(CommandProblem) -> JID? {
        guard let jid = try address(key) else { return nil }
        if jid.isBare { return jid }
        let text = "\(Wording.quote(jid.text)) has a resource; expected a bare address: \(Wording.quote(jid.bare.text))"
        throw problem(.badJID, key, text)
    }

    /// An address without a resource that must be there.
    func requiredBareAddress(_ key: String) throws(CommandProblem) -> JID {
        guard let jid = try bareAddress(key) else { throw missing(key) }
        return jid
    }

    /// The address of a room, bare and with a local part (XEP-0045 4.1).
    func room(_ key: String = "room") throws(CommandProblem) -> JID {
        let jid = try requiredBareAddress(key)
        if jid.local != nil { return jid }
        let text = "\(Wording.quote(jid.text)) is no room; expected for example \(Wording.quote("room@\(jid.text)"))"
        throw problem(.badJID, key, text)
    }

    /// One address, or a list of them with no one twice.
    func addresses(_ key: String, atMost max: Int) throws(CommandProblem) -> [JID] {
        let list: [JSON]
        switch value(key) {
        case nil: throw missing(key)
        case .string(let text): return [try jid(key, text)]
        case .array(let items): list = items
        case let other?: throw wrong(key, "an address or a list of them", other)
        }
        if list.isEmpty { throw problem(.badValue, key, "expected at least one address") }
        if list.count > max {
            throw problem(.badValue, key, "expected at most \(max) addresses but found \(list.count)")
        }
        var jids: [JID] = []
        for item in list {
            guard case .string(let text) = item else { throw wrong(key, "a list of addresses", item) }
            let jid = try jid(key, text)
            if jids.contains(jid) {
                throw problem(.badValue, key, "the address \(Wording.quote(jid.text)) stands twice")
            }
            jids.append(jid)
        }
        return jids
    }

    /// Somebody's name in that room, prepared as its address has it (XEP-0045 4.1).
    /// - Parameter isReceived: whether it is one that the room gave out: see ``JID/init(received:)``.
    func nick(in room: JID, isReceived: Bool) throws(CommandProblem) -> String? {
        guard let text = try string("nick") else { return nil }
        do throws(JID.Failure) {
            let occupant = isReceived ? try JID(received: room.text + "/" + text) : try room.with(resource: text)
            return occupant.resource
        } catch {
            throw problem(.badValue, "nick", "the nick \(Wording.quote(text)) \(error.rule)")
        }
    }

    // MARK: Text

    /// The text's bytes, with what XML 1.0 forbids made visible as ``LineFramer`` does; newlines stay.
    mutating func visible(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBufferPointer { buffer in
            var result: [UInt8] = []
            var position = 0
            while position < buffer.count {
                let (end, stop) = TextScan.cleanRun(buffer, from: position)
                if end == buffer.count && position == 0 { return bytes }
                result.append(contentsOf: buffer[position..<end])
                switch stop {
                case .end: return result
                case .control:
                    result += [0xE2, 0x90, 0x80 + buffer[end]]
                    position = end + 1
                // A String is UTF-8: only U+FFFE and U+FFFF are left to stop at, three bytes each.
                case .forbidden, .broken, .cut:
                    result += UTF8.encodedReplacementCharacter
                    position = end + 3
                }
                illegalCharacters += 1
            }
            return result
        }
    }

    // MARK: Problems

    func problem(_ code: CommandProblem.Code, _ key: String, _ text: String) -> CommandProblem {
        CommandProblem(code, line: number, ref: ref, key: key, text: text)
    }

    func missing(_ key: String) -> CommandProblem {
        problem(.missingKey, key, "the key \(Wording.quote(key)) is missing")
    }

    private func wrong(_ key: String, _ expected: String, _ found: JSON) -> CommandProblem {
        let hint = found == .null ? "; leave the key out where there is nothing to say" : ""
        return problem(.badValue, key, "expected \(expected) but found \(Self.name(found))\(hint)")
    }

    private func value(_ key: String) -> JSON? { members.first { $0.name == key }?.value }

    private func string(_ key: String) throws(CommandProblem) -> String? {
        switch value(key) {
        case nil: return nil
        case .string(let text): return text
        case let other?: throw wrong(key, "a string", other)
        }
    }

    private func jid(_ key: String, _ text: String) throws(CommandProblem) -> JID {
        do {
            return try JID(text)
        } catch {
            throw problem(
                .badJID, key, "\(Wording.quote(text)) is no address: \(error); expected for example ops@example.org")
        }
    }

    private static func name(_ json: JSON) -> String {
        switch json {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

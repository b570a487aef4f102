/// What a pattern's source shows without doubt of every text that it matches: the longest run of bytes that stands in
/// each, and why there can be none. What is not understood for certain gives nothing: a literal that is not required
/// would lose records.
struct RequiredLiteral {
    /// The run; empty where there is none for certain.
    private(set) var bytes: [UInt8] = []
    /// Whether a line break stands in every text.
    private(set) var asksForBreak = false
    /// Why no text of XML's characters can match, in a problem's words.
    private(set) var contradiction: String?

    private let source: [UInt8]
    private var position = 0
    /// Whether something stands there whose meaning is not followed: flags, verbs, conditions, backreferences.
    private var isUncertain = false

    /// Longest literal, in bytes: more would make the search for it larger, and hardly sharper.
    static let bytesMax = 16
    /// How deep groups are followed.
    static let depthMax = 64

    /// Whether, on the way through the outermost sequence, a character was needed, or the end was.
    private var isBehindStart = false
    private var isBehindEnd = false

    /// Reads the source of a pattern that compiles.
    init(_ source: String) {
        self.source = Array(source.utf8)
        bytes = alternatives(depth: 0)
        if isUncertain || position < self.source.count {
            bytes = []
            asksForBreak = false
            contradiction = nil
        }
    }

    /// What one alternative has; of several none is required. Ends at the closing parenthesis, or at the end.
    private mutating func alternatives(depth: Int) -> [UInt8] {
        if depth > RequiredLiteral.depthMax { isUncertain = true }
        var best = sequence(depth: depth)
        while !isUncertain, peek() == UInt8(ascii: "|") {
            position += 1
            _ = sequence(depth: depth)
            best = []
            // Of alternatives one is enough.
            if depth == 0 { (asksForBreak, contradiction) = (false, nil) }
        }
        return best
    }

    private mutating func sequence(depth: Int) -> [UInt8] {
        var best: [UInt8] = []
        var run: [UInt8] = []
        func keep(_ candidate: [UInt8]) { if candidate.count > best.count { best = candidate } }
        while !isUncertain, let byte = peek(), byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            let inside = item(byte, depth: depth)
            let count = quantifier()
            if depth == 0, count != .maybe { look(byte, inside) }
            if byte == UInt8(ascii: "(") || inside.isEmpty {
                keep(run)
                if count != .maybe { keep(inside) }
                run = []
            } else if count == .once {
                run += inside
            } else {
                // Of a character that comes more than once the first stands behind the run, the last before the next.
                keep(count == .many ? run + inside : run)
                run = count == .many ? inside : []
            }
        }
        keep(run)
        return Array(best.prefix(RequiredLiteral.bytesMax))
    }

    /// Looks at an item that every text must have, for what no text can have.
    private mutating func look(_ sign: UInt8, _ inside: [UInt8]) {
        switch sign {
        case UInt8(ascii: "("), UInt8(ascii: "["): return
        case UInt8(ascii: "^"):
            if isBehindStart { contradiction = "^ stands behind something, and before it nothing can be" }
        case UInt8(ascii: "$"): isBehindEnd = true
        case UInt8(ascii: "\\") where inside.isEmpty: return
        case _:
            isBehindStart = true
            let isBreak = inside == [0x0A]
            // $ also stands before a break at the end.
            if isBehindEnd, !isBreak { contradiction = "$ stands before something, and behind it nothing can be" }
            if isBreak { asksForBreak = true }
            if let byte = inside.first, byte < 0x20, ![0x09, 0x0A, 0x0D].contains(byte) {
                contradiction = "it asks for a control character"
            }
        }
    }

    /// What is required of a character, a class or a group.
    private mutating func item(_ byte: UInt8, depth: Int) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "("): return group(depth: depth)
        case UInt8(ascii: "["): return set()
        case UInt8(ascii: "\\"): return escape()
        case UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "$"):
            position += 1
            return []
        case _: return character()
        }
    }

    private enum Count { case once, many, maybe }

    /// How often what stands before comes: `+` and `{2,}` are many, `?`, `*` and `{0,3}` maybe never.
    private mutating func quantifier() -> Count {
        var count = Count.once
        switch peek() {
        case UInt8(ascii: "?"), UInt8(ascii: "*"): count = .maybe
        case UInt8(ascii: "+"): count = .many
        case UInt8(ascii: "{"):
            // Some releases of PCRE2 take {,3} and spaces for quantifiers, and some for literals.
            guard let end = source[position...].firstIndex(of: UInt8(ascii: "}")) else {
                isUncertain = true
                return .maybe
            }
            let inside = source[position + 1..<end]
            guard let first = inside.first, isDigit(first),
                inside.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ",") })
            else {
                isUncertain = true
                return .maybe
            }
            let least = inside.prefix(while: isDigit)
            count = least.allSatisfy { $0 == UInt8(ascii: "0") } ? .maybe : .many
            position = end
        case _: return .once
        }
        position += 1
        // Lazy or possessive, it comes as often.
        if peek() == UInt8(ascii: "?") || peek() == UInt8(ascii: "+") { position += 1 }
        return count
    }

    private mutating func character() -> [UInt8] {
        let start = position
        position += 1
        while let byte = peek(), byte & 0xC0 == 0x80 { position += 1 }
        return Array(source[start..<position])
    }

    /// A backslash and a sign stand for the sign; with a letter for a class, a place, or what is not followed.
    private mutating func escape() -> [UInt8] {
        guard position + 1 < source.count else {
            isUncertain = true
            return []
        }
        let byte = source[position + 1]
        if "dDwWsSbBAzZhHvVNR".utf8.contains(byte) {
            position += 2
            return []
        }
        if let control = RequiredLiteral.controls[byte] {
            position += 2
            return [control]
        }
        guard byte < 0x80, !isDigit(byte), !isLetter(byte) else {
            isUncertain = true
            return []
        }
        position += 2
        return [byte]
    }

    private static let controls: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09, UInt8(ascii: "f"): 0x0C,
        UInt8(ascii: "e"): 0x1B, UInt8(ascii: "a"): 0x07,
    ]

    /// Over a class in brackets.
    private mutating func set() -> [UInt8] {
        position += 1
        if peek() == UInt8(ascii: "^") { position += 1 }
        if peek() == UInt8(ascii: "]") { position += 1 }
        while let byte = peek(), byte != UInt8(ascii: "]") {
            let next = position + 1 < source.count ? source[position + 1] : 0
            if byte == UInt8(ascii: "\\") {
                // \Q quotes a bracket too, and \E ends that.
                if next == UInt8(ascii: "Q") || next == UInt8(ascii: "E") { isUncertain = true }
                position += 1
            } else if byte == UInt8(ascii: "["), ":.=".utf8.contains(next), !named() {
                isUncertain = true
            }
            position += 1
        }
        position += 1
        return []
    }

    /// Over `[:alpha:]` to its last bracket; false for what only begins like one.
    private mutating func named() -> Bool {
        let sign = source[position + 1]
        var end = position + 2
        while end < source.count, isLetter(source[end]) || source[end] == UInt8(ascii: "^") { end += 1 }
        guard end + 1 < source.count, source[end] == sign, source[end + 1] == UInt8(ascii: "]") else { return false }
        position = end + 1
        return true
    }

    /// A group that captures, or that only groups; what is inside of one is required as often as the group itself.
    private mutating func group(depth: Int) -> [UInt8] {
        position += 1
        if peek() == UInt8(ascii: "*") { isUncertain = true }
        if peek() == UInt8(ascii: "?") {
            position += 1
            opening()
        }
        if isUncertain { return [] }
        let inside = alternatives(depth: depth + 1)
        if peek() == UInt8(ascii: ")") { position += 1 } else { isUncertain = true }
        return inside
    }

    /// Behind `(?`: a colon, or a name; all else is not followed.
    private mutating func opening() {
        if peek() == UInt8(ascii: "P") { position += 1 }
        switch peek() {
        case UInt8(ascii: ":"): position += 1
        case UInt8(ascii: "<"), UInt8(ascii: "'"):
            let close = peek() == UInt8(ascii: "<") ? UInt8(ascii: ">") : UInt8(ascii: "'")
            position += 1
            // A look-behind is none of it.
            guard let first = peek(), first != UInt8(ascii: "="), first != UInt8(ascii: "!"),
                first != UInt8(ascii: "*"),
                let end = source[position...].firstIndex(of: close)
            else {
                isUncertain = true
                return
            }
            position = end + 1
        case _: isUncertain = true
        }
    }

    private func peek() -> UInt8? { position < source.count ? source[position] : nil }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
}

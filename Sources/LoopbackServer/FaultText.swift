import Stanza

extension Fault {
    /// Why a text is no fault.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The text.
        public let text: String
        /// What is wrong with it, and what was expected.
        public let reason: String

        /// One line for a person.
        public var description: String { "fault '\(text)': \(reason)" }
    }

    /// Parses the text form, see ``Fault``.
    /// - Throws: ``Failure`` that says which part is wrong and what may stand there.
    public init(parsing text: String) throws(Failure) {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw Failure(text: text, reason: "expected CONNECTION:TRIGGER:EFFECT, as in 2:messages=100:abort")
        }
        guard let connection = Reach(parsing: parts[0]) else {
            throw Failure(text: text, reason: "the connection '\(parts[0])' is neither * nor a number from 1, nor N+")
        }
        let (word, count) = Self.cut(parts[1])
        let isAfter = word.hasPrefix("after-")
        guard let trigger = Trigger(rawValue: String(isAfter ? word.dropFirst(6) : word)) else {
            let known = Trigger.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(text: text, reason: "unknown trigger '\(word)'; one of \(known)")
        }
        guard let occurrence = Occurrence(parsing: count) else {
            throw Failure(text: text, reason: "'\(word)=' takes a number from 1, or *")
        }
        if parts[2] == "inject", trigger == .proceed {
            self.init(on: connection, at: .proceed, time: occurrence, after: true, .send(Self.injection))
            return
        }
        guard let effect = Effect(parsing: parts[2]) else {
            throw Failure(text: text, reason: "'\(parts[2])' is no effect; \(Effect.forms)")
        }
        self.init(on: connection, at: trigger, time: occurrence, after: isAfter, effect)
        if let reason = nonsense { throw Failure(text: text, reason: reason) }
    }

    /// An element that a client must never act on: it came in clear behind `<proceed/>`.
    static let injection = Array("<iq xmlns='jabber:client' type='get' id='injected'/>".utf8)

    /// The longest pause that can be ordered.
    static let pauseMax: Duration = .seconds(86_400)

    /// Why this combination means nothing; nil where it does.
    private var nonsense: String? {
        switch trigger {
        case .bytesIn, .bytesOut:
            if effect != .abort || isAfter || occurrence == .each {
                return "'\(trigger.rawValue)' takes a number and goes with abort alone"
            }
        case .connect, .secured:
            if effect == .lose { return "'\(trigger.rawValue)' cannot be lost" }
        case .header, .features, .starttls, .proceed, .auth, .challenge, .response, .success, .bind, .enable, .resume,
            .request, .ack, .roster, .archive, .presence, .join, .iq, .messages, .groupchat, .stanzas, .sent, .close:
            break
        }
        guard case .refuse = effect else { return nil }
        if isAfter { return "what is done cannot be refused; leave after- away" }
        return trigger.isRefusable ? nil : "'\(trigger.rawValue)' cannot be refused; use close=CONDITION"
    }

    /// `word=rest` in its two halves.
    static func cut(_ text: Substring) -> (Substring, Substring?) {
        guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
        return (text[..<equals], text[text.index(after: equals)...])
    }

    /// A positive decimal number without a sign.
    static func count(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), number > 0 else {
            return nil
        }
        return number
    }
}

extension Fault.Trigger {
    /// Whether the protocol has an error to answer this with.
    var isRefusable: Bool {
        switch self {
        case .starttls, .proceed, .auth, .challenge, .response, .success, .bind, .enable, .resume, .roster,
            .archive, .presence,
            .join, .iq, .messages, .groupchat, .stanzas:
            true
        case .connect, .header, .features, .secured, .request, .ack, .sent, .close, .bytesIn, .bytesOut: false
        }
    }
}

extension Fault.Reach {
    fileprivate init?(parsing text: Substring) {
        if text == "*" {
            self = .every
        } else if text.last == "+", let first = Fault.count(text.dropLast()) {
            self = .from(first)
        } else if let one = Fault.count(text) {
            self = .only(one)
        } else {
            return nil
        }
    }
}

extension Fault.Occurrence {
    fileprivate init?(parsing text: Substring?) {
        guard let text else {
            self = .nth(1)
            return
        }
        if text == "*" {
            self = .each
        } else if let number = Fault.count(text) {
            self = .nth(number)
        } else {
            return nil
        }
    }
}

extension Fault.Effect {
    static let forms = """
        one of abort, close=CONDITION, stall, pause=200ms, lose, refuse=CONDITION, withhold-acks, repeat-acks, \
        ack=+N, ack=-N, ack=N, forget, send=BYTES, deliver=BYTES, restart, restart-keeping, room-forget=ROOM, room-forget=ROOM/NICK, rooms-silent, \
        rooms-answer, rooms-restart, rooms-shutdown, rooms-withhold=N, rooms-limit=200ms, \
        archives-off, archives-on, archives-silent, archives-answer, archives-forget, and inject at proceed
        """

    fileprivate init?(parsing text: Substring) {
        let (word, value) = Fault.cut(text)
        switch (word, value) {
        case ("abort", nil): self = .abort
        case ("stall", nil): self = .stall
        case ("lose", nil): self = .lose
        case ("withhold-acks", nil): self = .withholdAcks
        case ("forget", nil): self = .forget
        case ("repeat-acks", nil): self = .repeatAcks
        case ("restart", nil): self = .restart
        case ("restart-keeping", nil): self = .restartKeeping
        case ("close", let condition?):
            guard Self.isCondition(condition) else { return nil }
            self = .close(condition: String(condition))
        case ("refuse", let condition?):
            guard Self.isCondition(condition) else { return nil }
            self = .refuse(condition: String(condition))
        case ("pause", let time?):
            guard let duration = Self.duration(time) else { return nil }
            self = .pause(duration)
        case ("ack", let number?):
            if number.first == "+" || number.first == "-" {
                guard let shift = Int32(number) else { return nil }
                self = .acknowledgeShifted(by: shift)
            } else {
                guard let value = UInt32(number) else { return nil }
                self = .acknowledgeAlways(value)
            }
        case ("send", let content?):
            guard let bytes = Self.unescaped(content) else { return nil }
            self = .send(bytes)
        case ("deliver", let content?):
            guard let bytes = Self.unescaped(content) else { return nil }
            self = .deliver(bytes)
        default:  // a text, not one of our enums
            if value == nil, let fault = ArchiveFault(rawValue: String(word)) {
                self = .archives(fault)
            } else if let fault = RoomFault(word, value) {
                self = .rooms(fault)
            } else {
                return nil
            }
        }
    }

    /// Conditions become element names, so nothing else may stand in them.
    private static func isCondition(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "-") }
    }

    static func duration(_ text: Substring) -> Duration? {
        let isFine = text.hasSuffix("ms")
        guard text.hasSuffix("s"), let count = Fault.count(text.dropLast(isFine ? 2 : 1)), count <= 86_400_000
        else { return nil }
        let duration: Duration = isFine ? .milliseconds(count) : .seconds(count)
        return duration <= Fault.pauseMax ? duration : nil
    }

    private static func unescaped(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "n"): bytes.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "x"):
                let digits = rest.prefix(2)
                guard digits.count == 2, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                    let value = UInt8(String(Substring(digits)), radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: return nil  // a byte, not one of our enums
            }
        }
        return bytes
    }
}

// MARK: - Printing

extension Fault: CustomStringConvertible {
    /// The text form; parsing it gives the same fault.
    public var description: String {
        let moment = (isAfter ? "after-" : "") + trigger.rawValue
        switch occurrence {
        case .nth(1) where trigger != .bytesIn && trigger != .bytesOut: return "\(connection):\(moment):\(effect)"
        case .nth(let number): return "\(connection):\(moment)=\(number):\(effect)"
        case .each: return "\(connection):\(moment)=*:\(effect)"
        }
    }
}

extension Fault.Reach: CustomStringConvertible {
    /// As in the text form.
    public var description: String {
        switch self {
        case .every: "*"
        case .only(let one): "\(one)"
        case .from(let first): "\(first)+"
        }
    }
}

extension Fault.Effect: CustomStringConvertible {
    /// As in the text form.
    public var description: String {
        switch self {
        case .abort: "abort"
        case .close(let condition): "close=\(condition)"
        case .stall: "stall"
        case .pause(let duration): "pause=\(duration.wholeMilliseconds)ms"
        case .lose: "lose"
        case .refuse(let condition): "refuse=\(condition)"
        case .withholdAcks: "withhold-acks"
        case .acknowledgeShifted(let shift): shift < 0 ? "ack=\(shift)" : "ack=+\(shift)"
        case .acknowledgeAlways(let value): "ack=\(value)"
        case .forget: "forget"
        case .send(let bytes): "send=" + Self.escaped(bytes)
        case .deliver(let bytes): "deliver=" + Self.escaped(bytes)
        case .repeatAcks: "repeat-acks"
        case .restart: "restart"
        case .restartKeeping: "restart-keeping"
        case .rooms(let fault): fault.description
        case .archives(let fault): fault.rawValue
        }
    }

    private static func escaped(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n"): text += "\\n"
            case UInt8(ascii: "\\"): text += "\\\\"
            case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
            default:  // a byte, not one of our enums
                text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text
    }
}

import Digest

/// The messages of the server, parsed (RFC 5802 7); the order of attributes is part of the grammar.
enum SCRAMMessage {
    /// Bytes of one message that are read at all.
    static let messageBytesMax = 16_384
    /// Iterations that we are willing to compute: 10 million of SHA-512 take some ten seconds of one core. There is no
    /// lower limit but 1: it is the server's account (RFC 5802 5.1), and who sits in between with the server's own
    /// certificate could as well offer nothing but PLAIN.
    static let iterationsMax = 10_000_000

    /// `server-first-message`.
    struct ServerFirst: Equatable {
        /// The whole nonce: ours, then the server's.
        var nonce: [UInt8]
        /// The salt, decoded; never empty.
        var salt: [UInt8]
        /// From 1 to ``iterationsMax``.
        var iterations: Int

        /// Parses a message.
        /// - Parameter ours: the nonce we sent, which the server's must extend.
        init(_ message: [UInt8], extending ours: [UInt8]) throws(SASLFailure) {
            let attributes = try SCRAMMessage.attributes(message)
            if let first = attributes.first, first.name == .e { throw SCRAMMessage.serverError(first.value) }
            if attributes.contains(where: { $0.name == .m }) { throw .mandatoryExtension }
            guard attributes.prefix(3).map(\.name) == [.r, .s, .i] else {
                throw .malformed("the first SCRAM message is not r=, s=, i=")
            }
            guard !attributes.dropFirst(3).contains(where: { [.r, .s, .i].contains($0.name) }) else {
                throw .malformed("an attribute of the first SCRAM message is there twice")
            }
            nonce = Array(attributes[0].value)
            guard nonce.count > ours.count, nonce.starts(with: ours) else { throw .nonceChanged }
            guard nonce.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw .malformed("the SCRAM nonce is not printable")
            }
            guard let salt = Base64.decode(attributes[1].value) else { throw .malformed("the SCRAM salt is no base64") }
            guard !salt.isEmpty else { throw .malformed("the SCRAM salt is empty") }
            self.salt = salt
            iterations = try SCRAMMessage.iterations(attributes[2].value)
        }
    }

    /// `server-final-message`: the verifier.
    static func verifier(_ message: [UInt8]) throws(SASLFailure) -> [UInt8] {
        let attributes = try attributes(message)
        guard let first = attributes.first else { throw .serverNotProven(.missing) }
        if first.name == .e { throw serverError(first.value) }
        if attributes.contains(where: { $0.name == .m }) { throw .mandatoryExtension }
        guard first.name == .v else { throw .malformed("the last SCRAM message is not v= or e=") }
        guard !attributes.dropFirst().contains(where: { $0.name == .v }) else {
            throw .malformed("an attribute of the last SCRAM message is there twice")
        }
        guard let verifier = Base64.decode(first.value) else { throw .malformed("the SCRAM verifier is no base64") }
        return verifier
    }

    /// The name and value of one attribute, the value as it was written.
    private struct Attribute {
        var name: UInt8
        var value: ArraySlice<UInt8>
    }

    /// `attr-val *("," attr-val)`: a letter, `=` and at least one byte that is not a comma.
    private static func attributes(_ message: [UInt8]) throws(SASLFailure) -> [Attribute] {
        guard message.count <= messageBytesMax else { throw .malformed("a SCRAM message is too long") }
        if message.isEmpty { return [] }
        var attributes: [Attribute] = []
        for part in message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard part.count >= 2, let name = part.first, isLetter(name),
                part[part.startIndex + 1] == UInt8(ascii: "=")
            else { throw .malformed("a SCRAM message is not a list of attributes") }
            attributes.append(Attribute(name: name, value: part.dropFirst(2)))
        }
        return attributes
    }

    /// `posit-number`: no sign, no leading zero.
    private static func iterations(_ text: ArraySlice<UInt8>) throws(SASLFailure) -> Int {
        guard !text.isEmpty, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw .iterations("is not a number")
        }
        guard text.first != UInt8(ascii: "0") else { throw .iterations("is zero, or begins with one") }
        guard let count = Int(String(decoding: text, as: UTF8.self)), count <= iterationsMax else {
            throw .iterations("is above \(iterationsMax): refused, it would only keep us busy")
        }
        return count
    }

    private static func serverError(_ value: ArraySlice<UInt8>) -> SASLFailure {
        SASLFailure(serverError: String(decoding: value, as: UTF8.self))
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

/// The names of attributes (RFC 5802 5.1) that are acted on.
extension UInt8 {
    fileprivate static let e = UInt8(ascii: "e")
    fileprivate static let i = UInt8(ascii: "i")
    fileprivate static let m = UInt8(ascii: "m")
    fileprivate static let r = UInt8(ascii: "r")
    fileprivate static let s = UInt8(ascii: "s")
    fileprivate static let v = UInt8(ascii: "v")
}

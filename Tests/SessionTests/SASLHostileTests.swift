import Digest
import Stanza
import Testing

@testable import Session

/// What a broken or hostile server may say in the middle of SCRAM, and what must come of it.
@Suite struct SASLHostileTests {
    static let nonce = [UInt8](0..<24)
    /// The client's nonce as it is sent.
    static let sent = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

    static func begun() throws -> SASLExchange {
        var sasl = try SASLExchange.select(
            offered: ["SCRAM-SHA-256"], credentials: .password(Secret("pencil")),
            account: try JID("user@example.org"), tls: nil, bindingTypes: nil, cachedKeys: nil
        ).get()
        #expect(sasl.begin(nonce: nonce) == .respond(Array("n,,n=user,r=\(sent)".utf8)))
        return sasl
    }

    /// An exchange whose proof is sent, and the server's right last word.
    static func proofSent() throws -> (SASLExchange, verifier: [UInt8]) {
        var sasl = try begun()
        let first = "r=\(sent)srv,s=c2FsdA==,i=2"
        guard case .derive(let derivation) = sasl.challenge(Array(first.utf8)) else {
            Issue.record("no derivation")
            return (sasl, [])
        }
        let keys = derivation.run()
        _ = sasl.derived(keys)
        let hash = Hash.sha256
        let message = "n=user,r=\(sent),\(first),c=biws,r=\(sent)srv"
        let signature = hash.hmac(
            key: hash.hmac(key: keys.saltedPassword, Array("Server Key".utf8)), Array(message.utf8))
        return (sasl, Array("v=\(Base64.encode(signature))".utf8))
    }

    static let list = SASLFailure.malformed("a SCRAM message is not a list of attributes")
    static let order = SASLFailure.malformed("the first SCRAM message is not r=, s=, i=")
    static let twice = SASLFailure.malformed("an attribute of the first SCRAM message is there twice")
    static let noSalt = SASLFailure.malformed("the SCRAM salt is no base64")
    static let tooMany = SASLFailure.iterations("is above 10000000: refused, it would only keep us busy")
    static let noNumber = SASLFailure.iterations("is not a number")
    static let zero = SASLFailure.iterations("is zero, or begins with one")

    static let firsts: [(String, SASLFailure)] = [
        ("", order), ("r", list), ("r=", .malformed("the first SCRAM message is not r=, s=, i=")), (",", list),
        ("r=\(sent)x", order), ("r=\(sent)x,", list), ("r=\(sent)x,s", list), ("r=\(sent)x,s=", order),
        ("r=\(sent)x,s=c2FsdA==", order), ("r=\(sent)x,s=c2FsdA==,", list), ("r=\(sent)x,s=c2FsdA==,i", list),
        ("r=\(sent)x,s=c2FsdA==,i=", noNumber), ("r=\(sent)x,,s=c2FsdA==,i=1", list),
        ("s=c2FsdA==,r=\(sent)x,i=1", order), ("r=\(sent)x,i=1,s=c2FsdA==", order),
        ("r=\(sent)x,s=c2FsdA==,i=1,i=2", twice), ("r=\(sent)x,s=c2FsdA==,i=1,r=\(sent)y", twice),
        ("r=\(sent)x,s=c2FsdA==,i=1,s=c2FsdA==", twice), ("r=\(sent)x,r=\(sent)x,s=c2FsdA==,i=1", order),
        ("1=\(sent)x,s=c2FsdA==,i=1", list), ("r:\(sent)x,s=c2FsdA==,i=1", list), ("\u{E9}=1", list),
        // The nonce: not ours, ours alone, ours in another case, unprintable.
        ("r=other,s=c2FsdA==,i=1", .nonceChanged), ("r=\(sent),s=c2FsdA==,i=1", .nonceChanged),
        ("r=x\(sent),s=c2FsdA==,i=1", .nonceChanged), ("r=\(sent.lowercased())x,s=c2FsdA==,i=1", .nonceChanged),
        ("r=\(sent)\u{7F},s=c2FsdA==,i=1", .malformed("the SCRAM nonce is not printable")),
        ("r=\(sent) x,s=c2FsdA==,i=1", .malformed("the SCRAM nonce is not printable")),
        // The salt.
        ("r=\(sent)x,s=,i=1", .malformed("the SCRAM salt is empty")), ("r=\(sent)x,s=c2FsdA,i=1", noSalt),
        ("r=\(sent)x,s=c2Fs dA==,i=1", noSalt), ("r=\(sent)x,s=====,i=1", noSalt), ("r=\(sent)x,s=*,i=1", noSalt),
        // The count.
        ("r=\(sent)x,s=c2FsdA==,i=0", zero), ("r=\(sent)x,s=c2FsdA==,i=04096", zero),
        ("r=\(sent)x,s=c2FsdA==,i=-1", noNumber), ("r=\(sent)x,s=c2FsdA==,i=+1", noNumber),
        ("r=\(sent)x,s=c2FsdA==,i= 1", noNumber), ("r=\(sent)x,s=c2FsdA==,i=1e6", noNumber),
        ("r=\(sent)x,s=c2FsdA==,i=\u{661}", noNumber), ("r=\(sent)x,s=c2FsdA==,i=10000001", tooMany),
        ("r=\(sent)x,s=c2FsdA==,i=4294967296", tooMany), ("r=\(sent)x,s=c2FsdA==,i=99999999999999999999", tooMany),
        // Extensions that must be understood, wherever they stand.
        ("m=1,r=\(sent)x,s=c2FsdA==,i=1", .mandatoryExtension),
        ("r=\(sent)x,s=c2FsdA==,i=1,m=1", .mandatoryExtension),
        // Errors ahead of their time.
        ("e=unknown-user", .refused(condition: "unknown-user", text: nil)),
    ]

    @Test(arguments: firsts) func first(_ message: String, _ expected: SASLFailure) throws {
        var sasl = try Self.begun()
        #expect(sasl.challenge(Array(message.utf8)) == .failed(expected))
        // Nothing is left that a second try could use.
        #expect(
            sasl.challenge(Array("r=\(Self.sent)x,s=c2FsdA==,i=1".utf8))
                == .failed(.malformed("a challenge out of turn")))
        #expect(sasl.success(nil) == .serverNotProven(.missing))
    }

    @Test(arguments: ["i=1", "i=4096", "i=10000000", "i=4096,x=1,y=a=b", "i=4096,X=\u{E9}"])
    func firstsThatAreRight(_ end: String) throws {
        var sasl = try Self.begun()
        guard case .derive(let derivation) = sasl.challenge(Array("r=\(Self.sent)x,s=c2FsdA==,\(end)".utf8)) else {
            Issue.record("refused")
            return
        }
        #expect(derivation.salt == Array("salt".utf8))
        #expect(derivation.hash == .sha256)
    }

    @Test func everyTruncationOfTheFirstIsRefusedOrIsShorter() throws {
        let whole = Array("r=\(Self.sent)x,s=c2FsdA==,i=4096".utf8)
        for count in 0..<whole.count {
            var sasl = try Self.begun()
            switch sasl.challenge(Array(whole.prefix(count))) {
            case .failed: continue
            // "i=4", "i=40" and "i=409" are right by themselves: TLS has to keep the end on.
            case .derive(let derivation): #expect([4, 40, 409].contains(derivation.iterations))
            case .respond: Issue.record("answered to \(count) bytes")
            }
        }
    }

    @Test func aMessageWithoutEndIsRefused() throws {
        var sasl = try Self.begun()
        let long = "r=\(Self.sent)x,s=c2FsdA==,i=1,x=" + String(repeating: "y", count: SCRAMMessage.messageBytesMax)
        #expect(sasl.challenge(Array(long.utf8)) == .failed(.malformed("a SCRAM message is too long")))
    }

    static let lasts: [(String, SASLFailure)] = [
        ("", .serverNotProven(.missing)), ("v", list), ("v=", .serverNotProven(.wrong)),
        ("v=AAAA", .serverNotProven(.wrong)), ("v=*", .malformed("the SCRAM verifier is no base64")),
        ("x=1", .malformed("the last SCRAM message is not v= or e=")),
        ("v=AAAA,v=AAAA", .malformed("an attribute of the last SCRAM message is there twice")),
        ("v=AAAA,m=1", .mandatoryExtension),
        ("e=invalid-proof", .refused(condition: "invalid-proof", text: nil)),
        ("e=channel-bindings-dont-match", .channelBinding("the server says channel-bindings-dont-match")),
        (
            "e=server-does-support-channel-binding",
            .channelBinding("the server says server-does-support-channel-binding")
        ),
        ("e=unsupported-channel-binding-type", .faulty(condition: "unsupported-channel-binding-type", text: nil)),
        ("e=no-resources", .temporary(condition: "no-resources", text: nil)),
        ("e=\u{7}new\u{202E}", .refused(condition: " new ", text: nil)),
    ]

    @Test(arguments: lasts) func last(_ message: String, _ expected: SASLFailure) throws {
        var (sasl, verifier) = try Self.proofSent()
        var other = sasl
        #expect(sasl.success(Array(message.utf8)) == expected)
        #expect(sasl.keyCache == nil)
        #expect(sasl.success(verifier) == .serverNotProven(.missing))
        #expect(other.challenge(Array(message.utf8)) == .failed(expected))
        #expect(other.success(nil) == .serverNotProven(.missing))
    }

    @Test func theRightVerifierWithOneBitWrong() throws {
        let (sasl, verifier) = try Self.proofSent()
        let signature = try #require(Base64.decode(Array(verifier.dropFirst(2))))
        for bit in 0..<signature.count * 8 {
            var forged = signature
            forged[bit / 8] ^= 1 << UInt8(bit % 8)
            var copy = sasl
            #expect(
                copy.success(text: Base64.encode(Array("v=\(Base64.encode(forged))".utf8))) == .serverNotProven(.wrong))
        }
        var copy = sasl
        #expect(copy.success(verifier) == nil)
    }

    @Test func successWithoutProofIsAnImpostor() throws {
        var unasked = try Self.begun()
        #expect(unasked.success(nil) == .serverNotProven(.missing))
        var (sasl, _) = try Self.proofSent()
        #expect(sasl.success(text: "") == .serverNotProven(.missing))
        #expect(SASLFailure.serverNotProven(.missing).disposition == .protocolFault)
    }

    @Test func nothingComesBehindTheProof() throws {
        var (sasl, verifier) = try Self.proofSent()
        #expect(sasl.challenge(verifier) == .respond([]))
        var other = sasl
        #expect(sasl.challenge(verifier) == .failed(.malformed("a challenge out of turn")))
        #expect(other.success(verifier) == .malformed("data after the last SCRAM message"))
        #expect(other.keyCache == nil)
    }

    @Test func aChallengeWhileKeysAreDerivedIsRefused() throws {
        var sasl = try Self.begun()
        let message = Array("r=\(Self.sent)x,s=c2FsdA==,i=1".utf8)
        guard case .derive(let derivation) = sasl.challenge(message) else {
            Issue.record("no derivation")
            return
        }
        #expect(sasl.challenge(message) == .failed(.malformed("a challenge out of turn")))
        #expect(sasl.derived(derivation.run()) == nil)
    }

    /// The connection is lost while keys are derived; the next exchange has another salt.
    @Test func keysOfALostConnectionChangeNothing() throws {
        var lost = try Self.begun()
        guard case .derive(let stale) = lost.challenge(Array("r=\(Self.sent)x,s=c2FsdA==,i=1".utf8)) else {
            Issue.record("no derivation")
            return
        }
        var sasl = try Self.begun()
        #expect(sasl.derived(stale.run()) == nil)
        guard case .derive(let fresh) = sasl.challenge(Array("r=\(Self.sent)x,s=c2FsdA==,i=2".utf8)) else {
            Issue.record("no derivation")
            return
        }
        #expect(sasl.derived(stale.run()) == nil)
        guard case .respond? = sasl.derived(fresh.run()) else {
            Issue.record("the right keys were not taken")
            return
        }
    }

    @Test(arguments: ["*", "QQ", "QQ==QQ==", "QQ=\n"]) func whatIsNoBase64(_ text: String) throws {
        var sasl = try Self.begun()
        #expect(sasl.challenge(text: text) == .failed(.malformed("a challenge that is no base64")))
        var (other, _) = try Self.proofSent()
        #expect(other.success(text: text) == .malformed("a success whose data is no base64"))
    }
}

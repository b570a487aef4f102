import Digest
import Stanza
import Testing

@testable import LoopbackServer

@Suite struct SCRAMTests {
    struct Vector: Sendable {
        let hash: Hash
        let salt: String
        let clientFirst: String
        let serverNonce: String
        let serverFirst: String
        let clientFinal: String
        let serverFinal: String
    }

    static let vectors = [
        // RFC 5802 5
        Vector(
            hash: .sha1, salt: "QSXCR+Q6sek8bf92", clientFirst: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            serverNonce: "3rfcNHYJY1ZVvWVs7j",
            serverFirst: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            clientFinal: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            serverFinal: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="),
        // RFC 7677 3
        Vector(
            hash: .sha256, salt: "W22ZaJ0SNY7soEsUEjb6gQ==", clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            clientFinal:
                "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
    ]

    private func exchange(_ vector: Vector) throws -> SCRAMExchange {
        let salt = try #require(Base64.decode(vector.salt))
        let keys = SCRAMKeys(password: "pencil", salt: salt, iterations: 4096, hash: vector.hash)
        let first = try SCRAMClientFirst(Array(vector.clientFirst.utf8))
        #expect(first.username == "user")
        return SCRAMExchange(
            first, keys: keys, hash: vector.hash, nonce: SCRAMExchange.nonce(Array(vector.serverNonce.utf8)))
    }

    @Test(arguments: vectors) func speaksAsTheRFC(_ vector: Vector) throws {
        let exchange = try exchange(vector)
        #expect(exchange.serverFirst == vector.serverFirst)
        #expect(try exchange.finish(Array(vector.clientFinal.utf8)) == vector.serverFinal)
    }

    @Test(arguments: [
        ("c=biws,r=WRONG,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "not-authorized"),
        ("c=eSws,r=NONCE,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "not-authorized"),
        ("c=biws,r=NONCE,p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "not-authorized"),
        ("c=biws,r=NONCE,p=dHzb", "malformed-request"), ("c=biws,r=NONCE", "malformed-request"),
        ("", "malformed-request"), ("c=biws,p=dHzb,r=NONCE", "malformed-request"),
    ])
    func refusesProofs(_ final: String, _ condition: String) throws {
        let vector = Self.vectors[1]
        let parts = final.split(separator: "NONCE", omittingEmptySubsequences: false)
        let text = parts.joined(separator: "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
        #expect(throws: SASLFailure(condition: condition)) { try exchange(vector).finish(Array(text.utf8)) }
    }

    @Test(arguments: [
        ("", "malformed-request"), ("n,", "malformed-request"), ("n,,", "malformed-request"),
        ("n,,n=user", "malformed-request"), ("n,,n=user,r=", "malformed-request"),
        ("n,,m=x,n=user,r=abc", "malformed-request"), ("n,,n=us=er,r=abc", "malformed-request"),
        ("x,,n=user,r=abc", "malformed-request"), ("n,b,n=user,r=abc", "malformed-request"),
        ("p=tls-exporter,,n=user,r=abc", "not-authorized"),
    ])
    func refusesFirstMessages(_ message: String, _ condition: String) {
        #expect(throws: SASLFailure(condition: condition)) { try SCRAMClientFirst(Array(message.utf8)) }
    }

    @Test func readsNamesAndHeaders() throws {
        let first = try SCRAMClientFirst(Array("y,a=me,n=a=2Cb=3Dc,r=abc,x=y".utf8))
        #expect(first.username == "a,b=c")
        #expect(first.authorization == "me")
        #expect(first.header == "y,a=me,")
        #expect(first.bare == "n=a=2Cb=3Dc,r=abc,x=y")
    }

    @Test func aNonceIsPrintableAndHasNoComma() {
        let nonce = SCRAMExchange.nonce((0...255).map { UInt8($0) })
        #expect(nonce.utf8.count == 256)
        #expect(nonce.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") })
    }

    @Test func keysAreShownByNoDescription() {
        let keys = SCRAMKeys(password: "pencil", salt: [1], iterations: 1, hash: .sha256)
        #expect("\(keys)" == "(SCRAM keys)")
    }
}

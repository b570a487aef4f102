import Digest
import Stanza
import Testing

@testable import Session

/// Whole exchanges, byte for byte. The first two are those of RFC 5802 5 and RFC 7677 3; the others were computed by
/// Python's hashlib and hmac.
@Suite struct SASLVectorTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var mechanism: String
        var user = "user"
        var password = "pencil"
        var tls: TLSFacts?
        var bindingTypes: [String]?
        var clientNonce: String
        var clientFirst: String
        var serverFirst: String
        var clientFinal: String
        var serverFinal: String
        var testDescription: String { "\(mechanism) \(clientFirst)" }
    }

    static let vectors: [Vector] = [
        Vector(
            mechanism: "SCRAM-SHA-1",
            clientNonce: "fyko+d2lbbFgONRv9qkxdawL",
            clientFirst: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            serverFirst: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            clientFinal: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            serverFinal: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="),
        Vector(
            mechanism: "SCRAM-SHA-256",
            clientNonce: "rOprNGfwEbeRWgbNEkqO",
            clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            clientFinal: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
        Vector(
            mechanism: "SCRAM-SHA-512",
            clientNonce: "rOprNGfwEbeRWgbNEkqO",
            clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            serverFirst: "r=rOprNGfwEbeRWgbNEkqO0a1b2c,s=Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=,i=4096",
            clientFinal: "c=biws,r=rOprNGfwEbeRWgbNEkqO0a1b2c,p=q/OVaSNiFfSRyztdyfDW2+XrspEhSEsLvcyQd1rd3tF7kN4Qx6"
                + "GMXnoGXirwTuDGke21IZa3LnSvL5W3rzVbTw==",
            serverFinal: "v=0Ir1Vl/LAHcywheCyxHWzxwtjFbOZjGJd1RgXaaPtfmd3MK/Jnk5y4HAPuL+quz7VKldlOkQZvg/jAD+Q3s1Dg=="),
        Vector(
            mechanism: "SCRAM-SHA-512-PLUS", user: "u,s=er", password: "p,=w",
            tls: TLSFacts(version: "TLSv1.3", exporter: Array(0..<32), serverEndPoint: [0]),
            bindingTypes: ["tls-server-end-point", "tls-exporter"],
            clientNonce: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
            clientFirst: "p=tls-exporter,,n=u=2Cs=3Der,r=AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
            serverFirst: "r=AAECAwQFBgcICQoLDA0ODxAREhMUFRYX-srv,s=c2FsdA==,i=3",
            clientFinal: "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,"
                + "r=AAECAwQFBgcICQoLDA0ODxAREhMUFRYX-srv,"
                + "p=wDV4Ia4SY9wKeKdA0TIWK0ZtHh8h/uZATmxcTya7/MuSzN1owFiSzbEbFdk0qdTZehjZtnQMEfNhUb8hQmZZ5Q==",
            serverFinal: "v=jN6MeLfQPEpCy2qsL0+qdkkOPdMvRoZrrDNO2wLBvIvA0aKq3nGY2NlZg8E+hPh5YVae+KT0lbtj/Y1cSQIhAg=="),
        Vector(
            mechanism: "SCRAM-SHA-1-PLUS",
            tls: TLSFacts(
                version: "TLSv1.3", exporter: Array(0..<32), serverEndPoint: Array(repeating: 0xAB, count: 32)),
            bindingTypes: ["tls-server-end-point"],
            clientNonce: "fyko+d2lbbFgONRv9qkxdawL",
            clientFirst: "p=tls-server-end-point,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            serverFirst: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            clientFinal: "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=,"
                + "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=BrccJFV+IOgkmJ1e6Ytd0myAyhA=",
            serverFinal: "v=4Q+wSmfRh5TwVTc9iFxH+pgDvuI="),
        Vector(
            mechanism: "SCRAM-SHA-256",
            tls: TLSFacts(version: "TLSv1.3", exporter: Array(0..<32), serverEndPoint: nil),
            clientNonce: "rOprNGfwEbeRWgbNEkqO",
            clientFirst: "y,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            serverFirst: "r=rOprNGfwEbeRWgbNEkqO0a1b2c,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            clientFinal: "c=eSws,r=rOprNGfwEbeRWgbNEkqO0a1b2c,p=HeR7iM+mFQ48tDUTZ7z3d9oCxuUO/hBKkdHrXJFHVSI=",
            serverFinal: "v=PFcNn3pSUtzm1F59jpk4oKMCs+yJL7EGhXLDul6H6MA="),
    ]

    func exchange(_ vector: Vector, cached: SCRAMKeyCache? = nil) throws -> SASLExchange {
        try SASLExchange.select(
            offered: [vector.mechanism], credentials: .password(Secret(vector.password)),
            account: try JID("\(vector.user)@example.org"), tls: vector.tls, bindingTypes: vector.bindingTypes,
            cachedKeys: cached
        ).get()
    }

    /// Plays the dialogue up to the server's last word.
    func play(_ vector: Vector) throws -> SASLExchange {
        var sasl = try exchange(vector)
        #expect(sasl.mechanism == vector.mechanism)
        let nonce = try #require(Base64.decode(vector.clientNonce))
        #expect(sasl.begin(nonce: nonce) == .respond(Array(vector.clientFirst.utf8)))
        guard case .derive(let derivation) = sasl.challenge(Array(vector.serverFirst.utf8)) else {
            Issue.record("no derivation is asked for")
            return sasl
        }
        #expect(sasl.derived(derivation.run()) == .respond(Array(vector.clientFinal.utf8)))
        return sasl
    }

    @Test(arguments: vectors) func withTheVerifierInSuccess(_ vector: Vector) throws {
        var sasl = try play(vector)
        #expect(sasl.keyCache == nil)
        #expect(sasl.success(Array(vector.serverFinal.utf8)) == nil)
        #expect(sasl.keyCache != nil)
    }

    @Test(arguments: vectors) func withTheVerifierInAChallenge(_ vector: Vector) throws {
        var sasl = try play(vector)
        #expect(sasl.challenge(Array(vector.serverFinal.utf8)) == .respond([]))
        #expect(sasl.success(nil) == nil)
        #expect(sasl.keyCache != nil)
    }

    @Test(arguments: vectors) func aReconnectDerivesNothing(_ vector: Vector) throws {
        var first = try play(vector)
        #expect(first.success(Array(vector.serverFinal.utf8)) == nil)
        var again = try exchange(vector, cached: first.keyCache)
        _ = again.begin(nonce: try #require(Base64.decode(vector.clientNonce)))
        #expect(again.challenge(Array(vector.serverFirst.utf8)) == .respond(Array(vector.clientFinal.utf8)))
        #expect(again.success(Array(vector.serverFinal.utf8)) == nil)
        #expect(again.keyCache == first.keyCache)
        #expect(again.keyCache?.boundBy?.rawValue == vector.bindingTypes?.last)
    }

    @Test func keysOfAnotherSaltCountOrHashAreNotUsed() throws {
        let vector = Self.vectors[0]
        var first = try play(vector)
        _ = first.success(Array(vector.serverFinal.utf8))
        let keys = try #require(first.keyCache)
        var salt = keys
        salt.salt.append(0)
        var iterations = keys
        iterations.iterations += 1
        var hash = keys
        hash.hash = .sha256
        for other in [salt, iterations, hash] {
            var again = try exchange(vector, cached: other)
            _ = again.begin(nonce: try #require(Base64.decode(vector.clientNonce)))
            guard case .derive = again.challenge(Array(vector.serverFirst.utf8)) else {
                Issue.record("the keys of \(other.hash) \(other.iterations) were used")
                continue
            }
        }
    }

    @Test func theTextOfTheElementsIsBase64() throws {
        var sasl = try play(Self.vectors[0])
        #expect(sasl.success(text: "dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9") == nil)
        #expect(SASLExchange.text(nil) == nil)
        #expect(SASLExchange.text([]) == "=")
        #expect(SASLExchange.text(Array("n,,".utf8)) == "biws")
        #expect(SASLExchange.bytes("") == [])
        #expect(SASLExchange.bytes("=") == [])
        #expect(SASLExchange.bytes("biws") == Array("n,,".utf8))
        #expect(SASLExchange.bytes("biw") == nil)
    }
}

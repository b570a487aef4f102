import Glibc
import Testing

@testable import Wire

/// Two engines and the wire between them, in memory.
final class TLSDialogue {
    let client: TLSEngine
    let server: TLSEngine
    var clientReads: [UInt8] = []
    var serverReads: [UInt8] = []
    /// How many bytes reach the other side at once.
    var piece = Int.max

    init(
        _ client: TLSPolicy, _ server: TLSPolicy, domain: String = "example.org", unicodeDomain: String? = nil,
        direct: Bool = false, piece: Int = .max
    ) throws {
        self.client = try TLSEngine(
            client: client, domain: domain, unicodeDomain: unicodeDomain ?? domain, direct: direct)
        self.server = try TLSEngine(server: server)
        self.piece = piece
    }

    /// What a side's calls threw, first one each.
    struct Outcome: Equatable {
        var client: TLSFailure?
        var server: TLSFailure?
    }

    /// Starts the client and carries bytes until both are silent.
    @discardableResult
    func meet() -> Outcome {
        var outcome = Outcome()
        do throws(TLSFailure) { try client.start() } catch { outcome.client = error }
        return carry(outcome)
    }

    /// Carries bytes until both are silent.
    @discardableResult
    func carry(_ before: Outcome = Outcome()) -> Outcome {
        var outcome = before
        while client.pendingCiphertextBytes + server.pendingCiphertextBytes > 0 {
            var bytes: [UInt8] = []
            client.takeCiphertext(into: &bytes)
            if let failure = give(bytes, to: server, &serverReads) { outcome.server = outcome.server ?? failure }
            bytes.removeAll()
            server.takeCiphertext(into: &bytes)
            if let failure = give(bytes, to: client, &clientReads) { outcome.client = outcome.client ?? failure }
        }
        return outcome
    }

    func give(_ bytes: [UInt8], to engine: TLSEngine, _ plaintext: inout [UInt8]) -> TLSFailure? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let next = rest.prefix(piece)
            rest = rest.dropFirst(next.count)
            do throws(TLSFailure) { try engine.feed(Array(next), &plaintext) } catch { return error }
        }
        return nil
    }
}

extension TLSEngine {
    func feed(_ bytes: [UInt8], _ plaintext: inout [UInt8]) throws(TLSFailure) {
        var failure: TLSFailure?
        bytes.withUnsafeBytes { raw in
            do throws(TLSFailure) { try receive(raw, plaintext: &plaintext) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    func say(_ bytes: [UInt8]) throws(TLSFailure) {
        var failure: TLSFailure?
        bytes.withUnsafeBytes { raw in
            do throws(TLSFailure) { try send(raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    func taken() -> [UInt8] {
        var bytes: [UInt8] = []
        takeCiphertext(into: &bytes)
        return bytes
    }
}

/// A folder for the files of one test, removed with it.
final class Folder {
    let path: String
    private var names: [String] = []

    init() throws {
        var template = Array("/tmp/tls-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Refused.folder }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    enum Refused: Error { case folder, file }

    /// Writes a file and gives its path.
    func file(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        guard let stream = fopen(file, "w") else { throw Refused.file }
        defer { fclose(stream) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw Refused.file }
        names.append(file)
        return file
    }

    deinit {
        for name in names { unlink(name) }
        rmdir(path)
    }
}

/// A small authority and contexts that trust it, made once for all tests.
struct Town: Sendable {
    let authority: ServerIdentity
    let stranger: ServerIdentity

    static let made = Result { try Town() }

    private init() throws {
        authority = try ServerIdentity(making: CertificateRecipe(commonName: "Test CA", use: .authority))
        stranger = try ServerIdentity(making: CertificateRecipe(commonName: "Strange CA", use: .authority))
    }

    /// A client that trusts the authority by its file.
    func client(certificate: TLSConfiguration.ClientCertificate? = nil) throws -> TLSPolicy {
        let folder = try Folder()
        let path = try folder.file("ca.pem", authority.certificatePEM)
        return try TLSPolicy(client: TLSConfiguration(trust: .file(path: path), clientCertificate: certificate))
    }

    /// A server that the authority vouches for.
    func server(_ change: (inout CertificateRecipe) -> Void = { _ in }) throws -> TLSPolicy {
        var recipe = CertificateRecipe(domains: ["example.org"])
        change(&recipe)
        return try TLSPolicy(server: ServerIdentity(making: recipe, issuer: authority))
    }
}

import COpenSSL
import Testing

@testable import Wire

/// Mistakes in files: one line that names the file, and never what a key's file holds.
@Suite struct TLSSetupTests {
    let town: Town
    let folder: Folder

    init() throws {
        town = try Town.made.get()
        folder = try Folder()
    }

    private func words(trust: TLSConfiguration.Trust = .system, certificate: String? = nil, key: String? = nil)
        -> String?
    {
        let pair = certificate.map { TLSConfiguration.ClientCertificate(certificatePath: $0, keyPath: key ?? $0) }
        do throws(TLSFailure) {
            _ = try TLSPolicy(client: TLSConfiguration(trust: trust, clientCertificate: pair))
            return nil
        } catch {
            guard case .setup(let words) = error else { return "not a setup failure: \(error)" }
            return words
        }
    }

    @Test func theCAFileMustBeThereAndHoldCertificates() throws {
        let missing = folder.path + "/missing.pem"
        #expect(words(trust: .file(path: missing)) == "cannot read the CA file \(missing): No such file or directory")
        let empty = try folder.file("empty.pem", "")
        #expect(words(trust: .file(path: empty)) == "the CA file \(empty) holds no certificate in PEM")
        let text = try folder.file("text.pem", "not a certificate\n")
        #expect(words(trust: .file(path: text)) == "the CA file \(text) holds no certificate in PEM")
        let keyOnly = try folder.file("key.pem", town.authority.revealedKeyPEM())
        #expect(words(trust: .file(path: keyOnly)) == "the CA file \(keyOnly) holds no certificate in PEM")
        let pem = town.authority.certificatePEM
        let damaged = try folder.file("damaged.pem", pem + pem.replacing("MI", with: "??"))
        #expect(
            words(trust: .file(path: damaged))?.hasPrefix("certificate 2 of the CA file \(damaged) cannot be") == true)
        let cut = try folder.file("cut.pem", String(pem.prefix(200)))
        #expect(
            words(trust: .file(path: cut))?.hasPrefix("certificate 1 of the CA file \(cut) cannot be read (") == true)
        #expect(words(trust: .file(path: folder.path))?.contains(folder.path) == true)
        let twice = try folder.file("twice.pem", pem + "\n# again\n" + pem)
        #expect(words(trust: .file(path: twice)) == nil)
    }

    @Test func aFingerprintHas32Bytes() {
        #expect(words(trust: .fingerprint([1, 2, 3])) == "a SHA-256 fingerprint has 32 bytes, not 3")
        #expect(words(trust: .fingerprint([UInt8](repeating: 0, count: 32))) == nil)
    }

    @Test func theClientCertificateAndItsKeyMustFit() throws {
        let identity = try ServerIdentity(making: CertificateRecipe(commonName: "bridge", use: .client))
        let other = try ServerIdentity(making: CertificateRecipe(commonName: "bridge", use: .client))
        let certificate = try folder.file("cert.pem", identity.certificatePEM)
        let key = try folder.file("key.pem", identity.revealedKeyPEM())
        let both = try folder.file("both.pem", identity.revealedKeyPEM() + identity.certificatePEM)
        #expect(words(certificate: certificate, key: key) == nil)
        #expect(words(certificate: both) == nil)

        let missing = folder.path + "/missing.pem"
        #expect(
            words(certificate: missing, key: key)
                == "cannot read the certificate file \(missing): No such file or directory")
        #expect(
            words(certificate: certificate, key: missing)
                == "cannot read the key file \(missing): No such file or directory")
        #expect(
            words(certificate: certificate, key: certificate)
                == "the key file \(certificate) holds no private key in PEM")
        let foreign = try folder.file("foreign.pem", other.revealedKeyPEM())
        #expect(
            words(certificate: certificate, key: foreign)
                == "the key file \(foreign) does not belong to the certificate in \(certificate)")
        let locked = try folder.file("locked.pem", lockedKey(identity))
        #expect(
            words(certificate: certificate, key: locked)
                == "the key file \(locked) is locked by a passphrase; store it without one (openssl pkey)")
    }

    private func lockedKey(_ identity: ServerIdentity) throws -> String {
        let memory = try #require(MemoryBIO())
        let passphrase = Array("open sesame".utf8)
        try #require(
            PEM_write_bio_PrivateKey(
                memory.bio, identity.key.pkey, EVP_aes_128_cbc(), passphrase, Int32(passphrase.count), nil, nil) == 1)
        return String(decoding: memory.contents(), as: UTF8.self)
    }

    @Test func noErrorAndNoDescriptionShowsAKey() throws {
        let identity = try ServerIdentity(making: CertificateRecipe(domains: ["example.org"]))
        let secret = identity.revealedKeyPEM()
        let lines = secret.split(separator: "\n").filter { !$0.hasPrefix("-") }
        #expect(secret.hasPrefix("-----BEGIN PRIVATE KEY-----") && !lines.isEmpty)
        let certificate = try folder.file("cert.pem", identity.certificatePEM)
        let cut = try folder.file("cut.pem", String(secret.dropLast(60)))
        let mangled = try folder.file("mangled.pem", secret.replacing("M", with: "?"))
        var dumped = ""
        dump(identity, to: &dumped)
        var texts = ["\(identity)", String(reflecting: identity), dumped, "\(identity.key)"]
        for key in [cut, mangled] {
            let told = try #require(words(certificate: certificate, key: key))
            #expect(told.contains(key))
            texts.append(told)
        }
        for text in texts {
            for line in lines { #expect(!text.contains(line.prefix(16)), "\(text)") }
        }
        #expect("\(identity)".contains(CertificateFingerprint.text(identity.fingerprint)))
    }

    @Test func aServerIdentityIsReadFromFilesAsItWasMade() throws {
        let middle = try ServerIdentity(
            making: CertificateRecipe(commonName: "Middle", use: .authority), issuer: town.authority)
        let made = try ServerIdentity(making: CertificateRecipe(domains: ["example.org"]), issuer: middle)
        let read = try ServerIdentity(
            certificatePath: folder.file("chain.pem", made.chainPEM),
            keyPath: folder.file("key.pem", made.revealedKeyPEM()))
        #expect(read.fingerprint == made.fingerprint && read.chainPEM == made.chainPEM)
        #expect(try TLSDialogue(town.client(), TLSPolicy(server: read)).meet() == TLSDialogue.Outcome())
    }

    @Test func aNameThatFitsNoCertificateIsRefused() {
        var recipe = CertificateRecipe(domains: ["bücher.example"])
        #expect(throws: TLSFailure.self) { try ServerIdentity(making: recipe) }
        recipe.dnsNames = ["xn--bcher-kva.example"]
        #expect(throws: Never.self) { try ServerIdentity(making: recipe) }
        recipe.ipAddresses = ["nonsense"]
        #expect(throws: TLSFailure.self) { try ServerIdentity(making: recipe) }
    }
}

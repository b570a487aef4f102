import Testing

@testable import Digest

/// The published vectors: FIPS 180-4 (digests), RFC 2202 and RFC 4231 (HMAC), RFC 6070 (PBKDF2 with SHA-1); those of
/// PBKDF2 with other hashes and of empty input come from Python's hashlib.
@Suite struct HashTests {
    @Test func digestsHaveTheirSize() {
        for hash in Hash.allCases { #expect(hash.digest([]).count == hash.byteCount) }
    }

    static let digestVectors: [(Hash, String, String)] = [
        (
            .sha1, "",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709"
        ),
        (
            .sha1, "abc",
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        ),
        (
            .sha1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        (
            .sha256, "",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ),
        (
            .sha256, "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
        (
            .sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            .sha384, "",
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fb"
                + "d51ad2f14898b95b"
        ),
        (
            .sha384, "abc",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc23"
                + "58baeca134c825a7"
        ),
        (
            .sha384, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6b0455a8520bc4e6f"
                + "5fe95b1fe3c8452b"
        ),
        (
            .sha512, "",
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0"
                + "ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
        ),
        (
            .sha512, "abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8"
                + "36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            .sha512, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c33596fd15c13b1b07f9"
                + "aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445"
        ),
    ]

    @Test(arguments: digestVectors) func digests(_ hash: Hash, _ message: String, _ expected: String) {
        #expect(Hex.encode(hash.digest(Array(message.utf8))) == expected)
    }

    @Test func aMillionTimesTheLetterA() {
        let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(Hex.encode(Hash.sha1.digest(million)) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
        #expect(
            Hex.encode(Hash.sha256.digest(million))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    static let hmacMessages: [(key: [UInt8], message: [UInt8])] = [
        (Array(repeating: 0x0B, count: 20), Array("Hi There".utf8)),
        (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)),
        (Array(repeating: 0xAA, count: 20), Array(repeating: 0xDD, count: 50)),
        (Array(1...25), Array(repeating: 0xCD, count: 50)),
        (Array(repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)),
        ([], []),
    ]

    /// The hash, the message's index above, the code.
    static let hmacVectors: [(Hash, Int, String)] = [
        (
            .sha1, 0,
            "b617318655057264e28bc0b6fb378c8ef146be00"
        ),
        (
            .sha1, 1,
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        ),
        (
            .sha1, 2,
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3"
        ),
        (
            .sha1, 3,
            "4c9007f4026250c6bc8414f9bf50c86c2d7235da"
        ),
        (
            .sha1, 4,
            "90d0dace1c1bdc957339307803160335bde6df2b"
        ),
        (
            .sha1, 5,
            "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"
        ),
        (
            .sha256, 0,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            .sha256, 1,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            .sha256, 2,
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            .sha256, 3,
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        (
            .sha256, 4,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            .sha256, 5,
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        ),
        (
            .sha384, 0,
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f"
                + "4af152e8b2fa9cb6"
        ),
        (
            .sha384, 1,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c7"
                + "8b3239ecfab21649"
        ),
        (
            .sha384, 2,
            "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b9"
                + "4e3ab6e101a34f27"
        ),
        (
            .sha384, 3,
            "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679"
                + "ccf8a386c674cffb"
        ),
        (
            .sha384, 4,
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe82"
                + "96248df163f44952"
        ),
        (
            .sha384, 5,
            "6c1f2ee938fad2e24bd91298474382ca218c75db3d83e114b3d4367776d14d3551289e75e8209cd4"
                + "b792302840234adc"
        ),
        (
            .sha512, 0,
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702"
                + "038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
        ),
        (
            .sha512, 1,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a"
                + "6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        ),
        (
            .sha512, 2,
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c8"
                + "06b485a47e67c807b946a337bee8942674278859e13292fb"
        ),
        (
            .sha512, 3,
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4"
                + "d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"
        ),
        (
            .sha512, 4,
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598"
                + "bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        ),
        (
            .sha512, 5,
            "b936cee86c9f87aa5d3c6f2e84cb5a4239a5fe50480a6ec66b70ab5b1f4ac6730c6c515421b327ec"
                + "1d69402e53dfb49ad7381eb067b338fd7b0cb22247225d47"
        ),
    ]

    @Test(arguments: hmacVectors) func hmac(_ hash: Hash, _ number: Int, _ expected: String) {
        let (key, message) = Self.hmacMessages[number]
        #expect(Hex.encode(hash.hmac(key: key, message)) == expected)
    }

    struct Derivation: Sendable {
        var hash: Hash
        var password: String
        var salt: String
        var iterations: Int
        var expected: String
    }

    static let derivations: [Derivation] = [
        Derivation(
            hash: .sha1, password: "password", salt: "salt", iterations: 1,
            expected: "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        Derivation(
            hash: .sha1, password: "password", salt: "salt", iterations: 2,
            expected: "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        Derivation(
            hash: .sha1, password: "password", salt: "salt", iterations: 4096,
            expected: "4b007901b765489abead49d926f721d065a429c1"),
        Derivation(
            hash: .sha1, password: "passwordPASSWORDpassword", salt: "saltSALTsaltSALTsaltSALTsaltSALTsalt",
            iterations: 4096,
            expected: "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"),
        Derivation(
            hash: .sha1, password: "pass\u{0}word", salt: "sa\u{0}lt", iterations: 4096,
            expected: "56fa6aa75548099dcc37d7f03425e0c3"),
        Derivation(
            hash: .sha256, password: "password", salt: "salt", iterations: 1,
            expected: "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"),
        Derivation(
            hash: .sha256, password: "password", salt: "salt", iterations: 4096,
            expected: "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"),
        Derivation(
            hash: .sha256, password: "", salt: "s", iterations: 3,
            expected: "e2aea08696ce80c3520b56024002964a54717a34321fa420fbbd022effb6e408"),
        Derivation(
            hash: .sha384, password: "password", salt: "salt", iterations: 1,
            expected: "c0e14f06e49e32d73f9f52ddf1d0c5c7191609233631dadd76a567db42b78676b38fc800cc53ddb6"
                + "42f5c74442e62be4"),
        Derivation(
            hash: .sha384, password: "password", salt: "salt", iterations: 4096,
            expected: "559726be38db125bc85ed7895f6e3cf574c7a01c080c3447db1e8a76764deb3c307b94853fbe424f"
                + "6488c5f4f1289626"),
        Derivation(
            hash: .sha384, password: "", salt: "s", iterations: 3,
            expected: "a8e7b9ec8ca14f2cabe8fa896a9ed34fbca1a3f245a9daf64219d2e3671b680a64c87dba4839e964"
                + "b41d906f28a4649a"),
        Derivation(
            hash: .sha512, password: "password", salt: "salt", iterations: 1,
            expected: "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501"
                + "bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce"),
        Derivation(
            hash: .sha512, password: "password", salt: "salt", iterations: 4096,
            expected: "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5143f30602641b3d5"
                + "5cd335988cb36b84376060ecd532e039b742a239434af2d5"),
        Derivation(
            hash: .sha512, password: "", salt: "s", iterations: 3,
            expected: "5f8a22809d2e33ba1bff60508b6ef3b4e8b415a4c6a80c2edb3b23bf307cac71cd76057c567f52b6"
                + "4051fb5991a983d3db80b6c5a1fd955a1bf618bca924a1ad"),
    ]

    @Test(arguments: derivations) func pbkdf2(_ one: Derivation) {
        let derived = one.hash.pbkdf2(
            password: Array(one.password.utf8), salt: Array(one.salt.utf8), iterations: one.iterations,
            byteCount: one.expected.utf8.count / 2)
        #expect(Hex.encode(derived) == one.expected)
    }

    @Test func pbkdf2GivesOneBlock() {
        let derived = Hash.sha1.pbkdf2(password: Array("password".utf8), salt: Array("salt".utf8), iterations: 1)
        #expect(Hex.encode(derived) == "0c60c80f961f0e71f3a9b524af6012062fe037a6")
    }
}

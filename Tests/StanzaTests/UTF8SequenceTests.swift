import Stanza
import Testing

@Suite struct UTF8SequenceTests {
    /// RFC 3629 section 4; maximal subparts by Unicode 3.9, table 3-8.
    static let table: [(bytes: [UInt8], found: UTF8Sequence)] = [
        ([0x41], .whole(1)), ([0x7F], .whole(1)), ([0xC2, 0x80], .whole(2)), ([0xDF, 0xBF, 0x80], .whole(2)),
        ([0xE0, 0xA0, 0x80], .whole(3)), ([0xED, 0x9F, 0xBF], .whole(3)), ([0xEF, 0xBF, 0xBF], .whole(3)),
        ([0xF0, 0x90, 0x80, 0x80], .whole(4)), ([0xF4, 0x8F, 0xBF, 0xBF], .whole(4)),
        ([0x80], .broken(1)), ([0xBF], .broken(1)), ([0xC0, 0x80], .broken(1)), ([0xC1, 0xBF], .broken(1)),
        ([0xF5, 0x80], .broken(1)), ([0xFF], .broken(1)), ([0xC2, 0x41], .broken(1)), ([0xE0, 0x9F, 0x80], .broken(1)),
        ([0xED, 0xA0, 0x80], .broken(1)), ([0xF0, 0x8F, 0x80], .broken(1)), ([0xF4, 0x90, 0x80], .broken(1)),
        ([0xE2, 0x82, 0x41], .broken(2)), ([0xF1, 0x80, 0x80, 0xE2], .broken(3)), ([0xF1, 0x80, 0x41], .broken(2)),
        ([0xC2], .cut), ([0xE2, 0x82], .cut), ([0xF0, 0x9F, 0x98], .cut),
    ]

    @Test(arguments: table) func reads(_ bytes: [UInt8], _ found: UTF8Sequence) {
        for before in [[], [0xE2], [0x41]] as [[UInt8]] {
            (before + bytes).withUnsafeBufferPointer { #expect(UTF8Sequence($0, at: before.count) == found) }
        }
    }

    @Test func everyScalarIsWhole() {
        for point in stride(from: UInt32(0), through: 0x10FFFF, by: 61) {
            guard let scalar = Unicode.Scalar(point), let bytes = UTF8.encode(scalar) else { continue }
            let found = Array(bytes).withUnsafeBufferPointer { UTF8Sequence($0, at: 0) }
            if found.wholeLength != bytes.count { Issue.record("U+\(String(point, radix: 16))") }
        }
    }
}

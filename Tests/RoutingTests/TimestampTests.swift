import Routing
import Stanza
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_795_340_400_123, "2026-11-22T09:40:00.123Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_799_999, "2000-02-29T23:59:59.999Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
        (Int64.max, "9999-12-31T23:59:59.999Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (Int64.min, "0000-01-01T00:00:00.000Z"),
    ])
    func examples(_ milliseconds: Int64, _ expected: String) {
        #expect(WallTime(milliseconds: milliseconds).timestamp == expected)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-22T09:40:00.123Z", 1_795_340_400_123),
        ("2026-11-22t10:40:00.1239+01:00", 1_795_340_400_123), ("2026-11-22 04:10:00.1-05:30", 1_795_340_400_100),
        ("2000-02-29T23:59:60z", 951_868_800_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ])
    func reads(_ text: String, _ milliseconds: Int64) {
        #expect(WallTime(timestamp: text.utf8)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-11-22", "2026-11-22T09:40:00", "2026-11-22T09:40:00.Z", "2026-11-22T09:40:00Zx",
        "2026-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+24:00", "2026/01/01T00:00:00Z", "+026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:0",
        "2026-01-01T00:00:00.1", "２026-01-01T00:00:00Z",
    ])
    func refuses(_ text: String) { #expect(WallTime(timestamp: text.utf8) == nil) }

    @Test func readsWhatItWrites() {
        var random = Seeded(7)
        for _ in 0..<5_000 {
            let span = 253_402_300_800_000 + 62_167_219_200_000
            let time = WallTime(milliseconds: Int64(random.below(span)) - 62_167_219_200_000)
            #expect(WallTime(timestamp: time.timestamp.utf8) == time)
        }
    }

    @Test func appends() {
        var bytes = Array("at ".utf8)
        WallTime(milliseconds: 7).append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "at 1970-01-01T00:00:00.007Z")
        #expect(bytes.count == 3 + WallTime.timestampBytes)
    }

    /// The days of 0000 to 9999, counted by a calendar of the plainest kind: all of 1990 to 2050, and where months begin
    /// and end in the years about a century's turn.
    @Test func everyDay() {
        var milliseconds: Int64 = -62_167_219_200_000
        var wrong: [String] = []
        var bytes: [UInt8] = []
        for year in 0...9_999 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let isDetailed = (1_990...2_050).contains(year)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            let isNearTurn = year % 100 < 5 || year % 100 > 95
            for (month, length) in lengths.enumerated() {
                for day in isDetailed ? Array(1...length) : isNearTurn ? [1, length] : [] {
                    bytes.removeAll(keepingCapacity: true)
                    let evening = milliseconds + Int64(day) * 86_400_000 - 1
                    WallTime(milliseconds: evening).append(to: &bytes)
                    let date = (0..<10).reduce(into: 0) { sum, index in
                        if index != 4 && index != 7 { sum = sum * 10 + Int(bytes[index]) - 48 }
                    }
                    if date != year * 10_000 + (month + 1) * 100 + day { wrong.append("\(year)-\(month + 1)-\(day)") }
                }
                milliseconds += Int64(length) * 86_400_000
            }
        }
        #expect(wrong == [])
        #expect(milliseconds == 253_402_300_800_000)
    }

    @Test func secondsOfADay() {
        var wrong: [Int64] = []
        for second in stride(from: Int64(0), to: 86_400, by: 13) {
            let text = WallTime(milliseconds: 951_782_400_000 + second * 1_000 + second % 1_000).timestamp
            let numbers = text.dropFirst(11).dropLast().split { $0 == ":" || $0 == "." }.compactMap { Int64($0) }
            let sum = numbers[0] * 3_600 + numbers[1] * 60 + numbers[2]
            if sum != second || numbers[3] != second % 1_000 || numbers[1] > 59 || numbers[2] > 59 {
                wrong.append(second)
            }
        }
        #expect(wrong == [])
    }
}

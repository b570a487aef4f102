public import Stanza

extension WallTime {
    /// Bytes that ``append(to:)`` writes.
    public static let timestampBytes = 24

    /// Appends the moment as RFC 3339 in UTC with milliseconds, `2026-11-22T09:40:00.123Z`.
    ///
    /// RFC 3339 has years of four digits: what lies outside of 0000...9999 is written as the nearest moment inside.
    public func append(to bytes: inout [UInt8]) {
        let clamped = min(max(milliseconds, WallTime.first), WallTime.last)
        let (days, milliseconds) = WallTime.floored(clamped, by: 86_400_000)
        let (year, month, day) = WallTime.civil(days)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: WallTime.timestampBytes) { out in
            func two(_ value: Int64, at position: Int) {
                out[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / 10)
                out[position + 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10)
            }
            let seconds = milliseconds / 1_000
            let rest = milliseconds % 1_000
            two(year / 100, at: 0)
            two(year % 100, at: 2)
            out[4] = UInt8(ascii: "-")
            two(month, at: 5)
            out[7] = UInt8(ascii: "-")
            two(day, at: 8)
            out[10] = UInt8(ascii: "T")
            two(seconds / 3_600, at: 11)
            out[13] = UInt8(ascii: ":")
            two(seconds / 60 % 60, at: 14)
            out[16] = UInt8(ascii: ":")
            two(seconds % 60, at: 17)
            out[19] = UInt8(ascii: ".")
            two(rest / 10, at: 20)
            out[22] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            out[23] = UInt8(ascii: "Z")
            bytes.append(contentsOf: out)
        }
    }

    /// The moment as RFC 3339, as ``append(to:)`` writes it.
    public var timestamp: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads a moment of RFC 3339, as `2026-11-22T09:40:00.123Z` or `2026-11-22T10:40:00+01:00`; nil where it is none.
    ///
    /// What is finer than a millisecond is cut off; a leap second is the second after it.
    public init?(timestamp text: some Collection<UInt8>) {
        let bytes = Array(text)
        func number(_ range: Range<Int>, max: Int64) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte &- UInt8(ascii: "0") < 10 else { return nil }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            }
            return value <= max ? value : nil
        }
        func isSign(_ position: Int, _ signs: StaticString) -> Bool {
            position < bytes.count
                && UnsafeBufferPointer(start: signs.utf8Start, count: signs.utf8CodeUnitCount)
                    .contains(bytes[position])
        }
        guard let year = number(0..<4, max: 9_999), let month = number(5..<7, max: 12),
            let day = number(8..<10, max: 31),
            let hour = number(11..<13, max: 23), let minute = number(14..<16, max: 59),
            let second = number(17..<19, max: 60), isSign(4, "-"), isSign(7, "-"), isSign(10, "Tt "), isSign(13, ":"),
            isSign(16, ":"), month > 0, day > 0
        else { return nil }
        var position = 19
        var fraction: Int64 = 0
        if isSign(position, ".") {
            position += 1
            let from = position
            while isSign(position, "0123456789") { position += 1 }
            guard position > from else { return nil }
            for index in from..<from + 3 {
                fraction = fraction * 10 + (index < position ? Int64(bytes[index] - 48) : 0)
            }
        }
        var offset: Int64 = 0
        if isSign(position, "Zz") {
            position += 1
        } else {
            guard isSign(position, "+-"), isSign(position + 3, ":"), position + 6 <= bytes.count,
                let hours = number(position + 1..<position + 3, max: 23),
                let minutes = number(position + 4..<position + 6, max: 59)
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[position] == UInt8(ascii: "-") ? -1 : 1)
            position += 6
        }
        let days = WallTime.days(year, month, day)
        guard position == bytes.count, WallTime.civil(days) == (year, month, day) else { return nil }
        let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
        self.init(milliseconds: seconds * 1_000 + fraction)
    }

    /// 0000-01-01T00:00:00.000Z.
    private static let first: Int64 = -62_167_219_200_000
    /// 9999-12-31T23:59:59.999Z.
    private static let last: Int64 = 253_402_300_799_999

    private static func floored(_ value: Int64, by unit: Int64) -> (quotient: Int64, rest: Int64) {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: unit)
        return rest < 0 ? (quotient - 1, rest + unit) : (quotient, rest)
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01. Years are counted from March, so that the leap day
    /// is a year's last and months have the fixed lengths of the rule (153 m + 2) / 5; 400 years have 146,097 days.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floored(days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// The day of a date, counted from 1970-01-01: the same rule the other way round.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floored(year, by: 400)
        let shifted = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * shifted + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

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
}

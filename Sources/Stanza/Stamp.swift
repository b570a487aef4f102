// Moments as XEP-0082 writes them.
extension WallTime {
    /// In UTC with milliseconds: `2026-11-22T09:40:00.123Z`.
    public var stamp: String {
        let (days, ofDay) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let isBefore = ofDay < 0
        let (year, month, day) = Self.date(days - (isBefore ? 1 : 0))
        let rest = ofDay + (isBefore ? 86_400_000 : 0)
        return Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2) + "T"
            + Self.padded(rest / 3_600_000, 2) + ":" + Self.padded(rest / 60_000 % 60, 2) + ":"
            + Self.padded(rest / 1_000 % 60, 2) + "." + Self.padded(rest % 1_000, 3) + "Z"
    }

    /// Reads a DateTime of XEP-0082 3.2, of whatever zone; what is finer than a millisecond is cut off. Nil for anything
    /// else.
    public init?(stamp: String) {
        var rest = stamp.utf8[...]
        guard let year = Self.number(4, &rest), Self.skip("-", &rest), let month = Self.number(2, &rest),
            (1...12).contains(month), Self.skip("-", &rest), let day = Self.number(2, &rest), (1...31).contains(day),
            Self.skip("T", &rest), let hour = Self.number(2, &rest), hour <= 24, Self.skip(":", &rest),
            let minute = Self.number(2, &rest), minute < 60, Self.skip(":", &rest), let second = Self.number(2, &rest),
            // 60: a leap second.
            second <= 60, let fraction = Self.milliseconds(&rest), let zone = Self.zoneMinutes(&rest), rest.isEmpty
        else { return nil }
        let minutes = Self.days(year, month, day) * 1_440 + hour * 60 + minute - zone
        self.init(milliseconds: (minutes * 60 + second) * 1_000 + fraction)
    }

    /// The Gregorian date that many days after 1970-01-01, counted in eras of 400 years that begin in March.
    private static func date(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468  // days from 0000-03-01 to the epoch
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// The other way round; the years here are of four digits, so none is before the first era.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let marchYear = year + 400 - (month <= 2 ? 1 : 0)
        let marchMonth = month > 2 ? month - 3 : month + 9
        let (era, yearOfEra) = marchYear.quotientAndRemainder(dividingBy: 400)
        let ofEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + (153 * marchMonth + 2) / 5 + day - 1
        return (era - 1) * 146_097 + ofEra - 719_468
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    // MARK: - Pieces of a text

    private static func number(_ digits: Int, _ rest: inout Substring.UTF8View) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<digits {
            guard let byte = rest.popFirst(), (0x30...0x39).contains(byte) else { return nil }
            number = number * 10 + Int64(byte - 0x30)
        }
        return number
    }

    private static func skip(_ sign: Unicode.Scalar, _ rest: inout Substring.UTF8View) -> Bool {
        rest.popFirst() == UInt8(ascii: sign)
    }

    private static func milliseconds(_ rest: inout Substring.UTF8View) -> Int64? {
        guard rest.first == UInt8(ascii: ".") else { return 0 }
        rest.removeFirst()
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        var number: Int64 = 0
        for place in 0..<3 {
            let digit = place < digits.count ? digits[digits.index(digits.startIndex, offsetBy: place)] - 0x30 : 0
            number = number * 10 + Int64(digit)
        }
        return number
    }

    private static func zoneMinutes(_ rest: inout Substring.UTF8View) -> Int64? {
        let sign = rest.popFirst()
        if sign == UInt8(ascii: "Z") { return 0 }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), let hours = number(2, &rest), skip(":", &rest),
            let minutes = number(2, &rest), minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }
}

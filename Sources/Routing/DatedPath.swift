/// The path of a file whose name may follow the date, as in `/var/log/chat/ops-%Y-%m-%d.log`.
public struct DatedPath: Hashable, Sendable {
    /// As it is written in a configuration.
    public let text: String
    /// Whether anything in it follows the date.
    public let isDated: Bool
    private let pieces: [Piece]

    private enum Piece: Hashable, Sendable {
        case literal(String)
        case year, month, day, dayOfYear, hour, minute
    }

    /// A moment by the calendar and clock of some place.
    public struct CivilTime: Equatable, Sendable {
        /// For example 2026.
        public var year: Int
        /// 1...12.
        public var month: Int
        /// 1...31.
        public var day: Int
        /// 1...366.
        public var dayOfYear: Int
        /// 0...23.
        public var hour: Int
        /// 0...59.
        public var minute: Int

        /// A moment.
        public init(year: Int, month: Int, day: Int, dayOfYear: Int, hour: Int, minute: Int) {
            self.year = year
            self.month = month
            self.day = day
            self.dayOfYear = dayOfYear
            self.hour = hour
            self.minute = minute
        }
    }

    /// Why a text is no path.
    public struct Problem: Error, Equatable, Sendable {
        /// What stood there.
        public var what: String
        /// What to do.
        public var hint: String
        /// Where, in bytes from 0.
        public var offset: Int
    }

    private static let known = "%Y (year), %m (month), %d (day), %j (day of the year), %H (hour), %M (minute) or %%"

    /// Parses a path; `%` begins a part of the date.
    /// - Throws: ``Problem`` for an empty path, one of a folder, and for a part of the date that is not known.
    public init(parsing text: String) throws(Problem) {
        if text.isEmpty || text.hasSuffix("/") || text.contains("\0") {
            let what = text.isEmpty ? "no path behind file:" : "\(Wording.quote(text)) names no file"
            throw Problem(
                what: what, hint: "expected for example file:/var/log/chat/ops-%Y-%m-%d.log", offset: 0)
        }
        var pieces: [Piece] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            guard character == "%" else {
                literal.append(character)
                continue
            }
            let place = text.utf8.count - rest.utf8.count - 1
            let letter = rest.popFirst()
            if letter == "%" {
                literal.append("%")
                continue
            }
            guard let letter, let piece = DatedPath.piece(letter) else {
                let shown = "%" + (letter.map { String($0) } ?? "")
                throw Problem(
                    what: "unknown part of the date \(Wording.quote(shown))", hint: "expected \(DatedPath.known)",
                    offset: place)
            }
            if !literal.isEmpty { pieces.append(.literal(literal)) }
            literal = ""
            pieces.append(piece)
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        self.text = text
        self.pieces = pieces
        isDated = pieces.contains { if case .literal = $0 { false } else { true } }
    }

    private static func piece(_ letter: Character) -> Piece? {
        switch letter {
        case "Y": .year
        case "m": .month
        case "d": .day
        case "j": .dayOfYear
        case "H": .hour
        case "M": .minute
        case _: nil
        }
    }

    /// The path at that moment.
    public func path(at time: CivilTime) -> String {
        var path = ""
        for piece in pieces {
            switch piece {
            case .literal(let text): path += text
            case .year: path += DatedPath.padded(time.year, 4)
            case .month: path += DatedPath.padded(time.month, 2)
            case .day: path += DatedPath.padded(time.day, 2)
            case .dayOfYear: path += DatedPath.padded(time.dayOfYear, 3)
            case .hour: path += DatedPath.padded(time.hour, 2)
            case .minute: path += DatedPath.padded(time.minute, 2)
            }
        }
        return path
    }

    private static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

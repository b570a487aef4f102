/// What happens to a rule's texts between their making and their destinations: lines are joined, repetitions counted,
/// the rate is limited, an earlier message is edited. Without any of it a text goes on at once.
public struct Shaping: Sendable, Equatable {
    /// How lines become one record, or texts one message.
    public var group: Group?
    /// How much goes out.
    public var limit: Limit?
    /// How long identical texts are counted instead of sent.
    public var repetition: Duration?
    /// Whether a message edits the one before it in place (XEP-0308).
    public var updates: Bool

    /// A shaping; without arguments none.
    public init(group: Group? = nil, limit: Limit? = nil, repetition: Duration? = nil, updates: Bool = false) {
        self.group = group
        self.limit = limit
        self.repetition = repetition
        self.updates = updates
    }

    /// The keys of a rule that shape its texts.
    public enum Key: String, Sendable, CaseIterable {
        case group, limit, `repeat`, update
    }

    /// The keys that are given.
    public var keys: [Key] {
        [(Key.group, group != nil), (.limit, limit != nil), (.repeat, repetition != nil), (.update, updates)]
            .filter(\.1).map(\.0)
    }

    /// How lines are joined.
    public struct Group: Sendable, Equatable {
        /// What the joining goes by.
        public enum Boundary: Sendable, Equatable {
            /// A line that matches begins a record; the others go on with it.
            case start(Pattern)
            /// A line that matches goes on with the record; any other begins one.
            case goesOn(Pattern)
            /// Time alone: what the rule made of the lines within it is one message.
            case none
        }

        /// What the joining goes by.
        public var boundary: Boundary
        /// With a pattern: how long a record waits for its next line. Without: how long a message collects.
        public var within: Duration
        /// The most lines (texts, without a pattern) of one record.
        public var linesMax: Int
        /// The most bytes of one record; a single line that is longer stays whole, and alone.
        public var bytesMax: Int

        /// How long a record waits for its next line, where nothing else is said.
        public static let withinDefault: Duration = .milliseconds(500)
        /// The most lines, where nothing else is said.
        public static let linesMaxDefault = 100
        /// The most bytes, where nothing else is said.
        public static let bytesMaxDefault = 16 * 1_024
        /// The most that may be chosen as the most lines.
        public static let linesMaxMax = 10_000
        /// The most that may be chosen as the most bytes.
        public static let bytesMaxMax = 256 * 1_024

        /// A way to join lines.
        public init(
            _ boundary: Boundary, within: Duration = Group.withinDefault, linesMax: Int = Group.linesMaxDefault,
            bytesMax: Int = Group.bytesMaxDefault
        ) {
            self.boundary = boundary
            self.within = within
            self.linesMax = linesMax
            self.bytesMax = bytesMax
        }

        /// Whether lines are joined before the rule sees them.
        public var joinsLines: Bool { boundary != .none }
    }

    /// How much goes out, and what becomes of the rest.
    public struct Limit: Sendable, Equatable {
        /// How often.
        public var rate: Rate
        /// How many at once after a silence.
        public var burst: Int
        /// What becomes of the rest.
        public var overflow: Overflow
        /// The most messages that wait, where they do.
        public var queueMax: Int
        /// What is counted together.
        public var per: Scope

        /// What becomes of a message beyond the rate.
        public enum Overflow: String, Sendable, CaseIterable {
            /// It waits its turn; beyond ``Limit/queueMax`` it is dropped and reported.
            case queue
            /// It is dropped and reported.
            case drop
            /// It is counted; one message tells of all of them when the rate allows it.
            case digest
        }

        /// What is counted together.
        public enum Scope: String, Sendable, CaseIterable {
            /// All messages of the rule.
            case rule
            /// Those to one destination.
            case destination
        }

        /// So many in a length of time.
        public struct Rate: Sendable, Equatable {
            /// How many.
            public var count: Int
            /// In which time.
            public var period: Duration

            /// A rate.
            public init(count: Int, period: Duration) {
                self.count = count
                self.period = period
            }

            /// The most that may be chosen.
            public static let countMax = 100_000
            /// The longest time that may be chosen.
            public static let periodMax: Duration = .seconds(86_400)
        }

        /// The most that may be chosen as a burst.
        public static let burstMax = 10_000
        /// The most messages that wait, where nothing else is said.
        public static let queueMaxDefault = 10_000
        /// The most that may be chosen for it.
        public static let queueMaxMax = 100_000

        /// A limit.
        /// - Parameter burst: the rate's own count where none is given.
        public init(
            rate: Rate, burst: Int? = nil, overflow: Overflow = .queue, queueMax: Int = Limit.queueMaxDefault,
            per: Scope = .destination
        ) {
            self.rate = rate
            self.burst = burst ?? min(rate.count, Limit.burstMax)
            self.overflow = overflow
            self.queueMax = queueMax
            self.per = per
        }
    }

    /// Whether the texts that a rule makes are shaped, beside the joining of lines before it.
    public var shapesTexts: Bool {
        limit != nil || repetition != nil || updates || group.map { !$0.joinsLines } ?? false
    }
}

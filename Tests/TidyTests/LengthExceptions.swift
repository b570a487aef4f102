/// What is longer than its limit today, with its length: it may shrink, not grow.
struct LengthException {
    var path: String
    /// As `Length.function`; nil for the file itself.
    var function: String?
    var lines: Int
}

let lengthExceptions: [LengthException] = []

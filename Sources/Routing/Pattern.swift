import CPCRE2

/// A compiled regular expression (PCRE2, UTF-8, by its just-in-time compiler where the system allows one).
///
/// Immutable once compiled, and PCRE2 promises that compiled code may be shared between threads (pcre2api,
/// "Multithreading"); that is what makes the `@unchecked Sendable` true. What a match writes to is the ``Matcher``.
public final class Pattern: @unchecked Sendable {
    /// The expression as it was written.
    public let source: String
    /// Its capturing groups, the named ones among them; `{1}` is the first.
    public let groupCount: Int
    /// Its named groups with their numbers, in alphabetical order.
    public let names: [(name: String, number: Int)]
    /// Whether it runs as machine code; else by the interpreter, with the same results.
    public let isJustInTime: Bool
    /// What stands in every text that matches, as far as that is known.
    let required: RequiredLiteral
    let code: OpaquePointer

    /// Longest expression, in bytes.
    public static let sourceBytesMax = 16 * 1_024

    /// Why and where an expression does not compile.
    public struct Problem: Error, Equatable, Sendable {
        /// What is wrong, in PCRE2's words.
        public var what: String
        /// Where in the expression, in bytes from 0.
        public var offset: Int
    }

    /// Compiles an expression.
    /// - Parameter justInTime: false for the interpreter alone, as on systems that forbid executable memory.
    /// - Throws: ``Problem`` with the place inside of the expression.
    public init(compiling source: String, justInTime: Bool = true) throws(Problem) {
        if source.utf8.count > Pattern.sourceBytesMax {
            throw Problem(what: "longer than \(Pattern.sourceBytesMax) bytes", offset: 0)
        }
        // \C would cut a character in two: what is captured would not be text.
        let options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C
        var code = try Pattern.compile(source, options)
        // (*NO_JIT) in the pattern makes this a success that compiles nothing: what counts is the machine code.
        if justInTime { pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE) }
        isJustInTime = Pattern.machineCodeBytes(code) > 0
        if !isJustInTime {
            // The interpreter's match limit does not count the steps of a single character's repetition, so that \s+$ on
            // a long line takes half a minute: it counts its steps by a callout at each item instead.
            pcre2_code_free_8(code)
            code = try Pattern.compile(source, options | PCRE2_AUTO_CALLOUT)
        }
        self.source = source
        self.code = code
        groupCount = Pattern.count(code)
        names = Pattern.names(code)
        required = RequiredLiteral(source)
    }

    deinit { pcre2_code_free_8(code) }

    /// The number of the group of that name.
    public func number(of name: String) -> Int? { names.first { $0.name == name }?.number }

    /// Why it matches no line and no message, where that is certain.
    var neverMatches: String? {
        var shortest: UInt32 = 0
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_MINLENGTH), &shortest)
        // A line is cut at 64 KiB; what PCRE2 counts are characters, and no more than 65,535 of them.
        if shortest >= UInt32(UInt16.max) { return "it is longer than any line" }
        return required.contradiction
    }

    private static func compile(_ source: String, _ options: UInt32) throws(Problem) -> OpaquePointer {
        var failure: Int32 = 0
        var offset = 0
        let length = source.utf8.count
        let code = source.withCString(encodedAs: UTF8.self) {
            pcre2_compile_8($0, length, options, &failure, &offset, nil)
        }
        guard let code else { throw Problem(what: Pattern.words(for: failure), offset: min(offset, length)) }
        return code
    }

    private static func machineCodeBytes(_ code: OpaquePointer) -> Int {
        var size = 0
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_JITSIZE), &size)
        return size
    }

    private static func count(_ code: OpaquePointer) -> Int {
        var count: UInt32 = 0
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
        return Int(count)
    }

    /// Reads PCRE2's name table: entries of one size, each a number in two bytes and a name that ends in a zero.
    private static func names(_ code: OpaquePointer) -> [(name: String, number: Int)] {
        var count: UInt32 = 0
        var size: UInt32 = 0
        var table: UnsafePointer<UInt8>?
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &count)
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
        guard let table else { return [] }
        return (0..<Int(count)).map { index in
            let entry = table + index * Int(size)
            return (String(cString: entry + 2), Int(entry[0]) << 8 | Int(entry[1]))
        }
    }

    static func words(for failure: Int32) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
            let length = pcre2_get_error_message_8(failure, buffer.baseAddress, buffer.count)
            return length < 0 ? "PCRE2 error \(failure)" : String(decoding: buffer[..<Int(length)], as: UTF8.self)
        }
    }
}

extension Pattern: Equatable {
    /// Whether both are the same expression.
    public static func == (a: Pattern, b: Pattern) -> Bool { a.source == b.source }
}

/// One pattern at work: its match data and limits, made once and used again for each text, on one thread.
///
/// The limits hold for hostile texts and careless patterns alike, so that no line can stop the bridge. The match limit
/// counts under the just-in-time compiler too; for the limits on depth and heap, which are the interpreter's, stands the
/// limit on its stack.
public final class Matcher {
    /// The pattern.
    public let pattern: Pattern
    private let data: OpaquePointer
    private let context: OpaquePointer
    private let stack: OpaquePointer?
    private let offsets: UnsafeMutablePointer<Int>
    /// Steps that the interpreter may still take in this match.
    private let steps: UnsafeMutablePointer<UInt32>
    private var setGroups = 0

    /// Steps of backtracking that one match may take.
    public static let matchStepsMax: UInt32 = 1_000_000
    /// Backtracking points that one match may keep at once.
    public static let matchDepthMax: UInt32 = 100_000
    /// Memory that one match may take from the heap, in KiB.
    public static let matchHeapKiBMax: UInt32 = 16 * 1_024
    /// Stack of the just-in-time compiled code, in bytes.
    public static let matchStackBytesMax = 1_024 * 1_024

    /// What came of a match.
    public enum Outcome: Equatable, Sendable {
        /// It matches; the groups can be read.
        case matched
        /// It does not.
        case missed
        /// It was given up at a limit, in PCRE2's words: neither matched nor missed.
        case limited(String)
        /// PCRE2 could not work on that text, in its words.
        case failed(String)
    }

    /// A matcher of that pattern.
    public init(_ pattern: Pattern) {
        // PCRE2 returns nothing here only when memory has run out, where a Swift program ends too.
        guard let data = pcre2_match_data_create_from_pattern_8(pattern.code, nil),
            let context = pcre2_match_context_create_8(nil)
        else { preconditionFailure("out of memory") }
        self.pattern = pattern
        self.data = data
        self.context = context
        pcre2_set_match_limit_8(context, Matcher.matchStepsMax)
        pcre2_set_depth_limit_8(context, Matcher.matchDepthMax)
        pcre2_set_heap_limit_8(context, Matcher.matchHeapKiBMax)
        stack = pcre2_jit_stack_create_8(32 * 1_024, Matcher.matchStackBytesMax, nil)
        if let stack { pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack)) }
        offsets = pcre2_get_ovector_pointer_8(data)
        steps = .allocate(capacity: 1)
        steps.initialize(to: 0)
        guard !pattern.isJustInTime else { return }
        let count: @convention(c) (UnsafeMutablePointer<pcre2_callout_block_8>?, UnsafeMutableRawPointer?) -> Int32 = {
            guard let left = $1?.assumingMemoryBound(to: UInt32.self), left.pointee > 0 else {
                return PCRE2_ERROR_MATCHLIMIT
            }
            left.pointee -= 1
            return 0
        }
        pcre2_set_callout_8(context, count, steps)
    }

    deinit {
        pcre2_match_context_free_8(context)
        pcre2_match_data_free_8(data)
        if let stack { pcre2_jit_stack_free_8(stack) }
        steps.deallocate()
    }

    /// Looks for the pattern in a text.
    public func match(_ text: UnsafeBufferPointer<UInt8>) -> Outcome {
        guard let start = text.baseAddress else {
            var none: UInt8 = 0
            return withUnsafePointer(to: &none) { match(UnsafeBufferPointer(start: $0, count: 0)) }
        }
        setGroups = 0
        steps.pointee = Matcher.matchStepsMax
        let result = pcre2_match_8(pattern.code, start, text.count, 0, 0, data, context)
        if result > 0 {
            setGroups = Int(result)
            return .matched
        }
        switch result {
        case PCRE2_ERROR_NOMATCH: return .missed
        case PCRE2_ERROR_MATCHLIMIT, PCRE2_ERROR_DEPTHLIMIT, PCRE2_ERROR_HEAPLIMIT, PCRE2_ERROR_JIT_STACKLIMIT:
            return .limited(Pattern.words(for: result))
        case _: return .failed(Pattern.words(for: result))
        }
    }

    /// Where the group of that number stands in the text that matched last, in bytes; 0 is the whole match. Nil where the
    /// group took no part.
    public func group(_ number: Int) -> Range<Int>? {
        guard number < setGroups else { return nil }
        let start = offsets[2 * number]
        let end = offsets[2 * number + 1]
        return start < 0 || end < start ? nil : start..<end
    }
}

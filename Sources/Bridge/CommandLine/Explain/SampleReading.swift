import Endpoints
import Glibc
import Routing
import Stanza

/// Reads a sample from standard input, and writes what the rules make of it to standard output, as it comes.
struct SampleReading<Writer: RehearsalWriter> {
    private let sample: Sample
    private var rehearsal: Rehearsal
    private var writer: Writer
    private let drains: Bool
    private var isFirst = true
    private var steps: [Rehearsal.Step] = []
    private var time = Instant(nanoseconds: 0)
    private var broken: UInt64 = 0
    private var failure: Int32 = 0

    /// The longest line of recorded events.
    private static var eventBytesMax: Int { 16 * 1_024 * 1_024 }
    private static var chunkBytesMax: Int { 64 * 1_024 }
    /// What is written goes out from that size on, and whenever there is nothing more to read at once.
    private static var outputBytesMax: Int { 256 * 1_024 }

    init(_ sample: Sample, _ rehearsal: Rehearsal, _ writer: Writer, drains: Bool) {
        self.sample = sample
        self.rehearsal = rehearsal
        self.writer = writer
        self.drains = drains
    }

    /// Reads to the end.
    mutating func run() throws(StartFailure) -> ExitStatus {
        writer.begin(sample)
        var framer =
            sample.holdsEvents
            ? LineFramer(.json, limits: .init(lineBytesMax: Self.eventBytesMax, overlong: .refuse)) : LineFramer()
        var buffer = [UInt8](repeating: 0, count: Self.chunkBytesMax)
        while failure == 0 {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw StartFailure(.io, "cannot read the sample: \(Diagnostics.describe(errno))")
            }
            if count == 0 { break }
            buffer.withUnsafeBufferPointer { bytes in
                framer.push(UnsafeBufferPointer(rebasing: bytes[..<count])) { take($0, $1) }
            }
            flush()
        }
        framer.finish { take($0, $1) }
        finish()
        if failure != 0 {
            throw StartFailure(.io, "cannot write to standard output: \(Diagnostics.describe(failure))")
        }
        let complaints = framer.takeComplaints()
        if !complaints.isEmpty { Diagnostics.say("the sample: \(complaints)") }
        if broken > 0 { throw StartFailure(.badInput, "\(broken) line\(broken == 1 ? " is" : "s are") no event") }
        return .success
    }

    private mutating func finish() {
        rehearsal.finish(drains: drains, into: &steps)
        tellSteps()
        writer.end(rehearsal.counts, by: rehearsal.router.rules)
        flush()
    }

    private mutating func take(_ line: UnsafeBufferPointer<UInt8>, _ note: LineNote) {
        switch note.piece {
        case .empty: return
        case .refused: tellBroken(note.number, "it is longer than \(Self.eventBytesMax) bytes")
        case .whole, .part:
            guard sample.holdsEvents else {
                let line = Record.Line(bytes: Array(line), number: note.number, source: sample.source.origin)
                return take(.line(line), note.number, nil)
            }
            do throws(EventReader.Problem) {
                let (event, time) = try EventReader.read(line)
                take(.event(event), note.number, time)
            } catch {
                tellBroken(note.number, error.description)
            }
        }
    }

    private mutating func take(_ record: Record, _ number: UInt64, _ recorded: WallTime?) {
        if isFirst {
            if let recorded { rehearsal.start = recorded }
        } else if let every = sample.every {
            time = min(time + every, Instant(nanoseconds: 0) + Rehearsal.spanMax)
        } else if let recorded {
            let milliseconds = recorded.milliseconds - rehearsal.start.milliseconds
            let offset = min(max(milliseconds, 0), Rehearsal.spanMax.wholeMilliseconds)
            time = max(time, Instant(nanoseconds: 0) + .milliseconds(offset))
        }
        isFirst = false
        rehearsal.take(record, number: number, at: time, into: &steps)
        tellSteps()
    }

    private mutating func tellBroken(_ number: UInt64, _ problem: String) {
        broken += 1
        writer.tellBroken(number, problem)
    }

    private mutating func tellSteps() {
        for step in steps {
            writer.tell(step, by: rehearsal.router.rules)
            if writer.bytesWaiting > Self.outputBytesMax { flush() }
        }
        steps.removeAll(keepingCapacity: true)
    }

    private mutating func flush() {
        let bytes = writer.takeBytes()
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while failure == 0, !rest.isEmpty {
                let count = Glibc.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { failure = errno }
            }
        }
    }
}

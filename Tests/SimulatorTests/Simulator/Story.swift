import LoopbackServer

/// One run, told before it begins: who is there, and what is done to them when. Chance decides the rest, from the seed:
/// how long bytes are on their way, how they are cut, how long a write takes.
public struct Story: Sendable, Equatable {
    /// What all of it comes from.
    public var seed: UInt64
    var setting: Setting
    /// In the order of their times.
    var happenings: [Happening]

    /// What local writers write at the most.
    var inputBytesMax: Int {
        happenings.reduce(0) { sum, happening in
            if case .write(_, let numbers) = happening.deed { sum + numbers.count * setting.paddingMax } else { sum }
        }
    }
}

/// Something that is done to the bridge, at a time.
struct Happening: Sendable, Equatable {
    /// In milliseconds from the beginning.
    var at: Int
    var deed: Deed
}

/// Who says a line or a message.
enum Voice: String, Sendable, CaseIterable {
    /// Standard input's writer.
    case stdin = "in"
    /// Who writes into the FIFO.
    case fifo
    /// The program that writes the log file.
    case log
    /// A contact, to the bridge's account.
    case bob
    /// An occupant of the room.
    case mia

    var isLocal: Bool {
        switch self {
        case .stdin, .fifo, .log: true
        case .bob, .mia: false
        }
    }
}

/// Where a line goes.
enum Lane: String, Sendable, CaseIterable {
    /// A contact with a session.
    case bob
    /// A contact without one: messages are stored.
    case carol
    /// A contact whose server first acknowledges and then bounces, some of what comes.
    case moody
    /// A contact whose server refuses some of what comes for now.
    case busy
    /// Nobody: every message bounces.
    case ghost
    /// The room.
    case den

    var isRoom: Bool { self == .den }
}

/// Where an inbound message is written.
enum Sink: Int, Sendable, CaseIterable {
    case stdout, file, fifo
}

/// Who is there, for a whole run.
struct Setting: Sendable, Equatable {
    /// Whether the run ends with its input, as a filter's does.
    var endsWithInput = false
    /// Whether the state is kept over the end of the process.
    var isDurable = false
    /// Whether standard input is a file, whose lines are all there from the beginning.
    var stdinIsFile = false
    /// Whether the server has stream management (XEP-0198).
    var managesStreams = true
    /// How long the server keeps a session without a connection; 0: it cannot be resumed.
    var resumptionSeconds = 60
    /// Where the lines of each voice go; the voices that are heard at all.
    var routes: [Voice: [Lane]] = [:]
    /// Where the messages of each voice are written.
    var sinks: [Voice: [Sink]] = [:]
    /// Microseconds on the way, at the least and at the most.
    var latency = 200...2_000
    /// Whether what is written arrives in pieces of any size.
    var isChopped = false
    /// Microseconds that a write of a sink takes, at the most.
    var sinkDelay = 1_000
    /// Microseconds that a transaction takes, at the most.
    var storeDelay = 1_000
    /// The longest line beside its mark.
    var paddingMax = 40
    /// One of so many messages to the moody contact is bounced.
    var moodiness = 3
    /// For how long a server is tried that is not reached, in seconds; nil: for ever.
    var patienceSeconds: Int?
    /// When all faults end, in milliseconds.
    var chaosEnd = 10_000

    func lanes(of voice: Voice) -> [Lane] { routes[voice] ?? [] }
    func sinks(of voice: Voice) -> [Sink] { sinks[voice] ?? [] }
    var usesRoom: Bool { routes.values.contains { $0.contains(.den) } || sinks[.mia]?.isEmpty == false }
    /// Whether anything of the session is listened to.
    var listens: Bool { sinks.values.contains { !$0.isEmpty } || routes.keys.contains { !$0.isLocal } }
    func uses(_ sink: Sink) -> Bool { sinks.values.contains { $0.contains(sink) } }
}

/// What is done.
enum Deed: Sendable, Equatable {
    /// A local writer writes lines of these numbers.
    case write(Voice, ClosedRange<Int>)
    /// A peer says the message of that number.
    case speak(Voice, Int)
    /// The connection breaks after so many more bytes in one direction.
    case cut(after: Int, Way, Hearing)
    /// Connections are refused for so many milliseconds; or, where they are ignored, not answered.
    case refuse(Int, isSilent: Bool)
    /// The server goes away for so many milliseconds; where it forgets, no session can be resumed.
    case restart(Int, forgets: Bool)
    /// Acknowledgements of the server are lost for so many milliseconds, or come twice.
    case acks(Int, areLost: Bool)
    /// A sink's reader takes nothing for so many milliseconds.
    case block(Sink, Int)
    /// A sink cannot be written to, in the system's words, for so many milliseconds.
    case spoil(Sink, Int)
    /// The room service does this wrong.
    case rooms(RoomFault)
    /// The wall clock is set, by so many milliseconds.
    case jump(Int)
    /// SIGTERM.
    case stop
    /// SIGKILL, so many steps of the process later; or the end of the whole machine, of which nobody hears.
    case kill(after: Int, isSilent: Bool)
    /// Standard output's reader goes.
    case loseReader
    /// Nothing can be written into the store for so many milliseconds.
    case failStore(Int)
    /// The log file gets another name, and a new one its own.
    case rotate
}

/// The direction of bytes.
enum Way: Sendable, Equatable {
    /// To the server.
    case up
    /// To the client.
    case down
}

/// Who hears how soon that a connection is cut, in milliseconds; nil: not by the network.
struct Hearing: Sendable, Equatable {
    var client: Int?
    var server: Int?
}

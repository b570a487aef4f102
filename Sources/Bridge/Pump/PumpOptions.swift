import Endpoints
import Routing
import Session
import Spool
import Stanza

extension Pump {
    /// How this run behaves.
    struct Options: Sendable {
        var reads: Reads = .nothing
        var prints = false
        var output: OutputForm = .ndjson
        var endOfInput: EndOfInput = .drain
        /// Whether a co-process stands for standard input and output.
        var hasChild = false
        /// Whether nothing is read before the first login.
        var waitsForLogin = false
        /// Whether lines that no rule takes are a mistake to tell.
        var watchesInput = false
        var retry: Configuration.Retry = .forever
        var count: Int?
        var timeout: Duration?
        var framing = LineFramer.Limits()
        /// Whether the session's own state is printed though no rule takes it: so that the reader of a single peer's
        /// messages knows when they can come.
        var printsSession = false
        /// Whether commands come, so that results must go somewhere.
        var answersCommands = false
        /// Whether the run goes on until it is told to stop, whatever becomes of its rooms.
        var isDaemon = false
        /// What we are called in rooms where nothing else is said.
        var nick = "xmpp-bridge"
        /// The rooms to be in from the start.
        var rooms: [RoomChoice] = []
        /// What the durable store held; nil where all is in memory.
        var spool: StoreContents?
        /// Where tailed files were left.
        var tailPositions: [TailPosition] {
            (spool?.positions ?? [:]).sorted { $0.key < $1.key }.flatMap { TailPositions.read($0.value) ?? [] }
        }
        /// Where standard input stands, where it is a file.
        var input: FilePlace?
        /// The longest line without its end that standard input certainly holds still, though we have read it.
        var leftLineBytesMax = 0
        /// How much that store may hold.
        var spoolBytesMax = Backlog.Limits().spoolBytesMax
        /// Where it is, for a person.
        var stateName: String?
        /// Whose subscription requests are approved at once.
        var accepts: [JIDGlob] = []
        /// Whose invitations into rooms are followed.
        var invitations: [JIDGlob] = []
        /// Who is blocked at each login.
        var blocks: [JID] = []
        /// Whether our messages ask for receipts (XEP-0184).
        var asksReceipts = false

        /// A framer for what is read: text is cleaned and split, a command is taken whole or refused.
        func newFramer() -> LineFramer {
            if reads != .commands { return LineFramer(.text, limits: framing) }
            return LineFramer(.json, limits: .init(lineBytesMax: Limits.commandBytesMax, overlong: .refuse))
        }

        /// What standard input holds.
        enum Reads: Sendable { case nothing, lines, commands }
    }
}

/// A place in a file that is read through an offset that others share.
struct FilePlace: Equatable, Sendable {
    var key: FileKey
    var offset: UInt64

    /// What is kept while the shared offset moves from here to there: for a run that finds it on its way still, though
    /// what lies between is safe.
    func step(to offset: UInt64) -> [UInt8] {
        [key.device, key.inode, self.offset, offset].flatMap(Pump.bytes(of:))
    }

    /// Where to read on, by the step that was kept last.
    func offset(after step: [UInt8]) -> UInt64 {
        guard step.count == 32 else { return offset }
        let numbers = stride(from: 0, to: 32, by: 8).map { step[$0..<$0 + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        let isSame = numbers[0] == key.device && numbers[1] == key.inode
        // Several steps may have been on their way.
        return isSame && numbers[2] <= offset && offset <= numbers[3] ? numbers[3] : offset
    }
}

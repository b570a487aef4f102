import ArgumentParser
import Config
import Endpoints
import Session
import Spool
import Stanza
import Testing
import Wire

@testable import Bridge

/// Not that of the testing library.
typealias ExitStatus = Bridge.ExitStatus

/// A pump under test and all around it: the server, standard input and output, the clock. Time moves only when told.
struct PumpDialogue {
    static let account = "bridge@example.org"
    static let token = "T"
    static let peer = PeerName(host: "xmpp.example.org", port: 5_222, isLoopback: false)
    static let facts = TLSFacts(version: "TLSv1.3", exporter: nil, serverEndPoint: nil)
    static let header = StreamHeader(id: "s1", from: "example.org", version: "1.0")
    static let began = WallTime(milliseconds: 1_795_340_400_000)
    private static let stream = "xmlns='http://etherx.jabber.org/streams'"
    private static let plain =
        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
    private static let bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>"

    var pump: Pump
    var now = Instant(nanoseconds: 0)
    /// What a person was told since the last look, as `level: text`.
    var said: [String] = []
    /// What the session wanted of the connection since the last look.
    var wanted: [Session.Action] = []
    /// The durable store, where the run has one.
    var store: StoreImage?
    /// Whether the store answers nothing.
    var storeWaits = false
    /// How far the wall clock is off, in milliseconds.
    var clockError: Int64 = 0
    /// What it has not answered.
    private(set) var asked: [Pump.Action] = []
    /// What of each source may be forgotten there.
    var consumed: [Int: UInt64] = [:]
    /// The ends that were opened and closed by a reload, by their numbers.
    var opened: [String] = []
    /// What the co-process was told.
    var childTold: [String] = []
    /// The status the run has ended with.
    var status: ExitStatus?
    /// What was written to the socket since the last look.
    var socket = ""
    /// What was written to standard output since the last look.
    var printed = ""
    /// Whether standard output's reader takes nothing, so that nothing counts as written.
    var readerWaits = false
    private var printedBytes: UInt64 = 0
    /// Stanzas that the server has seen since stream management was enabled.
    var stanzasSeen: UInt32 = 0
    private var isManaged = false
    /// Whether a request for acknowledgement is not answered.
    private var asksForAcknowledgement = false

    /// A run as the command line and a file (YAML) order it.
    init(
        _ arguments: [String], yaml: String? = nil, retry: Configuration.Retry = .forever, daemon: Bool = false,
        store: StoreImage? = nil, command: [String]? = nil, input: FilePlace? = nil,
        _ adjust: (inout Configuration) -> Void = { _ in }
    ) throws {
        let request = Request(
            kind: daemon ? .daemon : .filter, filter: try FilterOptions.parse(arguments),
            session: try SessionOptions.parse([]), command: command)
        let plan = try yaml.map { try Load.plan(yaml: Array($0.utf8), file: "bridges.yaml").get() }
        let work = try Work(request, plan)
        var configuration = Configuration(
            account: try JID(Self.account), resource: "r", credentials: .password(Secret("hunter2")),
            presence: work.listens ? work.presence : nil)
        configuration.retry = retry
        adjust(&configuration)
        var options = work.options
        options.retry = configuration.retry
        options.waitsForLogin = configuration.retry == .failFast
        options.nick = "bridge"
        options.rooms = try RoomsOfRun.choices(
            work.rules, plan, request, nick: "bridge", Environment(variables: [:], host: "host"))
        self.store = store
        options.spool = store?.contents
        options.stateName = store == nil ? nil : "/state"
        options.input = input
        pump = Pump(
            options: options, configuration: configuration, rules: work.rules, host: "host", token: Self.token,
            random: { [UInt8](repeating: 0, count: $0) })
        feed(.start)
    }

    /// The same, logged in, with nothing left to look at.
    static func online(
        _ arguments: [String], yaml: String? = nil, retry: Configuration.Retry = .forever, features: String = "",
        daemon: Bool = false, store: StoreImage? = nil, command: [String]? = nil,
        input: FilePlace? = nil, account: [String] = []
    ) throws -> PumpDialogue {
        var talk = try PumpDialogue(
            arguments, yaml: yaml, retry: retry, daemon: daemon, store: store, command: command, input: input)
        try talk.logIn(features: features, account: account)
        talk.settle()
        talk.forget()
        return talk
    }

    // MARK: - Feeding

    /// Gives the pump an input, as the driver does: then its bytes are taken, and what was printed is written.
    mutating func feed(_ input: Pump.Input) {
        for action in pump.handle(input, at: now, wall: wall) {
            switch action {
            case .say(let level, let text): said.append("\(level): \(text)")
            case .session(let action): wanted.append(action)
            case .store, .load: asked.append(action)
            case .consumed(let source, let bytes): consumed[source] = bytes
            case .openSource(let source): opened.append("open \(source)")
            case .closeSource(let source): opened.append("close \(source)")
            case .openSink(let sink): opened.append("sink \(sink)")
            case .signalChild: childTold.append("stop")
            case .killChild: childTold.append("die")
            case .finish(let status): self.status = status
            }
        }
        let written = String(decoding: pump.takeSocketOutput(), as: UTF8.self)
        if isManaged {
            for name in ["message", "iq", "presence"] { stanzasSeen += UInt32(written.count(of: "<\(name)")) }
        }
        if written.contains("<r xmlns='urn:xmpp:sm:3'/>") { asksForAcknowledgement = true }
        socket += written
        let bytes = pump.takeOutput()
        printed += String(decoding: bytes, as: UTF8.self)
        printedBytes += UInt64(bytes.count)
        if !readerWaits && !bytes.isEmpty { feed(.outputWritten(printedBytes)) }
        if !storeWaits { answer() }
    }

    /// The store does what it was asked, and answers.
    mutating func answer() {
        while !asked.isEmpty {
            switch asked.removeFirst() {
            case .store(let batch):
                store?.carryOut(batch)
                feed(.stored(.committed(batch: batch.number)))
            case .load(let request): feed(.stored(.loaded(request.lane, store?.load(request) ?? [])))
            case .session, .say, .consumed, .openSource, .closeSource, .openSink, .signalChild, .killChild, .finish:
                break
            }
        }
    }

    private var wall: WallTime {
        WallTime(milliseconds: Self.began.milliseconds + now.nanoseconds / 1_000_000 + clockError)
    }

    /// The reader takes all that waits.
    mutating func read() {
        readerWaits = false
        feed(.outputWritten(printedBytes))
    }

    mutating func type(_ text: String) { feed(.inputChunk(Array(text.utf8))) }

    /// The server says something.
    mutating func server(_ xml: String) throws { feed(.session(.element(try StreamParser.stanza(Array(xml.utf8))))) }

    mutating func pass(_ span: Duration) {
        now = now + span
        feed(.timeout)
    }

    /// Lets time pass to each deadline of the pump until this much has passed.
    mutating func wait(_ span: Duration) {
        let end = now + span
        while let deadline = pump.deadline, deadline <= end, status == nil {
            now = max(now, deadline)
            feed(.timeout)
        }
        now = end
        feed(.timeout)
    }

    // MARK: - Whole stretches

    /// From the order to connect to being online with stream management.
    mutating func logIn(
        features: String = "", enabled: String = "id='sm-1' resume='true' max='300'", account: [String] = []
    ) throws {
        try authenticate(features: features)
        // The server knows nothing of a stream of before.
        if socket.contains("<resume ") { try server("<failed xmlns='urn:xmpp:sm:3'/>") }
        try bound(enabled)
        if lastID("archive") != "none" { try self.account(has: account) }
    }

    /// From the order to connect to the features after authentication.
    mutating func authenticate(features: String = "") throws {
        isManaged = false
        asksForAcknowledgement = false
        feed(.session(.connected(.tls(Self.facts, peer: Self.peer))))
        feed(.session(.streamOpened(Self.header)))
        try server("<features \(Self.stream)>\(Self.plain)</features>")
        try server("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        feed(.session(.streamOpened(Self.header)))
        try server("<features \(Self.stream)>\(Self.bind)\(features)</features>")
    }

    /// Answers the bind request and enables stream management.
    mutating func bound(_ enabled: String = "id='sm-1' resume='true' max='300'") throws {
        let id = lastID("bind")
        try server(
            "<iq type='result' id='\(id)'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                + "<jid>\(Self.account)/r</jid></bind></iq>")
        isManaged = true
        stanzasSeen = 0
        try server("<enabled xmlns='urn:xmpp:sm:3' \(enabled)/>")
    }

    /// Our account says what it can do: by default it keeps no archive (XEP-0313).
    mutating func account(has features: [String] = []) throws {
        let list = features.map { "<feature var='\($0)'/>" }.joined()
        let question = socket.pieces(by: "<iq ").last { $0.contains("to='\(Self.account)'><query") } ?? ""
        let id = question.from(" id='").upTo("'", keeping: false)
        try server(
            "<iq type='result' from='\(Self.account)' id='\(id)'>"
                + "<query xmlns='http://jabber.org/protocol/disco#info'>\(list)</query></iq>")
    }

    /// The stream of an earlier run goes on, of which the server has handled so many stanzas.
    mutating func resumed(h: UInt32) throws {
        isManaged = true
        stanzasSeen = h
        try acknowledge()
    }

    /// The server acknowledges what it has seen.
    mutating func acknowledge() throws {
        asksForAcknowledgement = false
        try server("<a xmlns='urn:xmpp:sm:3' h='\(stanzasSeen)'/>")
    }

    /// The server answers the newest ping.
    mutating func pong() throws { try server("<iq type='result' from='example.org' id='\(lastID("accept"))'/>") }

    /// The server answers all that is asked until nothing more is.
    mutating func settle() {
        var answered: Set<String> = []
        for _ in 0..<1_000 {
            let ping = lastID("accept")
            if asksForAcknowledgement {
                try? acknowledge()
            } else if ping != "none", answered.insert(ping).inserted {
                try? pong()
            } else if let deadline = pump.deadline, deadline < now + .seconds(1), status == nil {
                now = max(now, deadline)
                feed(.timeout)
            } else {
                return
            }
        }
    }

    /// The stream is lost.
    mutating func cut() { feed(.session(.disconnected(.closed("reset by peer")))) }

    mutating func closeStream() { feed(.session(.streamClosed)) }

    // MARK: - Looking

    mutating func forget() { (said, wanted, socket, printed) = ([], [], "", "") }

    /// The id of the newest iq of ours with this in it.
    func lastID(_ kind: String) -> String {
        let ids = socket.pieces(by: "id='").dropFirst().map { String($0.prefix { $0 != "'" }) }
        return ids.last { $0.contains(kind) } ?? "none"
    }

    /// The messages written to the socket since the last look.
    var messages: [String] { socket.pieces(by: "<message").dropFirst().map { "<message" + $0.upTo("</message>") } }

    /// Their bodies, still escaped.
    var bodies: [String] { messages.map { $0.from("<body>").upTo("</body>", keeping: false) } }

    /// The lines printed since the last look, without `time` and `seq`.
    var events: [String] {
        printed.split(separator: "\n").map { line in
            let text = String(line)
            guard text.hasPrefix("{\"event\":"), let comma = text.firstIndex(of: ",") else { return text }
            return String(text[..<comma] + text.from("\"seq\":").drop { $0 != "," && $0 != "}" })
        }
    }

    var hasLeft: Bool { socket.contains("</stream:stream>") }
}

extension String {
    /// How often a text stands in this one.
    func count(of text: String) -> Int { pieces(by: text).count - 1 }

    func pieces(by separator: String) -> [String] {
        var all: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            all.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return all + [String(rest)]
    }

    /// What stands behind the first of that text; nothing where it is not there.
    func from(_ text: String) -> String { firstRange(of: text).map { String(self[$0.upperBound...]) } ?? "" }

    func upTo(_ text: String, keeping: Bool = true) -> String {
        firstRange(of: text).map { String(self[..<(keeping ? $0.upperBound : $0.lowerBound)]) } ?? self
    }
}

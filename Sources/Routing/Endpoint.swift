public import Stanza

/// One end of a bridge: where records come from, or where they go.
public enum Endpoint: Hashable, Sendable {
    /// Standard input, a record a line.
    case stdin
    /// Standard output: events as NDJSON, or text.
    case stdout
    /// A person's or a bot's address: bare means any of its resources.
    case xmpp(JID)
    /// A room (XEP-0045): its bare address.
    case room(JID)
    /// Every event of the session and of the bridge itself.
    case events
    /// Our own presence: the text becomes its status.
    case presence
    /// The session's commands (DESIGN 5.3), an NDJSON object a line.
    case commands
    /// A file that is appended to; its name may follow the date.
    case file(DatedPath)
    /// A FIFO at that path: records come from its writers, or go to its reader, a line each.
    case fifo(String)
    /// The lines that are appended to a file, or to the files that a glob means.
    case tail(String)

    /// Parses an endpoint as it stands in `from` and `to`.
    /// - Throws: ``EndpointProblem`` that says what was expected.
    public init(parsing text: String) throws(EndpointProblem) {
        switch text {
        case "stdin": self = .stdin
        case "stdout": self = .stdout
        case "events": self = .events
        case "presence": self = .presence
        case "commands": self = .commands
        case _: self = try Endpoint.prefixed(text)
        }
    }

    private static func prefixed(_ text: String) throws(EndpointProblem) -> Endpoint {
        guard let colon = text.firstIndex(of: ":") else {
            if text.contains("@"), let jid = try? JID(text) {
                throw EndpointProblem(what: "\(Wording.quote(text)) is no endpoint", hint: "did you mean xmpp:\(jid)?")
            }
            throw unknown(text, scheme: text)
        }
        let scheme = String(text[..<colon])
        let rest = String(text[text.index(after: colon)...])
        switch scheme {
        case "xmpp": return .xmpp(try address(rest, scheme))
        case "room": return .room(try room(rest))
        case "file": return .file(try file(rest))
        case "fifo": return .fifo(try path(rest, scheme))
        case "tail": return .tail(try tail(rest))
        case _: throw unknown(text, scheme: scheme)
        }
    }

    private static func address(_ text: String, _ scheme: String) throws(EndpointProblem) -> JID {
        let example = scheme == "room" ? "ops@conference.example.org" : "ops@example.org"
        if text.isEmpty {
            throw EndpointProblem(
                what: "no address behind \(scheme):", hint: "expected for example \(scheme):\(example)")
        }
        do {
            return try JID(text)
        } catch {
            throw EndpointProblem(
                what: "no address: \(error)", hint: "expected for example \(example)", offset: scheme.utf8.count + 1)
        }
    }

    private static func room(_ text: String) throws(EndpointProblem) -> JID {
        let jid = try address(text, "room")
        guard jid.isBare else {
            throw EndpointProblem(
                what: "a room has no resource; \(Wording.quote(jid.resource ?? "")) would be somebody's nick in it",
                hint: "expected room:\(jid.bare); our own nick is given as nick: in rooms:, or by --nick", offset: 5)
        }
        guard jid.local != nil else {
            throw EndpointProblem(
                what: "\(Wording.quote(jid.text)) is a service and no room of it",
                hint: "expected for example room:ops@\(jid)", offset: 5)
        }
        return jid
    }

    private static func file(_ text: String) throws(EndpointProblem) -> DatedPath {
        do throws(DatedPath.Problem) { return try DatedPath(parsing: text) } catch {
            throw EndpointProblem(what: error.what, hint: error.hint, offset: error.offset + 5)
        }
    }

    private static func tail(_ text: String) throws(EndpointProblem) -> String {
        let path = try path(text, "tail")
        if let cut = path.lastIndex(of: "/"), path[..<cut].contains(where: { $0 == "*" || $0 == "?" }) {
            throw EndpointProblem(
                what: "a pattern in the name of a folder", hint: "only the last part of a path may have * and ?",
                offset: 5)
        }
        return path
    }

    private static func path(_ text: String, _ scheme: String) throws(EndpointProblem) -> String {
        if !text.isEmpty, !text.hasSuffix("/"), !text.contains("\0") { return text }
        throw EndpointProblem(
            what: text.isEmpty ? "no path behind \(scheme):" : "\(Wording.quote(text)) is the path of a folder",
            hint: "expected for example \(scheme):\(scheme == "tail" ? "/var/log/app.log" : "/run/xmpp-bridge/ops")")
    }

    private static func unknown(_ text: String, scheme: String) -> EndpointProblem {
        let near = Wording.nearest(
            to: scheme,
            among: ["stdin", "stdout", "events", "commands", "presence", "xmpp", "room", "file", "fifo", "tail"])
        let hint = near.map { name in
            switch name {
            case "xmpp", "room": "did you mean \(name):JID?"
            case "file", "fifo", "tail": "did you mean \(name):PATH?"
            case _: "did you mean \(name)?"
            }
        }
        return EndpointProblem(what: "unknown endpoint \(Wording.quote(text))", hint: hint ?? expected)
    }

    private static let expected =
        "expected stdin, stdout, xmpp:JID, room:JID, file:PATH, fifo:PATH, tail:PATH, events, presence or commands"
    /// Where records come from, in a problem's words.
    public static let sources = "stdin, fifo:PATH, tail:PATH, xmpp:JID, room:JID or events"
    /// Where records go, in a problem's words.
    public static let destinations = "stdout, xmpp:JID, room:JID, file:PATH, fifo:PATH, presence or commands"
}

extension Endpoint {
    /// Whether it is a file or a FIFO: such as only one process may serve.
    public var isFile: Bool {
        switch self {
        case .file, .fifo, .tail: true
        case .stdin, .stdout, .xmpp, .room, .events, .presence, .commands: false
        }
    }
}

extension Endpoint: CustomStringConvertible {
    /// As it is written in a configuration.
    public var description: String {
        switch self {
        case .stdin: "stdin"
        case .stdout: "stdout"
        case .xmpp(let jid): "xmpp:\(jid)"
        case .room(let jid): "room:\(jid)"
        case .presence: "presence"
        case .events: "events"
        case .commands: "commands"
        case .file(let path): "file:\(path.text)"
        case .fifo(let path): "fifo:\(path)"
        case .tail(let path): "tail:\(path)"
        }
    }
}

/// Why a text is no ``Endpoint``.
public struct EndpointProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// What stood there.
    public var what: String
    /// What to do.
    public var hint: String
    /// Where in the text it begins, in bytes from 0.
    public var offset: Int

    /// A problem.
    public init(what: String, hint: String, offset: Int = 0) {
        self.what = what
        self.hint = hint
        self.offset = offset
    }

    /// What stood there and what to do, on one line.
    public var description: String { "\(what); \(hint)" }
}

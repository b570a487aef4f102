import Routing
import Stanza

/// Deliveries as lines, `RULE DESTINATION CONTENT`.
enum Deliveries {
    static let time = WallTime(milliseconds: 1_500)

    static func of(_ line: String, by rules: [Rule]) -> [String] {
        var router = Router(rules: rules, host: "box")
        return of(.line(.init(bytes: Array(line.utf8), number: 7)), from: .stdin, by: &router)
    }

    static func of(_ event: EventRecord, by rules: [Rule]) -> [String] {
        var router = Router(rules: rules, host: "box")
        return of(.event(event), from: .session, by: &router)
    }

    /// The names of the rules that pass the event on as it is.
    static func names(of event: EventRecord, by rules: [Rule]) -> [String] {
        var router = Router(rules: rules, host: "box")
        var deliveries: [Delivery] = []
        router.route(.event(event), from: .session, at: time, into: &deliveries)
        return deliveries.filter { $0.content == .event(event) }.map { rules[$0.rule].name ?? "?" }
    }

    static func of(_ record: Record, from source: Source, by router: inout Router) -> [String] {
        var deliveries: [Delivery] = []
        router.route(record, from: source, at: time, into: &deliveries)
        return deliveries.map { delivery in
            let content =
                switch delivery.content {
                case .text(let bytes): "\"" + String(decoding: bytes, as: UTF8.self) + "\""
                case .event(let event): "event \(event.kind)"
                case .command(let bytes, let number): "command \(number) " + String(decoding: bytes, as: UTF8.self)
                }
            let heading = [("subject", delivery.subject), ("thread", delivery.thread), ("lang", delivery.lang)]
                .compactMap { key, value in value.map { " \(key)=\($0)" } }.joined()
            return "\(delivery.rule) \(delivery.destination) \(content)\(heading)"
        }
    }
}

enum JIDs {
    static let ops = jid("ops@example.org")
    static let bot = jid("bot@example.org")
    static let desk = jid("ops@example.org/desk")

    private static func jid(_ text: String) -> JID {
        do {
            return try JID(text)
        } catch {
            preconditionFailure("\(error)")  // constants of this file
        }
    }
}

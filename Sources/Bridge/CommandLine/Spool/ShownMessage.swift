import Routing
import Spool
import Stanza
import Wire

/// A message of the spool as a person reads it.
struct ShownMessage {
    let message: StoreReader.Message
    /// As a person names it.
    let name: String
    /// Its stanza, as text.
    let stanza: String
    /// Whom it is for, where the stanza can be read.
    private let to: String?
    private let type: String?
    /// Its text.
    let body: String?
    private let part: Int

    init(_ message: StoreReader.Message, part: Int) {
        self.message = message
        self.part = part
        name = "\(part)/\(message.row.number)"
        stanza = String(decoding: message.row.payload, as: UTF8.self)
        let element = try? StreamParser.stanza(message.row.payload)
        to = element?["to"]
        type = element?["type"]
        body = element?.child("body", NS.client)?.text
    }

    /// How it stands with it.
    var state: String {
        guard let reason = message.reason else {
            guard message.attempts > 0 else { return "waiting" }
            let times = message.attempts == 1 ? "once" : "\(message.attempts) times"
            let next = "refused \(times), next try \(SpoolListing.time(message.until))"
            return next + (message.error.map { " (\($0))" } ?? "")
        }
        let words = [reason.condition, reason.text.isEmpty ? nil : reason.text].compactMap { $0 }
        let again = message.isRevived ? ", to be tried again by the next run" : ""
        return "refused: \(words.joined(separator: ": "))\(again)"
    }

    /// All of it as JSON.
    func write(to line: inout JSONLine) {
        line.object { line in
            line.add("message", name)
            line.add("state", message.reason == nil ? "waiting" : "refused")
            line.add("lane", message.lane)
            line.add("to", to)
            line.add("type", type)
            line.add("body", body)
            line.add("id", message.row.originID)
            line.add("ref", message.row.ref)
            line.add("since", SpoolListing.time(message.appended))
            if message.attempts > 0 { line.add("tried", message.attempts) }
            if message.until > 0 { line.add("next_try", SpoolListing.time(message.until)) }
            line.add("last_refusal", message.error)
            if let reason = message.reason {
                line.add("condition", reason.condition)
                line.add("reason", reason.text)
                line.add("refused", SpoolListing.time(reason.time))
                line.add(whereTrue: "to_try_again", message.isRevived)
            }
            line.add("stanza", message.row.payload)
        }
    }

    /// All of it, for a person.
    var text: String {
        var lines = ["message   \(name)", "to        \(shown(to ?? SpoolListing.name(message.lane)))"]
        if let type { lines.append("type      \(shown(type))") }
        lines.append("id        \(shown(message.row.originID))")
        if let ref = message.row.ref { lines.append("ref       \(shown(ref))") }
        lines.append("since     \(SpoolListing.time(message.appended))")
        lines.append("state     \(shown(state))")
        if let reason = message.reason { lines.append("refused   \(SpoolListing.time(reason.time))") }
        if let body { lines += [""] + body.split(separator: "\n", omittingEmptySubsequences: false).map(shown) }
        return (lines + ["", shown(stanza)]).map { $0 + "\n" }.joined()
    }

    /// On one line, with nothing hidden.
    private func shown(_ text: some StringProtocol) -> String { ShownText.escaped(text, charactersMax: .max) }
}

import Routing
import Spool
import Stanza

/// What `spool` prints.
struct SpoolListing {
    /// A list is written in pieces of about this size.
    private static let outputBytesMax = 64 * 1_024
    /// As much of a message's text stands in a list.
    private static let excerptCharactersMax = 60

    private let view: SpoolView
    private let showsAccounts: Bool
    private let output: ([UInt8]) throws(StartFailure) -> Void

    /// - Parameter output: takes what is printed.
    init(_ view: SpoolView, output: @escaping ([UInt8]) throws(StartFailure) -> Void = StandardOutput.write) {
        self.view = view
        self.output = output
        view.letOthersBegin()
        showsAccounts = Set(view.parts.map(\.owner?.account)).count > 1
    }

    // MARK: - Lanes

    /// A line for each destination that something waits for.
    func lanes(json: Bool) throws(StartFailure) -> ExitStatus {
        var lines: [[String]] = []
        var printed = JSONLine()
        for part in view.parts {
            let reader = try SpoolView.reader(part)
            do throws(StoreFailure) {
                for lane in try reader.lanes() {
                    if json { write(lane, part, to: &printed) } else { lines.append(line(lane, part)) }
                }
                let held = try reader.heldCount()
                if held > 0 {
                    if json { write(held: held, part, to: &printed) }
                    lines.append(head(part) + ["(held back by rules)", "\(held)"])
                }
                for (sink, bytes) in try reader.spilledBytes() {
                    if json { write(sink: sink, bytes, part, to: &printed) }
                    lines.append(head(part) + ["(not yet in \(sink))", "", Self.size(bytes)])
                }
            } catch { throw SpoolView.failure(part, error) }
        }
        if json {
            try output(printed.takeBytes())
        } else {
            let headings = ["TO", "WAITING", "BYTES", "SINCE", "TRIED", "NEXT TRY", "REFUSED", "LAST REFUSAL"]
            try print(lines, ["PART", "RUN", "PROCESS"] + (showsAccounts ? ["ACCOUNT"] : []) + headings)
        }
        return .success
    }

    private func head(_ part: SpoolView.Part) -> [String] {
        let role = part.owner?.role.rawValue ?? ""
        let process = part.isAlive ? part.owner.map { "\($0.process)" } ?? "alive" : ""
        return ["\(part.number)", role, process] + (showsAccounts ? [part.owner?.account ?? ""] : [])
    }

    private func line(_ lane: StoreReader.LaneState, _ part: SpoolView.Part) -> [String] {
        let first = lane.first
        let dead = lane.deadLetters == 0 ? "" : "\(lane.deadLetters)"
        let revived = lane.revived == 0 ? "" : ", \(lane.revived) to try again"
        return head(part) + [
            Self.name(lane.name), "\(lane.rows)", lane.rows == 0 ? "" : Self.size(lane.bytes),
            first.map { Self.time($0.appended) } ?? "",
            first.flatMap { $0.attempts == 0 ? nil : "\($0.attempts)" } ?? "",
            first.flatMap { $0.until == 0 ? nil : Self.time($0.until) } ?? "", dead + revived, first?.error ?? "",
        ]
    }

    private func write(_ lane: StoreReader.LaneState, _ part: SpoolView.Part, to line: inout JSONLine) {
        line.object { line in
            write(part, to: &line)
            line.add("lane", lane.name)
            line.add("waiting", lane.rows)
            line.add("bytes", lane.bytes)
            line.add("refused", lane.deadLetters)
            line.add("to_try_again", lane.revived)
            guard let first = lane.first else { return }
            line.add("since", Self.time(first.appended))
            line.add("tried", first.attempts)
            if first.until > 0 { line.add("next_try", Self.time(first.until)) }
            line.add("last_refusal", first.error)
        }
        line.end()
    }

    private func write(held: Int, _ part: SpoolView.Part, to line: inout JSONLine) {
        line.object { line in
            write(part, to: &line)
            line.add("held", held)
        }
        line.end()
    }

    private func write(sink: String, _ bytes: Int, _ part: SpoolView.Part, to line: inout JSONLine) {
        line.object { line in
            write(part, to: &line)
            line.add("sink", sink)
            line.add("bytes", bytes)
        }
        line.end()
    }

    private func write(_ part: SpoolView.Part, to line: inout JSONLine) {
        line.add("part", part.number)
        line.add("run", part.owner?.role.rawValue)
        line.add("account", part.owner?.account)
        if part.isAlive { line.add("process", part.owner?.process ?? 0) }
    }

    // MARK: - Messages

    /// A line for each message.
    func messages(json: Bool, deadOnly: Bool = false) throws(StartFailure) -> ExitStatus {
        var lines: [[String]] = []
        for part in view.parts {
            let reader = try SpoolView.reader(part)
            var printed = JSONLine()
            var failure: StartFailure?
            do throws(StoreFailure) {
                try reader.messages(deadOnly: deadOnly) { message in
                    let shown = ShownMessage(message, part: part.number)
                    guard json else { return lines.append(line(shown)) }
                    shown.write(to: &printed)
                    printed.end()
                    guard failure == nil, printed.bytes.count > Self.outputBytesMax else { return }
                    do throws(StartFailure) { try output(printed.takeBytes()) } catch { failure = error }
                }
            } catch { throw SpoolView.failure(part, error) }
            if let failure { throw failure }
            try output(printed.takeBytes())
        }
        if !json { try print(lines, ["MESSAGE", "TO", "SINCE", "STATE", "TEXT"]) }
        return .success
    }

    private func line(_ message: ShownMessage) -> [String] {
        [
            message.name, Self.name(message.message.lane), Self.time(message.message.appended), message.state,
            ShownText.escaped(message.body ?? message.stanza, charactersMax: Self.excerptCharactersMax),
        ]
    }

    /// One message, whole.
    func show(_ name: MessageName, json: Bool) throws(StartFailure) -> ExitStatus {
        let (part, message) = try view.find(name)
        let shown = ShownMessage(message, part: part.number)
        if json {
            var line = JSONLine()
            shown.write(to: &line)
            line.end()
            try output(line.takeBytes())
        } else {
            try output(Array(shown.text.utf8))
        }
        return .success
    }

    // MARK: - Words

    /// What others wrote is shown on one line, with nothing hidden.
    private func print(_ lines: [[String]], _ headings: [String]) throws(StartFailure) {
        guard !lines.isEmpty else {
            return try output(Array("nothing waits in \(view.state.path)\n".utf8))
        }
        var shown = [headings]
        for line in lines {
            let cells = line.map { $0.isEmpty ? "-" : ShownText.escaped($0, charactersMax: 200) }
            shown.append(cells + Array(repeating: "-", count: headings.count - cells.count))
        }
        // A column that says nothing is left out.
        let columns = headings.indices.filter { column in shown.dropFirst().contains { $0[column] != "-" } }
        let widths = columns.map { column in shown.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for line in shown {
            var row = ""
            for (column, width) in zip(columns, widths) {
                row += row.isEmpty ? "" : "  "
                row += line[column] + String(repeating: " ", count: width - line[column].count)
            }
            while row.last == " " { row.removeLast() }
            text += row + "\n"
        }
        try output(Array(text.utf8))
    }

    static func name(_ lane: String) -> String { lane.isEmpty ? "(not known any more)" : lane }
    static func time(_ milliseconds: Int64) -> String { WallTime(milliseconds: milliseconds).timestamp }

    private static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<1_024: "\(bytes)"
        case ..<(1_024 * 1_024): "\(bytes / 1_024)K"
        case _: "\(bytes / 1_024 / 1_024)M"
        }
    }
}

import Spool

/// What `spool` changes.
struct SpoolChange {
    private let view: SpoolView
    private let output: ([UInt8]) throws(StartFailure) -> Void

    /// - Parameter output: takes what is printed.
    init(_ view: SpoolView, output: @escaping ([UInt8]) throws(StartFailure) -> Void = StandardOutput.write) {
        self.view = view
        self.output = output
    }

    /// What is meant in one part.
    private struct Chosen {
        var part: SpoolView.Part
        var rows: [UInt64] = []
        var dead: [UInt64] = []
    }

    /// Dead letters go back into their lanes.
    func retry(_ selection: SpoolSelection) throws(StartFailure) -> ExitStatus {
        var count = 0
        var living: [String] = []
        for chosen in try choose(selection) where !chosen.dead.isEmpty {
            try change(chosen.part) { store throws(StoreFailure) in
                count += try store.markForRevival(chosen.dead)
                // A process that lives gives the numbers itself.
                if !chosen.part.isAlive { try store.reviveMarked() }
            }
            if chosen.part.isAlive { living.append(chosen.part.process) }
        }
        guard count > 0 else { throw StartFailure(.noInput, "none of these was refused for good") }
        let when = living.isEmpty ? "the next run" : "the run after \(living.joined(separator: " and "))"
        try say(count == 1 ? "1 message is sent again by \(when)" : "\(count) messages are sent again by \(when)")
        return .success
    }

    /// Messages are forgotten.
    func drop(_ selection: SpoolSelection, deadOnly: Bool) throws(StartFailure) -> ExitStatus {
        var chosen = try choose(selection)
        if deadOnly { for place in chosen.indices { chosen[place].rows = [] } }
        for one in chosen where one.part.isAlive && !one.rows.isEmpty {
            let what = one.rows.count == 1 ? "1 of these messages is" : "\(one.rows.count) of these messages are"
            throw StartFailure(
                .undelivered,
                "\(what) in the hands of \(one.part.process): stop it first, or give --dead for those refused for good")
        }
        var count = 0
        for one in chosen {
            try change(one.part) { store throws(StoreFailure) in
                count += try store.forget(one.rows)
                count += try store.forgetDeadLetters(one.dead)
            }
        }
        guard count > 0 else { throw StartFailure(.noInput, "there is nothing of that kind") }
        try say(count == 1 ? "1 message is forgotten" : "\(count) messages are forgotten")
        return .success
    }

    private func say(_ text: String) throws(StartFailure) { try output(Array("\(text)\n".utf8)) }

    private func change(
        _ part: SpoolView.Part, _ body: (SQLiteStore) throws(StoreFailure) -> Void
    ) throws(StartFailure) {
        do throws(StoreFailure) { try body(try SQLiteStore(path: part.path)) } catch {
            throw SpoolView.failure(part, error, to: "change")
        }
    }

    private func choose(_ selection: SpoolSelection) throws(StartFailure) -> [Chosen] {
        var chosen = view.parts.map { Chosen(part: $0) }
        if case .named(let names) = selection {
            for name in names {
                let (part, message) = try view.find(name)
                guard let place = chosen.firstIndex(where: { $0.part.number == part.number }) else { continue }
                if message.reason == nil {
                    chosen[place].rows.append(message.row.number)
                } else {
                    chosen[place].dead.append(message.row.number)
                }
            }
            return chosen
        }
        for place in chosen.indices {
            let part = chosen[place].part
            let reader = try SpoolView.reader(part)
            do throws(StoreFailure) {
                for lane in try reader.lanes() where selection.takes(lane: lane.name) {
                    chosen[place].rows += try reader.rowNumbers(of: lane.lane)
                    chosen[place].dead += try reader.deadNumbers(of: lane.lane)
                }
            } catch { throw SpoolView.failure(part, error) }
        }
        return chosen
    }
}

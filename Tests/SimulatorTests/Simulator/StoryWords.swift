// Stories as a person reads them.

extension Deed: CustomStringConvertible {
    var description: String {
        switch self {
        case .write(let voice, let numbers):
            numbers.count == 1
                ? "\(Mark(voice, numbers.lowerBound)) is written"
                : "\(Mark(voice, numbers.lowerBound)) to \(numbers.upperBound) are written"
        case .speak(let voice, let number): "\(Mark(voice, number)) is said"
        case .cut(let bytes, let way, let hearing):
            "the connection breaks"
                + (bytes == 0 ? "" : " after \(bytes) more bytes \(way == .up ? "to" : "from") the server")
                + "; \(hearing)"
        case .refuse(let span, let isSilent): "connections are \(isSilent ? "ignored" : "refused") for \(span) ms"
        case .restart(let span, let forgets):
            "the server restarts, is away for \(span) ms and \(forgets ? "forgets" : "keeps") its sessions"
        case .acks(let span, let areLost):
            "acknowledgements \(areLost ? "are lost" : "come twice") for \(span) ms"
        case .block(let sink, let span): "\(sink) takes nothing for \(span) ms"
        case .spoil(let sink, let span): "\(sink) cannot be written for \(span) ms"
        case .rooms(let fault): "\(fault)"
        case .jump(let span): "the wall clock is set by \(span) ms"
        case .stop: "SIGTERM"
        case .kill(let steps, let isSilent):
            (isSilent ? "the machine stops" : "SIGKILL") + (steps == 0 ? "" : " after \(steps) steps more")
        case .loseReader: "standard output's reader goes"
        case .rotate: "the log is rotated"
        case .failStore(let span): "the store cannot be written for \(span) ms"
        }
    }
}

extension Hearing: CustomStringConvertible {
    var description: String {
        func words(_ span: Int?) -> String { span.map { "after \($0) ms" } ?? "never" }
        return "the client hears of it \(words(client)), the server \(words(server))"
    }
}

extension Setting: CustomStringConvertible {
    var description: String {
        var words = [isDurable ? "durable" : "in memory", endsWithInput ? "filter" : "daemon"]
        if stdinIsFile { words.append("standard input is a file") }
        words.append(
            !managesStreams
                ? "no stream management"
                : resumptionSeconds == 0 ? "no resumption" : "resumption for \(resumptionSeconds) s")
        for voice in Voice.allCases {
            let ends = lanes(of: voice).map(\.rawValue) + sinks(of: voice).map { "\($0)" }
            if !ends.isEmpty { words.append("\(voice.rawValue) to \(ends.joined(separator: " "))") }
        }
        words.append("latency \(latency) us\(isChopped ? ", chopped" : "")")
        words.append("sinks \(sinkDelay) us")
        if isDurable { words.append("store \(storeDelay) us") }
        words.append("lines of \(paddingMax)")
        if moodiness > 1 { words.append("one of \(moodiness) bounces") }
        if let patienceSeconds { words.append("patience \(patienceSeconds) s") }
        return words.joined(separator: ", ") + "; trouble until \(chaosEnd) ms"
    }
}

extension Story: CustomStringConvertible {
    /// What is there and what happens, a line each.
    public var description: String {
        (["seed \(seed): \(setting)"] + happenings.map { "    \($0.at) ms: \($0.deed)" }).joined(separator: "\n")
    }
}

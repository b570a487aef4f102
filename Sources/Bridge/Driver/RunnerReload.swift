import Routing

/// Whether the configuration file is being read.
enum ConfigurationReading {
    case none, running
    /// It has been changed since: what is read now may be old.
    case again
}

// The configuration file is read again, and ends come and go.
extension Runner {
    /// Reads the file on a thread of its own: it may lie where reading takes long. One reading follows the other, so that
    /// the last one counts.
    func readConfiguration() {
        guard let reload = plan.reload else { return }
        switch reading {
        case .none: reading = .running
        case .running, .again:
            reading = .again
            return
        }
        startThread(named: "reload") { [self] in
            let input: Pump.Input
            do throws(StartFailure) { input = .reload(try reload()) } catch { input = .reloadRefused(error.lines) }
            enter { self.configurationWasRead(input) }
        }
    }

    private func configurationWasRead(_ input: Pump.Input) {
        let isOld = reading == .again
        reading = .none
        if isOld { readConfiguration() } else { feed(input) }
    }

    func openSource(_ source: Int) {
        while inputs.count <= source { inputs.append(nil) }
        guard case .fifo(let path) = pump.sources[source].endpoint else {
            // A file that was followed before is followed still.
            if inputs[source] == nil { openTail(source) }
            return
        }
        do throws(StartFailure) { openPipe(try FIFO.open(path), as: source) } catch {
            feed(.sourceUnavailable(error.lines.joined(separator: "; "), source: source))
        }
    }

    func closeSource(_ source: Int) {
        guard let index = pipeReaders.firstIndex(where: { $0.source == source }) else { return }
        pipeReaders.remove(at: index).reader.close()
        inputs[source] = nil
    }

    func openNewSink(_ sink: Int) {
        // What is there and is no FIFO is told by the writer.
        if case .fifo(let path) = pump.sinks[sink].endpoint { try? FIFO.make(path) }
        openSink(sink)
    }

    var fifoPaths: [String] {
        (pump.sources.filter { !$0.isRetired }.map(\.endpoint) + pump.sinks.map(\.endpoint)).compactMap {
            if case .fifo(let path) = $0 { path } else { nil }
        }
    }

    func lookAtFIFOs() {
        for (_, reader) in pipeReaders { reader.look() }
        for case let writer as FIFOWriter in writers.values { writer.reopen() }
    }
}

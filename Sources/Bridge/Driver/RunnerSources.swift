import Glibc
import Routing

// Where lines come from: each source has a reader with a thread of its own.
extension Runner {
    /// On any thread.
    func take(_ outcome: InputReader.Outcome, from source: Int) {
        enter {
            self.inputs[source]?.isReading = false
            switch outcome {
            case .chunk(let chunk): self.feed(.inputChunk(chunk, source: source))
            case .end: self.feed(.inputEnded)
            case .failed(let code): self.feed(.inputFailed(Diagnostics.describe(code), source: source))
            }
        }
    }

    /// What can be left where it is until it is safe is left there.
    func openStandardInput() {
        let deliver: @Sendable (InputReader.Outcome) -> Void = { [self] in take($0, from: 0) }
        if let place = plan.options.input {
            inputs[0] = Input(reader: FileReader(descriptor: STDIN_FILENO, at: place, deliver: deliver))
        } else if plan.keeper != nil, PipeCopy.isPipe(STDIN_FILENO) {
            openPipe(STDIN_FILENO, as: 0)
        } else {
            inputs[0] = Input(reader: InputReader(descriptor: STDIN_FILENO, deliver: deliver))
        }
    }

    func openPipe(_ descriptor: Int32, as source: Int) {
        // What a command prints is gone with us in any case.
        let keeps = plan.keeper != nil && !(source == 0 && coprocess != nil)
        var name: (String, @Sendable (EndpointNews) -> Void)?
        let endpoint = pump.sources[source].endpoint
        if case .fifo(let path) = endpoint {
            name = (path, { [self] news in enter { self.feed(.news(news, endpoint)) } })
        }
        let reader = PipeReader(
            descriptor: descriptor, name: name, copiesFrom: keeps ? pump.sources[source].readBytes : nil
        ) { [self] in take($0, from: source) }
        guard let reader else { return feed(.inputFailed(Diagnostics.describe(errno), source: source)) }
        if source == 0 { pump.options.leftLineBytesMax = reader.leftLineBytesMax }
        pipeReaders.append((source, reader))
        inputs[source] = Input(reader: reader)
    }

    func openTail(_ source: Int) {
        guard case .tail(let path) = pump.sources[source].endpoint else { return }
        let endpoint = pump.sources[source].endpoint
        let tell: @Sendable (EndpointNews) -> Void = { [self] news in enter { self.feed(.news(news, endpoint)) } }
        let reader = TailReader(path, saved: plan.options.tailPositions, tell: tell) { [self] item in
            enter {
                self.inputs[source]?.isReading = false
                self.feed(.tailed(item, source: source))
            }
        }
        guard let reader else { return feed(.inputFailed(Diagnostics.describe(errno), source: source)) }
        tailReaders.append(reader)
        inputs[source] = Input(reader: reader)
    }

    /// What lies in FIFOs would be gone with us. What their threads have read is on its way to the loop already, so it
    /// comes before this.
    func readLeftovers() {
        for (source, reader) in pipeReaders where source != 0 {
            takeRest(of: reader, source)
        }
    }

    func takeRest(of reader: PipeReader, _ source: Int) {
        let rest = reader.takeRest()
        if !rest.isEmpty { take(.chunk(rest), from: source) }
    }
}

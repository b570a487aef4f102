public import Stanza

// Reading: one file after the other, each to its end.
extension TailCursor {
    /// The next item; nil where there is nothing to read for now.
    public mutating func next(
        _ files: inout some TailFiles, bytesMax: Int, streams: inout UInt64, at now: Instant
    ) -> Item? {
        while true {
            if !items.isEmpty { return items.removeFirst() }
            if expire(&files, at: now) { continue }
            if let item = late(&files, bytesMax) { return item }
            guard !generations.isEmpty else { return nil }
            if !generations[0].hasBegun {
                activate(&files)
                continue
            }
            // One writer that is already at the next file has nothing more to say in this one: so that is asked first.
            let isOver = generations.count > 1 ? hasGoneOn(&files) : isDeleted(&files)
            switch read(&files, bytesMax, 0, &streams) {
            case .bytes(let bytes): return .bytes(stream: generations[0].stream, bytes, position(generations[0]))
            case .truncated: continue
            case .nothing:
                guard isOver else { return nil }
                retire(&files, at: now)
            }
        }
    }

    private func hasGoneOn(_ files: inout some TailFiles) -> Bool {
        generations.count > 2 || (files.facts(generations[1].handle)?.size ?? 0) > 0
    }

    /// Whether the only file has no name left anywhere.
    private func isDeleted(_ files: inout some TailFiles) -> Bool {
        isNameless && files.facts(generations[0].handle)?.links == 0
    }

    /// A file's turn has come. One that had the name before goes on where it was left.
    private mutating func activate(_ files: inout some TailFiles) {
        generations[0].hasBegun = true
        let key = generations[0].key
        if let index = lingering.firstIndex(where: { $0.key == key }) {
            let old = lingering.remove(at: index)
            keepEnd(of: old)
            items.append(.ended(stream: old.stream))
            files.close(old.handle)
        }
        if let index = ends.lastIndex(where: { $0.key == key }), generations[0].offset == 0 {
            let end = ends.remove(at: index)
            let handle = generations[0].handle
            if let facts = files.facts(handle), isSame(handle, facts, end.offset, end.head, end.last, &files) {
                generations[0].offset = end.offset
                generations[0].head = end.head
                generations[0].last = end.last
                generations[0].size = end.offset
            }
        }
        items.append(.began(stream: generations[0].stream, position(generations[0])))
    }

    /// The file has been read, and another has its name.
    private mutating func retire(_ files: inout some TailFiles, at now: Instant) {
        var old = generations.removeFirst()
        old.lingersUntil = now + .seconds(Limits.lingerSeconds)
        lingering.append(old)
        if lingering.count > Limits.lingeringMax { endLinger(&files) }
    }

    private mutating func endLinger(_ files: inout some TailFiles) {
        let old = lingering.removeFirst()
        keepEnd(of: old)
        items.append(.ended(stream: old.stream))
        files.close(old.handle)
    }

    /// - Parameter isGone: whether the file is another by now, so that only a copy can be like this.
    private mutating func keepEnd(of old: Generation, isGone: Bool = false) {
        ends.removeAll { $0.key == old.key }
        let end = End(key: isGone ? nil : old.key, offset: old.offset, head: old.head, last: old.last)
        ends.append(end)
        if ends.count > Limits.generationsMax { ends.removeFirst() }
    }

    private mutating func expire(_ files: inout some TailFiles, at now: Instant) -> Bool {
        guard let until = lingering.first?.lingersUntil, until <= now else { return false }
        // What came in the last moment is taken before.
        endLinger(&files)
        return true
    }

    /// Bytes of a file that has lost its name, from a writer that has not noticed.
    private mutating func late(_ files: inout some TailFiles, _ bytesMax: Int) -> Item? {
        for index in lingering.indices {
            let old = lingering[index]
            // Where it has its name again, its turn comes.
            if generations.contains(where: { $0.key == old.key }) { continue }
            let bytes = files.read(old.handle, at: old.offset, count: bytesMax)
            if bytes.isEmpty { continue }
            lingering[index].advance(bytes)
            return .late(stream: old.stream, bytes)
        }
        return nil
    }

    private enum Outcome {
        case bytes([UInt8])
        case nothing
        case truncated
    }

    private mutating func read(
        _ files: inout some TailFiles, _ bytesMax: Int, _ index: Int, _ streams: inout UInt64
    ) -> Outcome {
        let one = generations[index]
        let size = files.facts(one.handle)?.size ?? 0
        let repeated = one.last.count
        let bytes = files.read(one.handle, at: one.offset - UInt64(repeated), count: repeated + bytesMax)
        guard bytes.prefix(repeated) == one.last[...] else {
            truncated(&files, index, &streams)
            return .truncated
        }
        generations[index].size = max(one.size, size)
        if bytes.count == repeated { return .nothing }
        let more = Array(bytes.dropFirst(repeated))
        generations[index].advance(more)
        return .bytes(more)
    }

    /// The file begins anew under the same name. What was not read of it may be in a copy (logrotate's copytruncate).
    private mutating func truncated(_ files: inout some TailFiles, _ index: Int, _ streams: inout UInt64) {
        let old = generations[index]
        let copy = openCopy(of: old, &files)
        if copy == nil, old.size > old.offset {
            items.append(.gap(path: path, reason: .truncated, bytes: old.size - old.offset))
        }
        if copy == nil, old.hasBegun { items.append(.ended(stream: old.stream)) }
        keepEnd(of: old, isGone: true)
        streams += 1
        generations[index] = Generation(stream: streams, handle: old.handle, key: old.key)
        if let copy { generations.insert(copy, at: index) }
    }

    /// The copy that was made of a file before it was truncated, where there is more in it than was read.
    private mutating func openCopy(of old: Generation, _ files: inout some TailFiles) -> Generation? {
        for _ in 0..<Limits.listingsMax {
            var hasMoved = false
            for sibling in rotated(&files) where sibling.facts.key != old.key {
                guard let (handle, facts) = files.open(sibling.path) else { continue }
                // Its name has moved on meanwhile.
                if facts.key != sibling.facts.key {
                    hasMoved = true
                } else if facts.size > old.offset, isSame(handle, facts, old.offset, old.head, old.last, &files),
                    takeNote(of: handle, facts, &files)
                {
                    // It goes on in the middle of what was read.
                    var one = Generation(stream: old.stream, handle: handle, key: facts.key, hasBegun: old.hasBegun)
                    (one.offset, one.head, one.last, one.size) = (old.offset, old.head, old.last, facts.size)
                    return one
                }
                files.close(handle)
            }
            if !hasMoved { break }
        }
        return nil
    }

    private func position(_ one: Generation) -> TailPosition {
        var position = TailPosition(
            path: path, key: one.key, headBytes: one.head.count, headHash: TailPosition.hash(one.head))
        position.move(to: one.offset, behind: one.last)
        return position
    }

    /// Closes all.
    public mutating func close(_ files: inout some TailFiles) {
        for handle in handles { files.close(handle) }
        generations = []
        lingering = []
    }
}

extension TailCursor.Generation {
    /// So many more bytes were read.
    mutating func advance(_ bytes: [UInt8]) {
        if head.count < TailCursor.Limits.headBytes {
            head += bytes.prefix(TailCursor.Limits.headBytes - head.count)
        }
        let repeated = TailCursor.Limits.repeatedBytes
        last = bytes.count >= repeated ? Array(bytes.suffix(repeated)) : Array((last + bytes).suffix(repeated))
        offset += UInt64(bytes.count)
        size = max(size, offset)
    }
}

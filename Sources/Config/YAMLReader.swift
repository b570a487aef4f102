import CLibYAML

/// Reads one YAML document into nodes, through libyaml's events and their marks.
///
/// What YAML has and this configuration has no use for (anchors, aliases, tags, more documents) is refused by its name,
/// so that nothing in a file multiplies itself.
struct YAMLReader {
    private let text: SourceText
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var nodes = 0
    /// Problems that do not keep the rest of the file from being read.
    private(set) var problems: [Problem] = []

    /// How deep lists and mappings may be nested.
    static let depthMax = 16
    /// Values and keys of a file.
    static let nodesMax = 50_000

    /// The document's root, nil where there is none; and what was refused on the way.
    /// - Throws: the ``Problem`` behind which the rest cannot be understood.
    static func root(of text: SourceText) throws(Problem) -> (root: Node?, problems: [Problem]) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        // It fails only when memory has run out, where a Swift program ends too.
        precondition(yaml_parser_initialize(parser) == 1, "out of memory")
        defer { yaml_parser_delete(parser) }
        let bytes = text.utf8
        return try bytes.withUnsafeBufferPointer { buffer throws(Problem) in
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
            var reader = YAMLReader(text: text, parser: parser)
            let root = try reader.document()
            return (root, reader.problems)
        }
    }

    private init(text: SourceText, parser: UnsafeMutablePointer<yaml_parser_t>) {
        self.text = text
        self.parser = parser
    }

    /// An event with what it carries, copied out of libyaml's memory.
    private enum Event {
        case documentStart, documentEnd, streamStart, streamEnd, listStart, listEnd, mappingStart, mappingEnd
        case scalar(String, Node.Style)
        case alias
    }

    private struct Marked {
        var event: Event
        var start: Int
        var end: Int
    }

    private mutating func document() throws(Problem) -> Node? {
        _ = try next()  // the start of the stream
        let first = try next()
        guard case .documentStart = first.event else { return nil }
        let root = try node(try next(), depth: 1)
        _ = try next()  // the end of the document
        let behind = try next()
        if case .documentStart = behind.event {
            problems.append(
                text.problem(at: behind.start, "a second document", "one file holds one configuration; leave out ---"))
        }
        return root
    }

    private mutating func node(_ marked: Marked, depth: Int) throws(Problem) -> Node {
        nodes += 1
        if nodes > YAMLReader.nodesMax {
            throw text.problem(at: marked.start, "more than \(YAMLReader.nodesMax) values", "split the configuration")
        }
        if depth > YAMLReader.depthMax {
            throw text.problem(
                at: marked.start, "nested deeper than \(YAMLReader.depthMax) levels", "no key needs that depth")
        }
        switch marked.event {
        case .scalar(let value, let style):
            return Node(start: marked.start, end: marked.end, kind: .scalar(value, style))
        case .listStart:
            var items: [Node] = []
            while true {
                let item = try next()
                if case .listEnd = item.event {
                    return Node(start: marked.start, end: item.end, kind: .list(items))
                }
                items.append(try node(item, depth: depth + 1))
            }
        case .mappingStart:
            var entries: [Node.Entry] = []
            while true {
                let key = try next()
                if case .mappingEnd = key.event {
                    return Node(start: marked.start, end: key.end, kind: .mapping(entries))
                }
                let name = try node(key, depth: depth + 1)
                entries.append(Node.Entry(key: name, value: try node(try next(), depth: depth + 1)))
            }
        case .alias:
            refuse(marked.start, "an alias (*)")
            return Node(start: marked.start, end: marked.end, kind: .broken)
        case .documentStart, .documentEnd, .streamStart, .streamEnd, .listEnd, .mappingEnd:
            // libyaml's grammar gives a node wherever this function is called.
            preconditionFailure("libyaml: not a node")
        }
    }

    private mutating func refuse(_ index: Int, _ what: String) {
        problems.append(
            text.problem(at: index, "\(what) is not supported here", "write the value out where it is used"))
    }

    private mutating func next() throws(Problem) -> Marked {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw syntaxProblem() }
        defer { yaml_event_delete(&raw) }
        let start = Int(raw.start_mark.index)
        let event: Event
        switch raw.type {
        case YAML_STREAM_START_EVENT: event = .streamStart
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT: event = .streamEnd
        case YAML_DOCUMENT_START_EVENT: event = .documentStart
        case YAML_DOCUMENT_END_EVENT: event = .documentEnd
        case YAML_ALIAS_EVENT: event = .alias
        case YAML_SEQUENCE_START_EVENT:
            adorned(raw.data.sequence_start.anchor, raw.data.sequence_start.tag, at: start)
            event = .listStart
        case YAML_SEQUENCE_END_EVENT: event = .listEnd
        case YAML_MAPPING_START_EVENT:
            adorned(raw.data.mapping_start.anchor, raw.data.mapping_start.tag, at: start)
            event = .mappingStart
        case YAML_MAPPING_END_EVENT: event = .mappingEnd
        case YAML_SCALAR_EVENT:
            adorned(raw.data.scalar.anchor, raw.data.scalar.tag, at: start)
            event = scalar(raw)
        case _: preconditionFailure("libyaml: an event that its header does not list")
        }
        return Marked(event: event, start: start, end: Int(raw.end_mark.index))
    }

    private func scalar(_ raw: yaml_event_t) -> Event {
        let value = UnsafeBufferPointer(start: raw.data.scalar.value, count: raw.data.scalar.length)
        let style: Node.Style =
            switch raw.data.scalar.style {
            case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
            case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
            case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
            case _: .plain
            }
        return .scalar(String(decoding: value, as: UTF8.self), style)
    }

    private mutating func adorned(
        _ anchor: UnsafeMutablePointer<yaml_char_t>?, _ tag: UnsafeMutablePointer<yaml_char_t>?, at index: Int
    ) {
        if anchor != nil { refuse(index, "an anchor (&)") }
        if tag != nil { refuse(index, "a tag (!)") }
    }

    private func syntaxProblem() -> Problem {
        let failed = parser.pointee
        let what = failed.problem.map { String(cString: $0) } ?? "it cannot be read"
        let index = min(Int(failed.problem_mark.index), text.scalars.count)
        var message = "no valid YAML: \(what)"
        if let context = failed.context.map({ String(cString: $0) }) {
            let (line, _) = text.place(of: min(Int(failed.context_mark.index), text.scalars.count))
            if line != text.place(of: index).line { message += ", \(context) that begins in line \(line)" }
        }
        return text.problem(at: index, message, hint(at: index))
    }

    private func hint(at index: Int) -> String {
        if index < text.scalars.count, text.scalars[index] == "\t" { return "indent with spaces, not with tabs" }
        return "check indentation, brackets and quotes; a value with \": \" or \" #\" in it, "
            + "or one of [{*&!|>%@ before it, needs quotes"
    }
}

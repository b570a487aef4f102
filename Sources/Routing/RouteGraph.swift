import Stanza

/// The bridges as a picture: their sources, the rules, their destinations, in the words of the configuration.
///
/// An end that is read and written is one node, so that a circle looks like one. Whatever a name or a pattern holds, it
/// stays a text of its node.
public struct RouteGraph: Sendable {
    private let rules: [Rule]
    private let endpoints: [Endpoint]

    /// Of each line of a node, in characters.
    private static let lineCharactersMax = 60

    /// The picture of these rules.
    public init(_ rules: [Rule]) {
        self.rules = rules
        var seen: Set<Endpoint> = []
        endpoints = rules.flatMap { $0.from + $0.to }.filter { seen.insert($0).inserted }
    }

    /// In the language of Graphviz.
    public var dot: String {
        var lines = [
            "digraph bridges {", "  rankdir=LR;", "  node [fontname=\"sans-serif\", fontsize=11];",
            "  edge [fontname=\"sans-serif\", fontsize=9];",
        ]
        for (index, endpoint) in endpoints.enumerated() {
            lines.append("  e\(index + 1) [shape=ellipse, label=\"\(Self.dotText(endpoint.description))\"];")
        }
        for (index, rule) in rules.enumerated() {
            let label = texts(rule, index).map(Self.dotText).joined(separator: "\\n")
            let style = rule.selection.isDefault ? "rounded,dashed" : "rounded"
            lines.append("  r\(index + 1) [shape=box, style=\"\(style)\", label=\"\(label)\"];")
        }
        lines += edges().map { "  \($0.from) -> \($0.to);" } + ["}"]
        return lines.joined(separator: "\n") + "\n"
    }

    /// In the language of Mermaid.
    public var mermaid: String {
        var lines = ["flowchart LR"]
        for (index, endpoint) in endpoints.enumerated() {
            lines.append("  e\(index + 1)([\"\(Self.mermaidText(endpoint.description))\"])")
        }
        for (index, rule) in rules.enumerated() {
            let label = texts(rule, index).map(Self.mermaidText).joined(separator: "<br/>")
            lines.append("  r\(index + 1)[\"\(label)\"]")
            if rule.selection.isDefault { lines.append("  style r\(index + 1) stroke-dasharray: 4") }
        }
        lines += edges().map { "  \($0.from) --> \($0.to)" }
        return lines.joined(separator: "\n") + "\n"
    }

    private func edges() -> [(from: String, to: String)] {
        var numbers: [Endpoint: Int] = [:]
        for (index, endpoint) in endpoints.enumerated() { numbers[endpoint] = index + 1 }
        return rules.enumerated().flatMap { index, rule in
            rule.from.map { ("e\(numbers[$0] ?? 0)", "r\(index + 1)") }
                + rule.to.map { ("r\(index + 1)", "e\(numbers[$0] ?? 0)") }
        }
    }

    // MARK: - What stands in a node

    /// A rule's name, and then what it chooses and what it makes of it.
    private func texts(_ rule: Rule, _ index: Int) -> [String] {
        var texts = [rule.name ?? "number \(index + 1)"]
        if let group = rule.shaping.group, group.joinsLines { texts.append(words(group)) }
        if rule.selection.isDefault { texts.append("default") }
        if let match = rule.match { texts.append("match: \(match.source)") }
        if !rule.selection.conditions.isEmpty {
            texts.append("where: \(rule.selection.conditions.map(\.field).joined(separator: ", "))")
        }
        if rule.selection.stops { texts.append("stop") }
        if let span = rule.shaping.repetition { texts.append("repeat: \(span.written)") }
        if let group = rule.shaping.group, !group.joinsLines { texts.append(words(group)) }
        if let limit = rule.shaping.limit {
            texts.append("limit: \(limit.rate.written), burst \(limit.burst), \(limit.overflow.rawValue)")
        }
        if rule.shaping.updates { texts.append("update") }
        return texts
    }

    private func words(_ group: Shaping.Group) -> String {
        switch group.boundary {
        case .start(let pattern): "group: start \(pattern.source)"
        case .goesOn(let pattern): "group: continue \(pattern.source)"
        case .none: "group: within \(group.within.written)"
        }
    }

    // MARK: - Escapes

    /// Inside of quotes, where Graphviz knows escapes with a backslash, and entities with an ampersand.
    private static func dotText(_ text: String) -> String {
        var result = ""
        for scalar in ShownText.escaped(text, charactersMax: lineCharactersMax).unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "&": result += "&amp;"
            case _: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Inside of quotes, where Mermaid knows Markdown, HTML, comments and escapes of its own: what is no letter and no
    /// digit is named by its number.
    private static func mermaidText(_ text: String) -> String {
        var result = ""
        for scalar in ShownText.escaped(text, charactersMax: lineCharactersMax).unicodeScalars {
            let isPlain = scalar.properties.isAlphabetic || scalar == " " || ("0"..."9").contains(scalar)
            if isPlain { result.unicodeScalars.append(scalar) } else { result += "#\(scalar.value);" }
        }
        return result
    }
}

extension Shaping.Limit.Rate {
    /// As a configuration writes it: `10/min`, `1/3s`.
    fileprivate var written: String {
        switch period {
        case .seconds(1): "\(count)/s"
        case .seconds(60): "\(count)/min"
        case .seconds(3_600): "\(count)/h"
        case _: "\(count)/\(period.written)"
        }
    }
}

extension Duration {
    /// As a configuration writes it: `1m30s`, `500ms`.
    fileprivate var written: String {
        var left = wholeMilliseconds
        var text = ""
        for (name, unit) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]
            as [(String, Int64)]
        {
            let count = left / unit
            left %= unit
            if count > 0 { text += "\(count)\(name)" }
        }
        return text.isEmpty ? "0s" : text
    }
}

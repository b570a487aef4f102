extension BadFiles {
    /// A bridge with these keys beside its ends, in lines from the third.
    private static func bridge(_ keys: String, to: String = "xmpp:ops@example.org", _ lines: [String]) -> BadFile {
        BadFile("bridges:\n  - {from: stdin, to: \(to),\n\(keys)}\n", lines)
    }

    /// Mistakes in the keys that shape a bridge's texts.
    static let shaping: [BadFile] = [
        bridge(
            "group: 500ms",
            [
                "f:3:8: text where group belongs; expected keys and values: start, continue, within, max_lines or "
                    + "max_bytes"
            ]),
        bridge(
            "group: {strat: x, max_line: 3}",
            [
                "f:3:9: unknown key \"strat\" in group; did you mean start? expected start, continue, within, "
                    + "max_lines or max_bytes",
                "f:3:19: unknown key \"max_line\" in group; did you mean max_lines? expected start, continue, within, "
                    + "max_lines or max_bytes",
            ]),
        bridge(
            "group: {start: 'a(', continue: b, within: 5, max_lines: 0, max_bytes: 1000000}",
            [
                "f:3:19: start does not compile: missing closing parenthesis; expected a regular expression (PCRE2)",
                "f:3:32: continue beside start; a record has one mark: leave one of them out",
                "f:3:43: \"5\" has a number without a unit; expected for example 500ms, 30s, 10m, 1h30m or 2d",
                "f:3:57: max_lines \"0\"; expected a whole number from 1 to 10000",
                "f:3:71: max_bytes \"1000000\"; expected a whole number from 1 to 262144",
            ]),
        bridge(
            "limit: {rate: 10, overflow: digset, per: peer, burst: none, queue: -1}",
            [
                "f:3:15: rate \"10\" is not so many in a time; expected for example 10/min, 1/s or 100/15m",
                "f:3:29: unknown overflow \"digset\"; did you mean digest? expected queue, drop or digest",
                "f:3:42: unknown per \"peer\"; expected rule or destination",
                "f:3:55: burst \"none\"; expected a whole number from 1 to 10000",
                "f:3:68: queue \"-1\"; expected a whole number from 1 to 100000",
            ]),
        bridge(
            "limit: {rate: 1/minte}",
            [
                "f:3:15: rate \"1/minte\" has no unit of time behind its slash; did you mean minute? expected for "
                    + "example 10/min, 1/s or 100/15m"
            ]),
        bridge("limit: {rate: 0/s}", ["f:3:15: rate \"0/s\" has 0; expected 1 to 100000"]),
        bridge("limit: {rate: 5/2d}", ["f:3:15: rate \"5/2d\" is for too long a time; at most a day"]),
        bridge("limit: {rate: 5/0s}", ["f:3:15: rate \"5/0s\" is for no time; at most a day"]),
        bridge(
            "limit: {raet: 1/s}",
            [
                "f:3:9: unknown key \"raet\" in limit; did you mean rate? expected rate, burst, "
                    + "overflow, queue or per"
            ]),
        bridge(
            "repeat: 0s, update: ja",
            ["f:3:9: repeat is zero; expected for example 10s", "f:3:21: update is \"ja\"; expected true or false"]),
        bridge(
            "repeat: 5m, limit: {rate: 1/s}, group: {start: x}, update: true", to: "commands",
            [
                "f:3:9: repeat has no place in a bridge to commands; each line is one command, and is obeyed at once; "
                    + "leave repeat out",
                "f:3:20: limit has no place in a bridge to commands; each line is one command, and is obeyed at once; "
                    + "leave limit out",
                "f:3:40: group has no place in a bridge to commands; each line is one command, and is obeyed at once; "
                    + "leave group out",
                "f:3:60: update has no place in a bridge to commands; each line is one command, and is obeyed at once; "
                    + "leave update out",
            ]),
        BadFile(
            "bridges:\n  - {from: xmpp:a@b, to: stdout, limit: {rate: 1/s}}\n"
                + "  - {from: [stdin, events], to: xmpp:a@b, body: x, group: {continue: x}}\n",
            [
                "f:2:41: limit is for text, and what goes from xmpp:a@b to stdout is events; add a body, as in "
                    + "body: \"{from}: {body}\"",
                "f:3:59: group joins lines by a pattern, and events gives none; leave start and continue out, to join "
                    + "messages that come within a time",
            ]),
    ]
}

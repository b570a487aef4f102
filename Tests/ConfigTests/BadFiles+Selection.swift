extension BadFiles {
    private static let expectedConditions =
        "expected fields and values: {level: [error, crit], json.status: {ge: 500}}"

    /// Mistakes in what bridges take, and in what their messages carry.
    static let selection: [BadFile] = [
        BadFile(
            "bridges:\n  - {from: stdin, to: stdout, where: a}\n  - {from: stdin, to: stdout, where: [a]}\n"
                + "  - {from: stdin, to: stdout, where: {}}\n  - {from: stdin, to: stdout, where: {[a]: b, ~: c}}\n",
            [
                "f:2:38: text where conditions belong; \(expectedConditions)",
                "f:3:38: a list where conditions belong; \(expectedConditions)",
                "f:4:38: where is empty; \(expectedConditions)",
                "f:5:39: a list where a field belongs; \(expectedConditions)",
                "f:5:47: nothing where a field belongs; \(expectedConditions)",
            ]),
        BadFile(
            "bridges:\n  - from: stdin\n    to: stdout\n    match: '(?<level>a)'\n    where:\n      levle: a\n"
                + "      \"json.a..b\": b\n      body: c\n      time: d\n      line: e\n      line: f\n",
            [
                "f:6:7: unknown field \"levle\"; did you mean level?",
                "f:7:8: json.a..b has an empty step; expected for example json.user.name or json.tags.0",
                "f:8:7: unknown field \"body\" for records from stdin; expected level, line, source, host or json.PATH",
                "f:9:7: time is no field to choose by; every record has its own",
                "f:11:7: line stands here twice; the first is in line 10; leave one out",
            ]),
        BadFile(
            "bridges:\n  - from: xmpp:a@b\n    to: stdout\n    where:\n      from: [a b@c, 'xmpp:a@b', room:a@b, a@b/*]\n"
                + "      jid: ''\n      to: a@b/\n      nikc: x\n",
            [
                "f:5:14: \"a b@c\" is no address; expected for example ops@example.org or *@example.org",
                "f:5:22: \"xmpp:a@b\" is no address; from is an address alone: leave out xmpp:",
                "f:5:33: \"room:a@b\" is no address; from is an address alone: leave out room:",
                "f:5:43: \"a@b/*\" has a resource; expected an address without one, or a pattern such as *@example.org",
                "f:7:11: no address: nothing stands behind the \"/\" of \"a@b/\": a resource belongs there, or no \"/\"; "
                    + "expected for example ops@example.org/desk",
                "f:8:7: unknown field \"nikc\"; did you mean nick?",
            ]),
        BadFile(
            "bridges:\n  - from: stdin\n    to: stdout\n    where:\n      json.a: {ge: x, lt: ~, gr: 5}\n"
                + "      json.b: {}\n      json.c: {not: {a: b}}\n      json.d: [a, ~, [b]]\n      json.e: []\n"
                + "      json.f:\n      json.g: {gt: \"0x10\"}\n",
            [
                "f:5:20: ge \"x\"; expected a number, as in {ge: 5}",
                "f:5:27: lt has no value; write one, or leave lt out",
                "f:5:30: unknown key \"gr\" in a condition; did you mean gt? expected not, gt, ge, lt or le",
                "f:6:15: a condition without a test; expected not, gt, ge, lt or le",
                "f:7:21: keys and values where not has its values; expected one value or a list",
                "f:8:19: json.d has no value; write \"\" for a text that is empty, or not there",
                "f:8:22: a list where a value of json.d belongs; expected one value",
                "f:9:15: json.e is an empty list; name at least one value",
                "f:10:14: json.f has no value; write \"\" for a text that is empty, or not there",
                "f:11:21: gt \"0x10\"; expected a number, as in {gt: 5}",
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: stdout, stop: yes, default: [a], on_error: dorp}\n",
            [
                "f:2:37: stop is \"yes\"; expected true or false",
                "f:2:51: a list where the text of default belongs; expected one value; a text that begins with [ "
                    + "needs quotes",
                "f:2:66: unknown on_error \"dorp\"; did you mean drop? expected pass or drop",
            ]),
        BadFile(
            "bridges:\n  - from: stdin\n    to: xmpp:a@b\n    subject: '{x'\n    thread: \"é {nope|trim}\"\n"
                + "    lang: de_DE\n    body: '{line|truncate x|upper}'\n",
            [
                "f:4:15: a { without its }; write {{ for a brace",
                "f:5:16: unknown placeholder \"{nope}\"; expected {line}, {source}, {host}, {time} or {json.PATH}",
                "f:6:11: lang \"de_DE\" is no language; expected a tag such as de, en-GB or zh-Hant",
                "f:7:27: truncate \"x\"; expected a whole number from 1 to 65536, as in truncate 200",
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: xmpp:a@b, subject: '{line}', thread: '{host}', limit: {rate: 1/s}}\n"
                + "  - {from: stdin, to: xmpp:a@b, group: {start: a}, stop: true, default: true}\n",
            [
                "f:2:43: subject follows each record, and limit makes messages of several; leave out its placeholders "
                    + "but {host}, or put them into the body",
                "f:3:58: stop has no place in a bridge that joins lines: no other sees its records; leave it out, or "
                    + "group by time alone",
                "f:3:73: default has no place in a bridge that joins lines: no other takes its records; leave it out, "
                    + "or group by time alone",
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: stdout, wehre: {a: b}, sotp: true}\n",
            [
                "f:2:31: unknown key \"wehre\" in a bridge; did you mean where? expected \(bridgeKeys)",
                "f:2:46: unknown key \"sotp\" in a bridge; did you mean stop? expected \(bridgeKeys)",
            ]),
    ]
}

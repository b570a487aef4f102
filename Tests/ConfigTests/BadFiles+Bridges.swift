extension BadFiles {
    /// The keys of a bridge, as they are listed.
    static let bridgeKeys =
        "name, from, match, where, default, stop, on_error, body, subject, thread, lang, to, type, show, hold, "
        + "overflow, mode, fsync, group, limit, repeat or update"

    /// Mistakes in bridges.
    static let bridges: [BadFile] = [
        BadFile(
            "bridges: []\n",
            [
                "f:1:10: bridges is an empty list; add a bridge, or leave bridges out"
            ]),
        BadFile(
            "bridges:\n  - {}\n  - text\n  - [stdin]\n",
            [
                "f:2:5: a bridge without from; add from: stdin, fifo:PATH, tail:PATH, xmpp:JID, room:JID or events",
                "f:2:5: a bridge without to; add to: stdout, xmpp:JID, room:JID, file:PATH, fifo:PATH, presence or commands",
                "f:3:5: text where a bridge belongs; expected keys and values: " + bridgeKeys,
                "f:4:5: a list where a bridge belongs; expected keys and values: " + bridgeKeys,
            ]),
        BadFile(
            "bridges:\n  - {form: stdin, ot: stdout}\n",
            [
                "f:2:6: unknown key \"form\" in a bridge; did you mean from? expected " + bridgeKeys,
                "f:2:19: unknown key \"ot\" in a bridge; did you mean to? expected " + bridgeKeys,
            ]),
        BadFile(
            "bridges:\n  - from: []\n    to: {xmpp: a}\n  -\n    from: [stdin, ~, null]\n    to: [[stdout]]\n",
            [
                "f:2:11: from is an empty list; name at least one",
                "f:3:9: keys and values where to belongs; expected one value or a list; quote what has a colon in it",
                "f:5:19: from has no value; write one, or leave from out",
                "f:5:22: from has no value; write one, or leave from out",
                "f:6:10: a list where the text of to belongs; expected one value; a text that begins with [ needs "
                    + "quotes",
            ]),
        BadFile(
            "bridges:\n  - from: stdn\n    to: [\'xmpp:\', \'xmpp:ops@\', xmpp:a b@example.org, "
                + "\"ops@example.org\"]\n  - {from: \'tail:\', to: [room:a@b/c, \'room:\']}\n",
            [
                "f:2:11: unknown endpoint \"stdn\"; did you mean stdin?",
                "f:3:11: no address behind xmpp:; expected for example xmpp:ops@example.org",
                "f:3:25: no address: \"ops@\" names no domain; expected for example ops@example.org",
                "f:3:37: no address: the local part \"a b\" of \"a b@example.org\" holds a space (U+0020), which "
                    + "RFC 7622 does not allow; expected for example ops@example.org",
                "f:3:55: \"ops@example.org\" is no endpoint; did you mean xmpp:ops@example.org?",
                "f:4:13: no path behind tail:; expected for example tail:/var/log/app.log",
                "f:4:31: a room has no resource; \"c\" would be somebody's nick in it; expected room:a@b; our own "
                    + "nick is given as nick: in rooms:, or by --nick",
                "f:4:39: no address behind room:; expected for example room:ops@conference.example.org",
            ]),
        BadFile(
            "bridges:\n  - {from: stdout, to: stdin}\n  - {from: [commands, stdin], to: events}\n  - {from: "
                + "events, to: xmpp:a@b}\n  - {from: xmpp:a@b, to: commands}\n",
            [
                "f:2:12: stdout is no source: records only go there; expected stdin, fifo:PATH, tail:PATH, xmpp:JID, room:JID or events",
                "f:2:24: stdin is no destination: records only come from there; expected stdout, xmpp:JID, "
                    + "room:JID, file:PATH, fifo:PATH, presence or commands",
                "f:3:13: commands is no source: records only go there; expected stdin, fifo:PATH, tail:PATH, xmpp:JID, room:JID or events",
                "f:3:35: events is no destination: records only come from there; expected stdout, xmpp:JID, "
                    + "room:JID, file:PATH, fifo:PATH, presence or commands",
                "f:4:24: events are no text that could be sent to xmpp:a@b; add a body, as in body: \"{event}: "
                    + "{from} {body}\", or a match on the messages\' bodies",
                "f:5:26: commands cannot come from xmpp:a@b; only lines, as from: stdin or fifo:PATH, can go to commands, a JSON object a "
                    + "line",
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: commands, body: \'{line}\'}\n  - {from: stdin, to: [stdout, stdout]}\n",
            [
                "f:2:40: a body has no place in a bridge to commands; the line itself is the command; leave body out",
                "f:3:32: stdout stands here twice; leave one out",
            ]),
        BadFile(
            "bridges:\n  - {name: a, from: stdin, to: stdout}\n  - {name: b, from: stdin, to: stdout}\n  - {name: "
                + "a, from: stdin, to: stdout, type: groupchat}\n  - {name: \'\', from: stdin, to: stdout, type: "
                + "hedline, group: {}, limit: {}}\n",
            [
                "f:4:12: the name \"a\" is taken; by the bridge in line 2; names are unique",
                "f:4:46: type groupchat is not chosen here; leave it out: what goes to: room:JID is of that type",
                "f:5:12: name has no value; write one, or leave name out",
                "f:5:47: unknown type \"hedline\"; did you mean headline? expected chat, normal or headline",
                "f:5:63: group has neither a pattern nor a time; add within: 500ms to join what comes within that "
                    + "time, or start: or continue: with a pattern for the lines of one record",
                "f:5:74: limit without rate; add rate: 10/min",
            ]),
        BadFile(
            "bridges:\n  - from: stdin\n    to: stdout\n    match: \'it\'\'s ü [a\'\n    body: \'{x} it\'\'s {y}\'\n",
            [
                "f:4:23: match does not compile: missing terminating ] for character class; expected a regular "
                    + "expression (PCRE2)"
            ]),
        BadFile(
            "bridges:\n  - from: stdin\n    to: stdout\n    match: \"\\\\[\\x41\\u0041\\U00000041(\"\n    body: "
                + "\"\\\"\\u00fc {line} {nope}\"\n",
            [
                "f:4:37: match does not compile: missing closing parenthesis; expected a regular expression "
                    + "(PCRE2); in single quotes backslashes stand for themselves"
            ]),
        BadFile(
            "bridges:\n  - from: stdin\n    to: stdout\n    body: |\n      {line}\n      {nope} {\n  - from: "
                + "stdin\n    to: stdout\n    body: \"a\n      {nope}\"\n",
            [
                "f:4:11: unknown placeholder \"{nope}\"; expected {line}, {source}, {host}, {time} or {json.PATH}",
                "f:4:11: a { without its }; write {{ for a brace",
                "f:9:11: unknown placeholder \"{nope}\"; expected {line}, {source}, {host}, {time} or {json.PATH}",
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: stdout, body: \'\'}\n  - {from: stdin, to: stdout, body: }\n  - "
                + "{from: stdin, to: stdout, body: [a], match: {a: b}, type: [x], name: ~}\n",
            [
                "f:2:37: body has no value; write one, or leave body out",
                "f:3:37: body has no value; write one, or leave body out",
                "f:4:37: a list where the text of body belongs; expected one value; a text that begins with [ "
                    + "needs quotes",
                "f:4:49: keys and values where the text of match belongs; expected one value; a text that begins "
                    + "with { needs quotes",
                "f:4:63: a list where the text of type belongs; expected one value; a text that begins with [ "
                    + "needs quotes",
                "f:4:74: name has no value; write one, or leave name out",
            ]),
        BadFile(
            "bridges:\r\n  - from: stdn\r\n    to: stdout\r\n",
            [
                "f:2:11: unknown endpoint \"stdn\"; did you mean stdin?"
            ]),
        BadFile(
            "bridges:\r  - from: stdn\r    to: stdout\r",
            [
                "f:2:11: unknown endpoint \"stdn\"; did you mean stdin?"
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: stdout, body: {line}}\n  - {from: stdin, to: stdout, match: [a-z]}\n",
            [
                "f:2:37: keys and values where the text of body belongs; expected one value; a text that begins "
                    + "with { needs quotes",
                "f:3:38: a list where the text of match belongs; expected one value; a text that begins with [ "
                    + "needs quotes",
            ]),
        BadFile(
            "bridges:\n  - {from: xmpp:a@b, to: stdout, body: \"{line} {nick} {form}\"}\n  - {from: events, to: "
                + "stdout, body: \'{x} {bdy}\'}\n",
            [
                "f:2:41: unknown placeholder \"{line}\" for records from xmpp:a@b; expected {from}, {jid}, {to}, "
                    + "{type}, {room}, {nick}, {id}, {body}, {subject}, {thread}, {lang}, {delay}, ... or {json.PATH}",
                "f:2:55: unknown placeholder \"{form}\"; did you mean {from}?",
                "f:3:39: unknown placeholder \"{x}\"; expected {from}, {jid}, {to}, {type}, {room}, {nick}, "
                    + "{id}, {body}, {subject}, {thread}, {lang}, {delay}, ... or {json.PATH}",
                "f:3:43: unknown placeholder \"{bdy}\"; did you mean {body}?",
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: stdout, macth: a, body: \'{1} {nope}\'}\n  - {from: events, to: "
                + "xmpp:a@b, bdoy: x}\n",
            [
                "f:2:31: unknown key \"macth\" in a bridge; did you mean match? expected " + bridgeKeys,
                "f:3:34: unknown key \"bdoy\" in a bridge; did you mean body? expected " + bridgeKeys,
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: \"file:/a\", mode: 99, fsync: maybe}\n  - {from: stdin, to: stdout, mode: 0640, fsync: true}\n  - {from: stdin, to: \"file:/b\", mode: 0440}\n",
            [
                "f:2:40: mode \"99\" is none; expected octal digits, as in 0640",
                "f:2:51: fsync is \"maybe\"; expected true or false",
                "f:3:37: mode is for files, and nothing here goes to one; leave it out, or add a destination file:PATH",
                "f:3:50: fsync is for files, and nothing here goes to one; leave it out, or add a destination file:PATH",
                "f:4:40: with the mode 0440 the bridge itself could not write; expected a mode that lets the owner write, as in 0640",
            ]),
    ]
}

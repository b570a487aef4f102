extension BadFiles {
    /// What is no YAML, or no configuration.
    static let yaml: [BadFile] = [
        BadFile(
            "",
            [
                "f:1:1: the file is empty; expected account, presence, "
                    + "contacts, rooms, receipts, spool or bridges"
            ]),
        BadFile(
            "# nothing\n",
            [
                "f:1:1: the file is empty; expected account, presence, "
                    + "contacts, rooms, receipts, spool or bridges"
            ]),
        BadFile(
            "---\n",
            [
                "f:2:1: the file is empty; expected account, presence, "
                    + "contacts, rooms, receipts, spool or bridges"
            ]),
        BadFile(
            "- a\n",
            [
                "f:1:1: a list where a configuration belongs; expected keys and values: account, presence, "
                    + "contacts, rooms, receipts, spool or bridges"
            ]),
        BadFile(
            "just text\n",
            [
                "f:1:1: text where a configuration belongs; expected keys and values: account, presence, "
                    + "contacts, rooms, receipts, spool or bridges"
            ]),
        BadFile(
            "acount: {}\nbrigdes: []\nrooms: []\ncontacts: []\nstuff: 1\n",
            [
                "f:1:1: unknown key \"acount\" in a configuration; did you mean account? expected account, "
                    + "presence, contacts, rooms, receipts, spool or bridges",
                "f:2:1: unknown key \"brigdes\" in a configuration; did you mean bridges? expected account, "
                    + "presence, contacts, rooms, receipts, spool or bridges",
                "f:3:8: rooms is an empty list; add a room, or leave rooms out",
                "f:4:11: a list where contacts belongs; expected keys and values: accept, block or invitations",
                "f:5:1: unknown key \"stuff\" in a configuration; expected account, presence, "
                    + "contacts, rooms, receipts, spool or bridges",
            ]),
        BadFile(
            "bridges:\n  - from: stdin\n    to: stdout\n    match: a(b\n    body: on {hots}: {1}\n",
            [
                "f:5:20: no valid YAML: mapping values are not allowed in this context; check indentation, "
                    + "brackets and quotes; a value with \": \" or \" #\" in it, or one of [{*&!|>%@ before it, needs "
                    + "quotes"
            ]),
        BadFile(
            "account: &a {jid: a@b}\npresence: *a\n",
            [
                "f:1:10: an anchor (&) is not supported here; write the value out where it is used",
                "f:2:11: an alias (*) is not supported here; write the value out where it is used",
            ]),
        BadFile(
            "account: {jid: !!str a@b}\npresence: !x {show: dnd}\nbridges: &b [*c]\n",
            [
                "f:1:16: a tag (!) is not supported here; write the value out where it is used",
                "f:2:11: a tag (!) is not supported here; write the value out where it is used",
                "f:3:10: an anchor (&) is not supported here; write the value out where it is used",
                "f:3:14: an alias (*) is not supported here; write the value out where it is used",
            ]),
        BadFile(
            "account: {jid: a@b}\n---\naccount: {}\n",
            [
                "f:2:1: a second document; one file holds one configuration; leave out ---"
            ]),
        BadFile(
            "? [a, b]\n: 1\n",
            [
                "f:1:3: a list where a key belongs; expected account, presence, "
                    + "contacts, rooms, receipts, spool or bridges"
            ]),
        BadFile(
            "account:\n\tjid: a@b\n",
            [
                "f:2:1: no valid YAML: found character that cannot start any token; indent with spaces, not with tabs"
            ]),
        BadFile(
            "bridges:\n  -\tfrom: stdin\n",
            [
                "f:2:4: no valid YAML: found character that cannot start any token; indent with spaces, not with tabs"
            ]),
        BadFile(
            "a: &a {jid: a@b}\naccount:\n  <<: *a\n",
            [
                "f:1:1: unknown key \"a\" in a configuration; expected account, presence, "
                    + "contacts, rooms, receipts, spool or bridges",
                "f:1:4: an anchor (&) is not supported here; write the value out where it is used",
                "f:3:3: unknown key \"<<\" in account; expected jid, password, server, ca_file, fingerprint, "
                    + "client_cert, client_key, resource, anonymous, retry or connect_timeout",
                "f:3:7: an alias (*) is not supported here; write the value out where it is used",
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: stdout, where: {json.a: &a [x], json.b: *a}}\n",
            [
                "f:2:47: an anchor (&) is not supported here; write the value out where it is used",
                "f:2:63: an alias (*) is not supported here; write the value out where it is used",
            ]),
        BadFile(
            "account: {jid: a@b\n",
            [
                "f:2:1: no valid YAML: did not find expected \',\' or \'}\', while parsing a flow mapping that "
                    + "begins in line 1; check indentation, brackets and quotes; a value with \": \" or \" #\" in it, "
                    + "or one of [{*&!|>%@ before it, needs quotes"
            ]),
        BadFile(
            "account:\n  jid: a: b\n",
            [
                "f:2:9: no valid YAML: mapping values are not allowed in this context; check indentation, "
                    + "brackets and quotes; a value with \": \" or \" #\" in it, or one of [{*&!|>%@ before it, needs "
                    + "quotes"
            ]),
        BadFile(
            "account:\n  jid: \"a@b\npresence: {}\n",
            [
                "f:4:1: no valid YAML: found unexpected end of stream, while scanning a quoted scalar that begins "
                    + "in line 2; check indentation, brackets and quotes; a value with \": \" or \" #\" in it, or one "
                    + "of [{*&!|>%@ before it, needs quotes"
            ]),
        BadFile(
            "account: {jid: @a}\n",
            [
                "f:1:16: no valid YAML: found character that cannot start any token; check indentation, brackets "
                    + "and quotes; a value with \": \" or \" #\" in it, or one of [{*&!|>%@ before it, needs quotes"
            ]),
        BadFile(
            "bridges:\n  - match: *x\n    from: stdin\n   to: stdout\n",
            [
                "f:4:4: no valid YAML: did not find expected \'-\' indicator, while parsing a block collection "
                    + "that begins in line 2; check indentation, brackets and quotes; a value with \": \" or \" #\" in "
                    + "it, or one of [{*&!|>%@ before it, needs quotes"
            ]),
        BadFile(
            "﻿acc: 1\n",
            [
                "f:1:1: unknown key \"acc\" in a configuration; expected account, presence, "
                    + "contacts, rooms, receipts, spool or bridges"
            ]),
        BadFile(
            "account: {jid: a\u{07}b}\n",
            [
                "f:1:17: the control character U+7; leave it out, or write it as an escape in double quotes"
            ]),
        BadFile(
            "bridges:\n  - *a: x\n",
            [
                "f:2:5: an alias (*) is not supported here; write the value out where it is used"
            ]),
        BadFile(
            "bridges:\n  - {from: stdin, to: stdout, match: [a-z]+}\n",
            [
                "f:2:43: no valid YAML: did not find expected \',\' or \'}\'; check indentation, brackets and "
                    + "quotes; a value with \": \" or \" #\" in it, or one of [{*&!|>%@ before it, needs quotes"
            ]),
        BadFile(
            "[[[[[[[[[[[[[[[[[",
            [
                "f:1:17: nested deeper than 16 levels; no key needs that depth"
            ]),
        BadFile(
            "a: \'x",
            [
                "f:1:6: no valid YAML: found unexpected end of stream; check indentation, brackets and quotes; a "
                    + "value with \": \" or \" #\" in it, or one of [{*&!|>%@ before it, needs quotes"
            ]),
    ]
}

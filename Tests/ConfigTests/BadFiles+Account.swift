extension BadFiles {
    /// Mistakes in the account and the presence.
    static let account: [BadFile] = [
        BadFile(
            "account: {jid: a@b}\naccount: {jid: c@d}\n",
            [
                "f:2:1: account stands here twice; the first is in line 1; leave one out"
            ]),
        BadFile(
            "account: [a]\npresence: chat\nbridges: {}\n",
            [
                "f:1:10: a list where account belongs; expected keys and values: jid, password, server, ca_file, "
                    + "fingerprint, client_cert, client_key, resource, anonymous, retry or connect_timeout",
                "f:2:11: text where presence belongs; expected keys and values: show, status, "
                    + "priority or invisible",
                "f:3:10: keys and values where the list of bridges belongs; expected a list: - {from: stdin, to: "
                    + "xmpp:ops@example.org}",
            ]),
        BadFile(
            "account:\n  jid: \"@example.org\"\n  password: {fil: x}\n  server: \"a:b\"\n  fingerprint: abc\n  "
                + "client_key: /k\n  resource: \'\'\n  anonymous: yes\n  retry: ever\n  connect_timeout: 0s\n  ca_file: "
                + "[x]\n  ca-file: y\n",
            [
                "f:2:8: no address: nothing stands before the \"@\" of \"@example.org\": a local part belongs "
                    + "there, or no \"@\"; expected for example bridge@example.org",
                "f:3:14: unknown key in password; did you mean file? expected file, env, credential or command",
                "f:4:11: \"b\" is no port; expected a number from 1 to 65535",
                "f:5:16: a fingerprint without sha256: before it; expected sha256: and 64 hexadecimal digits, as "
                    + "openssl x509 -fingerprint -sha256 prints them",
                "f:6:15: client_key without client_cert; add client_cert, or leave client_key out",
                "f:7:13: resource has no value; write one, or leave resource out",
                "f:8:14: anonymous is \"yes\"; expected true or false",
                "f:9:10: \"ever\" is no length of time; expected fail-fast, forever or a length of time such as 10m",
                "f:10:20: connect_timeout is zero; expected for example 10s",
                "f:11:12: a list where the text of ca_file belongs; expected one value; a text that begins with [ "
                    + "needs quotes",
                "f:12:3: unknown key \"ca-file\" in account; did you mean ca_file? expected jid, password, "
                    + "server, ca_file, fingerprint, client_cert, client_key, resource, anonymous, retry or "
                    + "connect_timeout",
            ]),
        BadFile(
            "account:\n  jid: a@b/c\n  anonymous: true\n  password: {file: a, env: B}\n",
            [
                "f:2:8: the account \"a@b/c\" has a resource; write jid: a@b and resource: c",
                "f:4:13: password has file and env; one of them is enough",
                "f:4:13: a password beside anonymous: true; leave one of them out",
            ]),
        BadFile(
            "account: {jid: a@b, password: {env: $X}}\npresence: {show: online, priority: 200, status: [a]}\n",
            [
                "f:1:37: env is not the name of a variable; expected a name alone, as in {env: XMPP_PASSWORD}",
                "f:2:18: unknown show \"online\"; expected away, chat, dnd or xa",
                "f:2:36: priority \"200\"; expected a whole number from -128 to 127",
                "f:2:49: a list where the text of status belongs; expected one value; a text that begins with [ "
                    + "needs quotes",
            ]),
        BadFile(
            "account: {password: {command: pass}}\npresence: {show: dnd, priority: 1.5}\n",
            [
                "f:1:31: text where a command belongs; expected a list: [PROGRAM, ARGUMENT, ...]",
                "f:2:33: priority \"1.5\"; expected a whole number from -128 to 127",
            ]),
        BadFile(
            "account: {password: {command: []}}\n",
            [
                "f:1:31: command is an empty list; name at least one"
            ]),
        BadFile(
            "account: {password: {command: [\'\', [x]]}}\n",
            [
                "f:1:32: command has no value; write one, or leave command out",
                "f:1:36: a list where the text of command belongs; expected one value; a text that begins with [ "
                    + "needs quotes",
            ]),
        BadFile(
            "account: {password: {credential: ../x}}\n",
            [
                "f:1:34: credential \"../x\" is a path; expected the name given to LoadCredential="
            ]),
        BadFile(
            "account: {password: {}}\n",
            [
                "f:1:21: password has no source; expected file, env, credential or command"
            ]),
        BadFile(
            "account: {password: [hunter2]}\n",
            [
                "f:1:21: a list where password belongs; expected keys and values: file, env, credential or command"
            ]),
        BadFile(
            "account: {password: {hunter2}}\n",
            [
                "f:1:22: unknown key in password; expected file, env, credential or command"
            ]),
        BadFile(
            "account: {password: }\n",
            [
                "f:1:21: password has no value; write one, or leave password out"
            ]),
        BadFile(
            "presence: {status: \" \", sho: x}\n",
            [
                "f:1:25: unknown key \"sho\" in presence; did you mean show? expected show, status, "
                    + "priority or invisible"
            ]),
        BadFile(
            "account: {jid: a b@example.org, resource: \"a\\u200eb\", password: {file: }}\n",
            [
                "f:1:16: no address: the local part \"a b\" of \"a b@example.org\" holds a space (U+0020), which "
                    + "RFC 7622 does not allow; expected for example bridge@example.org",
                "f:1:43: \"a\\u{200e}b\" is no resource: it holds U+200E, which RFC 7622 does not allow; expected "
                    + "for example bridge",
                "f:1:72: file has no value; write one, or leave file out",
            ]),
        BadFile(
            "bridges: ~\naccount:\n",
            [
                "f:1:10: nothing where the list of bridges belongs; expected a list: - {from: stdin, to: "
                    + "xmpp:ops@example.org}",
                "f:2:9: nothing where account belongs; expected keys and values: jid, password, server, ca_file, "
                    + "fingerprint, client_cert, client_key, resource, anonymous, retry or connect_timeout",
            ]),
    ]
}

import Routing
import Stanza
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        "stdin", "stdout", "events", "commands", "presence", "xmpp:ops@example.org", "xmpp:ops@example.org/desk",
        "room:ops@conference.example.org", "file:/var/log/ops-%Y-%m-%d.log", "file:out", "fifo:/run/x",
        "tail:/var/log/*.log",
    ])
    func readsWhatItWrites(_ text: String) throws {
        #expect("\(try Endpoint(parsing: text))" == text)
    }

    @Test(arguments: [
        ("fifo:", "no path behind fifo:; expected for example fifo:/run/xmpp-bridge/ops"),
        ("fifo:/run/", "is the path of a folder"),
        ("tail:", "no path behind tail:; expected for example tail:/var/log/app.log"),
        ("tail:/var/*/a.log", "a pattern in the name of a folder"),
        ("file:", "no path behind file:; expected for example file:/var/log/chat/ops-%Y-%m-%d.log"),
        ("file:/var/log/", "\"/var/log/\" names no file"),
        ("file:a-%Q", "unknown part of the date \"%Q\"; expected %Y (year)"),
        ("file:a%", "unknown part of the date \"%\""),
        ("fil:x", "did you mean file:PATH?"),
        ("room:", "no address behind room:; expected for example room:ops@conference.example.org"),
        ("room:conference.example.org", "\"conference.example.org\" is a service and no room of it"),
        ("room:ops@conference.example.org/me", "a room has no resource; \"me\" would be somebody's nick in it"),
        (
            "",
            "unknown endpoint \"\"; expected stdin, stdout, xmpp:JID, room:JID, file:PATH, fifo:PATH, tail:PATH, events, presence or commands"
        ),
        ("stdn", "unknown endpoint \"stdn\"; did you mean stdin?"),
        ("Stdout", "unknown endpoint \"Stdout\"; did you mean stdout?"),
        ("event", "did you mean events?"),
        ("xmp:ops@example.org", "did you mean xmpp:JID?"),
        ("ops@example.org", "\"ops@example.org\" is no endpoint; did you mean xmpp:ops@example.org?"),
        ("xmpp:", "no address behind xmpp:"),
        ("xmpp:ops@", "no address: \"ops@\" names no domain; expected for example ops@example.org"),
        ("http://example.org", "unknown endpoint"),
    ])
    func saysWhatIsWrong(_ text: String, _ expected: String) {
        #expect {
            _ = try Endpoint(parsing: text)
        } throws: {
            "\($0)".contains(expected) && !"\($0)".contains("\n")
        }
    }
}

@Suite struct WordingTests {
    @Test(arguments: [
        ("brigdes", "bridges"), ("bridge", "bridges"), ("acount", "account"), ("presense", "presence"), ("xyz", nil),
        ("", nil), ("ca-file", "ca_file"), ("CA_FILE", "ca_file"),
    ])
    func nearest(_ word: String, _ expected: String?) {
        #expect(Wording.nearest(to: word, among: ["account", "presence", "bridges", "ca_file"]) == expected)
    }

    @Test func quotesOnOneLine() {
        #expect(Wording.quote("a\nb\u{1b}[31m\u{202e}ü") == "\"a\\u{a}b\\u{1b}[31m\\u{202e}ü\"")
        #expect(Wording.quote(String(repeating: "x", count: 61)) == "\"" + String(repeating: "x", count: 60) + "…\"")
        #expect(Wording.quote(String(repeating: "x", count: 60)) == "\"" + String(repeating: "x", count: 60) + "\"")
    }

    @Test func listsAlternatives() {
        #expect(Wording.alternatives([]) == "nothing")
        #expect(Wording.alternatives(["a"]) == "a")
        #expect(Wording.alternatives(["a", "b", "c"]) == "a, b or c")
    }
}

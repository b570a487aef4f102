import Config
import Testing

@Suite struct DurationTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("10m", .seconds(600)),
        ("1h30m", .seconds(5_400)),
        ("2d", .seconds(172_800)), ("1d1h1m1s1ms", .milliseconds(90_061_001)), ("0s", .zero), ("007s", .seconds(7)),
        ("365d", .seconds(365 * 86_400)), ("1m500ms", .milliseconds(60_500)),
    ])
    func reads(_ text: String, _ expected: Duration) throws {
        #expect(try Duration(parsing: text) == expected)
    }

    @Test(arguments: [
        ("", "no length of time; expected for example 500ms, 30s, 10m, 1h30m or 2d"),
        ("10", "\"10\" has a number without a unit; "), ("1m30", "\"1m30\" has a number without a unit; "),
        ("m", "\"m\" is no length of time; "), ("1.5h", "\"1.5h\" is no length of time; "),
        ("-1s", "\"-1s\" is no length of time; "), ("1s1m", "\"1s1m\" is no length of time; "),
        ("1s1s", "\"1s1s\" is no length of time; "), ("10 m", "\"10 m\" is no length of time; "),
        ("1M", "\"1M\" is no length of time; "), ("5sec", "\"5sec\" is no length of time; "),
        ("366d", "\"366d\" is too long; at most 365d"), ("365d1ms", "\"365d1ms\" is too long; at most 365d"),
        ("99999999999999999999s", "\"99999999999999999999s\" is too long; at most 365d"),
        ("9223372036854775807d", "\"9223372036854775807d\" is too long; at most 365d"),
    ])
    func refuses(_ text: String, _ expected: String) {
        #expect {
            _ = try Duration(parsing: text)
        } throws: {
            "\($0)".hasPrefix(expected)
        }
    }

    @Test func retryPolicies() throws {
        #expect(try RetryPolicy(parsing: "fail-fast") == .failFast)
        #expect(try RetryPolicy(parsing: "forever") == .forever)
        #expect(try RetryPolicy(parsing: "10m") == .within(.seconds(600)))
        for (text, expected) in [
            ("fail_fast", "\"fail_fast\" is no length of time; did you mean fail-fast?"),
            ("0s", "no time to retry in; did you mean fail-fast?"),
            ("10", "\"10\" has a number without a unit; expected fail-fast, forever or a length of time such as 10m"),
        ] {
            #expect {
                _ = try RetryPolicy(parsing: text)
            } throws: {
                "\($0)" == expected
            }
        }
    }
}

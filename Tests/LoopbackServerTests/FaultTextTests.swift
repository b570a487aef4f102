import LoopbackServer
import Testing

@Suite struct FaultTextTests {
    static let good: [(String, Fault)] = [
        ("2:messages=100:abort", Fault(on: .only(2), at: .messages, time: .nth(100), .abort)),
        ("*:auth:refuse=not-authorized", Fault(on: .every, at: .auth, .refuse(condition: "not-authorized"))),
        ("1:features=2:stall", Fault(on: .only(1), at: .features, time: .nth(2), .stall)),
        ("1:bytes-out=4096:abort", Fault(on: .only(1), at: .bytesOut, time: .nth(4096), .abort)),
        ("1:bytes-in=1:abort", Fault(on: .only(1), at: .bytesIn, time: .nth(1), .abort)),
        ("3+:connect:close=host-gone", Fault(on: .from(3), at: .connect, .close(condition: "host-gone"))),
        ("1:request=*:lose", Fault(on: .only(1), at: .request, time: .each, .lose)),
        ("1:bind:withhold-acks", Fault(on: .only(1), at: .bind, .withholdAcks)),
        ("1:bind:repeat-acks", Fault(on: .only(1), at: .bind, .repeatAcks)),
        ("1:bind:ack=+7", Fault(on: .only(1), at: .bind, .acknowledgeShifted(by: 7))),
        ("1:bind:ack=-7", Fault(on: .only(1), at: .bind, .acknowledgeShifted(by: -7))),
        ("1:bind:ack=4294967295", Fault(on: .only(1), at: .bind, .acknowledgeAlways(.max))),
        ("1:resume:forget", Fault(on: .only(1), at: .resume, .forget)),
        ("1:after-stanzas=5:restart", Fault(on: .only(1), at: .stanzas, time: .nth(5), after: true, .restart)),
        ("1:stanzas:restart-keeping", Fault(on: .only(1), at: .stanzas, .restartKeeping)),
        ("1:success:pause=250ms", Fault(on: .only(1), at: .success, .pause(.milliseconds(250)))),
        (
            "1:success:send=<a:b c='d'/>\\n\\x00\\\\",
            Fault(on: .only(1), at: .success, .send(Array("<a:b c='d'/>\n\0\\".utf8)))
        ),
        ("1:join:deliver=<message/>", Fault(on: .only(1), at: .join, .deliver(Array("<message/>".utf8)))),
        ("2:groupchat=3:room-forget=ops", Fault(on: .only(2), at: .groupchat, time: .nth(3), .rooms(forgets()))),
        ("2:presence:room-forget=ops/a/b", Fault(on: .only(2), at: .presence, .rooms(forgets("a/b")))),
        ("1:iq:rooms-silent", Fault(on: .only(1), at: .iq, .rooms(.fallSilent))),
        ("1:iq:rooms-answer", Fault(on: .only(1), at: .iq, .rooms(.answer))),
        ("1:iq:rooms-restart", Fault(on: .only(1), at: .iq, .rooms(.restart(isTold: false)))),
        ("1:iq:rooms-shutdown", Fault(on: .only(1), at: .iq, .rooms(.restart(isTold: true)))),
        ("1:iq:rooms-withhold=2", Fault(on: .only(1), at: .iq, .rooms(.withhold(messages: 2)))),
        ("1:iq:rooms-limit=500ms", Fault(on: .only(1), at: .iq, .rooms(.limit(.milliseconds(500))))),
        ("1:archive=2:archives-off", Fault(on: .only(1), at: .archive, time: .nth(2), .archives(.off))),
        ("1:iq:archives-on", Fault(on: .only(1), at: .iq, .archives(.on))),
        ("1:iq:archives-silent", Fault(on: .only(1), at: .iq, .archives(.fallSilent))),
        ("1:iq:archives-answer", Fault(on: .only(1), at: .iq, .archives(.answer))),
        ("1:iq:archives-forget", Fault(on: .only(1), at: .iq, .archives(.forget))),
        ("1:header:send=", Fault(on: .only(1), at: .header, .send([]))),
    ]

    private static func forgets(_ nick: String? = nil) -> RoomFault { .forget(room: "ops", nick: nick) }

    @Test(arguments: good) func isReadAndWritten(_ text: String, _ fault: Fault) throws {
        #expect(try Fault(parsing: text) == fault)
        #expect(fault.description == text)
    }

    @Test func injectIsShortForBytesBehindProceed() throws {
        let fault = try Fault(parsing: "1:proceed:inject")
        #expect(fault.description.hasPrefix("1:after-proceed:send=<iq "))
        #expect(try Fault(parsing: fault.description) == fault)
    }

    @Test func secondsAreMilliseconds() throws {
        #expect(try Fault(parsing: "1:bind:pause=2s").description == "1:bind:pause=2000ms")
    }

    @Test(arguments: [
        ("", "expected CONNECTION:TRIGGER:EFFECT, as in 2:messages=100:abort"),
        ("1:bind", "expected CONNECTION:TRIGGER:EFFECT, as in 2:messages=100:abort"),
        ("0:bind:abort", "the connection '0' is neither * nor a number from 1, nor N+"),
        ("-1:bind:abort", "the connection '-1' is neither * nor a number from 1, nor N+"),
        ("+:bind:abort", "the connection '+' is neither * nor a number from 1, nor N+"),
        ("1:bind=0:abort", "'bind=' takes a number from 1, or *"),
        ("1:bind=:abort", "'bind=' takes a number from 1, or *"),
        ("1:bind=99999999999999999999:abort", "'bind=' takes a number from 1, or *"),
        ("1:connect:lose", "'connect' cannot be lost"),
        ("1:header:refuse=gone", "'header' cannot be refused; use close=CONDITION"),
        ("1:after-auth:refuse=aborted", "what is done cannot be refused; leave after- away"),
        ("1:bytes-in=9:stall", "'bytes-in' takes a number and goes with abort alone"),
        ("1:bytes-out=*:abort", "'bytes-out' takes a number and goes with abort alone"),
    ])
    func isRefused(_ text: String, _ reason: String) {
        #expect(throws: Fault.Failure.self) { try Fault(parsing: text) }
        do throws(Fault.Failure) {
            _ = try Fault(parsing: text)
        } catch {
            #expect(error.reason == reason)
            #expect(error.description == "fault '\(text)': \(reason)")
        }
    }

    @Test(arguments: [
        "1:bind:", "1:bind:explode", "1:bind:abort=1", "1:bind:close", "1:bind:close=", "1:bind:close=Bad Name",
        "1:bind:close=<x/>", "1:bind:refuse=-x", "1:bind:pause=5", "1:bind:pause=ms", "1:bind:pause=-1s",
        "1:bind:pause=99999999999999999s", "1:bind:ack=", "1:bind:ack=x", "1:bind:ack=+", "1:bind:ack=4294967296",
        "1:bind:send=\\", "1:bind:send=\\q", "1:bind:send=\\x1", "1:bind:send=\\x+1", "1:bind:inject",
        "1:bind:room-forget", "1:bind:room-forget=", "1:bind:room-forget=/x", "1:bind:room-forget=ops/",
        "1:bind:rooms-silent=1", "1:bind:rooms-withhold=0", "1:bind:rooms-limit=0s", "1:bind:rooms-explode",
        "1:bind:archives-off=1",
    ])
    func isNoEffect(_ text: String) {
        #expect(throws: Fault.Failure.self) { try Fault(parsing: text) }
    }

    @Test func namesTheTriggersThereAre() {
        do throws(Fault.Failure) {
            _ = try Fault(parsing: "1:lunch:abort")
            Issue.record("lunch is no trigger")
        } catch {
            #expect(error.reason.hasPrefix("unknown trigger 'lunch'; one of connect, header, features,"))
        }
    }
}

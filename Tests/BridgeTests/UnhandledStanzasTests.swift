import Testing

@testable import Bridge

/// Which stanzas wait for a sink.
@Suite struct UnhandledStanzasTests {
    @Test func theOldestWaitsUntilItsLastByteIsWritten() {
        var stanzas = UnhandledStanzas()
        #expect(stanzas.oldest(writtenUpTo: 0) == nil)
        stanzas.add(1, writtenAt: 10)
        stanzas.add(2, writtenAt: 20)
        stanzas.add(2, writtenAt: 30)
        stanzas.add(4, writtenAt: 40)
        #expect(stanzas.oldest(writtenUpTo: 9) == 1)
        #expect(stanzas.oldest(writtenUpTo: 10) == 2)
        #expect(stanzas.oldest(writtenUpTo: 29) == 2)
        #expect(stanzas.oldest(writtenUpTo: 39) == 4)
        stanzas.forget(upTo: 4)
        #expect(stanzas.oldest(writtenUpTo: 0) == nil)
    }

    @Test func whatWasWrittenTakesNoRoom() {
        var stanzas = UnhandledStanzas()
        for number in 1...100_000 as ClosedRange<UInt64> {
            stanzas.add(number, writtenAt: number * 10)
            #expect(stanzas.oldest(writtenUpTo: number * 10 - 1) == number)
            if number % 3 == 0 { #expect(stanzas.oldest(writtenUpTo: number * 10) == nil) }
        }
    }
}

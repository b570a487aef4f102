import CSQLite
import Glibc
import Testing

@testable import Spool

/// Faults below SQLite: its own system calls, by a seed, on one thread.
private enum Faults {
    /// Of the thread that faults are for; nil: none.
    nonisolated(unsafe) static var thread: pthread_t?
    nonisolated(unsafe) static var dice = Dice(state: 0)
    nonisolated(unsafe) static var count = 0
    /// Of so many calls one fails.
    nonisolated(unsafe) static var oneIn = 4

    static func begin(seed: UInt64, oneIn: Int) {
        (dice, self.oneIn, thread) = (Dice(state: seed), oneIn, pthread_self())
    }

    static func end() { thread = nil }

    /// Whether this call is to fail, and with what.
    static func strike(_ codes: [Int32]) -> Bool {
        guard let thread, pthread_equal(thread, pthread_self()) != 0,
            Int.random(in: 0..<oneIn, using: &dice) == 0, let code = codes.randomElement(using: &dice)
        else { return false }
        count += 1
        errno = code
        return true
    }

    static let install: Bool = {
        let write: @convention(c) (Int32, UnsafeRawPointer?, Int, off_t) -> Int = { descriptor, bytes, count, place in
            if Faults.strike([ENOSPC, EIO]) {
                // Some of it may have been written.
                let code = errno
                _ = pwrite(descriptor, bytes, Int.random(in: 0..<max(count, 1), using: &Faults.dice), place)
                errno = code
                return -1
            }
            return pwrite(descriptor, bytes, count, place)
        }
        let truncate: @convention(c) (Int32, off_t) -> Int32 = { descriptor, size in
            Faults.strike([EIO]) ? -1 : ftruncate(descriptor, size)
        }
        guard let system = sqlite3_vfs_find(nil), let set = system.pointee.xSetSystemCall else { return false }
        func replace(_ name: UnsafePointer<CChar>, _ call: sqlite3_syscall_ptr) -> Bool {
            set(system, name, call) == SQLITE_OK
        }
        // SQLite writes by one of these.
        let call = unsafeBitCast(write, to: sqlite3_syscall_ptr.self)
        let writes = [replace("pwrite", call), replace("pwrite64", call)]
        return writes.contains(true) && replace("ftruncate", unsafeBitCast(truncate, to: sqlite3_syscall_ptr.self))
    }()
}

/// The store against its model, with faults of the disk below it.
@Suite(.serialized) struct StoreFaultTests {
    @Test func faultsOfTheDiskLoseNothingAndBringNothingTwice() throws {
        try #require(Faults.install)
        for seed in 1...300 as ClosedRange<UInt64> { try live(seed: seed) }
        #expect(Faults.count > 3_000)
    }

    private func live(seed: UInt64) throws {
        let scratch = try Scratch()
        var store = try scratch.store()
        var image = StoreImage()
        var story = Story(seed: seed)
        defer { Faults.end() }
        for round in 0..<12 as Range<UInt64> {
            let batches = (0..<Int.random(in: 1...3, using: &story.dice)).map { _ in story.next() }
            Faults.begin(seed: seed << 8 + round, oneIn: Int.random(in: 1...12, using: &story.dice))
            let failure = attempt { () throws(StoreFailure) in try store.carryOut(batches, at: 1) }
            _ = attempt { () throws(StoreFailure) in _ = try store.giveRoomBack() }
            _ = attempt { () throws(StoreFailure) in try store.checkpoint() }
            Faults.end()
            #expect(failure.map { $0.kind == .passing } ?? true, "\(failure?.description ?? "")")
            if failure == nil {
                for batch in batches { image.carryOut(batch) }
            } else if Bool.random(using: &story.dice) {
                // The process ends here, by its own or by a kill that leaves the log as it is.
                store = try scratch.store()
                // What was told as failed may be there all the same, and whole: its last sign was on the disk.
                if try !same(store, image) { for batch in batches { image.carryOut(batch) } }
            } else {
                try agree(store, image)
                try store.carryOut(batches, at: 1)
                for batch in batches { image.carryOut(batch) }
            }
            try agree(store, image)
        }
        try agree(try scratch.store(), image)
    }

    private func attempt(_ body: () throws(StoreFailure) -> Void) -> StoreFailure? {
        do throws(StoreFailure) { try body() } catch { return error }
        return nil
    }
}

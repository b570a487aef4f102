import Routing
import Testing

@Suite struct DatedPathTests {
    private static let time = DatedPath.CivilTime(year: 2026, month: 3, day: 9, dayOfYear: 68, hour: 7, minute: 5)

    @Test(arguments: [
        ("ops.log", "ops.log", false), ("/a/%Y/%m-%d.log", "/a/2026/03-09.log", true),
        ("%j %H%M", "068 0705", true), ("100%%.log", "100%.log", false), ("%%Y%Y", "%Y2026", true),
    ])
    func followsTheDate(_ text: String, _ expected: String, _ isDated: Bool) throws {
        let path = try DatedPath(parsing: text)
        #expect(path.path(at: Self.time) == expected)
        #expect(path.isDated == isDated)
        #expect(path.text == text)
    }

    @Test func namesThePlaceOfAMistake() {
        #expect(throws: DatedPath.Problem.self) { _ = try DatedPath(parsing: "a/%Y-%q") }
        do throws(DatedPath.Problem) { _ = try DatedPath(parsing: "a/%Y-%q") } catch {
            #expect(error.offset == 5)
            #expect(error.what == "unknown part of the date \"%q\"")
        }
    }
}

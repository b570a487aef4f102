import Config

/// Loads files in tests.
enum Files {
    static func load(_ yaml: String) -> Result<Plan, Problems> { Load.plan(yaml: Array(yaml.utf8), file: "f") }

    /// The lines that a person sees.
    static func problems(_ yaml: String) -> [String] { problems(Array(yaml.utf8)) }

    static func problems(_ yaml: [UInt8]) -> [String] {
        switch Load.plan(yaml: yaml, file: "f") {
        case .success: []
        case .failure(let problems): problems.description.split(separator: "\n").map(String.init)
        }
    }
}

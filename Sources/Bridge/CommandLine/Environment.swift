import Glibc

/// What a run reads of the process around it; a value, so that tests give their own.
struct Environment: Sendable {
    /// The environment variables.
    var variables: [String: String]
    /// The host's short name.
    var host: String

    /// The variable's value, unless it is empty.
    subscript(_ name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// The environment of this process.
    static var process: Environment {
        var variables: [String: String] = [:]
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            cursor += 1
        }
        return Environment(variables: variables, host: hostName())
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let end = buffer.firstIndex(of: 0) ?? buffer.endIndex
        let name = String(decoding: buffer[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return String(name.split(separator: ".", maxSplits: 1).first ?? "localhost")
    }
}

/// Whole files of a bounded size: configuration, secrets.
enum SmallFile {
    static let bytesMax = 1_024 * 1_024

    enum Failure: Error {
        case system(Int32)
        case tooLarge
    }

    static func read(_ path: String) throws(Failure) -> [UInt8] {
        var mode: UInt32 = 0
        return try read(path, mode: &mode)
    }

    /// - Parameter mode: the permissions of what was read (`st_mode`).
    static func read(_ path: String, mode: inout UInt32) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(errno) }
        mode = status.st_mode
        return try read(descriptor: descriptor)
    }

    static func read(descriptor: Int32) throws(Failure) -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(errno)
            }
            if count == 0 { return content }
            content.append(contentsOf: buffer[..<count])
            if content.count > bytesMax { throw .tooLarge }
        }
    }
}

extension SmallFile.Failure: CustomStringConvertible {
    var description: String {
        switch self {
        case .system(let code): Diagnostics.describe(code)
        case .tooLarge: "larger than \(SmallFile.bytesMax) bytes"
        }
    }
}

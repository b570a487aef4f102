import Stanza

extension Condition {
    /// A condition as it is written, before it is known whether its rule's records have the field.
    public struct Draft: Sendable {
        /// The field's name.
        public var field: String
        /// What is asked of it.
        public var tests: [Test]
        /// Where it stands: a number of the reader's own, given back in a problem.
        public var place: Int

        /// A draft.
        public init(field: String, tests: [Test], place: Int = 0) {
            self.field = field
            self.tests = tests
            self.place = place
        }

        /// Something that is asked.
        public enum Test: Sendable {
            /// The field is one of these.
            case isOneOf([Value])
            /// It is none of these.
            case isNoneOf([Value])
            /// It is a number, and stands so to this one.
            case compares(Comparison, Value)
        }

        /// A value as it is written.
        public struct Value: Sendable {
            /// Its text.
            public var text: String
            /// Whether it stands in quotes, and so is text and no number.
            public var isQuoted: Bool
            /// Where it stands: a number of the reader's own, given back in a problem.
            public var place: Int

            /// A value.
            public init(_ text: String, isQuoted: Bool = false, place: Int = 0) {
                self.text = text
                self.isQuoted = isQuoted
                self.place = place
            }
        }
    }
}

extension Condition.Draft {
    /// The condition, nil where the field is not known or a value is none; and all that is to be said about it.
    func checked(_ vocabulary: Vocabulary) -> (condition: Condition?, problems: [Rule.Problem]) {
        var problems: [Rule.Problem] = []
        var piece: Template.Piece?
        do {
            piece = try vocabulary.piece(for: field, at: 0, as: .field)
        } catch {
            problems.append(Rule.Problem(part: .place(place, offset: error.offset), what: error.what, hint: error.hint))
        }
        if piece == .time {
            problems.append(
                Rule.Problem(
                    part: .place(place, offset: 0), what: "time is no field to choose by",
                    hint: "every record has its own"))
        }
        let isAddress = if case .field(let name) = piece { Condition.addressFields.contains(name) } else { false }
        let tests = tests.map { check($0, isAddress: isAddress, &problems) }
        problems += emptiness(tests)
        guard let piece, !problems.contains(where: { !$0.isWarning }) else { return (nil, problems) }
        return (Condition(field: field, piece: piece, tests: tests, place: place), problems)
    }

    private func check(
        _ test: Test, isAddress: Bool, _ problems: inout [Rule.Problem]
    ) -> Condition.Test {
        switch test {
        case .isOneOf(let values): return .isOneOf(values.compactMap { operand($0, isAddress, &problems) })
        case .isNoneOf(let values): return .isNoneOf(values.compactMap { operand($0, isAddress, &problems) })
        case .compares(let comparison, let value):
            if let number = Number(parsing: value.text) { return .compares(comparison, number) }
            problems.append(
                Rule.Problem(
                    part: .place(value.place, offset: 0), what: "\(comparison) \(Wording.quote(value.text))",
                    hint: "expected a number, as in {\(comparison): 5}"))
            return .isOneOf([])
        }
    }

    private func operand(
        _ value: Value, _ isAddress: Bool, _ problems: inout [Rule.Problem]
    ) -> Condition.Operand? {
        // An address that is not there is "", as everywhere.
        if isAddress, !value.text.isEmpty { return address(value, &problems) }
        if !value.isQuoted {
            if value.text == "true" || value.text == "false" { return .bool(value.text == "true") }
            if let number = Number(parsing: value.text) { return .number(number) }
        }
        return .text(Array(value.text.utf8))
    }

    private func address(_ value: Value, _ problems: inout [Rule.Problem]) -> Condition.Operand? {
        var problem: EndpointProblem
        if value.text.contains("/"), !value.text.contains("*") {
            do { return .address(try JID(value.text)) } catch {
                problem = EndpointProblem(
                    what: "no address: \(error)", hint: "expected for example ops@example.org/desk")
            }
        } else {
            do { return .glob(try JIDGlob(parsing: value.text)) } catch { problem = error }
        }
        for scheme in ["xmpp:", "room:"] where value.text.hasPrefix(scheme) {
            problem.hint = "\(field) is an address alone: leave out \(scheme)"
        }
        problems.append(
            Rule.Problem(part: .place(value.place, offset: 0), what: problem.what, hint: problem.hint))
        return nil
    }

    /// Comparisons that no number can stand.
    private func emptiness(_ tests: [Condition.Test]) -> [Rule.Problem] {
        for (index, test) in tests.enumerated() {
            guard case .compares(let lower, let least) = test, lower == .gt || lower == .ge else { continue }
            for (other, test) in tests.enumerated() where other != index {
                guard case .compares(let upper, let most) = test, upper == .lt || upper == .le else { continue }
                let isClosed = lower == .ge && upper == .le
                guard isClosed ? least > most : least >= most else { continue }
                return [
                    Rule.Problem(
                        part: .place(place, offset: 0), what: "no number is both \(shown(index)) and \(shown(other))",
                        hint: "the bridge takes nothing", isWarning: true)
                ]
            }
        }
        return []
    }

    private func shown(_ index: Int) -> String {
        guard case .compares(let comparison, let value) = tests[index] else { return "" }
        let word =
            switch comparison {
            case .gt: "more than"
            case .ge: "at least"
            case .lt: "less than"
            case .le: "at most"
            }
        return "\(word) \(value.text)"
    }
}

/// An outgoing stanza before it is in the store.
public struct RowDraft: Equatable, Sendable {
    /// Where it goes.
    public var lane: Lane
    /// What is sent, in the form that the pump chose; the store looks at its size only.
    public var payload: [UInt8]
    /// The id that a resent stanza keeps, so that duplicates are known (XEP-0359).
    public var originID: String
    /// Whatever the pump wants back with the row, for `delivery` events.
    public var ref: String?

    /// A row that is not stored yet.
    public init(lane: Lane, payload: [UInt8], originID: String, ref: String? = nil) {
        self.lane = lane
        self.payload = payload
        self.originID = originID
        self.ref = ref
    }
}

/// An outgoing stanza in the store.
public struct Row: Equatable, Sendable {
    /// Given at ``Backlog/append(_:)``, rising, from 1, never twice.
    public let number: UInt64
    /// Where it goes.
    public let lane: Lane
    /// What is sent.
    public let payload: [UInt8]
    /// The id that a resent stanza keeps.
    public let originID: String
    /// What the pump wants back.
    public let ref: String?

    /// A row with its number.
    public init(_ draft: RowDraft, number: UInt64) {
        self.number = number
        lane = draft.lane
        payload = draft.payload
        originID = draft.originID
        ref = draft.ref
    }

    /// What it counts towards ``Backlog/Limits/spoolBytesMax``: its bytes and a constant for its place.
    public var bytes: Int { payload.count + originID.utf8.count + (ref?.utf8.count ?? 0) + Self.overheadBytes }

    /// About what a row takes beside its bytes, so that many small rows cannot pass the limit unseen.
    static let overheadBytes = 128
}

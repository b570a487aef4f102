extension StanzaError {
    /// What the condition means (RFC 6120 8.3.3), for a person whom the sender gave no ``text``; nil for one that is not
    /// of the RFC.
    public var meaning: String? {
        switch condition {
        case "bad-request": "the request was not understood"
        case "conflict": "something of that name is there already"
        case "feature-not-implemented": "this is not offered there"
        case "forbidden": "we may not do this"
        case "gone": "it is not at this address any more"
        case "internal-server-error": "the server had a fault of its own"
        case "item-not-found": "there is no such thing or person"
        case "jid-malformed": "the address is not one"
        case "not-acceptable": "this is not accepted from us"
        case "not-allowed": "nobody may do this there"
        case "not-authorized": "we must prove first that we may do this"
        case "policy-violation": "this is against a rule there"
        case "recipient-unavailable": "the recipient is not there now"
        case "redirect": "it is to be asked at another address"
        case "registration-required": "one must be registered for this"
        case "remote-server-not-found": "the server of that address is not found"
        case "remote-server-timeout": "the server of that address does not answer"
        case "resource-constraint": "there is not enough room for this now"
        case "service-unavailable": "nobody there does this"
        case "subscription-required": "one must be subscribed for this"
        case "undefined-condition": "the sender did not say what was wrong"
        case "unexpected-request": "this was not expected at this time"
        case _: nil
        }
    }
}

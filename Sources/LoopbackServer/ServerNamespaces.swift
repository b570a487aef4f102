/// The XML namespaces that only this server needs, by the names their specifications give them.
enum ServerNS {
    /// XEP-0045: a join.
    static let muc: StaticString = "http://jabber.org/protocol/muc"
    /// XEP-0045: what a room says of its occupants.
    static let mucUser: StaticString = "http://jabber.org/protocol/muc#user"
    /// XEP-0045: affiliations and roles.
    static let mucAdmin: StaticString = "http://jabber.org/protocol/muc#admin"
    /// XEP-0045: a room's configuration and its end.
    static let mucOwner: StaticString = "http://jabber.org/protocol/muc#owner"
    /// XEP-0421: occupants' stable ids.
    static let occupantID: StaticString = "urn:xmpp:occupant-id:0"
    /// XEP-0191: the block list.
    static let blocking: StaticString = "urn:xmpp:blocking"
    /// XEP-0191: what an error of it says.
    static let blockingErrors: StaticString = "urn:xmpp:blocking:errors"
    /// XEP-0016: privacy lists.
    static let privacy: StaticString = "jabber:iq:privacy"
    /// XEP-0280: copies of messages.
    static let carbons: StaticString = "urn:xmpp:carbons:2"
    /// XEP-0297: a stanza in another.
    static let forward: StaticString = "urn:xmpp:forward:0"
    /// RFC 6121 3.4: the stream feature of approvals before they are asked for.
    static let preApproval: StaticString = "urn:xmpp:features:pre-approval"
    /// XEP-0334: hints of what to do with a message.
    static let hints: StaticString = "urn:xmpp:hints"
    /// XEP-0184: receipts.
    static let receipts: StaticString = "urn:xmpp:receipts"
    /// XEP-0004: forms.
    static let form: StaticString = "jabber:x:data"
}

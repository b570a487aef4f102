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
    /// XEP-0004: forms.
    static let form: StaticString = "jabber:x:data"
}

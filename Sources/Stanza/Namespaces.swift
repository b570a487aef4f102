/// The XML namespaces this program speaks, by the names their specifications give them.
public enum NS {
    /// RFC 6120 4.8.2: the content of a client's stream.
    public static let client: StaticString = "jabber:client"
    /// RFC 6120 4.8.1: the stream itself.
    public static let stream: StaticString = "http://etherx.jabber.org/streams"
    /// RFC 6120 4.9.2: conditions of stream errors.
    public static let streams: StaticString = "urn:ietf:params:xml:ns:xmpp-streams"
    /// RFC 6120 8.3.2: conditions of stanza errors.
    public static let stanzas: StaticString = "urn:ietf:params:xml:ns:xmpp-stanzas"
    /// RFC 6120 5: STARTTLS.
    public static let tls: StaticString = "urn:ietf:params:xml:ns:xmpp-tls"
    /// RFC 6120 6: SASL.
    public static let sasl: StaticString = "urn:ietf:params:xml:ns:xmpp-sasl"
    /// RFC 6120 7: resource binding.
    public static let bind: StaticString = "urn:ietf:params:xml:ns:xmpp-bind"
    /// RFC 3921 3: the legacy session.
    public static let session: StaticString = "urn:ietf:params:xml:ns:xmpp-session"
    /// RFC 6121 2: the roster.
    public static let roster: StaticString = "jabber:iq:roster"
    /// RFC 6121 2.6: the stream feature of roster versioning.
    public static let rosterVersioning: StaticString = "urn:xmpp:features:rosterver"
    /// XEP-0198: stream management.
    public static let streamManagement: StaticString = "urn:xmpp:sm:3"
    /// XEP-0199: ping.
    public static let ping: StaticString = "urn:xmpp:ping"
    /// XEP-0030: service discovery of features.
    public static let discoInfo: StaticString = "http://jabber.org/protocol/disco#info"
    /// XEP-0030: service discovery of items.
    public static let discoItems: StaticString = "http://jabber.org/protocol/disco#items"
    /// XEP-0115: entity capabilities.
    public static let caps: StaticString = "http://jabber.org/protocol/caps"
    /// XEP-0092: software version.
    public static let version: StaticString = "jabber:iq:version"
    /// XEP-0203: delayed delivery.
    public static let delay: StaticString = "urn:xmpp:delay"
    /// XEP-0359: unique and stable stanza ids.
    public static let stanzaID: StaticString = "urn:xmpp:sid:0"
    /// XEP-0045: coming into a room.
    public static let muc: StaticString = "http://jabber.org/protocol/muc"
    /// XEP-0045: what a room says of its occupants, and invitations through it.
    public static let mucUser: StaticString = "http://jabber.org/protocol/muc#user"
    /// XEP-0045: what the owner of a room does with it.
    public static let mucOwner: StaticString = "http://jabber.org/protocol/muc#owner"
    /// XEP-0249: direct invitations to rooms.
    public static let conference: StaticString = "jabber:x:conference"
    /// XEP-0421: occupants of rooms known by an id.
    public static let occupantID: StaticString = "urn:xmpp:occupant-id:0"
    /// XEP-0004: data forms.
    public static let dataForms: StaticString = "jabber:x:data"
    /// XEP-0440: SASL channel-binding type capability.
    public static let channelBinding: StaticString = "urn:xmpp:sasl-cb:0"
    /// XEP-0478: stream limits advertisement.
    public static let limits: StaticString = "urn:xmpp:stream-limits:0"
    /// XEP-0191: blocking.
    public static let blocking: StaticString = "urn:xmpp:blocking"
    /// XEP-0016: privacy lists.
    public static let privacy: StaticString = "jabber:iq:privacy"
    /// XEP-0280: copies of messages of our other clients.
    public static let carbons: StaticString = "urn:xmpp:carbons:2"
    /// XEP-0297: a stanza inside another.
    public static let forward: StaticString = "urn:xmpp:forward:0"
    /// Our own: which bridges a message has passed.
    public static let hop: StaticString = "urn:xmpp-bridge:hop:0"
    /// XEP-0184: receipts for messages.
    public static let receipts: StaticString = "urn:xmpp:receipts"
    /// XEP-0380: which scheme encrypts a message.
    public static let encryption: StaticString = "urn:xmpp:eme:0"
    /// XEP-0045 8 to 10: the administration of a room.
    public static let mucAdmin: StaticString = "http://jabber.org/protocol/muc#admin"
    /// XML 1.0: the namespace of the `xml:` prefix.
    public static let xml: StaticString = "http://www.w3.org/XML/1998/namespace"
}

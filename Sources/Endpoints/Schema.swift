/// The JSON Schemas (draft 2020-12) of what goes in and out, as `xmpp-bridge schema` prints them. The files in
/// contrib/schema hold the same texts, and a test compares them.
public enum Schema {}

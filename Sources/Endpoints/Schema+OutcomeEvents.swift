extension Schema {
    /// Of `events`: what became of what was asked.
    static let outcomeEvents = #"""
            "delivery": {
              "description": "How far a message of ours has come.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "to", "stage"],
              "properties": {
                "event": {"const": "delivery"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "ref": {"type": "string", "description": "The command's."},
                "line": {"$ref": "#/$defs/number", "description": "The input line's number."},
                "to": {"$ref": "#/$defs/jid"},
                "stage": {
                  "description": "queued: refused for now, it is sent again.",
                  "enum": ["queued", "sent", "acknowledged", "received", "displayed", "failed"]
                },
                "id": {"type": "string", "description": "The stanza's."},
                "condition": {"$ref": "#/$defs/token", "description": "Why it failed, or waits: RFC 6120 8.3.3."},
                "text": {"type": "string", "description": "Why it failed, or waits, for a person."}
              }
            },
            "result": {
              "description": "The answer to a command.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "ok"],
              "properties": {
                "event": {"const": "result"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "ref": {"type": "string", "description": "The command's, a number as it was written."},
                "ok": {"type": "boolean"},
                "code": {"$ref": "#/$defs/token"},
                "condition": {"$ref": "#/$defs/token", "description": "The server's error: RFC 6120 8.3.3."},
                "text": {"type": "string", "description": "For a person."},
                "key": {"type": "string", "description": "The command's key that it is about."},
                "line": {"$ref": "#/$defs/number", "description": "The input line's number."},
                "column": {"$ref": "#/$defs/number", "description": "The byte where the JSON breaks."},
                "xml": {"type": "string", "description": "The answer to a raw query, whole."},
                "count": {"$ref": "#/$defs/count", "description": "How many events with this ref came before."},
                "jids": {
                  "description": "Who is blocked, or the items of an entity (XEP-0030).",
                  "type": "array",
                  "items": {"$ref": "#/$defs/jid"}
                },
                "features": {
                  "description": "What an entity can do (XEP-0030).",
                  "type": "array",
                  "items": {"type": "string"}
                },
                "identities": {
                  "description": "What an entity is: CATEGORY/TYPE, or CATEGORY/TYPE NAME.",
                  "type": "array",
                  "items": {"type": "string"}
                },
                "ms": {"$ref": "#/$defs/count", "description": "How long a ping took."},
                "name": {"type": "string", "description": "An entity's software (XEP-0092)."},
                "version": {"type": "string", "description": "Its version."},
                "os": {"type": "string", "description": "What it runs on."},
                "state": {"$ref": "#/$defs/state"},
                "jid": {"$ref": "#/$defs/jid", "description": "The session's own address."}
              }
            },

        """#
}

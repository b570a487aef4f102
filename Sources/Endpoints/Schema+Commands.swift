extension Schema {
    /// The schema of commands: the text of contrib/schema/commands-v1.schema.json.
    public static let commands = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "$id": "urn:xmpp-bridge:schema:commands:v1",
          "title": "Commands of xmpp-bridge, version 1",
          "description": "One object a line on standard input with --input ndjson. Each is answered by a result event.",
          "type": "object",
          "required": ["do"],
          "oneOf": [
            {"$ref": "#/$defs/send"},
            {"$ref": "#/$defs/presence"},
            {"$ref": "#/$defs/raw"}
          ],
          "$defs": {
            "ref": {
              "description": "Comes back in the result and in delivery events; a number as it was written.",
              "type": ["string", "number"],
              "maxLength": 1024
            },
            "jid": {"type": "string", "minLength": 1},
            "send": {
              "description": "Sends a message.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "to", "body"],
              "properties": {
                "do": {"const": "send"},
                "ref": {"$ref": "#/$defs/ref"},
                "to": {
                  "description": "An address, or a list of them with no one twice.",
                  "oneOf": [
                    {"$ref": "#/$defs/jid"},
                    {"type": "array", "items": {"$ref": "#/$defs/jid"}, "minItems": 1, "maxItems": 100}
                  ]
                },
                "body": {"type": "string", "minLength": 1},
                "type": {"enum": ["normal", "chat", "groupchat", "headline"], "description": "--type by default."},
                "subject": {"type": "string"},
                "thread": {"type": "string"},
                "id": {"type": "string", "minLength": 1, "description": "The stanza's; with one address only."}
              }
            },
            "presence": {
              "description": "Tells our own presence to all who may see it, or to one.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do"],
              "properties": {
                "do": {"const": "presence"},
                "ref": {"$ref": "#/$defs/ref"},
                "to": {"$ref": "#/$defs/jid"},
                "type": {"enum": ["available", "unavailable"], "description": "available by default."},
                "show": {"enum": ["away", "chat", "dnd", "xa"], "description": "Only where available."},
                "status": {"type": "string"},
                "priority": {"type": "integer", "minimum": -128, "maximum": 127}
              }
            },
            "raw": {
              "description": "Sends a stanza as it stands.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "xml"],
              "properties": {
                "do": {"const": "raw"},
                "ref": {"$ref": "#/$defs/ref"},
                "xml": {"type": "string", "minLength": 1, "description": "One stanza, at most 65536 bytes."}
              }
            }
          }
        }

        """#
}

extension Schema {
    /// The schema of commands: the text of contrib/schema/commands-v1.schema.json.
    public static let commands =
        commandsBegin + contactCommands + roomCommands + queryCommands + "  }\n}\n"

    private static let commandsBegin = #"""
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
            {"$ref": "#/$defs/raw"},
            {"$ref": "#/$defs/roster_get"},
            {"$ref": "#/$defs/roster_set"},
            {"$ref": "#/$defs/roster_remove"},
            {"$ref": "#/$defs/subscribe"},
            {"$ref": "#/$defs/unsubscribe"},
            {"$ref": "#/$defs/approve"},
            {"$ref": "#/$defs/deny"},
            {"$ref": "#/$defs/revoke"},
            {"$ref": "#/$defs/block"},
            {"$ref": "#/$defs/unblock"},
            {"$ref": "#/$defs/block_list"},
            {"$ref": "#/$defs/join"},
            {"$ref": "#/$defs/leave"},
            {"$ref": "#/$defs/subject"},
            {"$ref": "#/$defs/invite"},
            {"$ref": "#/$defs/affiliate"},
            {"$ref": "#/$defs/affiliate_list"},
            {"$ref": "#/$defs/kick"},
            {"$ref": "#/$defs/disco"},
            {"$ref": "#/$defs/ping"},
            {"$ref": "#/$defs/version"},
            {"$ref": "#/$defs/status"}
          ],
          "$defs": {
            "ref": {
              "description": "Comes back in the result and in all events that answer; a number as it was written.",
              "type": ["string", "number"],
              "maxLength": 1024
            },
            "jid": {"type": "string", "minLength": 1},
            "bareJid": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
            "roomJid": {"type": "string", "pattern": "^[^@/]+@[^@/]+$"},
            "send": {
              "description": "Sends a message.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "body"],
              "oneOf": [
                {"required": ["to"]},
                {
                  "required": ["room"],
                  "properties": {"type": {"const": "groupchat"}, "receipt": {"const": false}}
                }
              ],
              "properties": {
                "do": {"const": "send"},
                "ref": {"$ref": "#/$defs/ref"},
                "to": {
                  "description": "An address, or a list of them with no one twice.",
                  "oneOf": [
                    {"$ref": "#/$defs/jid"},
                    {
                      "type": "array",
                      "items": {"$ref": "#/$defs/jid"},
                      "minItems": 1,
                      "maxItems": 100,
                      "uniqueItems": true
                    }
                  ]
                },
                "room": {"$ref": "#/$defs/roomJid", "description": "In place of to: to all in that room."},
                "body": {"type": "string", "minLength": 1},
                "type": {"enum": ["normal", "chat", "groupchat", "headline"], "description": "--type by default."},
                "subject": {"type": "string"},
                "thread": {"type": "string"},
                "id": {"type": "string", "minLength": 1, "description": "The stanza's; with one address only."},
                "receipt": {
                  "description": "Whether to ask for a receipt (XEP-0184); not with groupchat.",
                  "type": "boolean"
                }
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
            },

        """#

    private static let queryCommands = #"""
            "disco": {
              "description": "Asks what an entity can do, or what it has (XEP-0030).",
              "type": "object",
              "additionalProperties": false,
              "required": ["do"],
              "properties": {
                "do": {"const": "disco"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/jid", "description": "Our own server by default."},
                "node": {"type": "string", "minLength": 1},
                "items": {"type": "boolean", "description": "Whether to ask for its items and not for its features."}
              }
            },
            "ping": {
              "description": "Asks an entity for a sign of life (XEP-0199).",
              "type": "object",
              "additionalProperties": false,
              "required": ["do"],
              "properties": {
                "do": {"const": "ping"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/jid", "description": "Our own server by default."}
              }
            },
            "version": {
              "description": "Asks an entity for its software (XEP-0092).",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "version"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/jid"}
              }
            },
            "status": {
              "description": "Asks how the session stands.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do"],
              "properties": {
                "do": {"const": "status"},
                "ref": {"$ref": "#/$defs/ref"}
              }
            }

        """#
}

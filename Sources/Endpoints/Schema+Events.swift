extension Schema {
    /// The schema of events: the text of contrib/schema/events-v1.schema.json.
    public static let events =
        eventsBegin + stanzaEvents + contactEvents + roomEvents + outcomeEvents + runEvents + "  }\n}\n"

    private static let eventsBegin = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "$id": "urn:xmpp-bridge:schema:events:v1",
          "title": "Events of xmpp-bridge, version 1",
          "description": "One object a line on standard output. Fields that are not known are left out, never null.",
          "type": "object",
          "required": ["event", "time", "seq"],
          "oneOf": [
            {"$ref": "#/$defs/session"},
            {"$ref": "#/$defs/message"},
            {"$ref": "#/$defs/presence"},
            {"$ref": "#/$defs/subscription"},
            {"$ref": "#/$defs/roster"},
            {"$ref": "#/$defs/block"},
            {"$ref": "#/$defs/room"},
            {"$ref": "#/$defs/occupant"},
            {"$ref": "#/$defs/receipt"},
            {"$ref": "#/$defs/delivery"},
            {"$ref": "#/$defs/result"},
            {"$ref": "#/$defs/gap"},
            {"$ref": "#/$defs/stats"},
            {"$ref": "#/$defs/config"},
            {"$ref": "#/$defs/error"}
          ],
          "$defs": {
            "time": {
              "description": "RFC 3339, UTC, milliseconds: when the bridge learnt of it.",
              "type": "string",
              "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"
            },
            "seq": {
              "description": "The event's number in this run, from 1.",
              "type": "integer",
              "minimum": 1
            },
            "count": {"type": "integer", "minimum": 0},
            "number": {"type": "integer", "minimum": 1},
            "jid": {"type": "string", "minLength": 1},
            "bareJid": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
            "token": {
              "description": "A short word for programs; more may come with later versions.",
              "type": "string",
              "pattern": "^[a-z][a-z0-9-]*$"
            },
            "state": {
              "description": "How the session stands.",
              "enum": ["connecting", "online", "offline", "refused"]
            },
            "session": {
              "description": "How the session stands.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "state"],
              "properties": {
                "event": {"const": "session"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "state": {"$ref": "#/$defs/state"},
                "jid": {"$ref": "#/$defs/jid"},
                "resumed": {"type": "boolean", "description": "Online again without a loss, or afresh."},
                "peer": {"type": "string", "description": "The server that was reached, HOST:PORT."},
                "reason": {"type": "string", "description": "Why, for a person."},
                "retry_in_ms": {"$ref": "#/$defs/count", "description": "When the next attempt comes."}
              }
            },

        """#

    private static let runEvents = #"""
            "gap": {
              "description": "Something of the session may be missing here.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "reason"],
              "properties": {
                "event": {"const": "gap"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "reason": {"$ref": "#/$defs/token"},
                "text": {"type": "string", "description": "For a person."},
                "jid": {"$ref": "#/$defs/jid"},
                "count": {"$ref": "#/$defs/count", "description": "How much, where it is known."},
                "source": {"type": "string", "description": "The source that it is about, as a configuration names it."},
                "sink": {"type": "string", "description": "The sink that it is about, as a configuration names it."},
                "bytes": {"$ref": "#/$defs/count", "description": "How much of a file, where it is known."}
              }
            },
            "stats": {
              "description": "What the run has done so far.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "lines", "accepted", "failed", "waiting", "waiting_bytes"],
              "properties": {
                "event": {"const": "stats"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "lines": {"$ref": "#/$defs/count", "description": "Lines read."},
                "accepted": {"$ref": "#/$defs/count", "description": "Messages that the server accepted."},
                "failed": {"$ref": "#/$defs/count", "description": "Messages that were refused."},
                "waiting": {"$ref": "#/$defs/count", "description": "Rows in the spool."},
                "waiting_bytes": {"$ref": "#/$defs/count", "description": "Bytes in the spool."}
              }
            },
            "config": {
              "description": "The configuration file was read again; the session stays up.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "action", "text"],
              "properties": {
                "event": {"const": "config"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "action": {"enum": ["reloaded"]},
                "text": {"type": "string"},
                "needs_restart": {
                  "description": "What has changed in the file and is not in force.",
                  "type": "array",
                  "items": {"type": "string"},
                  "minItems": 1
                }
              }
            },
            "error": {
              "description": "Something a person should know; the rest goes on.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "code", "text"],
              "properties": {
                "event": {"const": "error"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "code": {"$ref": "#/$defs/token"},
                "text": {"type": "string", "description": "For a person."},
                "source": {"type": "string", "description": "The input it is about."},
                "line": {"$ref": "#/$defs/number", "description": "The first input line it is about."},
                "from": {"$ref": "#/$defs/jid", "description": "Of the code forged: who sent it and had no right to."},
                "what": {
                  "description": "Of the code forged: what was ignored.",
                  "enum": [
                    "roster push", "block push", "carbon", "receipt", "room message", "room presence"
                  ]
                },
                "count": {"$ref": "#/$defs/count", "description": "How often."},
                "invalid_utf8": {"$ref": "#/$defs/count", "description": "Broken sequences replaced by U+FFFD."},
                "illegal_characters": {"$ref": "#/$defs/count", "description": "Characters made visible."},
                "overlong_lines": {"$ref": "#/$defs/count", "description": "Lines over the limit."},
                "split_parts": {"$ref": "#/$defs/count", "description": "Parts they were split into."}
              }
            }

        """#
}

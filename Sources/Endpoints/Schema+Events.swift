extension Schema {
    /// The schema of events: the text of contrib/schema/events-v1.schema.json.
    public static let events = #"""
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
            {"$ref": "#/$defs/delivery"},
            {"$ref": "#/$defs/result"},
            {"$ref": "#/$defs/gap"},
            {"$ref": "#/$defs/stats"},
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
            "session": {
              "description": "How the session stands.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "state"],
              "properties": {
                "event": {"const": "session"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "state": {"enum": ["connecting", "online", "offline", "refused"]},
                "jid": {"$ref": "#/$defs/jid"},
                "resumed": {"type": "boolean", "description": "Online again without a loss, or afresh."},
                "peer": {"type": "string", "description": "The server that was reached, HOST:PORT."},
                "reason": {"type": "string", "description": "Why, for a person."},
                "retry_in_ms": {"$ref": "#/$defs/count", "description": "When the next attempt comes."}
              }
            },
            "message": {
              "description": "A message that arrived.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "from", "jid", "type"],
              "properties": {
                "event": {"const": "message"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "from": {"$ref": "#/$defs/jid"},
                "jid": {"$ref": "#/$defs/bareJid", "description": "from, without its resource."},
                "to": {"$ref": "#/$defs/jid"},
                "type": {"enum": ["normal", "chat", "groupchat", "headline", "error"]},
                "id": {"type": "string"},
                "body": {"type": "string"},
                "subject": {"type": "string"},
                "thread": {"type": "string"},
                "lang": {"type": "string"},
                "delay": {"type": "string", "description": "When it was first sent, where it was kept on the way."},
                "origin_id": {"type": "string", "description": "The sender's id of it (XEP-0359)."},
                "stanza_id": {"type": "string", "description": "Our server's id of it (XEP-0359)."},
                "condition": {"$ref": "#/$defs/token", "description": "Of the type error: RFC 6120 8.3.3."},
                "text": {"type": "string", "description": "Of the type error: for a person."},
                "redelivered": {"const": true, "description": "It may have been told before."}
              }
            },
            "presence": {
              "description": "A contact came, went or changed.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "from", "jid", "available"],
              "properties": {
                "event": {"const": "presence"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "from": {"$ref": "#/$defs/jid"},
                "jid": {"$ref": "#/$defs/bareJid", "description": "from, without its resource."},
                "available": {"type": "boolean"},
                "show": {"enum": ["away", "chat", "dnd", "xa"]},
                "status": {"type": "string"},
                "priority": {"type": "integer", "minimum": -128, "maximum": 127, "description": "0 is left out."},
                "delay": {"type": "string"},
                "condition": {"$ref": "#/$defs/token", "description": "The error: RFC 6120 8.3.3."},
                "text": {"type": "string", "description": "The error, for a person."}
              }
            },
            "subscription": {
              "description": "A change in who may see whom.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "jid", "action"],
              "properties": {
                "event": {"const": "subscription"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "jid": {"$ref": "#/$defs/bareJid"},
                "action": {"enum": ["request", "approved", "denied", "cancelled", "unsubscribed"]},
                "status": {"type": "string", "description": "What the other side wrote with it."}
              }
            },
            "roster": {
              "description": "An item of the roster: at login, or changed.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "jid", "action"],
              "properties": {
                "event": {"const": "roster"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "jid": {"$ref": "#/$defs/jid"},
                "action": {"enum": ["set", "remove"]},
                "name": {"type": "string"},
                "groups": {"type": "array", "items": {"type": "string"}},
                "subscription": {"enum": ["none", "to", "from", "both"]},
                "ask": {"const": true, "description": "Our request to see its presence is pending."},
                "approved": {"const": true, "description": "Its request to see ours is approved in advance."},
                "initial": {"const": true, "description": "Told at login."}
              }
            },
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
                "stage": {"enum": ["queued", "sent", "acknowledged", "received", "displayed", "failed"]},
                "id": {"type": "string", "description": "The stanza's."},
                "condition": {"$ref": "#/$defs/token", "description": "Why it failed: RFC 6120 8.3.3."},
                "text": {"type": "string", "description": "Why it failed, for a person."}
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
                "xml": {"type": "string", "description": "The answer to a raw query, whole."}
              }
            },
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
                "count": {"$ref": "#/$defs/count", "description": "How much, where it is known."}
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
                "invalid_utf8": {"$ref": "#/$defs/count", "description": "Broken sequences replaced by U+FFFD."},
                "illegal_characters": {"$ref": "#/$defs/count", "description": "Characters made visible."},
                "overlong_lines": {"$ref": "#/$defs/count", "description": "Lines over the limit."},
                "split_parts": {"$ref": "#/$defs/count", "description": "Parts they were split into."}
              }
            }
          }
        }

        """#
}

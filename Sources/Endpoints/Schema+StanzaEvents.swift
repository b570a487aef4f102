extension Schema {
    /// Of `events`: messages, presences, receipts.
    static let stanzaEvents = #"""
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
                "room": {"$ref": "#/$defs/bareJid", "description": "The room it was said in (XEP-0045)."},
                "nick": {"type": "string", "description": "Who said it there; nobody where it was the room itself."},
                "occupant_id": {"type": "string", "description": "The room's id of who said it (XEP-0421)."},
                "private": {"const": true, "description": "Said in the room to us alone."},
                "self": {"const": true, "description": "Said in the room under our nick, by another client of ours."},
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
                "carbon": {
                  "description": "A copy of what another device of ours sent or got (XEP-0280).",
                  "enum": ["sent", "received"]
                },
                "encrypted": {
                  "description": "The scheme it is encrypted with, which cannot be read here: no body.",
                  "type": "string"
                },
                "replayed": {"const": true, "description": "Out of a room's history or an archive."},
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
                "resource": {"type": "string", "minLength": 1, "description": "That of from."},
                "available": {"type": "boolean"},
                "show": {"enum": ["away", "chat", "dnd", "xa"]},
                "status": {"type": "string"},
                "priority": {"type": "integer", "minimum": -128, "maximum": 127, "description": "0 is left out."},
                "caps": {"type": "string", "description": "What its software can do, NODE#VER (XEP-0115)."},
                "delay": {"type": "string"},
                "condition": {"$ref": "#/$defs/token", "description": "The error: RFC 6120 8.3.3."},
                "text": {"type": "string", "description": "The error, for a person."},
                "initial": {"const": true, "description": "It was there before us."}
              }
            },
            "receipt": {
              "description": "Somebody got a message of ours (XEP-0184); delivery tells it of those that are followed.",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "from", "jid", "id"],
              "properties": {
                "event": {"const": "receipt"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "from": {"$ref": "#/$defs/jid"},
                "jid": {"$ref": "#/$defs/bareJid", "description": "from, without its resource."},
                "id": {"type": "string", "description": "That message's."}
              }
            },

        """#
}

extension Schema {
    /// Of `events`: subscriptions, the roster, blocking.
    static let contactEvents = #"""
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
              "description": "An item of the roster: at login, changed, or asked for.",
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
                "initial": {"const": true, "description": "Told at login."},
                "ref": {"type": "string", "description": "That of the roster_get it answers."}
              }
            },
            "block": {
              "description": "Somebody is blocked, or is no longer (XEP-0191).",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "action"],
              "properties": {
                "event": {"const": "block"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "jid": {
                  "description": "An address of any form; left out where it is about all.",
                  "$ref": "#/$defs/jid"
                },
                "action": {"enum": ["blocked", "unblocked"]},
                "initial": {"const": true, "description": "Told at login."},
                "ref": {"type": "string", "description": "That of the block_list it answers."}
              }
            },

        """#
}

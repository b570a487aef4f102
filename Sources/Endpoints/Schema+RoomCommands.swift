extension Schema {
    /// Of `commands`: rooms.
    static let roomCommands = #"""
            "join": {
              "description": "Enters a room (XEP-0045).",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "room"],
              "properties": {
                "do": {"const": "join"},
                "ref": {"$ref": "#/$defs/ref"},
                "room": {"$ref": "#/$defs/roomJid"},
                "nick": {"type": "string", "minLength": 1, "description": "The name to have there."},
                "password": {"type": "string", "minLength": 1},
                "create": {"type": "boolean", "description": "Whether to make the room where there is none."},
                "history": {
                  "description": "How many of its last messages to ask for.",
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000
                }
              }
            },
            "leave": {
              "description": "Leaves a room.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "room"],
              "properties": {
                "do": {"const": "leave"},
                "ref": {"$ref": "#/$defs/ref"},
                "room": {"$ref": "#/$defs/roomJid"},
                "status": {"type": "string", "description": "Words for those who stay."}
              }
            },
            "subject": {
              "description": "Sets a room's subject.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "room", "subject"],
              "properties": {
                "do": {"const": "subject"},
                "ref": {"$ref": "#/$defs/ref"},
                "room": {"$ref": "#/$defs/roomJid"},
                "subject": {"type": "string", "description": "Empty takes it away."}
              }
            },
            "invite": {
              "description": "Asks somebody into a room.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "room", "jid"],
              "properties": {
                "do": {"const": "invite"},
                "ref": {"$ref": "#/$defs/ref"},
                "room": {"$ref": "#/$defs/roomJid"},
                "jid": {"$ref": "#/$defs/jid"},
                "reason": {"type": "string", "description": "Why, for a person."},
                "direct": {
                  "description": "Written to them by us (XEP-0249) and not through the room.",
                  "type": "boolean"
                }
              }
            },
            "affiliate": {
              "description": "Sets how somebody belongs to a room.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "room", "jid", "affiliation"],
              "properties": {
                "do": {"const": "affiliate"},
                "ref": {"$ref": "#/$defs/ref"},
                "room": {"$ref": "#/$defs/roomJid"},
                "jid": {"$ref": "#/$defs/bareJid"},
                "affiliation": {"enum": ["owner", "admin", "member", "none", "outcast"]},
                "reason": {"type": "string", "description": "Why, for a person."}
              }
            },
            "affiliate_list": {
              "description": "Asks who belongs to a room so: an occupant event for each, then the result.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "room", "affiliation"],
              "properties": {
                "do": {"const": "affiliate"},
                "ref": {"$ref": "#/$defs/ref"},
                "room": {"$ref": "#/$defs/roomJid"},
                "affiliation": {"enum": ["owner", "admin", "member", "outcast"]}
              }
            },
            "kick": {
              "description": "Puts an occupant out of a room.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "room", "nick"],
              "properties": {
                "do": {"const": "kick"},
                "ref": {"$ref": "#/$defs/ref"},
                "room": {"$ref": "#/$defs/roomJid"},
                "nick": {"type": "string", "minLength": 1},
                "reason": {"type": "string", "description": "Why, for a person."}
              }
            },

        """#
}

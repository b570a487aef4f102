extension Schema {
    /// Of `events`: rooms and who is there.
    static let roomEvents = #"""
            "room": {
              "description": "What became of us in a room, or of the room (XEP-0045).",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "room", "action"],
              "properties": {
                "event": {"const": "room"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "room": {"$ref": "#/$defs/bareJid"},
                "action": {
                  "description": "removed: it is for members only now, we are none any more, or its service stops.",
                  "enum": [
                    "joined", "created", "rejoined", "refused", "lost", "left", "kicked", "banned",
                    "removed", "destroyed", "subject", "invited", "declined"
                  ]
                },
                "nick": {"type": "string", "description": "Our name there."},
                "subject": {"type": "string", "description": "Empty where it was taken away."},
                "by": {"type": "string", "description": "Who did it: a nick or an address."},
                "reason": {"type": "string", "description": "Why, for a person."},
                "condition": {"$ref": "#/$defs/token", "description": "Why it did not let us in: RFC 6120 8.3.3."},
                "retry_in_ms": {"$ref": "#/$defs/count", "description": "When the next attempt comes."},
                "alternative": {"$ref": "#/$defs/jid", "description": "The room that takes a destroyed one's place."},
                "occupants": {"$ref": "#/$defs/count", "description": "How many are in it, we among them."}
              }
            },
            "occupant": {
              "description": "What became of somebody in a room (XEP-0045).",
              "type": "object",
              "additionalProperties": false,
              "required": ["event", "time", "seq", "room", "action"],
              "properties": {
                "event": {"const": "occupant"},
                "time": {"$ref": "#/$defs/time"},
                "seq": {"$ref": "#/$defs/seq"},
                "room": {"$ref": "#/$defs/bareJid"},
                "nick": {"type": "string", "description": "Left out only with the action affiliation."},
                "action": {
                  "description": "affiliation: an answer to affiliate, or told of somebody who is not there.",
                  "enum": [
                    "joined", "left", "changed", "renamed", "kicked", "banned", "removed", "affiliation"
                  ]
                },
                "jid": {"$ref": "#/$defs/jid", "description": "The real address, where the room shows it."},
                "role": {"enum": ["moderator", "participant", "visitor", "none"]},
                "affiliation": {"enum": ["owner", "admin", "member", "none", "outcast"]},
                "occupant_id": {"type": "string", "description": "The room's id of it, whatever its nick (XEP-0421)."},
                "show": {"enum": ["away", "chat", "dnd", "xa"]},
                "status": {"type": "string"},
                "new_nick": {"type": "string", "description": "Its name from now on."},
                "by": {"type": "string", "description": "Who did it: a nick or an address."},
                "reason": {"type": "string", "description": "Why, for a person."},
                "self": {"const": true, "description": "This is us."},
                "initial": {"const": true, "description": "It was there before us."},
                "ref": {"type": "string", "description": "That of the affiliate it answers."}
              }
            },

        """#
}

extension Schema {
    /// Of `commands`: the roster, subscriptions, blocking.
    static let contactCommands = #"""
            "roster_get": {
              "description": "Asks for the roster: a roster event for each item, then the result.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do"],
              "properties": {
                "do": {"const": "roster_get"},
                "ref": {"$ref": "#/$defs/ref"}
              }
            },
            "roster_set": {
              "description": "Puts a contact into the roster, or changes it: what is left out stays as it is.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "roster_set"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/bareJid"},
                "name": {"type": "string", "maxLength": 1024, "description": "Empty takes the name away."},
                "groups": {
                  "description": "An empty list takes it out of all.",
                  "type": "array",
                  "items": {"type": "string", "minLength": 1, "maxLength": 1024},
                  "maxItems": 100,
                  "uniqueItems": true
                }
              }
            },
            "roster_remove": {
              "description": "Takes a contact out of the roster, and both subscriptions with it.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "roster_remove"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/bareJid"}
              }
            },
            "subscribe": {
              "description": "Asks to see a contact's presence.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "subscribe"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/bareJid"},
                "status": {"type": "string", "description": "Words for the person there."}
              }
            },
            "unsubscribe": {
              "description": "Sees a contact's presence no longer.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "unsubscribe"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/bareJid"}
              }
            },
            "approve": {
              "description": "Lets a contact see our presence, also before it asks.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "approve"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/bareJid"}
              }
            },
            "deny": {
              "description": "Refuses a contact's request to see our presence.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "deny"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/bareJid"}
              }
            },
            "revoke": {
              "description": "Lets a contact see our presence no longer.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "revoke"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {"$ref": "#/$defs/bareJid"}
              }
            },
            "block": {
              "description": "Hears nothing more from these (XEP-0191).",
              "type": "object",
              "additionalProperties": false,
              "required": ["do", "jid"],
              "properties": {
                "do": {"const": "block"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {
                  "description": "An address of any form, or a list of them.",
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
                }
              }
            },
            "unblock": {
              "description": "Hears from these again, or from all.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do"],
              "oneOf": [{"required": ["jid"]}, {"required": ["all"]}],
              "properties": {
                "do": {"const": "unblock"},
                "ref": {"$ref": "#/$defs/ref"},
                "jid": {
                  "description": "An address of any form, or a list of them.",
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
                "all": {"const": true, "description": "In place of jid."}
              }
            },
            "block_list": {
              "description": "Asks who is blocked: a block event for each, then the result.",
              "type": "object",
              "additionalProperties": false,
              "required": ["do"],
              "properties": {
                "do": {"const": "block_list"},
                "ref": {"$ref": "#/$defs/ref"}
              }
            },

        """#
}

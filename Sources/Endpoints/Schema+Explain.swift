extension Schema {
    /// The schema of what `explain --json` prints: the text of contrib/schema/explain-v1.schema.json.
    public static let explain = explainBegin + explainRecords + explainOutcomes + "  }\n}\n"

    private static let explainBegin = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "$id": "urn:xmpp-bridge:schema:explain:v1",
          "title": "What xmpp-bridge explain --json prints, version 1",
          "description": "One object a line: the sample, what happens, the summary. Times are simulated, from 0.",
          "type": "object",
          "required": ["kind"],
          "oneOf": [
            {"$ref": "#/$defs/sample"},
            {"$ref": "#/$defs/record"},
            {"$ref": "#/$defs/joined"},
            {"$ref": "#/$defs/sent"},
            {"$ref": "#/$defs/dropped"},
            {"$ref": "#/$defs/broken"},
            {"$ref": "#/$defs/summary"}
          ],
          "$defs": {
            "rule": {"description": "The bridge's place in the file, from 1.", "type": "integer", "minimum": 1},
            "ms": {"type": "integer", "minimum": 0},
            "number": {"description": "Of a line of the sample, from 1.", "type": "integer", "minimum": 1},
            "counter": {"type": "integer", "minimum": 0},
            "endpoint": {"description": "As the file names it.", "type": "string", "minLength": 1},
            "cause": {"enum": ["rate", "full-queue"]},
            "ranges": {
              "description": "The lines it was made of, each range from its first to its last; the first 100 ranges.",
              "type": "array",
              "items": {"type": "array", "items": {"$ref": "#/$defs/number"}, "minItems": 2, "maxItems": 2}
            },
            "sample": {
              "description": "What the sample stands for.",
              "type": "object",
              "additionalProperties": false,
              "required": ["kind", "source", "rules", "readers"],
              "properties": {
                "kind": {"const": "sample"},
                "source": {"description": "Whose lines they are; events: recorded events.", "type": "string"},
                "every_ms": {"description": "How far they are apart; without it: as events say.", "$ref": "#/$defs/ms"},
                "rules": {"description": "How many bridges there are.", "$ref": "#/$defs/counter"},
                "readers": {"description": "How many of them read that source.", "$ref": "#/$defs/counter"}
              }
            },

        """#

    private static let explainRecords = #"""
            "record": {
              "description": "A line, or an event, and what each bridge says of it.",
              "type": "object",
              "additionalProperties": false,
              "required": ["kind", "at_ms", "number", "rules"],
              "oneOf": [{"required": ["line"]}, {"required": ["event"]}],
              "properties": {
                "kind": {"const": "record"},
                "at_ms": {"$ref": "#/$defs/ms"},
                "number": {"$ref": "#/$defs/number"},
                "line": {"type": "string"},
                "event": {"description": "The event without time and seq.", "type": "object", "required": ["event"]},
                "rules": {"type": "array", "items": {"$ref": "#/$defs/explanation"}, "minItems": 1}
              }
            },
            "joined": {
              "description": "What a bridge has joined of lines (group), and what it says of it.",
              "type": "object",
              "additionalProperties": false,
              "required": ["kind", "at_ms", "count", "records", "line", "rules"],
              "properties": {
                "kind": {"const": "joined"},
                "at_ms": {"$ref": "#/$defs/ms"},
                "count": {"description": "How many lines it has.", "$ref": "#/$defs/counter"},
                "records": {"$ref": "#/$defs/ranges"},
                "line": {"type": "string"},
                "rules": {"type": "array", "items": {"$ref": "#/$defs/explanation"}, "minItems": 1, "maxItems": 1}
              }
            },
            "explanation": {
              "description": "Whether a bridge took it, or why not.",
              "type": "object",
              "additionalProperties": false,
              "required": ["rule", "verdict"],
              "properties": {
                "rule": {"$ref": "#/$defs/rule"},
                "name": {"type": "string"},
                "verdict": {
                  "enum": [
                    "took", "other-source", "joins-lines", "condition", "no-text", "not-matched", "gave-up", "stopped",
                    "taken"
                  ]
                },
                "field": {"description": "With condition: the field of where that does not hold.", "type": "string"},
                "by": {"description": "With stopped and taken: the bridge that took it.", "$ref": "#/$defs/rule"},
                "trouble": {"description": "Why the pattern was given up.", "type": "string"},
                "captures": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["group", "text"],
                    "properties": {
                      "group": {"description": "Its number; 0: all that matched.", "$ref": "#/$defs/counter"},
                      "name": {"type": "string"},
                      "text": {"type": "string"}
                    }
                  }
                },
                "makes": {
                  "description": "With took: what was made of it for each destination, and where that is now.",
                  "type": "array",
                  "items": {"$ref": "#/$defs/delivery"}
                }
              }
            },

        """#

    private static let explainOutcomes = #"""
            "delivery": {
              "type": "object",
              "additionalProperties": false,
              "required": ["to", "fate"],
              "oneOf": [{"required": ["text"]}, {"required": ["command"]}, {"required": ["as_event"]}],
              "properties": {
                "to": {"$ref": "#/$defs/endpoint"},
                "text": {"type": "string"},
                "command": {"type": "string"},
                "as_event": {"description": "The event itself goes there.", "const": true},
                "fate": {
                  "description": "counted as repetition; collected with others; waits its turn; summed-up in a digest.",
                  "enum": ["sent", "counted", "collected", "waits", "summed-up", "dropped"]
                },
                "until_ms": {"description": "When it goes on, at the latest.", "$ref": "#/$defs/ms"},
                "cause": {"$ref": "#/$defs/cause"}
              }
            },
            "sent": {
              "description": "Something goes out.",
              "type": "object",
              "additionalProperties": false,
              "required": ["kind", "at_ms", "rule", "to", "count", "records"],
              "oneOf": [{"required": ["text"]}, {"required": ["command"]}, {"required": ["event"]}],
              "properties": {
                "kind": {"const": "sent"},
                "at_ms": {"$ref": "#/$defs/ms"},
                "rule": {"$ref": "#/$defs/rule"},
                "name": {"type": "string"},
                "to": {"$ref": "#/$defs/endpoint"},
                "count": {"description": "Of how many records it was made.", "$ref": "#/$defs/counter"},
                "records": {"$ref": "#/$defs/ranges"},
                "text": {"type": "string"},
                "command": {"type": "string"},
                "event": {"type": "object", "required": ["event"]},
                "subject": {"type": "string"},
                "thread": {"type": "string"},
                "lang": {"type": "string"},
                "show": {"description": "To presence.", "enum": ["away", "chat", "dnd", "xa"]},
                "hold_ms": {"description": "To presence: for how long.", "$ref": "#/$defs/ms"},
                "stanza": {"description": "The message as XML; its ids are made up.", "type": "string"}
              }
            },
            "dropped": {
              "description": "Something does not go out.",
              "type": "object",
              "additionalProperties": false,
              "required": ["kind", "at_ms", "rule", "to", "cause", "messages", "count", "records"],
              "properties": {
                "kind": {"const": "dropped"},
                "at_ms": {"$ref": "#/$defs/ms"},
                "rule": {"$ref": "#/$defs/rule"},
                "name": {"type": "string"},
                "to": {"$ref": "#/$defs/endpoint"},
                "cause": {"$ref": "#/$defs/cause"},
                "messages": {"$ref": "#/$defs/counter"},
                "count": {"description": "Of how many records they were made.", "$ref": "#/$defs/counter"},
                "records": {"$ref": "#/$defs/ranges"}
              }
            },
            "broken": {
              "description": "A line that is no event, where events are read.",
              "type": "object",
              "additionalProperties": false,
              "required": ["kind", "number", "text"],
              "properties": {
                "kind": {"const": "broken"},
                "number": {"$ref": "#/$defs/number"},
                "text": {"type": "string"}
              }
            },
            "summary": {
              "description": "What came of all of it.",
              "type": "object",
              "additionalProperties": false,
              "required": ["kind", "records", "untaken", "sent", "dropped", "rules"],
              "properties": {
                "kind": {"const": "summary"},
                "records": {"$ref": "#/$defs/counter"},
                "untaken": {"description": "Records that no bridge took.", "$ref": "#/$defs/counter"},
                "sent": {"$ref": "#/$defs/counter"},
                "dropped": {"$ref": "#/$defs/counter"},
                "rules": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["rule", "took", "sent", "dropped"],
                    "properties": {
                      "rule": {"$ref": "#/$defs/rule"},
                      "name": {"type": "string"},
                      "took": {"$ref": "#/$defs/counter"},
                      "sent": {"$ref": "#/$defs/counter"},
                      "dropped": {"$ref": "#/$defs/counter"}
                    }
                  }
                }
              }
            }

        """#
}

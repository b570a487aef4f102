#!/usr/bin/env bash
# Prints who is in a room, and then who comes, goes and speaks, until told to stop.
#
#   export XMPP_BRIDGE_JID=me@example.org XMPP_BRIDGE_PASSWORD_FILE=~/.xmpp-password
#   contrib/examples/room-status.sh ops@conference.example.org [NICK]
#
# XMPP_BRIDGE names the program where it is not on the PATH.
set -euo pipefail

room=${1:?the room, as ops@conference.example.org}
nick=${2:-}

coproc bridge { exec "${XMPP_BRIDGE:-xmpp-bridge}" --input ndjson; }

# The pipe to it stays open: the end of its input would end it, as the end of this script does.
jq -cn --arg room "$room" --arg nick "$nick" \
    '{do: "join", ref: "join", $room} + if $nick == "" then {} else {$nick} end' >&"${bridge[1]}"

# sed ends this at once where the room is closed to us; jq would wait for one more event.
exec {events}<&"${bridge[0]}"
sed -u '/^cannot join/q1' < <(jq -r --unbuffered --arg room "$room" '
    def with($name; $value): if $value then "\($name)\($value)" else "" end;
    if .event == "session" and .state != "online" then with("- \(.state): "; .reason // empty)
    elif .event == "result" and .ref == "join" and (.ok | not) then "cannot join: \(.text)"
    elif .room != $room or .action == "affiliation" then empty
    elif .event == "occupant" and .initial then "  \(.nick), \(.role)" + with(", "; .show)
    elif .event == "occupant" then "* \(.nick) \(.action)" + with(" to "; .new_nick) + with(": "; .reason)
    elif .event == "message" and .body then "<\(.nick)> \(.body)"
    elif .event == "room" then "= \(.action)" + with(", here: "; .occupants) + with(": "; .subject // .reason)
    else empty end' <&"$events")

#!/usr/bin/env bash
# Two accounts meet, talk, fall out and part, each driven only by commands to xmpp-bridge --input ndjson. Every step
# is seen as an event at the other end; the status is 0 only where all of them were. Whatever a former run left
# between the two is taken away first, so it may run again on the same accounts.
#
#   export ALICE_JID=alice@example.org ALICE_PASSWORD=... BOB_JID=bob@example.org BOB_PASSWORD=...
#   contrib/examples/contacts.sh
#
# What else the program needs comes from its own variables, XMPP_BRIDGE_SERVER and XMPP_BRIDGE_CA_FILE for example;
# XMPP_BRIDGE names the program where it is not on the PATH, DEADLINE the seconds that each step may take (10).
# shellcheck disable=SC2016 # what stands between single quotes is for jq
set -euo pipefail

: "${ALICE_JID:?}" "${ALICE_PASSWORD:?}" "${BOB_JID:?}" "${BOB_PASSWORD:?}"
program=${XMPP_BRIDGE:-xmpp-bridge}
deadline=${DEADLINE:-10}

directory=$(mktemp -d)
declare -A pid=() to=() from=()
declare -a seen_alice=() seen_bob=() # events that came and that no step has asked for yet
event=""
refs=0
trap leave EXIT
trap '' PIPE # a bridge that has gone is told by what it did not do

leave() {
    local one
    for one in "${pid[@]}"; do kill "$one" 2>/dev/null || true; done
    rm -rf "$directory"
}

fail() { # WORDS
    printf 'failed: %s\n' "$1" >&2
    exit 1
}

# Starts a bridge between two FIFOs.
start() { # WHO JID PASSWORD
    mkfifo "$directory/$1.commands" "$directory/$1.events"
    XMPP_BRIDGE_JID=$2 XMPP_BRIDGE_PASSWORD=$3 "$program" --input ndjson \
        <"$directory/$1.commands" >"$directory/$1.events" &
    pid[$1]=$!
}

# Opens our ends of its FIFOs; after all have been started, so that no bridge holds the end of another.
connect() { # WHO
    local fd
    exec {fd}>"$directory/$1.commands"
    to[$1]=$fd
    exec {fd}<"$directory/$1.events"
    from[$1]=$fd
}

is() { # LINE EXPRESSION
    jq -e --arg alice "$ALICE_JID" --arg bob "$BOB_JID" "$2" <<<"$1" >/dev/null
}

# Waits for an event for which a jq expression is true and puts it into $event. What came before it waits for a later
# call, so that the order between the two ends does not matter.
await() { # WHO EXPRESSION
    # shellcheck disable=SC2178 # a name for an array
    declare -n seen="seen_$1"
    local number line end=$((SECONDS + deadline))
    for number in "${!seen[@]}"; do
        if is "${seen[number]}" "$2"; then
            event=${seen[number]}
            unset "seen[number]"
            return
        fi
    done
    while [ $SECONDS -lt $end ] && IFS= read -r -t $((end - SECONDS)) -u "${from[$1]}" line; do
        if is "$line" "$2"; then
            event=$line
            return
        fi
        seen+=("$line")
    done
    return 1
}

# A step: what is seen at one end, within the deadline.
see() { # WHO WORDS EXPRESSION
    await "$1" "$3" || fail "$1 does not see within $deadline s: $2 ($3)"
    printf 'ok: %s\n' "$2"
}

# Nothing of that kind has come, though something later has.
unseen() { # WHO WORDS EXPRESSION
    # shellcheck disable=SC2178 # a name for an array
    declare -n seen="seen_$1"
    local line
    for line in "${seen[@]}"; do
        if is "$line" "$3"; then fail "$1 sees: $2 ($line)"; fi
    done
    printf 'ok: %s\n' "$2"
}

# Sends a command, VALUE being JSON where NAME ends with a colon, and waits for its result, which is left in $event.
ask() { # WHO VERB [NAME VALUE]...
    local who=$1 arguments=(--arg 'do' "$2" --arg ref "$((++refs))")
    shift 2
    while [ $# -gt 0 ]; do
        case $1 in
            *:) arguments+=(--argjson "${1%:}" "$2") ;;
            *) arguments+=(--arg "$1" "$2") ;;
        esac
        shift 2
    done
    jq -cn "${arguments[@]}" '$ARGS.named' >&"${to[$who]}" || fail "$who's bridge has gone"
    await "$who" ".event == \"result\" and .ref == \"$refs\"" || fail "$who has no answer to ${arguments[2]}"
}

# The same, and it must succeed.
tell() { # WHO VERB [NAME VALUE]...
    ask "$@"
    is "$event" .ok || fail "$1's $2 is refused: $event"
}

# Takes away what a former run left: the subscriptions, the roster's items, a block.
part() { # WHO FROM
    ask "$1" deny jid "$2"
    ask "$1" unblock jid "$2"
    ask "$1" roster_remove jid "$2"
}

start alice "$ALICE_JID" "$ALICE_PASSWORD"
start bob "$BOB_JID" "$BOB_PASSWORD"
connect alice
connect bob
see alice "alice is online" '.event == "session" and .state == "online"'
see bob "bob is online" '.event == "session" and .state == "online"'

part alice "$BOB_JID"
part bob "$ALICE_JID"
# What the servers say about that, and what was waiting, is behind us when each has heard from its own after the other.
for who in alice bob alice; do tell $who ping; done
# shellcheck disable=SC2034 # read by way of their names' ends
seen_alice=() seen_bob=()
echo "ok: strangers"

tell alice subscribe jid "$BOB_JID"
see bob "bob sees alice's request" '.event == "subscription" and .action == "request" and .jid == $alice'
tell bob approve jid "$ALICE_JID"
see alice "alice sees that bob approves" '.event == "subscription" and .action == "approved" and .jid == $bob'
see alice "alice sees bob's presence" '.event == "presence" and .available and .jid == $bob'
tell bob subscribe jid "$ALICE_JID"
see alice "alice sees bob's request" '.event == "subscription" and .action == "request" and .jid == $bob'
tell alice approve jid "$BOB_JID"
see bob "bob sees that alice approves" '.event == "subscription" and .action == "approved" and .jid == $alice'
see bob "bob sees alice's presence" '.event == "presence" and .available and .jid == $alice'
see alice "alice has bob both ways" '.event == "roster" and .jid == $bob and .subscription == "both"'
see bob "bob has alice both ways" '.event == "roster" and .jid == $alice and .subscription == "both"'

tell bob presence show away status "at lunch"
see alice "alice sees bob away" '.event == "presence" and .jid == $bob and .show == "away" and .status == "at lunch"'
tell bob presence type unavailable
see alice "alice sees bob go" '.event == "presence" and .jid == $bob and (.available | not)'
tell bob presence
see alice "alice sees bob come back" '.event == "presence" and .jid == $bob and .available and (has("show") | not)'

tell alice roster_set jid "$BOB_JID" groups: '["ops", "night shift"]'
see alice "alice has bob in two groups" \
    '.event == "roster" and .jid == $bob and (.groups | sort) == ["night shift", "ops"] and .subscription == "both"'
tell alice roster_set jid "$BOB_JID" name "Bob of ops"
see alice "alice has a name for bob, and the groups still" \
    '.event == "roster" and .jid == $bob and .name == "Bob of ops" and (.groups | length) == 2'

tell bob send to "$ALICE_JID" body "before"
see alice "alice gets bob's message" '.event == "message" and .jid == $bob and .body == "before"'
tell alice block jid "$BOB_JID"
see alice "alice has blocked bob" '.event == "block" and .action == "blocked" and .jid == $bob'
tell bob send to "$ALICE_JID" body "while blocked"
# The bridge asks the server for a sign of life behind each message: what it says then is true.
see bob "bob's message has gone, or has come back" \
    ".event == \"delivery\" and .ref == \"$refs\" and (.stage == \"acknowledged\" or .stage == \"failed\")"
tell alice unblock jid "$BOB_JID"
see alice "alice has unblocked bob" '.event == "block" and .action == "unblocked" and .jid == $bob'
tell bob send to "$ALICE_JID" body "after"
see alice "alice gets bob's message again" '.event == "message" and .jid == $bob and .body == "after"'
unseen alice "alice never gets what bob sent in between" '.event == "message" and .body == "while blocked"'

tell alice roster_remove jid "$BOB_JID"
see alice "alice has bob no longer" '.event == "roster" and .action == "remove" and .jid == $bob'
see bob "bob sees that alice looks no longer" \
    '.event == "subscription" and .action == "unsubscribed" and .jid == $alice'
see bob "bob sees that alice shows no longer" '.event == "subscription" and .action == "denied" and .jid == $alice'
see bob "bob sees alice go" '.event == "presence" and .jid == $alice and (.available | not)'
tell bob roster_remove jid "$ALICE_JID"
see bob "bob has alice no longer" '.event == "roster" and .action == "remove" and .jid == $alice'

# The end of their input ends them. One message of bob's may have come back, which his status tells: 75.
for who in alice bob; do
    eval "exec ${to[$who]}>&-"
    status=0
    wait "${pid[$who]}" || status=$?
    unset "pid[$who]"
    case $who$status in
        alice0 | bob0 | bob75) ;;
        *) fail "$who's bridge ended with $status" ;;
    esac
done
echo "ok: both have left"

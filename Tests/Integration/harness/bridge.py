"""The program under test: run to its end, or watched while it runs."""

import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jsonschema

from .certificates import Authority
from .processes import bound_to_us
from .servers import Account

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = ROOT / "contrib/schema/events-v1.schema.json"
COMMAND_SCHEMA = ROOT / "contrib/schema/commands-v1.schema.json"
#: How long a run may take where a test says nothing else: longer than the connect deadline (10 s) and leaving (5 s).
RUN_SECONDS = 25


def binary() -> str:
    """What contrib/test built, or else what a build by hand left."""
    named = os.environ.get("XMPP_BRIDGE_BINARY")
    places = [Path(named)] if named else [ROOT / f".build/{kind}/xmpp-bridge" for kind in ("release", "debug")]
    for place in places:
        if place.is_file():
            return str(place)
    raise FileNotFoundError(f"no program to test at {', '.join(map(str, places))}; build it, or run contrib/test")


@cache
def _validator(file: Path):
    schema = json.loads(file.read_text())
    jsonschema.validators.validator_for(schema).check_schema(schema)
    return jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())


class Events(list):
    """The events of an NDJSON output; each is valid against the schema, and `seq` counts them without a gap."""

    def take(self, line: str):
        """Checks and appends one line."""
        assert line.endswith("\n"), f"the last line is not whole: {line[-200:]!r}"
        event = json.loads(line)
        problem = jsonschema.exceptions.best_match(_validator(SCHEMA).iter_errors(event))
        assert problem is None, f"not in the schema: {event}: {problem.message}"
        expected = self[-1]["seq"] + 1 if self else 1
        assert event["seq"] == expected, f"seq {expected} should follow: {event}"
        self.append(event)


def chosen(events: list[dict], kind: str, **fields) -> list[dict]:
    """The events of that kind that have these fields."""
    return [event for event in events if event["event"] == kind and fields.items() <= event.items()]


@dataclass(frozen=True)
class Ended:
    """A run that is over."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def events(self) -> list[dict]:
        events = Events()
        for line in io.StringIO(self.out, newline="\n"):
            events.take(line)
        return events

    @property
    def complaints(self) -> list[str]:
        """The lines on stderr."""
        return self.err.splitlines()

    def __str__(self):
        return f"status {self.status} after {self.seconds:.1f} s\nstderr: {self.err[-2000:]}\nstdout: {self.out[-2000:]}"

    @property
    def complaint(self) -> str:
        """The one line on stderr that says why the run failed, in the form of every mistake."""
        assert len(self.complaints) == 1, f"expected one line on stderr: {self}"
        assert re.fullmatch(r"xmpp-bridge: \S.*\S", self.complaints[0]), self.complaints[0]
        return self.complaints[0]

    def ended_with(self, *statuses: int) -> "Ended":
        assert self.status in statuses, f"expected {' or '.join(map(str, statuses))}: {self}"
        return self


class Running:
    """A run in progress; its output is read as it comes."""

    def __init__(self, command: list[str], environment: dict[str, str], stdin=subprocess.PIPE):
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._complaints: list[str] = []
        self._events = Events()
        self._refs = 0
        self.process = subprocess.Popen(
            bound_to_us(command), env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        self._readers = [
            threading.Thread(target=self._read, args=where, daemon=True)
            for where in ((self.process.stdout, self._lines), (self.process.stderr, self._complaints))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def out(self) -> str:
        return "".join(self._lines)

    @property
    def err(self) -> str:
        return "".join(self._complaints)

    @property
    def events(self) -> list[dict]:
        """The events so far."""
        for line in self._lines[len(self._events) :]:
            self._events.take(line)
        return self._events

    @property
    def now(self) -> int:
        """The number of the last event so far, for `after`."""
        return len(self.events)

    def event(self, kind: str, seconds: float = 10, where=lambda event: True, after: int = 0, **fields) -> dict:
        """Waits for the first event of that kind with these fields, behind the event of the number `after`."""

        def found():
            return [event for event in chosen(self.events[after:], kind, **fields) if where(event)]

        return self._wait(found, seconds, f"{kind} {fields}")[0]

    def ask(self, do: str, seconds: float = 15, **keys) -> dict:
        """Sends a command and waits for its result; a last `_` of a key's name is not part of it."""
        self._refs += 1
        command = {"do": do, "ref": f"{do}-{self._refs}", **{name.rstrip("_"): value for name, value in keys.items()}}
        problem = jsonschema.exceptions.best_match(_validator(COMMAND_SCHEMA).iter_errors(command))
        assert problem is None, f"not in the schema: {command}: {problem.message}"
        self.write(json.dumps(command) + "\n")
        return self.event("result", seconds, ref=command["ref"])

    def tell(self, do: str, seconds: float = 15, **keys) -> dict:
        """The same, and the result must be good."""
        result = self.ask(do, seconds, **keys)
        assert result["ok"], result
        return result

    def refused(self, do: str, *conditions: str, seconds: float = 15, **keys) -> dict:
        """The same, and the server must refuse it with one of these conditions, and say why."""
        result = self.ask(do, seconds, **keys)
        assert result["ok"] is False and result["code"] == "refused" and result["text"], result
        assert result["condition"] in conditions, result
        return result

    def leave(self, *statuses: int, seconds: float = RUN_SECONDS) -> Ended:
        """Ends its input and waits for its end, 0 where no status is named."""
        self.end_input()
        return self.end(seconds).ended_with(*(statuses or (0,)))

    def online(self, seconds: float = 15) -> dict:
        """Waits for the event that says that the session is up."""
        return self.event("session", seconds, state="online")

    def present(self, seconds: float = 15):
        """Waits until the server shows us our own presence: ejabberd gives what comes before to other resources alone."""
        own = self.online(seconds)["jid"]
        self.event("presence", seconds, where=lambda event: event["from"] == own)

    def complaint_about(self, words: str, seconds: float = 10):
        """Waits for a line on stderr that holds these words."""
        self._wait(lambda: words in self.err, seconds, f"{words!r} on stderr")

    def wait_for_lines_read(self, count: int, seconds: float = 10):
        """Waits until the program says, asked by SIGUSR1, that it has taken in so many lines."""

        def told():
            self.signal(signal.SIGUSR1)
            return f"{count} lines read" in self.err

        self._wait(told, seconds, f"{count} lines read")

    def wait_for(self, condition, seconds: float = 10):
        """Waits until `condition()` is true."""
        return self._wait(condition, seconds, "such an output")

    def line(self, seconds: float = 10) -> str:
        """Waits for the first line on stdout."""
        return self._wait(lambda: self._lines, seconds, "a line on stdout")[0]

    def write(self, text: str):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def signal(self, number: int = signal.SIGTERM):
        self.process.send_signal(number)

    def end(self, seconds: float = RUN_SECONDS) -> Ended:
        """Waits for its end."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.remove()
            raise AssertionError(f"still running after {seconds:g} s\nstderr: {self.err}\nstdout: {self.out}") from None
        for reader in self._readers:
            reader.join(5)
        return Ended(status, self.out, self.err, time.monotonic() - self._began)

    def remove(self):
        """Nothing of it stays behind, whatever the test did."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # its own group: a shell's children too
        self.process.wait(10)
        if self.process.stdin and not self.process.stdin.closed:
            with suppress(BrokenPipeError):  # what was still buffered for a program that is gone
                self.process.stdin.close()

    def _wait(self, condition, seconds: float, what: str):
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                assert left > 0, f"no {what} within {seconds:g} s\nstderr: {self.err}\nstdout: {self.out[-3000:]}"
                self._changed.wait(min(left, 0.25))

    def _read(self, stream, where: list[str]):
        for line in stream:
            with self._changed:
                where.append(line.decode("utf-8", errors="surrogateescape"))
                self._changed.notify_all()


class Bridge:
    """Starts the program as one account, in a home of its own, connecting to one address."""

    def __init__(self, account: Account, home: Path, authority: Authority, address: str):
        self.account, self.home = account, home
        self._runs: list[Running] = []
        #: The environment of every run; a test changes it, None takes a variable away.
        self.environment: dict[str, str | None] = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "LC_ALL": "C.UTF-8",
            "XMPP_BRIDGE_JID": account.jid,
            "XMPP_BRIDGE_PASSWORD": account.password,
            "XMPP_BRIDGE_CA_FILE": str(authority.certificate),
            "XMPP_BRIDGE_SERVER": address,
        }

    def run(self, *arguments: str, input: str | bytes | None = None, seconds: float = RUN_SECONDS, **environment) -> Ended:
        """Runs it to its end; without `input`, stdin is /dev/null."""
        running = self.start(*arguments, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, **environment)
        if input is not None:
            data = input if isinstance(input, bytes) else input.encode()
            feeder = threading.Thread(target=_feed, args=(running.process.stdin, data), daemon=True)
            feeder.start()
        return running.end(seconds)

    def start(self, *arguments: str, stdin=subprocess.PIPE, **environment) -> Running:
        """Starts it and lets it run."""
        return self._started([binary(), *arguments], environment, stdin)

    def command(self, *arguments: str, **environment) -> Running:
        """Starts it for commands and waits until it is online, and where it prints all events, until it is there."""
        running = self.start("--input", "ndjson", *arguments, **environment)
        if arguments:
            running.online()
        else:
            running.present()
        return running

    def configured(self, text: str, *arguments: str, **environment) -> Running:
        """Starts the filter with a configuration file of that text, to which the account is added."""
        return self.start("--config", str(self.configuration(text)), *arguments, **environment)

    def configuration(self, text: str) -> Path:
        """A configuration file of that text, to which the account is added."""
        file = self.home / "bridges.yaml"
        file.write_text("account: {password: {env: XMPP_BRIDGE_PASSWORD}}\n" + text)
        return file

    def listen(self, *arguments: str, **environment) -> Running:
        """Starts it without input and waits until it is online."""
        running = self.start(*arguments, stdin=subprocess.DEVNULL, **environment)
        running.online()
        return running

    def shell(self, script: str, *, seconds: float = RUN_SECONDS, **environment) -> Ended:
        """Runs a bash script with `pipefail`, as a user writes it, in which `xmpp-bridge` is the program."""
        return self.start_shell(script, stdin=subprocess.DEVNULL, **environment).end(seconds)

    def start_shell(self, script: str, stdin=subprocess.PIPE, **environment) -> Running:
        """Starts such a script and lets it run."""
        preamble = f"set -o pipefail; xmpp-bridge() {{ {shlex.quote(binary())} \"$@\"; }}\n"
        return self._started(["bash", "-c", preamble + script], environment, stdin)

    def remove(self):
        for running in self._runs:
            running.remove()

    def _started(self, command, environment, stdin) -> Running:
        merged = {**self.environment, **environment}
        running = Running(command, {name: value for name, value in merged.items() if value is not None}, stdin)
        self._runs.append(running)
        return running


def _feed(pipe, data: bytes):
    with suppress(BrokenPipeError):  # the program ended before it had read everything: its status tells
        pipe.write(data)
        pipe.close()


def as_nobody(bridge: Bridge, program: list[str]) -> list[str]:
    """The same as a user with no rights of its own, for whom the folders of the test are open and the program is a copy."""
    for folder in (bridge.home, *bridge.home.parents):
        if str(folder) in ("/", "/tmp"):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    copy = bridge.home / "xmpp-bridge"
    shutil.copy(program[0], copy)
    copy.chmod(0o755)
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", str(copy), *program[1:]]

"""Private Prosody and ejabberd: own ports on 127.0.0.1, own data, ended by pid."""

import grp
import itertools
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .certificates import NAMED_DOMAINS, UNNAMED_DOMAIN, Authority
from .processes import bound_to_us, eventually, free_ports, stop

#: How long a server may take until it answers; ejabberd's first start on a busy machine is the slowest.
START_SECONDS = 60
#: How long an occupant must wait between two messages in a room of `slow_rooms`.
SLOW_SECONDS = 0.4


@dataclass(frozen=True)
class Account:
    """A user of a server under test."""

    jid: str
    password: str

    @property
    def user(self) -> str:
        return self.jid.partition("@")[0]

    @property
    def domain(self) -> str:
        return self.jid.partition("@")[2]


class Server:
    """What both servers share: start, stop, kill, restart with the same ports and data, fresh accounts."""

    name = ""
    #: Where a multi-user chat room can be made.
    rooms = "conference.localhost"
    #: The same, but an occupant may speak only every `SLOW_SECONDS`.
    slow_rooms = "slow.localhost"

    def __init__(self, authority: Authority):
        self.authority = authority
        self.certificate = authority.server(f"{self.name}-server", NAMED_DOMAINS)
        self.directory = Path(tempfile.mkdtemp(prefix=f"xmpp-bridge-{self.name}-"))
        self.directory.chmod(0o711)
        self.port, self.tls_port, self.external_port, self.spare_port = free_ports(4)
        self.process: subprocess.Popen | None = None
        self._numbers = itertools.count(1)
        self._starts = 0
        self._accounts: list[Account] = []

    @property
    def address(self) -> str:
        """For XMPP_BRIDGE_SERVER: STARTTLS."""
        return f"localhost:{self.port}"

    @property
    def tls_address(self) -> str:
        """For XMPP_BRIDGE_SERVER: direct TLS."""
        return f"tls://localhost:{self.tls_port}"

    def start(self):
        assert self.process is None
        self._starts += 1
        with (self.directory / f"output-{self._starts}.log").open("wb") as output:
            self.process = subprocess.Popen(
                bound_to_us(self.command()), env=self.environment(), cwd=self.directory, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        eventually(self._answers, START_SECONDS, lambda: f"{self.name} answering on {self.port}; {self.logs()}", 0.05)

    def stop(self):
        """As an administrator stops it: SIGTERM, and time to say good-bye to its users."""
        if self.process is not None:
            stop(self.process)
            self.process = None

    def kill(self):
        """As a power cut stops it, though no account is lost by it."""
        assert self.process is not None
        eventually(self._accounts_are_kept, 10, f"{self.name} writing its accounts to its files")
        self.process.kill()
        self.process.wait(15)
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def account(self, user: str = "user", domain: str = "localhost") -> Account:
        """A fresh account that no other test uses."""
        user = f"{user}-{next(self._numbers)}"
        account = Account(f"{user}@{domain}", f"pencil {user}")
        self.register(account)
        self._accounts.append(account)
        return account

    def accounts(self, count: int, user: str = "user") -> list[Account]:
        """That many fresh accounts."""
        return [self.account(user) for _ in range(count)]

    def room(self, name: str = "room", host: str | None = None) -> str:
        """The address of a room that no other test uses; it is not there yet."""
        return f"{name}-{next(self._numbers)}@{host or self.rooms}"

    def logs(self) -> str:
        """The end of what the server wrote, for a failure's message."""
        texts = [path.read_text(errors="replace")[-2000:] for path in sorted(self.directory.rglob("*.log"))]
        return "\n".join(texts)

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {**os.environ, "LC_ALL": "C.UTF-8"}

    def register(self, account: Account):
        raise NotImplementedError

    def fill_roster(self, account: Account, count: int):
        """Gives an account that has never logged in so many contacts: contact-N@localhost, called `Contact N`, in ops."""
        raise NotImplementedError

    def _accounts_are_kept(self) -> bool:
        return True

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {self.logs()}")
        header = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' " \
            "xmlns:stream='http://etherx.jabber.org/streams'>"  # fmt: skip
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(2)
                connection.sendall(header.encode())
                seen = b""
                while b"</stream:features>" not in seen:
                    chunk = connection.recv(4096)
                    if not chunk:
                        return False
                    seen += chunk
                return True
        except OSError:
            return False


#: Prosody 0.12 has no rate limit in a room, and Debian does not package the module that is known for it.
_SLOW = f"""
local st, now = require "util.stanza", require "util.time".now;
local spoke = {{}};
module:hook("muc-occupant-groupchat", function (event)
  local who, at = event.occupant and event.occupant.nick or event.stanza.attr.from, now();
  if spoke[who] and at - spoke[who] < {SLOW_SECONDS} then
    event.origin.send(st.error_reply(event.stanza, "wait", "policy-violation", "One message at a time"));
    return true;
  end
  spoke[who] = at;
end, 1000);
"""
#: A room that forgets an occupant without a word to anyone, as after a lost link between servers.
_FORGET = """
local rooms = module:depends "muc";
module:hook("message/bare", function (event)
  local forget = event.stanza:get_child("forget", "urn:xmpp-bridge:test");
  local room = forget and rooms.get_room_from_jid(event.stanza.attr.to);
  if not room then return; end
  local id = room.jid .. "/" .. forget.attr.nick;
  for jid, nick in pairs(room._jid_nick) do
    if nick == id then room._jid_nick[jid] = nil; end
  end
  room._occupants[id] = nil;
  return true;
end, 1000);
"""


def _as_prosody_names(text: str) -> str:
    """A file's or folder's name in Prosody's data."""
    return re.sub(r"[^A-Za-z0-9]", lambda match: f"%{ord(match[0]):02x}", text)


class Prosody(Server):
    name = "prosody"

    def __init__(self, authority: Authority):
        super().__init__(authority)
        self.data = self.directory / "data"
        self.data.mkdir()
        (self.directory / "certs").mkdir()
        self.modules = self.directory / "modules"
        self.modules.mkdir()
        (self.modules / "mod_slow.lua").write_text(_SLOW)
        (self.modules / "mod_forget.lua").write_text(_FORGET)
        self.configuration = self.directory / "prosody.cfg.lua"
        self.configuration.write_text(self._configuration())

    def command(self) -> list[str]:
        return ["prosody", "-F", "--config", str(self.configuration)]

    def register(self, account: Account):
        """Writes the file that Prosody reads at a login and hashes then: prosodyctl takes a third of a second each."""
        self._store("accounts", account, f'["password"] = {json.dumps(account.password)};')

    def fill_roster(self, account: Account, count: int):
        items = (
            f'["contact-{n}@localhost"] = {{ subscription = "none"; name = "Contact {n}"; '
            "groups = { ops = true } };\n"
            for n in range(count)
        )
        self._store("roster", account, "[false] = { version = 1; pending = {} };\n" + "".join(items))

    def _store(self, store: str, account: Account, fields: str):
        folder = self.data / _as_prosody_names(account.domain) / store
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{_as_prosody_names(account.user)}.dat").write_text(f"return {{ {fields} }};\n")

    def _configuration(self) -> str:
        certificate = f'key = "{self.certificate.key}"; certificate = "{self.certificate.chain}"'
        # No archive unless an account asks for one: it slows a message to a tenth, on ejabberd to a hundredth.
        return f"""
run_as_root = true
daemonize = false
pidfile = "{self.directory}/prosody.pid"
data_path = "{self.data}"
log = {{ info = "{self.directory}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {self.port} }}
c2s_direct_tls_ports = {{ {self.tls_port} }}
s2s_ports = {{}}
http_ports = {{}}
https_ports = {{}}
c2s_require_encryption = true
ssl = {{ {certificate} }}
authentication = "internal_hashed"
storage = "internal"
storage_archive_item_limit = 1000000
archive_expires_after = "never"
default_archive_policy = false
max_archive_query_results = 5000
plugin_paths = {{ "/usr/lib/prosody/modules/mod_auth_ccert"; "{self.modules}" }}
default_iteration_count = 4096
muc_log_by_default = false
muc_log_expires_after = "never"
modules_enabled = {{
  "roster"; "saslauth"; "tls"; "disco"; "carbons"; "smacks"; "blocklist"; "mam"; "csi"; "ping"; "private";
  "vcard_legacy"; "pep"; "version"; "time"; "offline"; "posix";
}}
modules_disabled = {{ "s2s" }}
VirtualHost "localhost"
VirtualHost "bridge.test"
VirtualHost "{UNNAMED_DOMAIN}"
VirtualHost "anon.test"
  authentication = "anonymous"
VirtualHost "external.test"
  authentication = "ccert"
  c2s_ssl = {{ {certificate}; cafile = "{self.authority.certificate}"; verify = {{ "peer", "client_once" }} }}
Component "{self.rooms}" "muc"
  modules_enabled = {{ "muc_mam"; "forget" }}
Component "{self.slow_rooms}" "muc"
  modules_enabled = {{ "slow" }}
"""

    @property
    def external_address(self) -> str:
        """For XMPP_BRIDGE_SERVER: where a client certificate is asked for."""
        return self.address


class Ejabberd(Server):
    name = "ejabberd"
    #: Debian's account for it, where the tests run as root.
    user = "ejabberd"

    def __init__(self, authority: Authority):
        super().__init__(authority)
        self.api_port, self.distribution_port = free_ports(2)
        for folder in ("config", "spool", "logs"):
            (self.directory / folder).mkdir()
        config = self.directory / "config"
        (config / "ejabberd.yml").write_text(json.dumps(self._configuration(), indent=1))  # JSON is YAML
        (config / "inetrc").write_text('{lookup,["file","native"]}.\n{host,{127,0,0,1},["localhost"]}.\n')
        if os.geteuid() == 0:
            uid, gid = pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.user).gr_gid
            for path in [self.directory, *self.directory.rglob("*")]:
                os.chown(path, uid, gid)

    def command(self) -> list[str]:
        # Not ejabberdctl: it starts a shell and su in between, so that the pid would not be the server's.
        erl = [
            "erl", "-sname", f"bridge{self.distribution_port}@localhost", "-noinput",
            "-start_epmd", "false", "-erl_epmd_port", str(self.distribution_port),
            "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
            "-mnesia", "dir", f'"{self.directory}/spool"', "-s", "ejabberd",
        ]  # fmt: skip
        if os.geteuid() != 0:
            return erl
        return ["setpriv", "--pdeathsig", "KILL", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *erl]

    def environment(self) -> dict[str, str]:
        script = Path(shutil.which("ejabberdctl") or "/usr/sbin/ejabberdctl").read_text()
        libraries = re.search(r"^ERL_LIBS='?([^'\n]+)", script, re.MULTILINE)
        assert libraries, "ejabberdctl no longer says where ejabberd's libraries are"
        return {
            **super().environment(),
            "HOME": str(self.directory / "spool"),
            "ERL_LIBS": libraries.group(1),
            "ERL_INETRC": str(self.directory / "config/inetrc"),
            "ERL_CRASH_DUMP_SECONDS": "0",
            "EJABBERD_CONFIG_PATH": str(self.directory / "config/ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(self.directory / "logs/ejabberd.log"),
        }

    def register(self, account: Account):
        self._call("register", {"user": account.user, "host": account.domain, "password": account.password})

    def fill_roster(self, account: Account, count: int):
        file = self.directory / "roster"
        items = ",\n".join(f'{{"contact-{n}", "localhost", "ops", "Contact {n}"}}' for n in range(count))
        file.write_text(f"[{items}].\n")
        self._call("push_roster", {"file": str(file), "user": account.user, "host": account.domain})

    def _call(self, command: str, arguments: dict):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api_port}/api/{command}", json.dumps(arguments).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=120) as answer:
            assert answer.status == 200

    def _accounts_are_kept(self) -> bool:
        # mnesia writes its log two seconds late.
        kept = b"".join(file.read_bytes() for file in (self.directory / "spool").iterdir() if file.is_file())
        return all(account.user.encode() in kept for account in self._accounts)

    def _configuration(self) -> dict:
        # No room's archive unless it is asked for, and no history that nobody asks for costs a join much.
        rooms = {"max_users": 2000, "max_user_conferences": 1000, "default_room_options": {"max_users": 2000}}
        client = {"ip": "127.0.0.1", "module": "ejabberd_c2s", "shaper": "none", "access": "all",
                  "max_stanza_size": 262144}  # fmt: skip
        return {
            "hosts": [domain for domain in NAMED_DOMAINS if domain != self.rooms] + [UNNAMED_DOMAIN],
            "loglevel": "info",
            "acme": {"auto": False},
            "certfiles": [str(self.certificate.bundle)],
            "auth_method": ["internal"],
            "auth_password_format": "scram",
            "host_config": {"anon.test": {"auth_method": ["anonymous"], "allow_multiple_connections": True}},
            # The rooms belong to one domain each: all of the others would register the same address.
            "append_host_config": {
                "localhost": {"modules": {"mod_muc": {**rooms, "hosts": [self.rooms]}}},
                "bridge.test": {
                    "modules": {
                        "mod_muc": {**rooms, "hosts": [self.slow_rooms], "min_message_interval": SLOW_SECONDS}
                    }
                },
            },
            "listen": [
                {**client, "port": self.port, "starttls_required": True},
                {**client, "port": self.tls_port, "tls": True},
                {**client, "port": self.external_port, "starttls_required": True, "tls_verify": True,
                 "cafile": str(self.authority.certificate)},
                {"ip": "127.0.0.1", "port": self.api_port, "module": "ejabberd_http",
                 "request_handlers": {"/api": "mod_http_api"}},
            ],
            "api_permissions": {"tests": {"who": {"ip": "127.0.0.1/8"}, "what": ["register", "push_roster"]}},
            "shaper_rules": {"everything": 1000000},
            "modules": {
                "mod_admin_extra": {}, "mod_blocking": {}, "mod_caps": {}, "mod_carboncopy": {}, "mod_client_state": {}, "mod_disco": {},
                "mod_http_api": {}, "mod_mam": {"default": "never"},
                "mod_offline": {"access_max_user_messages": "everything"},
                "mod_ping": {}, "mod_privacy": {}, "mod_private": {}, "mod_pubsub": {"plugins": ["flat", "pep"]},
                "mod_roster": {"versioning": True},
                "mod_stream_mgmt": {"resend_on_timeout": "if_offline"},
                "mod_vcard": {}, "mod_version": {},
            },
        }  # fmt: skip

    @property
    def external_address(self) -> str:
        """For XMPP_BRIDGE_SERVER: where a client certificate is asked for."""
        return f"localhost:{self.external_port}"


SERVERS = {server.name: server for server in (Prosody, Ejabberd)}

"""A certificate authority that lives as long as the test run, made with the openssl command."""

import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: Every domain that the servers answer for with a certificate that names it.
NAMED_DOMAINS = ["localhost", "bridge.test", "anon.test", "external.test", "conference.localhost"]
#: A domain that the servers answer for with a certificate that does not name it.
UNNAMED_DOMAIN = "wrong.test"


@dataclass(frozen=True)
class Certificate:
    """A certificate, its key, and both in one file."""

    chain: Path
    key: Path
    bundle: Path

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the hash of the certificate in DER, as the program's --fingerprint takes it."""
        der = ssl.PEM_cert_to_DER_cert(self.chain.read_text())
        return "sha256:" + hashlib.sha256(der).hexdigest()


class Authority:
    """Signs what the tests need; nobody else trusts it."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.key = directory / "ca.key"
        self.certificate = directory / "ca.pem"
        self._make_key(self.key)
        self._openssl(
            "req", "-x509", "-new", "-key", self.key, "-out", self.certificate, "-days", "2",
            "-subj", "/CN=xmpp-bridge test authority",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def server(self, name: str, domains: list[str]) -> Certificate:
        """A certificate that names these domains."""
        return self._sign(name, [f"DNS:{domain}" for domain in domains], "serverAuth")

    def client(self, name: str, jid: str) -> Certificate:
        """A certificate that names this account (RFC 6120 13.7.1.4, XmppAddr)."""
        # Prosody judges a client by the purpose of a server.
        return self._sign(name, [f"otherName:1.3.6.1.5.5.7.8.5;UTF8:{jid}"], "clientAuth,serverAuth")

    def _sign(self, name: str, alternative_names: list[str], usage: str) -> Certificate:
        key, request = self.directory / f"{name}.key", self.directory / f"{name}.csr"
        extensions, chain = self.directory / f"{name}.ext", self.directory / f"{name}.pem"
        self._make_key(key)
        self._openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={name}")
        extensions.write_text(
            f"subjectAltName={','.join(alternative_names)}\nbasicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n"
        )
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
            "-days", "2", "-sha256", "-extfile", extensions, "-out", chain,
        )  # fmt: skip
        bundle = self.directory / f"{name}.bundle.pem"
        bundle.write_text(chain.read_text() + key.read_text())
        for file in (key, bundle, chain):
            file.chmod(0o644)  # throw-away keys; a server that runs as its own user reads them
        return Certificate(chain, key, bundle)

    def _make_key(self, path: Path):
        self._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)

    @staticmethod
    def _openssl(*arguments):
        command = ["openssl", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")

"""The real gateway as a child process."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from .certificate import Certificate

ROOT = Path(__file__).resolve().parents[3]
KEY = "tr_dev_sk_0123456789abcdefghijABCD"
QUIC_SECRET = "0123456789abcdefghijABCDEFGHIJ0123456789"
START_S = 30.0


def binary() -> Path:
    """TIDEGATE_BIN, or where cargo puts it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = Path(os.environ.get("TIDEGATE_BIN", target / "debug/tidegate"))
    if not path.exists():
        raise RuntimeError(f"{path} is missing: cargo build -p tidegate-server")
    return path


PORTS = itertools.count(os.getpid() * 61)
"""Which to try next, so that two runs at a time do not try the same."""


def free_port() -> int:
    """A port that nobody has, neither for TCP nor for UDP. Below those that systems give to whoever
    asks for any: a gateway that is down for a while keeps it."""
    for count in PORTS:
        port = 16000 + count % 16000
        with suppress(OSError), socket.socket() as tcp:
            tcp.bind(("127.0.0.1", port))
            with socket.socket(type=socket.SOCK_DGRAM) as udp:
                udp.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("no port is free")


class Gateway:
    """A `tidegate serve` with the demo agent. `config` is more TOML. With a certificate it speaks
    TLS and QUIC at `tls_port`, beside `port`."""

    def __init__(
        self, config: str = "", store: str = "memory:", certificate: Certificate | None = None
    ) -> None:
        self.port = free_port()
        self.tls_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="tidegate-python-")
        store = store.replace("{folder}", self._folder.name)
        self._file = Path(self._folder.name) / "tidegate.toml"
        self._file.write_text(
            f'[server]\npublic_url = "{self.url}"\n{self._listeners(certificate)}'
            f'[store]\nurl = "{store}"\n'
            f'[[environment]]\nname = "dev"\nsecret_keys = ["{KEY}"]\n'
            '[[agent]]\nid = "demo"\nbackend = "demo"\nwords_per_second = 0\n'
            f"{config}"
        )
        self.start()

    def start(self) -> None:
        env = {**os.environ, "RUST_LOG": os.environ.get("RUST_LOG", "error")}
        self.process = subprocess.Popen(
            [str(binary()), "serve", "--config", str(self._file)],
            env=env,
            cwd=self._folder.name,
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_S
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the gateway did not start: {self.process.poll()}")
            time.sleep(0.02)

    def _listeners(self, certificate: Certificate | None) -> str:
        plain, secure = (f'"127.0.0.1:{port}"' for port in (self.port, self.tls_port))
        if certificate is None:
            return f"listen = {plain}\n"
        # With a secret a gateway resets the connections of the one before it.
        return (
            f"listen = {secure}\nlisten_plain = {plain}\n"
            f'[server.tls]\ncert = "{certificate.cert}"\nkey = "{certificate.key}"\n'
            f'[server.quic]\nsecret = "{QUIC_SECRET}"\n'
        )

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()

    def drain(self) -> None:
        """SIGTERM, and waits for the end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.drain()
        self._folder.cleanup()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=2) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

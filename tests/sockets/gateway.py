"""A real gateway for one run: plain on one port, TLS on another."""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

KEY = "tr_dev_sk_0123456789abcdefghijABCD"
ROOT = Path(__file__).resolve().parents[2]

CONFIG = """
[server]
listen = "127.0.0.1:{tls}"
listen_plain = "127.0.0.1:{plain}"
public_url = "https://127.0.0.1:{tls}"
[server.tls]
cert = "{folder}/cert.pem"
key = "{folder}/key.pem"
[store]
url = "memory:"
[[environment]]
name = "dev"
secret_keys = ["{key}"]
[[agent]]
id = "demo"
backend = "demo"
"""


def binary():
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    return os.environ.get("TIDEGATE_BIN", f"{target}/debug/tidegate")


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


class Gateway:
    """Runs while the `with` block runs; it must end by itself on SIGTERM."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tidegate-sockets-")
        folder = self.folder.name
        self.plain, self.tls = free_ports(2)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"],
            check=True, capture_output=True)
        config = Path(folder, "tidegate.toml")
        config.write_text(CONFIG.format(plain=self.plain, tls=self.tls, folder=folder, key=KEY))
        log = open(Path(folder, "log"), "w", encoding="utf-8")
        self.process = subprocess.Popen([binary(), "serve", "--config", str(config)],
                                        stdout=log, stderr=log)
        log.close()
        self.wait_until_ready()
        return self

    def wait_until_ready(self):
        while True:
            if self.process.poll() is not None:
                raise SystemExit(Path(self.folder.name, "log").read_text(encoding="utf-8"))
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.plain}/ready", timeout=5)
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)

    @property
    def certificate(self):
        return f"{self.folder.name}/cert.pem"

    def drain(self):
        """Tells it to stop; gives the exit code once it has."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def __exit__(self, *_):
        code = self.drain()
        self.folder.cleanup()
        if code != 0:
            raise SystemExit(f"the gateway ended with {code}")

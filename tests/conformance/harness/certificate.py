"""A certificate of the gateways here. It is its own CA, and one that browsers take by its hash."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path


class Certificate:
    """For this machine, in PEM files: `cert` is also what clients trust."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tidegate-tls-")
        self.cert = Path(self._folder.name) / "cert.pem"
        self.key = Path(self._folder.name) / "key.pem"
        kind = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10"
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        # Some TLS stacks take no CA for a server.
        leaf = ["-addext", "basicConstraints=critical,CA:FALSE"]
        files = ["-keyout", str(self.key), "-out", str(self.cert)]
        subprocess.run([*kind.split(), *names, *leaf, *files], check=True, capture_output=True)

    def remove(self) -> None:
        """Its files."""
        self._folder.cleanup()

"""The real gateway in a namespace, with TLS on TCP and QUIC on UDP."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY, PORT = "tr_dev_loss", 8443
ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0


def binary() -> Path:
    """TIDEGATE_BIN, or where cargo puts it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = Path(os.environ.get("TIDEGATE_BIN", target / "debug/tidegate"))
    if not path.exists():
        raise RuntimeError(f"{path} is missing: cargo build -p tidegate-server")
    return path


def certificate(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10"
    files = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return cert, key


def listens(namespace: str) -> bool:
    command = ["ip", "netns", "exec", namespace, "cat", "/proc/net/tcp", "/proc/net/tcp6"]
    table = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return f":{PORT:04X} " in table


@contextmanager
def gateway(namespace: str) -> Iterator[subprocess.Popen]:
    with tempfile.TemporaryDirectory(prefix="tidegate-loss-") as name:
        folder = Path(name)
        cert, key = certificate(folder)
        config = folder / "tidegate.toml"
        config.write_text(
            f'[server]\nlisten = "0.0.0.0:{PORT}"\n'
            f'[server.tls]\ncert = "{cert}"\nkey = "{key}"\n[store]\nurl = "memory:"\n'
            f'[[environment]]\nname = "dev"\nsecret_keys = ["{KEY}"]\n'
            '[[agent]]\nid = "demo"\nbackend = "demo"\nwords_per_second = 0\n'
        )
        command = ["ip", "netns", "exec", namespace, str(binary()), "serve", "--config"]
        env = os.environ | {"RUST_LOG": os.environ.get("RUST_LOG", "error")}
        process = subprocess.Popen([*command, str(config)], env=env, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + START_S
            while not listens(namespace):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the gateway did not start: {process.poll()}")
                time.sleep(0.05)
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

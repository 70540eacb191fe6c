"""The real binary and the service of the WebTransport tests, with a new certificate."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY = "tr_dev_quic"
DEBUG = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).parents[2] / "target")) / "debug"
BINARY = os.environ.get("TIDEGATE_BIN", str(DEBUG / "tidegate"))
ECHO = os.environ.get("TIDEGATE_ECHO", str(DEBUG / "examples" / "webtransport_echo"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def certificate(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *files, *names], check=True, capture_output=True)
    return cert, key


def wait(process: subprocess.Popen, port: int) -> None:
    """Until it listens."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"it exited with {process.returncode}")


@contextmanager
def gateway() -> Iterator[tuple[int, subprocess.Popen]]:
    """The port of a gateway, and its process."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        cert, key = certificate(folder)
        config = folder / "tidegate.toml"
        config.write_text(
            f'[server]\nlisten = "127.0.0.1:{port}"\n'
            f'[server.tls]\ncert = "{cert}"\nkey = "{key}"\n[store]\nurl = "memory:"\n'
            f'[drain]\ntimeout = "20s"\ndelay = "0s"\nspread = "0s"\n'
            f'[[environment]]\nname = "dev"\nsecret_keys = ["{KEY}"]\n'
            f'[[agent]]\nid = "demo"\nbackend = "demo"\nwords_per_second = 0\n'
        )
        quiet = os.environ | {"RUST_LOG": os.environ.get("RUST_LOG", "error")}
        with running([BINARY, "serve", "--config", str(config)], port, quiet) as process:
            yield port, process


@contextmanager
def echo() -> Iterator[int]:
    """The port of the service of the WebTransport tests."""
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        cert, key = certificate(Path(name))
        with running([ECHO, f"127.0.0.1:{port}", str(cert), str(key)], port, dict(os.environ)):
            yield port


@contextmanager
def running(command: list[str], port: int, env: dict[str, str]) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env)
    try:
        wait(process, port)
        yield process
    finally:
        process.kill()
        process.wait()

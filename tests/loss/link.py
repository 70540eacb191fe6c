"""Two network namespaces, a tun device in each; what joins them is for the holder of the files."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SERVER_IP, CLIENT_IP = "10.213.0.1", "10.213.0.2"


@dataclass
class Link:
    """The names of the namespaces and the packets' ends: reads and writes are IP packets."""

    server: str
    client: str
    server_device: str
    server_file: int
    client_file: int


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def namespace(name: str) -> Iterator[str]:
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "del", name)


def control(link: Link, name: str) -> None:
    """The congestion control of TCP connections that the server takes up from now on."""
    route = ("route", "replace", f"{CLIENT_IP}/32", "dev", link.server_device)
    ip("-n", link.server, *route, "src", SERVER_IP, "congctl", name)


@contextmanager
def tun(device: str, inside: str, own: str, peer: str) -> Iterator[int]:
    """The device is made here and moved: its file stays with this process."""
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        request = struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI)
        fcntl.ioctl(file, TUNSETIFF, request)
        ip("link", "set", device, "netns", inside)
        ip("-n", inside, "address", "add", own, "peer", peer, "dev", device)
        ip("-n", inside, "link", "set", device, "up", "txqueuelen", "10000")
        yield file
    finally:
        os.close(file)


@contextmanager
def link() -> Iterator[Link]:
    mark = os.getpid()
    with ExitStack() as stack:
        server = stack.enter_context(namespace(f"tidegate-s{mark}"))
        client = stack.enter_context(namespace(f"tidegate-c{mark}"))
        device = f"tgs{mark}"
        one = stack.enter_context(tun(device, server, SERVER_IP, CLIENT_IP))
        other = stack.enter_context(tun(f"tgc{mark}", client, CLIENT_IP, SERVER_IP))
        yield Link(server, client, device, one, other)

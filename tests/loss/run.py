"""Delivery over a lossy, slow path: 50 chats on one connection, over each transport.

    python3 tests/loss/run.py [--rounds N] [--seconds N] [--rate N] [--seed N] [--no-baseline]

Needs root, for two network namespaces of its own; `TIDEGATE_BIN` names the gateway. It prints
delays and judges none of them: a measurement fails if a record is lost, repeated or out of order.
The last line is "N passed, N failed". Where there can be no namespaces it says so, and that is a
failure only with `TIDEGATE_REQUIRE_LOSS=1`.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from gateway import gateway
from link import Link, control, link
from measure import HEADER, Load, Outcome, measure, percentiles

# What was wrong in each measurement.
Verdicts = dict[str, list[str]]

# Where one connection goes, and the kernel's congestion control where it is the kernel's.
WAYS = (("WebSocket", "cubic"), ("WebSocket", "bbr"), ("WebTransport", ""))
EVENTS = (("SSE/HTTP2", "cubic"), ("SSE/HTTP2", "bbr"), ("SSE/HTTP3", ""))
DELAY_S, LOSS = 0.040, 0.02
LARGE, LARGE_FROM, LARGE_EVERY_S, LARGE_AFTER_S = 900, 800, 1.0, 2.0
WINDOW_S = 0.150


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--chats", type=int, default=50)
    parser.add_argument("--rate", type=float, default=10.0, help="records/s in each chat")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--no-baseline", action="store_true", help="no round without loss")
    return parser.parse_args()


def available(ways: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Those that this kernel has."""
    path = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
    controls = path.read_text().split() + [""]
    return [(transport, kernel) for transport, kernel in ways if kernel in controls]


def rounds(link: Link, load: Load, args: argparse.Namespace) -> Verdicts:
    """First one without loss: what the path and the clients take by themselves."""
    print(f"\nEvery packet is lost with {LOSS:.0%}, both ways:\n{HEADER}")
    verdicts: Verdicts = {}
    for at in range(1 if args.no_baseline else 0, args.rounds + 1):
        loss = LOSS if at else 0.0
        # Both transports meet the same losses, by the number of the packet.
        relayed = ["--delay", str(DELAY_S), "--loss", str(loss), "--seed", f"{args.seed}.{at}"]
        for transport, kernel in available(WAYS + EVENTS):
            if kernel:
                control(link, kernel)
            prefix = f"r{at}-{transport.replace('/', '-')}-{kernel}"
            outcome = measure(link, load, transport, prefix, relayed, [])
            title = f"{f'round {at}' if at else 'no loss'} {transport} {kernel}"
            print(outcome.row(title), flush=True)
            verdicts[title] = outcome.wrong
    return verdicts


def one_stream(link: Link, load: Load) -> Verdicts:
    """Chat 0 gets a large record now and then; only packets that carry one are dropped, once."""
    print(
        f"\nOnly packets of one chat are lost, one each {LARGE_EVERY_S} s. Records of the others "
        f"written within\n{WINDOW_S * 1000:.0f} ms of such a loss, and at other times:\n"
        f"{'':<40} {'p50':>6} {'p95':>6} {'p99':>6} {'max':>6}  records"
    )
    relayed = ["--delay", str(DELAY_S), "--large", str(LARGE_FROM)]
    relayed += ["--every", str(LARGE_EVERY_S), "--after", str(LARGE_AFTER_S)]
    every = max(1, round(load.rate * LARGE_EVERY_S / 2))
    written = ["--first-size", str(LARGE), "--first-every", str(every)]
    verdicts: Verdicts = {}
    for transport, kernel in available(WAYS):
        if kernel:
            control(link, kernel)
        prefix, name = f"one-{transport}-{kernel}", f"{transport} {kernel}".strip()
        outcome = measure(link, load, transport, prefix, relayed, written)
        for part, delays in around(outcome, every).items():
            print(f"{name + ', ' + part:<40} {percentiles(delays)}  {len(delays)}")
        print(f"{name + ', packets lost':<40} {len(outcome.relay['times'])}", flush=True)
        verdicts[f"one stream, {name}"] = outcome.wrong
    return verdicts


def around(outcome: Outcome, every: int) -> dict[str, list[float]]:
    """The delays by whose they are and when they were written."""
    parts: dict[str, list[float]] = {"the lost records": [], "others then": [], "others else": []}
    for chat, number, written, delay in outcome.delays:
        near = [at - written for at in outcome.relay["times"]]
        if chat == 0:
            if number % every == 0 and any(0 <= after < 0.04 for after in near):
                parts["the lost records"].append(delay)
        elif any(-WINDOW_S <= after < 0.0 for after in near):
            parts["others then"].append(delay)
        else:
            parts["others else"].append(delay)
    return parts


def lacking() -> str:
    """What this machine would have to give."""
    if os.geteuid() != 0:
        return "this needs root: it makes network namespaces and tun devices"
    packages = [name for name in ("aioquic", "h2", "websockets") if find_spec(name) is None]
    if packages:
        return f"{', '.join(packages)} missing: pip install -r tests/loss/requirements.txt"
    try:
        with link():
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"there can be no network namespaces with tun devices: {error}"


def not_run(missing: str) -> int:
    print(f"!!! {missing}: tests/loss DID NOT RUN !!!", file=sys.stderr)
    required = os.environ.get("TIDEGATE_REQUIRE_LOSS") == "1"
    print(f"0 passed, {1 if required else 0} failed")
    return 1 if required else 0


def main() -> int:
    args = arguments()
    missing = lacking()
    if missing:
        return not_run(missing)
    # So that what was made is undone then as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load = Load(args.chats, args.rate, args.seconds)
    print(
        f"{load.chats} chats on one connection, {load.rate:g} records/s each, {load.seconds:g} s; "
        f"{2 * DELAY_S * 1000:.0f} ms there and back; seed {args.seed}"
    )
    with link() as joined, gateway(joined.server):
        verdicts = rounds(joined, load, args) | one_stream(joined, load)
    for name, wrong in verdicts.items():
        for what in wrong:
            print(f"FAILED {name}: {what}")
    failed = sum(1 for wrong in verdicts.values() if wrong)
    print(f"\n{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

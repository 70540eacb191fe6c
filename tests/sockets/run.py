"""Plays the cases of the well-known conformance suite for RFC 6455 against a real gateway's
/v1/self-test/socket, then h2load and what else foreign clients see:
`python3 tests/sockets/run.py [part of a name]`. Ends with a line "N passed, N failed".
Compression (groups 12 and 13 there) is not negotiated, so it has no cases."""

import sys
import time

import foreign
import load
from case import play
from cases import closing, fragmentation, framing, utf8
from gateway import Gateway
from wires import Http1, Http2

FEW = ("1.", "2.", "3.", "4.", "5.", "6.1", "6.2", "6.3", "6.4", "7.", "9.1.3", "9.1.6", "9.3.5",
       "9.7.4", "9.9", "10.")


def every_case():
    return [*framing.all_cases(), *fragmentation.fragmentation(), *utf8.all_cases(),
            *closing.all_cases(), *fragmentation.limits()]


def rows(gateway):
    cases = every_case()
    few = [case for case in cases if case.name.startswith(FEW)]
    for way, wire, chosen in [
        ("ws", lambda: Http1(gateway), cases),
        ("wss", lambda: Http1(gateway, tls=True), few),
        ("h2", lambda: Http2(gateway), few),
        ("h2c", lambda: Http2(gateway, tls=False), few[:8]),
    ]:
        for case in chosen:
            yield f"{way:4} {case.name}", lambda case=case, wire=wire: played(case, wire)
    for name, check in [*load.checks(gateway), *foreign.checks(gateway)]:
        yield name, check


def played(case, wire):
    opened = wire()
    try:
        play(case, opened)
    finally:
        opened.end()


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    passed = failed = 0
    with Gateway() as gateway:
        for name, check in rows(gateway):
            if wanted not in name:
                continue
            began = time.monotonic()
            try:
                check()
                outcome, passed = "ok", passed + 1
            except Exception as error:  # noqa: BLE001 - every fault is a row
                outcome, failed = f"FAILED: {error!r}", failed + 1
            print(f"{name:72} {(time.monotonic() - began) * 1000:6.0f} ms  {outcome}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

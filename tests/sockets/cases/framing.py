"""1 framing, 2 pings, 3 reserved bits, 4 reserved opcodes."""

from case import Case, chopped
from frames import BINARY, CLOSE, PING, PONG, TEXT, frame

SIZES = [0, 125, 126, 127, 128, 65535, 65536]


def all_cases():
    return [*framing(), *pings(), *reserved_bits(), *reserved_opcodes()]


def framing():
    for part, opcode, kind, byte in [(1, TEXT, "text", b"*"), (2, BINARY, "binary", b"\xfe")]:
        for index, size in enumerate(SIZES, 1):
            payload = byte * size
            yield Case(f"1.{part}.{index} {kind} of {size} bytes", [frame(opcode, payload)],
                       [(kind, payload)])
        payload = byte * 65536
        yield Case(f"1.{part}.8 {kind} of 65536 bytes in chunks of 997",
                   chopped(frame(opcode, payload), 997), [(kind, payload)])


def pings():
    for name, payload in [("2.1 no payload", b""), ("2.2 text", b"Hello, world!"),
                          ("2.3 bytes that are not UTF-8", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),
                          ("2.4 125 bytes", b"\xfe" * 125)]:
        yield Case(f"{name}", [frame(PING, payload)], [("pong", payload)])
    yield Case("2.5 126 bytes", [frame(PING, b"\xfe" * 126)], fails=1002)
    yield Case("2.6 125 bytes, one at a time", chopped(frame(PING, b"\xfe" * 125), 1),
               [("pong", b"\xfe" * 125)])
    yield Case("2.7 a pong that nobody asked for", [frame(PONG)])
    yield Case("2.8 the same with a payload", [frame(PONG, b"unasked")])
    yield Case("2.9 the same, then a ping", [frame(PONG, b"unasked"), frame(PING, b"asked")],
               [("pong", b"asked")])
    ten = [b"payload-%d" % n for n in range(10)]
    pongs = [("pong", payload) for payload in ten]
    at_once = b"".join(frame(PING, payload) for payload in ten)
    yield Case("2.10 ten pings", [at_once], pongs)
    yield Case("2.11 ten pings, a byte at a time", chopped(at_once, 1), pongs)


def reserved_bits():
    small, echo = frame(TEXT, b"small"), ("text", b"small")
    yield Case("3.1 RSV 1", [frame(TEXT, b"*" * 5, rsv=1)], fails=1002)
    bad = small + frame(TEXT, b"*" * 5, rsv=2) + frame(PING)
    yield Case("3.2 RSV 2 after a message", [bad], [echo], fails=1002)
    yield Case("3.3 RSV 3, a frame at a time",
               [small, frame(TEXT, b"*" * 5, rsv=3), frame(PING)], [echo], fails=1002)
    bad = small + frame(TEXT, b"*" * 5, rsv=4) + frame(PING)
    yield Case("3.4 RSV 4, a byte at a time", chopped(bad, 1), [echo], fails=1002)
    yield Case("3.5 RSV 5, binary", [frame(BINARY, b"\0\xff", rsv=5)], fails=1002)
    yield Case("3.6 RSV 6, ping", [frame(PING, b"p", rsv=6)], fails=1002)
    yield Case("3.7 RSV 7, close", [frame(CLOSE, b"\x03\xe8", rsv=7)], fails=1002)


def reserved_opcodes():
    small, echo = frame(TEXT, b"small"), ("text", b"small")
    for part, opcodes in [(1, range(3, 8)), (2, range(11, 16))]:
        for index, opcode in enumerate(opcodes, 1):
            name = f"4.{part}.{index} opcode {opcode}"
            bad = frame(opcode, b"reserved" if index > 1 else b"")
            if index < 3:
                yield Case(name, [bad], fails=1002)
            elif index < 5:
                yield Case(f"{name} after a message", [small, bad, frame(PING)], [echo],
                           fails=1002)
            else:
                yield Case(f"{name} after a message, a byte at a time",
                           chopped(small + bad + frame(PING), 1), [echo], fails=1002)
    yield Case("4.3 a frame that is not masked", [frame(TEXT, b"bare", mask=False)], fails=1002)

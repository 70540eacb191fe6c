"""5 fragmentation, 9 limits, 10 fragments of other sizes."""

from case import Case, chopped
from frames import BINARY, CONTINUATION, PING, PONG, TEXT, fragments, frame

KIB, MIB = 1 << 10, 1 << 20


def first(payload=b"fragment1"):
    return frame(TEXT, payload, fin=False)


def more(payload=b"fragment2", fin=True):
    return frame(CONTINUATION, payload, fin=fin)


WHOLE = ("text", b"fragment1fragment2")


def fragmentation():
    yield Case("5.1 a ping in two", [frame(PING, b"a", fin=False), more()], fails=1002)
    yield Case("5.2 a pong in two", [frame(PONG, b"a", fin=False), more()], fails=1002)
    two = [first(), more()]
    yield Case("5.3 text in two", [b"".join(two)], [WHOLE])
    yield Case("5.4 text in two, a frame at a time", two, [WHOLE])
    yield Case("5.5 text in two, a byte at a time", chopped(b"".join(two), 1), [WHOLE])
    between = [first(), frame(PING, b"ping"), more()]
    events = [("pong", b"ping"), WHOLE]
    yield Case("5.6 a ping between", [b"".join(between)], events)
    yield Case("5.7 a ping between, a frame at a time", between, events)
    yield Case("5.8 a ping between, a byte at a time", chopped(b"".join(between), 1), events)
    for number, fin in [(9, True), (12, False)]:
        lost = [more(b"nothing to continue", fin=fin), frame(TEXT, b"hello")]
        name = f"a continuation of nothing, FIN {int(fin)}"
        yield Case(f"5.{number} {name}", [b"".join(lost)], fails=1002)
        yield Case(f"5.{number + 1} {name}, a frame at a time", lost, fails=1002)
        yield Case(f"5.{number + 2} {name}, a byte at a time", chopped(b"".join(lost), 1),
                   fails=1002)
    yield Case("5.15 a continuation after the last one",
               [first(), more(), more(b"3", fin=False), frame(TEXT, b"4")], [WHOLE], fails=1002)
    for number, fin in [(16, False), (17, True)]:
        lost = [more(b"lost", fin=fin), first(), more()]
        yield Case(f"5.{number} a continuation before each message, FIN {int(fin)}", lost * 2,
                   fails=1002)
    yield Case("5.18 a message within a message", [first(), frame(TEXT, b"2")], fails=1002)
    five = [first(b"1"), more(b"2", False), frame(PING, b"a"), more(b"3", False),
            more(b"4", False), frame(PING, b"b"), more(b"5")]
    events = [("pong", b"a"), ("pong", b"b"), ("text", b"12345")]
    yield Case("5.19 five fragments and two pings, at once", [b"".join(five)], events)
    yield Case("5.20 five fragments and two pings, a frame at a time", five, events)


def limits():
    for part, opcode, kind, byte in [(1, TEXT, "text", b"*"), (2, BINARY, "binary", b"\xfe")]:
        for index, size in enumerate([64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB], 1):
            payload = byte * size
            yield Case(f"9.{part}.{index} {kind} of {size >> 10} KiB", [frame(opcode, payload)],
                       [(kind, payload)])
        for index, size in enumerate([64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB,
                                      4 * MIB], 1):
            payload = byte * (4 * MIB)
            yield Case(f"9.{part + 2}.{index} {kind} of 4 MiB in fragments of {size}",
                       [fragments(opcode, payload, size)], [(kind, payload)])
        for index, size in enumerate([64, 128, 256, 512, KIB, 2 * KIB], 1):
            payload = byte * MIB
            yield Case(f"9.{part + 4}.{index} {kind} of 1 MiB in chunks of {size}",
                       chopped(frame(opcode, payload), size), [(kind, payload)])
        for index, size in enumerate([0, 16, 64, 256, KIB, 4 * KIB], 1):
            payload = byte * size
            yield Case(f"9.{part + 6}.{index} 1000 {kind} messages of {size} bytes",
                       [frame(opcode, payload)] * 1000, [(kind, payload)] * 1000, in_turn=True)
    size = 16 * MIB + 1
    yield Case("9.9.1 more than the bound, in one frame", [frame(BINARY, b"\0" * size)],
               fails=1009)
    yield Case("9.9.2 more than the bound, in fragments", [fragments(BINARY, b"\0" * size, MIB)],
               fails=1009)
    payload = b"*" * 65536
    yield Case("10.1.1 text of 65536 bytes in fragments of 1300",
               [fragments(TEXT, payload, 1300)], [("text", payload)])

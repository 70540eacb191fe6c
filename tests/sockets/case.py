"""A case: what a client sends, and what must come of it."""

from dataclasses import dataclass, field

from frames import Reader, close


@dataclass
class Case:
    """`send` is a list of chunks, each written on its own; `expect` the events that must come, in
    order. `fails` is the close code with which the gateway must end it; without one, the client
    closes with `bye` and must get the same code back. `late` is sent once all has come, and must
    change nothing."""

    name: str
    send: list
    expect: list = field(default_factory=list)
    fails: int | None = None
    bye: int | None = 1000
    late: bytes = b""
    closes: bool = False
    """The last chunk is a close frame already."""
    in_turn: bool = False
    """Each chunk is sent once the answer to the one before is here."""


def chopped(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


def play(case, wire):
    """Plays `case`; raises an AssertionError that says what is wrong."""
    reader = Reader()
    events = []
    wire_ended = False

    def read_until(done):
        nonlocal wire_ended
        while not done() and not wire_ended:
            found = reader.next()
            if found is not None:
                events.append(found)
                continue
            data = wire.receive()
            wire_ended = not data
            reader.feed(data)

    expected = list(case.expect)
    for count, chunk in enumerate(case.send, 1):
        wire.send(chunk)
        if case.in_turn:
            read_until(lambda count=count: len(events) >= count)
    if case.fails is None and not case.closes:
        read_until(lambda: len(events) >= len(expected))
        same(events, expected)
        wire.send(close(case.bye))
    if case.late:
        wire.send(case.late)
    read_until(lambda: False)
    same(events, [*expected, ("close", case.bye if case.fails is None else case.fails)])


def same(events, expected):
    if events != expected:
        raise AssertionError(f"came {shown(events)}, expected {shown(expected)}")


def shown(events):
    return [(kind, value if not isinstance(value, bytes) or len(value) < 80
             else f"{len(value)} bytes") for kind, value in events[:12]]

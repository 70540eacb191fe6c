"""RFC 6455 frames, as a client writes and reads them: also those that it must not write."""

import os

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True):
    """One frame. A client's frames are masked; `mask=False` is a fault."""
    head = bytearray([(fin << 7) | (rsv << 4) | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head.append(bit | len(payload))
    elif len(payload) < 1 << 16:
        head.append(bit | 126)
        head += len(payload).to_bytes(2, "big")
    else:
        head.append(bit | 127)
        head += len(payload).to_bytes(8, "big")
    if not mask:
        return bytes(head) + payload
    key = os.urandom(4)
    return bytes(head) + key + masked(payload, key)


def masked(payload, key):
    repeated = (key * (len(payload) // 4 + 1))[:len(payload)]
    both = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return both.to_bytes(len(payload), "big")


def fragments(opcode, payload, size):
    """A message in fragments of `size` bytes."""
    parts = [payload[at:at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(parts) - 1
    opcodes = [opcode] + [CONTINUATION] * last
    return b"".join(frame(opcodes[index], part, fin=index == last)
                    for index, part in enumerate(parts))


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


class Reader:
    """Takes bytes and gives events: ("text", …), ("binary", …), ("pong", …), ("close", code)."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data

    def next(self):
        """The next event, or None until more bytes are here."""
        if len(self.buffer) < 2:
            return None
        first, length = self.buffer[0], self.buffer[1]
        if first & 0x70 or length & 0x80 or not first & 0x80:
            raise AssertionError(f"the gateway sent a frame with head {bytes(self.buffer[:2])!r}")
        at = 2
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(self.buffer) < 2 + wide:
                return None
            length, at = int.from_bytes(self.buffer[2:2 + wide], "big"), 2 + wide
        if len(self.buffer) < at + length:
            return None
        payload = bytes(self.buffer[at:at + length])
        del self.buffer[:at + length]
        return event(first & 0x0F, payload)


def event(opcode, payload):
    if opcode == CLOSE:
        return ("close", int.from_bytes(payload[:2], "big") if payload else None)
    return ({TEXT: "text", BINARY: "binary", PING: "ping", PONG: "pong"}[opcode], payload)

"""One connection of the duplex binding (spec/v1/duplex.md) as a pure state machine: no clock,
sockets or randomness. The driver calls `opened`, the requests and `receive`, and sends what
`outgoing` gives."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import MalformedFrame
from ..frames import decode, encode
from .errors import ApiError, of_frame
from .records import Gap, Record, is_seq

SUBPROTOCOL = "tidegate.v1"
PATH = "/v1/connect"
"""Appended to the gateway's base URL."""
SILENCE_S = 30.0
"""Assumed until `welcome` says otherwise."""
FRAME_BYTES = 3_145_728
SUBSCRIPTIONS = 256


@dataclass(frozen=True)
class Welcomed:
    """The connection is served. Times in Unix seconds, of the gateway's clock."""

    connection: str
    now: float
    expires_at: float | None


@dataclass(frozen=True)
class Answered:
    """A request was done."""

    id: int
    frame: dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """A request was not done."""

    id: int
    error: ApiError


@dataclass(frozen=True)
class BatchCame:
    """Records of a subscription."""

    id: int
    records: tuple[Record, ...]


@dataclass(frozen=True)
class GapCame:
    """Records of a subscription are lost."""

    id: int
    gap: Gap


@dataclass(frozen=True)
class Ended:
    """The gateway ended a subscription."""

    id: int
    error: ApiError


@dataclass(frozen=True)
class GoingAway:
    """The gateway drains: open another connection in so many seconds."""

    after: float


@dataclass(frozen=True)
class Complained:
    """Why the connection is about to be closed."""

    error: ApiError


Happening = Welcomed | Answered | Refused | BatchCame | GapCame | Ended | GoingAway | Complained
Asked = Literal["auth", "subscribe", "unsubscribe", "append"]


@dataclass
class Duplex:
    """The state of one connection."""

    silence: float = SILENCE_S
    frame_bytes: int = FRAME_BYTES
    subscriptions: int = SUBSCRIPTIONS
    welcomed: bool = False
    _out: deque[str] = field(default_factory=deque)
    _asked: dict[int, Asked] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    _next: int = 1
    _heard_at: float = 0.0

    def opened(self, token: str | None, now: float) -> None:
        """The connection was made: `hello` is the first frame on it (R-DPX-4)."""
        self._heard_at = now
        self._send({"t": "hello", **given(token=token)})

    def outgoing(self) -> list[str]:
        """Frames to send now, in order."""
        frames = list(self._out)
        self._out.clear()
        return frames

    @property
    def room(self) -> bool:
        """May it have one more subscription (R-DPX-12)?"""
        return len(self._open) < self.subscriptions

    def silent(self, now: float) -> bool:
        """Was nothing heard for so long that the connection is taken for dead?"""
        return now - self._heard_at > self.silence

    def auth(self, token: str, session: str | None = None) -> int:
        """A credential, for one session or for the connection. Gives the request's id."""
        return self._request("auth", given(session=session), token=token)

    def subscribe(
        self, session: str, *, window: int, from_: int | None = None, **keys: Any
    ) -> int:
        """`keys`: channel, side, after, start. The id is the subscription's."""
        asked = {"session": session, **given(**keys, **{"from": from_})}
        id = self._request("subscribe", asked, window=window)
        self._open.add(id)
        return id

    def append(self, session: str, *, part: str, body: str, **keys: Any) -> int | None:
        """`keys`: channel, side. None: no frame holds it, so it has to go another way."""
        frame = {"session": session, **given(**keys), "part": part, "body": body}
        whole = encode({"t": "append", "id": self._next, **frame})
        if len(whole.encode(errors="surrogatepass")) > self.frame_bytes:
            return None
        return self._request("append", frame)

    def unsubscribe(self, id: int) -> bool:
        """Ends a subscription. False: it has ended already."""
        if id not in self._open:
            return False
        self._asked[id] = "unsubscribe"
        self._send({"t": "unsubscribe", "id": id})
        return True

    def ack(self, id: int, seq: int) -> None:
        """Everything up to `seq` was taken in (R-DPX-19)."""
        if id in self._open and self._asked.get(id) != "unsubscribe":
            self._send({"t": "ack", "id": id, "seq": seq})

    def receive(self, text: str | bytes, now: float) -> list[Happening]:
        """A message came. Raises MalformedFrame: the connection is of no use then."""
        self._heard_at = now
        frame = decode(text)
        try:
            return self._take(frame)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedFrame(f"{frame['t']}: {error!r}") from error

    def _take(self, frame: dict[str, Any]) -> list[Happening]:
        match frame["t"]:
            case "welcome":
                return [self._welcome(frame)]
            case "batch":
                return self._batch(frame)
            case "gap":
                return self._gap(frame)
            case "ack":
                return self._answered(frame)
            case "error":
                return self._error(frame)
            case "ping":
                self._send({"t": "pong", "n": frame["n"]})
            case "goaway":
                return [GoingAway(max(0.0, float(frame.get("reconnect_ms", 0)) / 1000))]
        return []

    def _welcome(self, frame: dict[str, Any]) -> Happening:
        self.welcomed = True
        self.silence = float(frame.get("silence_ms", SILENCE_S * 1000)) / 1000
        self.frame_bytes = int(frame.get("frame_bytes", FRAME_BYTES))
        self.subscriptions = int(frame.get("subscriptions", SUBSCRIPTIONS))
        now = float(frame["now"]) / 1000
        return Welcomed(str(frame.get("connection", "")), now, expiry(frame))

    def _batch(self, frame: dict[str, Any]) -> list[Happening]:
        if frame["id"] not in self._open:
            return []
        return [BatchCame(frame["id"], tuple(Record.of(it) for it in frame["records"]))]

    def _gap(self, frame: dict[str, Any]) -> list[Happening]:
        if frame["id"] not in self._open:
            return []
        start, end, reason = frame["from"], frame["to"], frame["reason"]
        if not is_seq(start) or not is_seq(end):
            raise ValueError("a gap between what is no seq")
        why: Literal["epoch", "retention"] = "epoch" if reason == "epoch" else "retention"
        return [GapCame(frame["id"], Gap(start, end, why))]

    def _answered(self, frame: dict[str, Any]) -> list[Happening]:
        asked = self._asked.pop(frame["id"], None)
        if asked is None:
            return []
        if asked == "unsubscribe":
            self._open.discard(frame["id"])
        return [Answered(frame["id"], frame)]

    def _error(self, frame: dict[str, Any]) -> list[Happening]:
        id, error = frame.get("id"), of_frame(frame)
        if id is None:
            return [Complained(error)]
        asked = self._asked.get(id)
        if asked == "unsubscribe":
            # It ended before the gateway read that it should: the answer comes as well.
            return []
        if asked is not None:
            del self._asked[id]
            self._open.discard(id)
            return [Refused(id, error)]
        if id in self._open:
            self._open.discard(id)
            return [Ended(id, error)]
        return []

    def _request(self, asked: Asked, keys: dict[str, Any], **more: Any) -> int:
        id, self._next = self._next, self._next + 1
        self._asked[id] = asked
        self._send({"t": asked, "id": id, **keys, **more})
        return id

    def _send(self, frame: dict[str, Any]) -> None:
        self._out.append(encode(frame))


def given(**keys: Any) -> dict[str, Any]:
    """The keys that have a value."""
    return {key: value for key, value in keys.items() if value is not None}


def expiry(frame: dict[str, Any]) -> float | None:
    """`expires_at` of a `welcome` or the answer to `auth`, in Unix seconds."""
    at = frame.get("expires_at")
    return None if at is None else float(at) / 1000

"""Appends: sent until the outcome is known, always under the same part id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from .backoff import Backoff
from .choice import Wanted
from .credentials import Credentials
from .errors import (
    ApiError,
    Lost,
    OutcomeUnknown,
    TransportUnavailable,
    Unauthenticated,
    Unauthorized,
    Unreachable,
)
from .http import TRIES, Http, json_of, rate_limit_left, stream_path
from .hub import Hub, append
from .sources import Stream
from .wire import Wire


@dataclass(frozen=True)
class Appended:
    """An append is committed. `seq` is its record's in the stream."""

    seq: int
    part_id: str
    pending_version: bool = False


@dataclass
class Appender:
    """Appends of one session."""

    http: Http
    hub: Hub
    credentials: Credentials
    wanted: Wanted

    async def append(self, stream: Stream, body: str, part: str) -> Appended:
        """Raises ApiError and Unreachable: nothing was written; OutcomeUnknown: nobody knows."""
        backoff = Backoff(self.http.random)
        doubtful = False
        while True:
            try:
                return appended(await self._once(stream, body, part), part)
            except Lost as lost:
                doubtful = doubtful or lost.sent
                delay = backoff.failed()
                if backoff.failures >= TRIES:
                    error = OutcomeUnknown(part, lost) if doubtful else Unreachable(str(lost))
                    raise error from lost
            except ApiError as refused:
                delay = max(backoff.failed(), rate_limit_left(refused))
                if refused.retry and doubtful and backoff.failures >= TRIES:
                    raise OutcomeUnknown(part, refused) from refused
                if not refused.retry or backoff.failures >= TRIES:
                    raise
            await asyncio.sleep(delay)

    async def _once(self, stream: Stream, body: str, part: str) -> dict[str, Any]:
        wire = self.hub.at_hand
        if wire is None and self.wanted == "websocket":
            wire = await self._wire()
        if wire is not None and self.wanted != "sse":
            token = await self.credentials.get()
            try:
                answer = await append(wire, stream, self.credentials, part, body)
            except (Unauthenticated, Unauthorized):
                if await self.credentials.renew(token) is None:
                    raise
                answer = await append(wire, stream, self.credentials, part, body)
            if answer is not None:
                return answer
        path = stream_path(stream.session, stream.channel, stream.side) + "/append"
        headers = {"x-part-id": part, "content-type": "application/json"}
        content = body.encode()
        return json_of(await self.http.once(self.credentials, "POST", path, content, headers))

    async def _wire(self) -> Wire | None:
        try:
            return await self.hub.wire()
        except TransportUnavailable:
            return None
        except Lost as lost:
            raise Lost(str(lost), sent=False) from lost


def appended(answer: dict[str, Any], part: str) -> Appended:
    """What the answer to an append says, over whatever it came."""
    seq = answer.get("seq")
    if not isinstance(seq, int):
        raise ApiError("internal", "the answer to an append has no seq")
    pending = answer.get("pendingVersion") is True or answer.get("pending_version") is True
    return Appended(seq, part, pending)

"""A WebSocket that carries the duplex binding: connects, sends, receives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
)
from websockets.typing import Subprotocol

from ..errors import MalformedFrame
from .credentials import Credentials
from .duplex import (
    PATH,
    SUBPROTOCOL,
    Answered,
    BatchCame,
    Complained,
    Duplex,
    Ended,
    GapCame,
    GoingAway,
    Happening,
    Refused,
    Welcomed,
)
from .errors import (
    ApiError,
    ConnectionRefused,
    Lost,
    TransportUnavailable,
    Unauthenticated,
    of_answer,
)
from .records import Gap, Record

log = logging.getLogger("tidegate")

OPEN_TIMEOUT_S = 10.0
WELCOME_TIMEOUT_S = 5.0
TICK_S = 1.0
CLOSED_BY_TOKEN = frozenset({4001, 4500})
Taken = Callable[[list[Record] | Gap | GoingAway | BaseException], None]
"""What takes in what comes for one subscription; an exception is its end."""


class Wire:
    """One connection, from its welcome to its end."""

    def __init__(self, socket: ClientConnection, credentials: Credentials) -> None:
        self.leaving = False
        """Does the gateway drain? Then what is new goes over another connection."""
        self.machine = Duplex()
        self._socket = socket
        self._credentials = credentials
        self._auths: dict[str | None, tuple[Credentials, str | None]] = {}
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._takers: dict[int, Taken] = {}
        self._complaint: ApiError | None = None
        self._end: BaseException | None = None
        self._wake = asyncio.Event()
        self._welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, url: str, credentials: Credentials, headers: Mapping[str, str], frame: int
    ) -> Wire:
        """Connects and says hello. Raises Lost, TransportUnavailable, Unauthenticated and
        ConnectionRefused."""
        token = await credentials.get()
        socket = await _connect(url, headers, frame)
        wire = cls(socket, credentials)
        wire._auths[None] = (credentials, token)
        wire.machine.opened(token, now())
        wire._task = asyncio.create_task(wire._run())
        try:
            async with asyncio.timeout(WELCOME_TIMEOUT_S):
                await wire._welcome
        except TimeoutError:
            await wire.aclose()
            raise Lost("no welcome came") from None
        except BaseException:
            await wire.aclose()
            raise
        return wire

    @property
    def live(self) -> bool:
        """Can it take requests?"""
        return self._end is None

    @property
    def idle(self) -> bool:
        """Does it carry no subscription?"""
        return not self._takers

    async def aclose(self) -> None:
        """Closes it. What waits on it gets Lost."""
        self._over(Lost("closed"))
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def authorize(self, session: str, credentials: Credentials) -> str | None:
        """Makes the gateway know the session's credential, and gives it (R-DPX-8)."""
        own = credentials is not self._credentials or session in self._auths
        key = session if own else None
        token = await credentials.get()
        if token is not None and self._auths.get(key, (None, None))[1] != token:
            await self.answer(self.machine.auth(token, key))
        self._auths.pop(key, None)
        self._auths[key] = (credentials, token)
        if len(self._auths) > self.machine.subscriptions:
            self._auths.pop(next(name for name in self._auths if name is not None))
        return token

    async def answer(self, id: int) -> dict[str, Any]:
        """The answer to a request. Raises ApiError and Lost."""
        if self._end is not None:
            raise Lost("the connection is gone")
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[id] = future
        self._wake.set()
        try:
            return await future
        finally:
            self._answers.pop(id, None)

    def follow(self, id: int, taken: Taken) -> None:
        """What comes for a subscription is given to `taken`."""
        self._takers[id] = taken

    def leave(self, id: int) -> None:
        """Ends a subscription, without waiting for the answer."""
        self._takers.pop(id, None)
        if self._end is None and self.machine.unsubscribe(id):
            self._wake.set()

    def ack(self, id: int, seq: int) -> None:
        """There is room again."""
        if self._end is None:
            self.machine.ack(id, seq)
            self._wake.set()

    async def _run(self) -> None:
        parts = [self._read(), self._write(), self._tick()]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            self._over(self._why(outcomes))
            if self._socket.transport is not None:
                await self._hang_up()

    async def _hang_up(self) -> None:
        """Closes politely, but waits for nobody who is silent."""
        try:
            async with asyncio.timeout(TICK_S):
                await self._socket.close()
        except (TimeoutError, asyncio.CancelledError):
            self._socket.transport.abort()

    def _why(self, outcomes: list[None | BaseException]) -> BaseException:
        """What the end of the connection means."""
        code, reason = self._socket.close_code, self._socket.close_reason or ""
        malformed = next((it for it in outcomes if isinstance(it, MalformedFrame)), None)
        if malformed is not None:
            return Lost(str(malformed))
        if code in CLOSED_BY_TOKEN:
            return self._complaint or Unauthenticated("unauthenticated", reason)
        if code is not None and 4500 <= code <= 4999:
            return ConnectionRefused(code, self._complaint.message if self._complaint else reason)
        return Lost(f"the connection ended ({code} {reason})")

    async def _read(self) -> None:
        async for message in self._socket:
            for happening in self.machine.receive(message, now()):
                self._happened(happening)
            self._wake.set()

    async def _write(self) -> None:
        try:
            while True:
                self._wake.clear()
                for text in self.machine.outgoing():
                    await self._socket.send(text)
                await self._wake.wait()
        except ConnectionClosed:
            return

    async def _tick(self) -> None:
        """Watches for silence, and for tokens that are about to expire."""
        while not self.machine.silent(now()):
            await asyncio.sleep(TICK_S)
            for key, (credentials, sent) in list(self._auths.items()):
                try:
                    token = await credentials.get()
                    if token is not None and token != sent:
                        await self._fresh(key, credentials, token)
                except Lost:
                    return
                except Exception as error:  # What gives tokens is the application's.
                    log.warning("no fresh token could be had: %r", error)

    async def _fresh(self, key: str | None, credentials: Credentials, token: str) -> None:
        """Says a fresh token, before the gateway misses it."""
        self._auths[key] = (credentials, token)
        try:
            await self.answer(self.machine.auth(token, key))
        except ApiError as error:
            log.warning("a fresh token was refused: %s", error)

    def _happened(self, happening: Happening) -> None:
        match happening:
            case Welcomed():
                if not self._welcome.done():
                    self._welcome.set_result(None)
            case Answered(id, frame):
                self._settle(id, frame)
            case Refused(id, error):
                self._settle(id, error)
            case BatchCame(id, records):
                self._give(id, list(records))
            case GapCame(id, gap):
                self._give(id, gap)
            case Ended(id, error):
                self._give(id, error)
                self._takers.pop(id, None)
            case Complained(error):
                self._complaint = error
            case GoingAway():
                self.leaving = True
                for taken in list(self._takers.values()):
                    taken(happening)

    def _settle(self, id: int, outcome: dict[str, Any] | ApiError) -> None:
        future = self._answers.get(id)
        if future is None or future.done():
            return
        if isinstance(outcome, ApiError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def _give(self, id: int, what: list[Record] | Gap | BaseException) -> None:
        if (taken := self._takers.get(id)) is not None:
            taken(what)

    def _over(self, error: BaseException) -> None:
        if self._end is not None:
            return
        self._end = error
        if not self._welcome.done():
            self._welcome.set_exception(error)
            self._welcome.exception()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(error)
        for taken in list(self._takers.values()):
            taken(error)
        self._takers.clear()


async def _connect(url: str, headers: Mapping[str, str], frame: int) -> ClientConnection:
    try:
        return await connect(
            address(url),
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers=dict(headers),
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=1,
            max_size=frame,
        )
    except InvalidStatus as error:
        status, body = error.response.status_code, error.response.body or b""
        refused = of_answer(status, error.response.headers, body)
        if refused.retry:
            raise Lost(str(refused)) from error
        raise TransportUnavailable(str(refused)) from error
    except (OSError, EOFError, TimeoutError, InvalidMessage) as error:
        # Cut before the answer, which is no answer.
        raise Lost(str(error) or type(error).__name__) from error
    except InvalidHandshake as error:
        raise TransportUnavailable(str(error)) from error


def now() -> float:
    """Seconds of the loop's clock."""
    return asyncio.get_running_loop().time()


def address(url: str) -> str:
    """The address of the duplex binding at a gateway's base URL."""
    parts = urlsplit(url)
    schemes = {"http": "ws", "https": "wss"}
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"not the URL of a gateway: {url!r}")
    return urlunsplit((schemes[parts.scheme], parts.netloc, parts.path.rstrip("/") + PATH, "", ""))

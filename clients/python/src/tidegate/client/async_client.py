"""The client for code with an event loop."""

from __future__ import annotations

import os
from collections.abc import Mapping
from random import Random
from weakref import WeakSet

from .choice import Wanted
from .credentials import Credentials, TokenSource
from .http import Http
from .hub import Hub
from .session import AsyncSession
from .sessions import AsyncSessions
from .sources import Bounds

TIMEOUT_S = 30.0


class AsyncClient:
    """Talks to one gateway. `url` and `token` default to TIDEGATE_URL and TIDEGATE_KEY.

    `token` is a secret key, a session's token, or a function, plain or async, that gives a token
    whenever a fresh one is needed. `transport`: `auto` follows streams over WebSocket where that
    works, and over SSE where it does not.
    """

    def __init__(
        self,
        url: str | None = None,
        token: TokenSource | None = None,
        *,
        transport: Wanted = "auto",
        timeout: float = TIMEOUT_S,
        headers: Mapping[str, str] | None = None,
        bounds: Bounds | None = None,
        random: Random | None = None,
    ) -> None:
        if transport not in ("auto", "sse", "websocket"):
            raise ValueError(f"no transport: {transport!r}")
        url = url or os.environ.get("TIDEGATE_URL")
        if url is None:
            raise ValueError("give the gateway's URL, or set TIDEGATE_URL")
        self._transport = transport
        self._bounds = bounds or Bounds()
        self._credentials = Credentials(token or os.environ.get("TIDEGATE_KEY"))
        self._http = Http(url, timeout, random or Random(), headers or {})
        self._hub = Hub(self._http.url, self._credentials, headers or {}, self._bounds)
        self._sessions: WeakSet[AsyncSession] = WeakSet()
        self.sessions = AsyncSessions(self._http, self._credentials)

    def session(
        self, name: str, *, token: TokenSource | None = None, transport: Wanted | None = None
    ) -> AsyncSession:
        """A session by either form of its name; with a token of its own, where it has one."""
        credentials = self._credentials if token is None else Credentials(token)
        session = AsyncSession(
            name, self._http, self._hub, credentials, transport or self._transport, self._bounds
        )
        self._sessions.add(session)
        return session

    async def aclose(self) -> None:
        """Ends all subscriptions and closes the connections."""
        for session in list(self._sessions):
            await session.aclose()
        await self._hub.aclose()
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *ignored: object) -> None:
        await self.aclose()

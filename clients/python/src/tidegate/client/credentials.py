"""Tokens: given as text, or asked for when they are needed."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import time
from collections.abc import Awaitable, Callable

TokenSource = str | Callable[[], str | Awaitable[str]]
"""A secret key, a token, or what gives one. What gives one is asked again before its token
expires, and when the gateway does not take it."""

MARGIN_S = 30.0
"""A token is refreshed so long before it expires, or when a tenth of its life is left."""


def expires_at(token: str) -> float | None:
    """Unix seconds at which a JWT expires. None: it is none, or does not say."""
    found = _claims(token).get("exp")
    return float(found) if isinstance(found, int | float) else None


def refresh_at(token: str) -> float | None:
    """Unix seconds from which on a fresh token is wanted."""
    expiry, issued = expires_at(token), _claims(token).get("iat")
    if expiry is None:
        return None
    life = expiry - float(issued) if isinstance(issued, int | float) else MARGIN_S * 10
    return expiry - min(MARGIN_S, max(0.0, life) / 10)


class Credentials:
    """The token of a client, or of one session. Asked for once, however many wait for it."""

    def __init__(self, source: TokenSource | None) -> None:
        self._ask = None if source is None or isinstance(source, str) else source
        self._token = source if isinstance(source, str) else None
        self._asking: asyncio.Task[str] | None = None

    async def get(self) -> str | None:
        """A token that has not expired, as far as this machine's clock tells."""
        if self._ask is not None and (self._token is None or self._due(self._token)):
            return await self._refresh()
        return self._token

    async def renew(self, stale: str | None) -> str | None:
        """Another token than `stale`, which the gateway did not take. None: there is none."""
        if self._token is not None and self._token != stale:
            return self._token
        if self._ask is None:
            return None
        token = await self._refresh()
        return None if token == stale else token

    def offer(self, token: str) -> None:
        """A fresh token came with a boundary: it takes the place of an older token, never that of
        a secret key or of one that was asked for."""
        if self._ask is None and self._token is not None and expires_at(self._token) is not None:
            self._token = token

    def _due(self, token: str) -> bool:
        at = refresh_at(token)
        return at is not None and time.time() >= at

    async def _refresh(self) -> str:
        if self._asking is None:
            self._asking = asyncio.create_task(self._call())
            self._asking.add_done_callback(self._asked)
        # One who stops waiting does not stop it for the others.
        return await asyncio.shield(self._asking)

    async def _call(self) -> str:
        assert self._ask is not None
        answer = self._ask()
        token = await answer if inspect.isawaitable(answer) else answer
        self._token = token
        return token

    def _asked(self, task: asyncio.Task[str]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()


def _claims(token: str) -> dict[str, object]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}

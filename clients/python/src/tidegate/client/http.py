"""Requests over HTTP: credentials, errors as types, and tries that are repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

from .backoff import Backoff
from .credentials import Credentials
from .errors import ApiError, Lost, Unauthenticated, Unauthorized, Unreachable, of_answer

TRIES = 6
WAIT_MAX_S = 30.0
"""Longest wait for the end of a rate limit."""
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Http:
    """One pool of connections to a gateway."""

    def __init__(
        self, url: str, timeout: float, random: Random, headers: Mapping[str, str]
    ) -> None:
        self.url = url.rstrip("/")
        self.random = random
        self._timeout = timeout
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, headers=dict(headers))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def call(
        self,
        credentials: Credentials,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request that may be repeated. Raises ApiError and Unreachable."""
        backoff = Backoff(self.random)
        while True:
            try:
                return await self.once(credentials, method, path, body, headers, params)
            except Lost as lost:
                delay = backoff.failed()
                if backoff.failures >= TRIES:
                    raise Unreachable(f"{method} {path}: {lost}") from lost
            except ApiError as refused:
                delay = max(backoff.failed(), rate_limit_left(refused))
                if not refused.retry or backoff.failures >= TRIES:
                    raise
            await asyncio.sleep(delay)

    async def once(
        self,
        credentials: Credentials,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, and a second one if a fresh token is needed. Raises ApiError and Lost."""
        token, renewed = await credentials.get(), False
        while True:
            sent = {**(headers or {}), **bearer(token)}
            try:
                answer = await self._client.request(
                    method, self.url + path, content=body, headers=sent, params=params
                )
            except httpx.TransportError as error:
                sent_at_all = not isinstance(error, NEVER_SENT)
                raise Lost(f"{type(error).__name__}: {error}", sent=sent_at_all) from error
            if answer.is_success:
                return answer
            refused = of_answer(answer.status_code, answer.headers, answer.content)
            refused.reset_at = answer.headers.get("x-ratelimit-reset")
            if renewed or not isinstance(refused, Unauthenticated | Unauthorized):
                raise refused
            token, renewed = await credentials.renew(token), True
            if token is None:
                raise refused

    @asynccontextmanager
    async def stream(
        self, token: str | None, path: str, headers: Mapping[str, str], silence: float
    ) -> AsyncIterator[httpx.Response]:
        """A read whose body is taken as it comes. Raises ApiError and httpx.TransportError."""
        timeout = httpx.Timeout(self._timeout, read=silence)
        sent = {"accept": "text/event-stream", **headers, **bearer(token)}
        stream = self._client.stream("GET", self.url + path, headers=sent, timeout=timeout)
        async with stream as answer:
            if answer.status_code != 200:
                raise of_answer(answer.status_code, answer.headers, await answer.aread())
            yield answer


def bearer(token: str | None) -> dict[str, str]:
    """The header that carries a credential."""
    return {} if token is None else {"authorization": f"Bearer {token}"}


def session_path(name: str) -> str:
    """The routes of a session's row."""
    return f"/api/v1/sessions/{quote(name, safe='')}"


def stream_path(name: str, channel: str, side: str | None = None) -> str:
    """The routes of a stream."""
    between = "" if side is None else f"/channels/{quote(side, safe='')}"
    return f"/realtime/v1/sessions/{quote(name, safe='')}{between}/{channel}"


def json_of(answer: httpx.Response) -> dict[str, Any]:
    """The object that an answer holds. Raises ApiError where something else answered."""
    try:
        value = answer.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ApiError("internal", "the answer is no JSON object", status=answer.status_code)
    return value


def rate_limit_left(refused: ApiError) -> float:
    """Seconds until a rate limit lets more through."""
    if refused.reset_at is None or not refused.reset_at.isdigit():
        return 0.0
    return min(WAIT_MAX_S, max(0.0, int(refused.reset_at) / 1000 - time.time()))

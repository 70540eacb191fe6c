"""What the runner asks of the gateway by itself, past the client under test. Only what every HTTP
client can."""

from __future__ import annotations

import asyncio
import itertools
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

from .gateway import KEY


class Server:
    """A gateway, asked with its secret key."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._count = itertools.count()

    async def create(self, chat: str) -> dict[str, Any]:
        """The session, for the agent `demo`."""
        body = {
            "type": "chat.agent",
            "externalId": chat,
            "taskIdentifier": "demo",
            "triggerConfig": {"basePayload": {}},
        }
        return await self._json("POST", "/api/v1/sessions", body)

    async def close(self, chat: str, reason: str) -> None:
        """Closes it."""
        await self._json("POST", f"/api/v1/sessions/{quote(chat, '')}/close", {"reason": reason})

    async def mint(self, scopes: list[str], ttl: str) -> str:
        """A token."""
        body = {"scopes": scopes, "expirationTime": ttl}
        return (await self._json("POST", "/api/v1/auth/public-tokens", body))["token"]

    async def say(self, chat: str, text: str) -> int:
        """A message of the user; its seq."""
        parts = [{"type": "text", "text": text}]
        message = {"id": f"m-{next(self._count)}", "role": "user", "parts": parts}
        payload = {"message": message, "chatId": chat, "trigger": "submit-message"}
        path = f"/realtime/v1/sessions/{quote(chat, '')}/in/append"
        return (await self._json("POST", path, {"kind": "message", "payload": payload}))["seq"]

    async def page(self, chat: str, channel: str, after: int | None, limit: int) -> list[Any]:
        """A page of records."""
        path = f"/realtime/v1/sessions/{quote(chat, '')}/{channel}/records?limit={limit}"
        if after is not None:
            path += f"&afterEventId={after}"
        return (await self._json("GET", path))["records"]

    async def settled(self, chat: str, after: int | None) -> list[dict[str, Any]]:
        """What follows a cursor, once the session is settled."""
        path = f"/realtime/v1/sessions/{quote(chat, '')}/out"
        headers = {"x-peek-settled": "1", "timeout-seconds": "1"}
        if after is not None:
            headers["last-event-id"] = str(after)
        while True:
            answer, body = await self.ask("GET", path, headers=headers)
            if answer.get("x-session-settled") == "true":
                return batches(body.decode())
            # The read went on until nothing had come for a second: it is not settled yet.

    async def is_taken(self, chat: str, token: str) -> bool:
        """Does the gateway take a token?"""
        path = f"/api/v1/sessions/{quote(chat, '')}"
        try:
            await self.ask("GET", path, headers={"authorization": f"Bearer {token}"})
        except urllib.error.HTTPError as error:
            return error.code != 401
        return True

    async def _json(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads((await self.ask(method, path, body))[1])

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[dict[str, str], bytes]:
        """One request: the answer's headers and body. Raises HTTPError."""
        sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**sent, **(headers or {})},
        )

        def blocking() -> tuple[dict[str, str], bytes]:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return {k.lower(): v for k, v in answer.headers.items()}, answer.read()

        return await asyncio.to_thread(blocking)


def batches(text: str) -> list[dict[str, Any]]:
    """The records of a whole body of a read."""
    found: list[dict[str, Any]] = []
    for event in text.split("\n\n"):
        lines = event.split("\n")
        if "event: batch" in lines:
            data = next(line for line in lines if line.startswith("data: "))
            found += json.loads(data.removeprefix("data: "))["records"]
    return found

"""What is done with sessions as rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .credentials import Credentials
from .http import Http, json_of, session_path
from .items import CreatedSession, SessionItem
from .payloads import encode, new_id

PATH = "/api/v1/sessions"
JSON = {"content-type": "application/json"}


class AsyncSessions:
    """`client.sessions`."""

    def __init__(self, http: Http, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials

    async def create(
        self,
        agent: str,
        *,
        external_id: str | None = None,
        type: str = "chat.agent",
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        expires_at: str | None = None,
        base_payload: Mapping[str, Any] | None = None,
        trigger_config: Mapping[str, Any] | None = None,
    ) -> CreatedSession:
        """Makes a session, or finds the one of this external id."""
        config = {**(trigger_config or {}), "basePayload": dict(base_payload or {})}
        body: dict[str, Any] = {"type": type, "taskIdentifier": agent, "triggerConfig": config}
        optional = {
            "externalId": external_id,
            "tags": tags,
            "metadata": metadata,
            "expiresAt": expires_at,
        }
        body.update({key: value for key, value in optional.items() if value is not None})
        # The same over all tries: without an external id it is what finds the first one's session.
        headers = {**JSON, "x-trigger-request-idempotency-key": new_id()}
        answer = await self._http.call(
            self._credentials, "POST", PATH, body=encode(body).encode(), headers=headers
        )
        return CreatedSession.of(json_of(answer))

    async def retrieve(self, name: str) -> SessionItem:
        """A session's row. Raises SessionNotFound."""
        answer = await self._http.call(self._credentials, "GET", session_path(name))
        return SessionItem.of(json_of(answer))

    async def close(self, name: str, reason: str | None = None) -> SessionItem:
        """Takes no more input from now on. The first reason stays."""
        body = encode({} if reason is None else {"reason": reason}).encode()
        path = session_path(name) + "/close"
        answer = await self._http.call(self._credentials, "POST", path, body=body, headers=JSON)
        return SessionItem.of(json_of(answer))

    async def list(
        self, *, page_size: int | None = None, **filters: str
    ) -> AsyncIterator[SessionItem]:
        """All sessions that the filters let through, newest first, page by page. Filters are those
        of the protocol: `status="ACTIVE"`, `taskIdentifier=…`, `tags="a,b"`, `externalId=…`."""
        params = {f"filter[{name}]": value for name, value in filters.items()}
        if page_size is not None:
            params["page[size]"] = str(page_size)
        while True:
            answer = await self._http.call(self._credentials, "GET", PATH, params=params)
            page = json_of(answer)
            for item in page.get("data") or ():
                yield SessionItem.of({"triggerConfig": None, **item})
            after = (page.get("pagination") or {}).get("next")
            if after is None:
                return
            params["page[after]"] = after

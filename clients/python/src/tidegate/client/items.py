"""Sessions and pages as the gateway shows them (spec/v1/sessions.md, transcript.md). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from .errors import ApiError


@dataclass(frozen=True)
class SessionItem:
    """A session's row. `raw` is the whole object; times are ISO 8601 in UTC."""

    id: str
    external_id: str | None
    type: str
    agent: str
    tags: tuple[str, ...]
    metadata: dict[str, Any] | None
    created_at: str
    updated_at: str
    expires_at: str | None
    closed_at: str | None
    closed_reason: str | None
    raw: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """What to call it by: the external id, where it has one."""
        return self.external_id or self.id

    @classmethod
    def of(cls, value: dict[str, Any]) -> Self:
        """Reads one. Raises ApiError where something else answered."""
        try:
            return cls(**cls._fields(value))
        except (KeyError, TypeError) as error:
            raise ApiError("internal", f"not a session: {error!r}") from error

    @staticmethod
    def _fields(value: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": value["id"],
            "external_id": value["externalId"],
            "type": value["type"],
            "agent": value["taskIdentifier"],
            "tags": tuple(value["tags"]),
            "metadata": value["metadata"],
            "created_at": value["createdAt"],
            "updated_at": value["updatedAt"],
            "expires_at": value["expiresAt"],
            "closed_at": value["closedAt"],
            "closed_reason": value["closedReason"],
            "raw": value,
        }


@dataclass(frozen=True)
class CreatedSession(SessionItem):
    """A session that was made, or found: `cached`. `token` may read it and append to it."""

    run_id: str = ""
    token: str = field(default="", repr=False)
    cached: bool = False

    @staticmethod
    def _fields(value: dict[str, Any]) -> dict[str, Any]:
        return {
            **SessionItem._fields(value),
            "run_id": value["runId"],
            "token": value["publicAccessToken"],
            "cached": value["isCached"],
        }


@dataclass(frozen=True)
class StoredRecord:
    """A record of a page (R-PG-1). `data` is a chunk on `.out`, a text elsewhere."""

    seq_num: int
    part_id: str
    data: Any
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, value: dict[str, Any]) -> StoredRecord:
        """Reads one. Raises ApiError where something else answered."""
        try:
            headers = tuple((name, text) for name, text in value.get("headers") or ())
            return cls(value["seqNum"], value["id"], value["data"], headers)
        except (KeyError, TypeError, ValueError) as error:
            raise ApiError("internal", f"not a record: {error!r}") from error


@dataclass(frozen=True)
class Transcript:
    """A page of messages, oldest first. `out_cursor` is where to follow `.out` from."""

    messages: list[dict[str, Any]]
    out_cursor: int | None
    in_cursor: int | None
    next_cursor: str | None

    @classmethod
    def of(cls, value: dict[str, Any]) -> Transcript:
        """Reads one."""
        cursors = value.get("cursors") or {}
        return cls(
            value.get("messages") or [],
            _seq(cursors.get("lastOutEventId")),
            _seq(cursors.get("lastInEventId")),
            value.get("nextCursor"),
        )


def _seq(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None

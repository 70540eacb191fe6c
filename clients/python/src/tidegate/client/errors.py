"""What the gateway refuses, and what can't be reached, as types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import TidegateError

RETRIED = frozenset({408, 429})
"""Statuses under 500 that another try may change."""
BY_STATUS = {
    400: "invalid_body",
    401: "unauthenticated",
    403: "unauthorized",
    404: "not_found",
    413: "body_too_large",
    422: "unprocessable",
    429: "rate_limited",
    503: "overloaded",
}
"""What a status means where no code that is known comes with it (R-ERR-7)."""


class ApiError(TidegateError):
    """The gateway refused something (spec/v1/errors.md).

    `status` is None where it came in a frame. `retry`: may the same request work later?
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        param: str | None = None,
        retry: bool = False,
        closed_reason: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.param = param
        self.retry = retry
        self.closed_reason = closed_reason
        self.reset_at: str | None = None
        """Unix milliseconds at which a rate limit ends, as the gateway says it."""


class Unauthenticated(ApiError):
    """No credential, or one that is not valid, and no fresh one could be had."""


class Unauthorized(ApiError):
    """The credential does not reach this."""


class SessionNotFound(ApiError):
    """No such session: create it."""


class SessionClosed(ApiError):
    """The session takes no more input. `closed_reason` says why, if that is known."""


class SessionExpired(ApiError):
    """The session's `expiresAt` has passed."""


class InvalidCursor(ApiError):
    """The cursor is no `seq_num`."""


class TooLarge(ApiError):
    """A body, record or frame is over its limit."""


class ConnectionRefused(TidegateError):
    """The gateway closed a connection and says that coming back does not help (R-DPX-25)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"the gateway refused the connection ({code}): {message}")
        self.code = code
        self.message = message


class Unreachable(TidegateError):
    """The gateway could not be reached, or did not answer, in as many tries as are made."""


class OutcomeUnknown(Unreachable):
    """An append was sent and no answer came: it may have been committed.

    Append again with `part_id`, and it is written once (R-APP-2).
    """

    def __init__(self, part_id: str, cause: object) -> None:
        super().__init__(f"no answer to the append {part_id}: {cause}")
        self.part_id = part_id


class TransportUnavailable(TidegateError):
    """A transport can't be spoken with this gateway, or through what stands before it."""


class Lost(TidegateError):
    """A connection ended without a refusal: come back. Never reaches an application.

    `sent`: may a request have reached the gateway?
    """

    def __init__(self, message: str, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


TYPES: dict[str, type[ApiError]] = {
    "unauthenticated": Unauthenticated,
    "unauthorized": Unauthorized,
    "session_not_found": SessionNotFound,
    "session_closed": SessionClosed,
    "session_expired": SessionExpired,
    "invalid_cursor": InvalidCursor,
    "body_too_large": TooLarge,
    "record_too_large": TooLarge,
}


def api_error(code: str, message: str, **rest: Any) -> ApiError:
    """The error of a code, as its type."""
    return TYPES.get(code, ApiError)(code, message, **rest)


def of_answer(status: int, headers: Mapping[str, str], body: bytes | bytearray) -> ApiError:
    """The error that an HTTP answer says, whoever made it: a proxy's has no code."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        said = {}
    code, text, param = said.get("code"), said.get("error"), said.get("param")
    if not isinstance(code, str):
        code = BY_STATUS.get(status, "internal" if status >= 500 else "unprocessable")
    if not isinstance(text, str):
        text = f"HTTP {status}"
    should = headers.get("x-should-retry")
    retry = should == "true" if should else status >= 500 or status in RETRIED
    reason = said.get("closedReason")
    return api_error(
        code,
        text,
        status=status,
        param=param if isinstance(param, str) else None,
        retry=retry,
        closed_reason=reason if isinstance(reason, str) else None,
    )


def of_frame(frame: Mapping[str, Any]) -> ApiError:
    """The error that an `error` frame says (R-DPX-22)."""
    code, param = frame.get("code"), frame.get("param")
    reason = frame.get("closedReason", frame.get("closed_reason"))
    return api_error(
        code if isinstance(code, str) else "internal",
        str(frame.get("message", "")),
        param=param if isinstance(param, str) else None,
        retry=frame.get("retry") is True,
        closed_reason=reason if isinstance(reason, str) else None,
    )

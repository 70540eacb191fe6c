"""What can go wrong, as types."""

from __future__ import annotations


class TidegateError(Exception):
    """Any error of this package."""


class LinkRefused(TidegateError):
    """The gateway refuses the link and says that trying again does not help.

    `code` is the WebSocket close code (4500 to 4999), or the HTTP status of a refused upgrade.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"the gateway refused the link ({code}): {message}")
        self.code = code
        self.message = message


class MalformedFrame(TidegateError):
    """The gateway sent something that is no frame."""


class ChunkTooLarge(TidegateError):
    """One chunk is larger than a frame of the link may be."""


class TurnError(TidegateError):
    """Raised by an agent: ends the turn with an error whose text the user sees.

    Other exceptions end it too, but their text may hold secrets: it only goes to the log.
    """

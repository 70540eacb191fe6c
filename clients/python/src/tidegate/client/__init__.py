"""Chats with agents behind a Tidegate gateway. See the README."""

from .answer import Answer, Chunk
from .appends import Appended
from .async_client import AsyncClient
from .choice import Transport
from .errors import (
    ApiError,
    ConnectionRefused,
    InvalidCursor,
    OutcomeUnknown,
    SessionClosed,
    SessionExpired,
    SessionNotFound,
    TooLarge,
    TransportUnavailable,
    Unauthenticated,
    Unauthorized,
    Unreachable,
)
from .items import CreatedSession, SessionItem, StoredRecord, Transcript
from .records import Control, Event, Gap, RecordEvent
from .session import AsyncSession
from .sources import Bounds
from .subscription import Subscription
from .sync import Client, Session, SyncAnswer, SyncSubscription

__all__ = [
    "Answer",
    "ApiError",
    "Appended",
    "AsyncClient",
    "AsyncSession",
    "Bounds",
    "Chunk",
    "Client",
    "ConnectionRefused",
    "Control",
    "CreatedSession",
    "Event",
    "Gap",
    "InvalidCursor",
    "OutcomeUnknown",
    "RecordEvent",
    "Session",
    "SessionClosed",
    "SessionExpired",
    "SessionItem",
    "SessionNotFound",
    "StoredRecord",
    "Subscription",
    "SyncAnswer",
    "SyncSubscription",
    "TooLarge",
    "Transcript",
    "Transport",
    "TransportUnavailable",
    "Unauthenticated",
    "Unauthorized",
    "Unreachable",
]

"""Chats with the real gateway: what every test of them wants to know."""

import asyncio

from tidegate.client import AsyncClient, AsyncSession, RecordEvent, Subscription

TRANSPORTS = ["sse", "websocket"]
WORDS = " ".join(f"word-{n}" for n in range(1, 31))
GUARD_S = 60.0


def run(work) -> None:
    """To its end; what hangs fails."""
    asyncio.run(asyncio.wait_for(work, GUARD_S))


async def new(client: AsyncClient, chat: str) -> AsyncSession:
    made = await client.sessions.create("demo", external_id=chat)
    assert made.external_id == chat
    return client.session(chat, token=made.token)


async def take(subscription: Subscription, turns: int = 1) -> list[RecordEvent]:
    """Events up to the end of so many turns."""
    found = []
    while turns:
        event = await anext(subscription)
        assert isinstance(event, RecordEvent), event
        found.append(event)
        turns -= event.control is not None and event.control.is_boundary
    return found


async def log(session: AsyncSession) -> list[RecordEvent]:
    """The settled log, from its start."""
    async with session.subscribe(transport="sse") as subscription:
        return await take(subscription)


def stripped(events: list[RecordEvent]) -> list[tuple]:
    """What is the same for every delivery of a record."""
    return [
        (it.seq_num, it.timestamp, it.body)
        + tuple(header for header in it.headers if header[0] != "public-access-token")
        for it in events
    ]

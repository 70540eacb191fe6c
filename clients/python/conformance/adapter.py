"""The Python client behind the protocol of spec/v1/suites/clients.md."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from decisions import DECISIONS
from events import shown, sums_up

from tidegate.client import (
    ApiError,
    AsyncClient,
    AsyncSession,
    ConnectionRefused,
    OutcomeUnknown,
    Subscription,
    TransportUnavailable,
)

NEXT_MS = 20_000


class Adapter:
    """One client at a time, and its subscriptions by name."""

    def __init__(self) -> None:
        self._client: AsyncClient | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._calls = 0

    async def do(self, command: dict[str, Any]) -> dict[str, Any]:
        """Performs a command. Raises what goes wrong."""
        asked = dict(command)
        asked.pop("id", None)
        return await getattr(self, f"do_{asked.pop('do')}")(**asked)

    async def do_hello(self) -> dict[str, Any]:
        return {
            "client": "python",
            "transports": ["sse", "websocket"],
            "decisions": sorted(DECISIONS),
        }

    async def do_open(
        self,
        url: str,
        transport: str,
        token: str | None = None,
        tokens: list[str] | None = None,
        bounds: dict[str, int] | None = None,
    ) -> dict[str, Any]:
        await self.do_reset()

        async def ask() -> str:
            self._calls += 1
            assert tokens is not None
            return tokens[min(self._calls, len(tokens)) - 1]

        given: Any = token if tokens is None else ask
        self._client = AsyncClient(url, given, transport=transport)  # type: ignore[arg-type]
        return {}

    async def do_reset(self) -> dict[str, Any]:
        client, self._client, self._calls = self._client, None, 0
        self._subscriptions.clear()
        if client is not None:
            await client.aclose()
        return {}

    async def do_token_calls(self) -> dict[str, Any]:
        return {"calls": self._calls}

    async def do_create(self, agent: str, external_id: str, **rest: Any) -> dict[str, Any]:
        made = await self._opened().sessions.create(agent, external_id=external_id, **rest)
        return {"session": made.id, "token": made.token, "cached": made.cached}

    async def do_close_session(self, session: str, reason: str) -> dict[str, Any]:
        item = await self._opened().sessions.close(session, reason)
        return {"closed_reason": item.closed_reason}

    async def do_append(
        self, session: str, body: str, part: str | None = None, **where: Any
    ) -> dict[str, Any]:
        done = await self._session(session).append(body, part_id=part, **where)
        return {"seq": done.seq, "part": done.part_id}

    async def do_send(self, session: str, text: str) -> dict[str, Any]:
        return {"seq": (await self._session(session).send(text)).seq}

    async def do_stop(self, session: str) -> dict[str, Any]:
        return {"seq": (await self._session(session).stop()).seq}

    async def do_action(self, session: str, action: Any) -> dict[str, Any]:
        return {"seq": (await self._session(session).action(action)).seq}

    async def do_answer(self, session: str, text: str) -> dict[str, Any]:
        answer = self._session(session).answer(text)
        said = await answer.text()
        floor = None if answer.boundary is None else answer.boundary.floor
        return {"text": said, "seq": answer.seq, "floor": floor, "gaps": len(answer.gaps)}

    async def do_records(self, session: str, **keys: Any) -> dict[str, Any]:
        page = await self._session(session).records(**keys)
        return {"seqs": [it.seq_num for it in page], "data": [it.data for it in page]}

    async def do_subscribe(self, session: str, sub: str, **keys: Any) -> dict[str, Any]:
        subscription = self._session(session).subscribe(**keys)
        await subscription.attached()
        self._subscriptions[sub] = subscription
        return {"transport": subscription.transport}

    async def do_next(
        self,
        sub: str,
        count: int | None = None,
        boundaries: int | None = None,
        chunk: str | None = None,
        within_ms: int = NEXT_MS,
    ) -> dict[str, Any]:
        subscription, events = self._subscriptions[sub], []
        try:
            async with asyncio.timeout(within_ms / 1000):
                while not sums_up(events, count, boundaries, chunk):
                    events.append(shown(await anext(subscription)))
        except TimeoutError:
            return {"events": events, "timed_out": True}
        except StopAsyncIteration:
            return {"events": events, "ended": {"kind": "closed_here"}}
        except Exception as error:
            return {"events": events, "ended": error_of(error)}
        return {"events": events}

    async def do_move(self, sub: str, transport: str) -> dict[str, Any]:
        await self._subscriptions[sub].move_to(transport)  # type: ignore[arg-type]
        return {}

    async def do_state(self, sub: str) -> dict[str, Any]:
        subscription = self._subscriptions[sub]
        return {"cursor": subscription.cursor, "transport": subscription.transport}

    async def do_unsubscribe(self, sub: str) -> dict[str, Any]:
        await self._subscriptions[sub].aclose()
        return {}

    async def do_decide(self, name: str, case: dict[str, Any]) -> dict[str, Any]:
        return {"decision": DECISIONS[name](case)}

    def _opened(self) -> AsyncClient:
        assert self._client is not None, "open comes first"
        return self._client

    def _session(self, name: str) -> AsyncSession:
        return self._opened().session(name)


def error_of(error: Exception) -> dict[str, Any]:
    """An error as the protocol shows it."""
    if isinstance(error, ApiError):
        return {
            "kind": "refused",
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "retry": error.retry,
        }
    if isinstance(error, ConnectionRefused):
        return {"kind": "closed", "close_code": error.code, "message": error.message}
    if isinstance(error, OutcomeUnknown):
        return {"kind": "unknown_outcome", "part": error.part_id, "message": str(error)}
    if isinstance(error, TransportUnavailable):
        return {"kind": "no_transport", "message": str(error)}
    return {"kind": "failed", "message": f"{type(error).__name__}: {error}"}


async def main() -> None:
    adapter = Adapter()
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        command = json.loads(line)
        try:
            answer = await adapter.do(command)
        except Exception as error:
            answer = {"error": error_of(error)}
        sys.stdout.write(json.dumps({"id": command["id"], **answer}) + "\n")
        sys.stdout.flush()
    await adapter.do_reset()


if __name__ == "__main__":
    asyncio.run(main())

"""Performs one case of `spec/v1/suites/clients` on one adapter."""

from __future__ import annotations

import asyncio
import itertools
from random import Random
from typing import Any

from .adapter import Adapter
from .check import Mismatch, adjoin, same, short, text_of, whole
from .fill import fill
from .place import Place
from .relay import Relay

POLL_S = 0.02
OF_A_CHAT = frozenset(
    {"append", "send", "stop", "action", "answer", "subscribe", "records", "tail", "close_session"}
)
"""Commands whose `session` is `${chat}` where the step does not say."""


class Run:
    """One case, over given transports."""

    def __init__(
        self, adapter: Adapter, place: Place, relay: Relay, names: dict[str, Any], seed: int
    ) -> None:
        self._adapter = adapter
        self._place = place
        self._relay = relay
        self._names = names
        self._random = Random(seed)
        self._log: list[dict[str, Any]] = []
        self._seen: dict[str, list[dict[str, Any]]] = {}

    async def steps(self, steps: list[dict[str, Any]]) -> None:
        """Raises Mismatch, or whatever went wrong."""
        for at, step in enumerate(steps):
            try:
                await self._step(step)
            except Mismatch as error:
                what = step.get("do") or next(iter(step))
                raise Mismatch(f"step {at + 1} ({what}): {error}") from None

    async def _step(self, step: dict[str, Any]) -> None:
        if "for_each_k" in step:
            for k in range(len(self._log)):
                after = k - 1 if k > 0 else None
                self._names.update(k=k, after=after, left=len(self._log) - k, sub=f"s{k}")
                await self.steps(step["for_each_k"])
        elif "do" in step:
            await self._command(step)
        else:
            [(name, value)] = step.items()
            await getattr(self, f"_{name}")(fill(value, self._names))

    async def _command(self, step: dict[str, Any]) -> None:
        keys = {key: step[key] for key in step if key not in ("do", "expect", "save")}
        arguments = fill(keys, self._names)
        if step["do"] == "open":
            defaults = {"url": self._relay.url, "transport": self._names["t"]}
            if "tokens" not in arguments:
                defaults["token"] = self._names.get("token")
            arguments = {**defaults, **arguments}
        elif step["do"] in OF_A_CHAT:
            arguments.setdefault("session", self._names["chat"])
        answer = await self._adapter.ask(step["do"], **arguments)
        events = answer.get("events") or []
        seen = self._seen.setdefault(arguments.get("sub", ""), [])
        seen += events
        self._expect(fill(step.get("expect") or {}, self._names), answer, events, seen)
        for name, key in (step.get("save") or {}).items():
            self._names[name] = answer[key]

    def _expect(
        self,
        wanted: dict[str, Any],
        answer: dict[str, Any],
        events: list[dict[str, Any]],
        seen: list[dict[str, Any]],
    ) -> None:
        for fine in ("error", "ended", "timed_out"):
            if answer.get(fine) and fine not in wanted:
                raise Mismatch(f"{fine}: {answer[fine]}")
        wanted = dict(wanted)
        after = wanted.pop("log_after", "no")
        if after != "no":
            first = -1 if after is None else after
            whole(seen, [it for it in self._log if it["seq_num"] > first])
        if wanted.pop("adjoin", False):
            adjoin(seen)
        if (text := wanted.pop("said", None)) is not None:
            same(text, text_of(seen), "said")
        if (first_events := wanted.pop("first", None)) is not None:
            same(first_events, events[: len(first_events)], "first")
        if "decision" in wanted and answer.get("decision") != wanted["decision"]:
            raise Mismatch(f"{short(answer.get('decision'))} instead of {wanted['decision']}")
        same(wanted, answer)

    # ---- what the runner does by itself ----

    async def _create(self, _: Any) -> None:
        made = await self._place.server.create(self._names["chat"])
        self._names.update(token=made["publicAccessToken"], id=made["id"])

    async def _say(self, text: str) -> None:
        self._names["said_seq"] = await self._place.server.say(self._names["chat"], text)

    async def _settle(self, _: Any) -> None:
        """Waits until nothing is owed, and reads what came since."""
        after = self._log[-1]["seq_num"] if self._log else None
        self._log += await self._place.server.settled(self._names["chat"], after)
        last = self._log[-1]["seq_num"]
        self._names.update(last=last, next=last + 1)

    async def _keep(self, names: dict[str, Any]) -> None:
        """Other names for what was saved."""
        self._names.update(names)

    async def _check(self, wanted: dict[str, Any]) -> None:
        """What a subscription has brought so far."""
        seen = self._seen.get(wanted.pop("sub"), [])
        self._expect(wanted, {}, [], seen)

    async def _forget(self, _: Any) -> None:
        """What the runner knows of the log begins anew."""
        self._log = []

    async def _close(self, reason: str) -> None:
        await self._place.server.close(self._names["chat"], reason)

    async def _mint(self, keys: dict[str, Any]) -> None:
        token = await self._place.server.mint(keys["scopes"], keys["ttl"])
        self._names[keys["as"]] = token

    async def _expired(self, token: str) -> None:
        while await self._place.server.is_taken(self._names["chat"], token):
            await asyncio.sleep(POLL_S)

    async def _relay_cuts(self, bounds: list[int] | None) -> None:
        """Each new connection is cut after so many bytes towards the client. null: none is. What
        was missed may come as one batch: later ones live longer, so that it passes."""
        halves = itertools.count(2)
        if bounds is None:
            self._relay.limit = lambda: None
        else:
            self._relay.limit = lambda: self._random.randint(*bounds) * next(halves) // 2

    async def _relay_down(self, down: bool) -> None:
        """New connections are dropped as they come."""
        self._relay.down = down

    async def _lose_answer(self, _: Any) -> None:
        """The answer to the next request gets as far as the relay."""
        self._relay.lose_answer = True

    async def _cut(self, _: Any) -> None:
        self._relay.cut()

    async def _was_cut(self, least: int) -> None:
        if self._relay.cuts < least:
            raise Mismatch(f"the relay cut {self._relay.cuts} times")

    async def _restart(self, _: Any) -> None:
        await self._place.restart()

    async def _drain(self, _: Any) -> None:
        await self._place.drain()

    async def _lose(self, _: Any) -> None:
        await self._place.lose()

    async def _gone(self, seq: int) -> None:
        """Waits until retention has taken a record."""
        server, chat = self._place.server, self._names["chat"]
        while (await server.page(chat, "out", seq - 1, 1))[0]["seqNum"] == seq:
            await asyncio.sleep(POLL_S)

    async def _inputs(self, texts: list[str]) -> None:
        """What is on `.in`: the texts that were appended, in order, once."""
        page = await self._place.server.page(self._names["chat"], "in", None, 1000)
        same(texts, [record["data"] for record in page], "inputs")

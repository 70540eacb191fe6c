"""Where a case takes place: a gateway, and what it needs."""

from __future__ import annotations

import asyncio
from typing import Any

from .certificate import Certificate
from .gateway import Gateway
from .redis import Redis
from .server import Server


class Place:
    """`store`: `memory` (default), `disk` or `redis`. `config`: more TOML."""

    def __init__(self, wanted: dict[str, Any], certificate: Certificate) -> None:
        store = wanted.get("store", "memory")
        self._redis = Redis() if store == "redis" else None
        urls = {"memory": "memory:", "disk": "disk:{folder}/data"}
        url = self._redis.url if self._redis is not None else urls[store]
        try:
            self._gateway = Gateway(wanted.get("config", ""), url, certificate)
        except BaseException:
            self._stop_redis()
            raise
        self.port = self._gateway.port
        self.tls_port = self._gateway.tls_port
        self.server = Server(self._gateway.url)

    async def restart(self) -> None:
        """`kill -9`, and another process."""
        await asyncio.to_thread(self._gateway.kill)
        await asyncio.to_thread(self._gateway.start)

    async def drain(self) -> None:
        """SIGTERM, and another process once it has ended."""
        await asyncio.to_thread(self._gateway.drain)
        await asyncio.to_thread(self._gateway.start)

    async def lose(self) -> None:
        """The store forgets everything."""
        assert self._redis is not None
        await asyncio.to_thread(self._redis.lose)

    def stop(self) -> None:
        """Ends all of it. Nobody is served any more, so nobody waits for a drain."""
        self._gateway.kill()
        self._gateway.stop()
        self._stop_redis()

    def _stop_redis(self) -> None:
        if self._redis is not None:
            self._redis.stop()

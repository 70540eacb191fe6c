"""A client library's adapter as a child process: a JSON command a line, a JSON answer a line."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

ANSWER_S = 60.0
"""An adapter that takes longer hangs."""
LINE_MAX = 64 * 1024 * 1024


class AdapterFailed(Exception):
    """The adapter does not do what an adapter does."""


class Adapter:
    """Started when it is needed, and again after it hung."""

    def __init__(self, command: list[str], root: Path, env: dict[str, str]) -> None:
        self._command = command
        self._root = root
        self._env = env
        self._process: asyncio.subprocess.Process | None = None
        self._id = 0

    async def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """One command and its answer."""
        process = await self._running()
        assert process.stdin is not None and process.stdout is not None
        self._id += 1
        line = json.dumps({"id": self._id, "do": do, **arguments})
        try:
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()
            async with asyncio.timeout(ANSWER_S):
                answer = await process.stdout.readline()
        except TimeoutError:
            await self.kill()
            raise AdapterFailed(f"no answer to {line[:300]}") from None
        except OSError as error:
            await self.kill()
            raise AdapterFailed(f"the adapter is gone: {error}") from error
        if not answer:
            await self.kill()
            raise AdapterFailed(f"the adapter ended at {line[:300]}")
        said = json.loads(answer)
        if said.get("id") != self._id:
            await self.kill()
            raise AdapterFailed(f"answer {said.get('id')} to command {self._id}")
        return said

    async def stop(self) -> None:
        """The end of its input ends it."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()
        self._process = None

    async def kill(self) -> None:
        """Ends it."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._root,
                env={**os.environ, **self._env},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_MAX,
            )
        return self._process

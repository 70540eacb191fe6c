"""The agent link: a pure machine and an asyncio driver."""

from .driver import Driver
from .frames import Agent
from .machine import Link

__all__ = ["Agent", "Driver", "Link"]

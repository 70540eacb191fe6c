"""Agents for the Tidegate gateway. See the README for an agent that runs."""

from .agents import App, Chunk, Message, Turn, text_of
from .errors import ChunkTooLarge, LinkRefused, MalformedFrame, TidegateError, TurnError

__all__ = [
    "App",
    "Chunk",
    "ChunkTooLarge",
    "LinkRefused",
    "MalformedFrame",
    "Message",
    "TidegateError",
    "Turn",
    "TurnError",
    "text_of",
]

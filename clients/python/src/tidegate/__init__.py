"""Agents for the Tidegate gateway. See the README for an agent that runs."""

from .agents import (
    App,
    Chunk,
    Definition,
    Message,
    Outcome,
    Tool,
    ToolCall,
    Turn,
    text_of,
)
from .errors import ChunkTooLarge, LinkRefused, MalformedFrame, TidegateError, TurnError

__all__ = [
    "App",
    "Chunk",
    "ChunkTooLarge",
    "Definition",
    "LinkRefused",
    "MalformedFrame",
    "Message",
    "Outcome",
    "TidegateError",
    "Tool",
    "ToolCall",
    "Turn",
    "TurnError",
    "text_of",
]

"""Agents: declared on an App, given Turns."""

from .app import App
from .definition import Definition, Outcome
from .inputs import Message, text_of
from .tools import Tool, ToolCall
from .turn import Chunk, Turn

__all__ = [
    "App",
    "Chunk",
    "Definition",
    "Message",
    "Outcome",
    "Tool",
    "ToolCall",
    "Turn",
    "text_of",
]

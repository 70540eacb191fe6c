"""Agents: declared on an App, given Turns."""

from .app import App
from .inputs import Message, text_of
from .turn import Chunk, Turn

__all__ = ["App", "Chunk", "Message", "Turn", "text_of"]

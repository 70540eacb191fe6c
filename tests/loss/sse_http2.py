"""Server-sent events over HTTP/2: one connection for all chats, by the Python package `h2`."""

from __future__ import annotations

import asyncio
import ssl

from events import batches, head, paths
from gateway import PORT
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset
from received import Received

READ_BYTES = 1 << 16


class Reads:
    """A stream of HTTP/2 for each chat."""

    def __init__(self, host: str, frames: list[dict], received: Received) -> None:
        self.http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.received, self.answered = received, 0
        self.http.initiate_connection()
        self.chats: dict[int, int] = {}
        for chat, path in paths(frames).items():
            stream = self.http.get_next_available_stream_id()
            self.http.send_headers(stream, head(f"{host}:{PORT}", path), end_stream=True)
            self.chats[stream] = chat
        self.buffers = {stream: bytearray() for stream in self.chats}

    def feed(self, data: bytes) -> None:
        for event in self.http.receive_data(data):
            if isinstance(event, ResponseReceived):
                if dict(event.headers)[":status"] != "200":
                    raise ConnectionError(f"{event.headers}")
                self.answered += 1
            elif isinstance(event, DataReceived):
                size, stream = event.flow_controlled_length, event.stream_id
                self.http.acknowledge_received_data(size, stream)
                for frame in batches(self.buffers[stream], event.data, self.chats[stream]):
                    self.received.take(frame)
            elif isinstance(event, (StreamEnded, StreamReset)):
                self.received.wrong.append(f"{event}")


async def read(host: str, frames: list[dict], received: Received, ready, patience: float) -> None:
    """Asks for all chats, calls `ready` once all were answered, and reads until all has come."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    source, sink = await asyncio.open_connection(host, PORT, ssl=context)
    reads = Reads(host, frames, received)

    async def take() -> None:
        said = False
        while not received.complete():
            sink.write(reads.http.data_to_send())
            data = await source.read(READ_BYTES)
            if not data:
                raise ConnectionError("the connection ended")
            reads.feed(data)
            if not said and reads.answered == len(reads.chats):
                said = True
                ready()

    await asyncio.wait_for(take(), patience)
    sink.transport.abort()

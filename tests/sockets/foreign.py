"""What a foreign client, and HTTP around the socket, see."""

import asyncio
import http.client
import ssl

import websockets

from frames import TEXT, Reader, close, frame
from gateway import KEY
from wires import PATH, Http1, Http2


def checks(gateway):
    yield "websockets: text and binary, also with TLS", lambda: asyncio.run(echoes(gateway))
    yield "websockets: the key in the query", lambda: asyncio.run(by_query(gateway))
    yield "http: what is no handshake is refused", lambda: refusals(gateway)
    yield "h2: other requests go on beside a socket", lambda: beside(gateway)
    # The last one: nothing is there afterwards.
    yield "a drain closes sockets with 1001, and waits for them", lambda: drained(gateway)


async def echoes(gateway):
    context = ssl.create_default_context(cafile=gateway.certificate)
    headers = {"Authorization": f"Bearer {KEY}"}
    for url, tls in [(f"ws://127.0.0.1:{gateway.plain}{PATH}", None),
                     (f"wss://127.0.0.1:{gateway.tls}{PATH}", context)]:
        async with websockets.connect(url, additional_headers=headers, ssl=tls) as socket:
            # It offers compression, which is not taken.
            assert socket.protocol.extensions == []
            for message in ["ä", b"\0\xff", "x" * 1_000_000]:
                await socket.send(message)
                assert await socket.recv() == message
            await socket.send(["frag", "ments"])
            assert await socket.recv() == "fragments"
            await asyncio.wait_for(await socket.ping(), 10)
        assert socket.close_code == 1000


async def by_query(gateway):
    url = f"ws://127.0.0.1:{gateway.plain}{PATH}?access_token={KEY}"
    async with websockets.connect(url) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"


def refusals(gateway):
    good = {"Authorization": f"Bearer {KEY}"}
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for headers, status in [
        (good, 400), (upgrade, 401), ({**upgrade, "Authorization": "Bearer wrong"}, 401),
        ({**good, **upgrade, "Sec-WebSocket-Version": "8"}, 400),
        ({**good, **upgrade, "Upgrade": "h2c"}, 400), ({**good, **upgrade}, 101),
    ]:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.plain, timeout=10)
        connection.request("GET", PATH, headers=headers)
        answer = connection.getresponse()
        assert answer.status == status, (headers, answer.status)
        connection.close()


def beside(gateway):
    wire = Http2(gateway)
    wire.send(frame(TEXT, b"one"))
    assert wire.receive() == b"\x81\x03one"
    for path, status in [("/live", "200"), ("/nothing", "404")]:
        stream = wire.open([(":method", "GET"), (":scheme", "https"), (":path", path),
                            (":authority", "127.0.0.1")], end=True)
        while stream not in wire.headers:
            wire.pump()
        assert wire.headers[stream][":status"] == status
    # A socket is asked for where there is none, and without a key.
    for path, status in [("/live", "405"), ("/v1/sessions/x/inputs", "401"), (PATH, "401")]:
        stream = wire.open([(":method", "CONNECT"), (":protocol", "websocket"),
                            (":scheme", "https"), (":path", path), (":authority", "127.0.0.1"),
                            ("sec-websocket-version", "13")])
        while stream not in wire.headers:
            wire.pump()
        assert wire.headers[stream][":status"] == status, (path, wire.headers[stream])
    wire.send(frame(TEXT, b"two"))
    assert wire.receive() == b"\x81\x03two"
    wire.end()


def drained(gateway):
    # Not over HTTP/2: h2 takes nothing more from a connection once it was told to go.
    wires = [Http1(gateway), Http1(gateway, tls=True)]
    gateway.process.terminate()
    for wire in wires:
        reader, found = Reader(), None
        while found is None:
            reader.feed(wire.receive() or b"\0\0")
            found = reader.next()
        assert found == ("close", 1001), found
        wire.send(close(1001))
        wire.end()
    assert gateway.process.wait(timeout=30) == 0

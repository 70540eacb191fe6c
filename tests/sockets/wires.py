"""The ways to a gateway's socket: TCP, TLS, and a stream of HTTP/2. Each has send, receive, end."""

import base64
import os
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import h2.settings

from gateway import KEY

PATH = "/v1/self-test/socket"
TIMEOUT = 60


class Http1:
    """HTTP/1.1, plain or with TLS."""

    def __init__(self, gateway, tls=False):
        port = gateway.tls if tls else gateway.plain
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = secured(self.socket, gateway, "http/1.1")
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Extensions: permessage-deflate\r\n"
            f"Authorization: Bearer {KEY}\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(1) or fail(f"no upgrade: {answer!r}")
        if not answer.startswith(b"HTTP/1.1 101"):
            fail(f"no upgrade: {answer!r}")
        if b"sec-websocket-extensions" in answer.lower():
            fail("no extension may be negotiated")

    def send(self, data):
        """Sends; what can't be sent any more is nobody's loss."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def receive(self):
        """Some bytes; none when the gateway has ended it."""
        try:
            return self.socket.recv(1 << 20)
        except ConnectionResetError:
            return b""

    def end(self):
        self.socket.close()


def secured(raw, gateway, protocol):
    context = ssl.create_default_context(cafile=gateway.certificate)
    context.set_alpn_protocols([protocol])
    wrapped = context.wrap_socket(raw, server_hostname="127.0.0.1")
    assert wrapped.selected_alpn_protocol() == protocol
    return wrapped


class Http2:
    """A stream of an HTTP/2 connection, opened by the extended CONNECT of RFC 8441."""

    def __init__(self, gateway, tls=True):
        port = gateway.tls if tls else gateway.plain
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = secured(self.socket, gateway, "h2")
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.http = h2.connection.H2Connection(config=config)
        self.http.initiate_connection()
        self.inbox, self.ended, self.headers, self.other = bytearray(), False, {}, {}
        self.flush()
        code = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL
        while not self.http.remote_settings.get(code):
            self.pump()
        self.stream = self.open([
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
            (":path", PATH), (":authority", "127.0.0.1"), ("sec-websocket-version", "13"),
            ("authorization", f"Bearer {KEY}")])
        while self.stream not in self.headers:
            self.pump()
        status = self.headers[self.stream].get(":status")
        if status != "200":
            fail(f"no upgrade: {self.headers}")

    def open(self, headers, end=False):
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, headers, end_stream=end)
        self.flush()
        return stream

    def flush(self):
        self.socket.sendall(self.http.data_to_send())

    def pump(self):
        data = self.socket.recv(1 << 18)
        if not data:
            self.ended = True
            return
        for event in self.http.receive_data(data):
            self.take(event)
        self.flush()

    def take(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self.headers[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id == self.stream:
                self.inbox += event.data
            else:
                self.other[event.stream_id] = self.other.get(event.stream_id, b"") + event.data
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
            self.ended |= event.stream_id == self.stream
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.ended = True

    def send(self, data):
        view = memoryview(data)
        while view and not self.ended:
            room = min(self.http.local_flow_control_window(self.stream),
                       self.http.max_outbound_frame_size, len(view))
            if room <= 0:
                self.pump()
                continue
            self.http.send_data(self.stream, bytes(view[:room]))
            self.flush()
            view = view[room:]

    def receive(self):
        while not self.inbox and not self.ended:
            self.pump()
        data, self.inbox = bytes(self.inbox), bytearray()
        return data

    def end(self):
        self.socket.close()


def fail(what):
    raise AssertionError(what)

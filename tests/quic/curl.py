"""HTTP/3 by libcurl (ngtcp2, nghttp3, GnuTLS): requests, bodies, and a read that is resumed.

`LD_LIBRARY_PATH` names the folder of `libcurl-gnutls.so.4` 8.14 and its neighbours, as Debian's
backports have them; curl's binary there speaks no HTTP/3, the library does.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from dataclasses import dataclass

HTTP_VERSION_3_ONLY = 31
INFO_RESPONSE_CODE, INFO_HTTP_VERSION = 0x200002, 0x20002E
OPT_URL, OPT_HTTP_VERSION, OPT_SSL_VERIFYPEER, OPT_SSL_VERIFYHOST = 10002, 84, 64, 81
OPT_WRITEFUNCTION, OPT_HTTPHEADER, OPT_CUSTOMREQUEST, OPT_TIMEOUT = 20011, 10023, 10036, 13
OPT_POSTFIELDS, OPT_POSTFIELDSIZE = 10015, 60
ABORTED_BY_WRITE = 23

WRITE = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_char),
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_void_p,
)


@dataclass
class Answer:
    """What came back."""

    status: int
    version: int
    body: bytes


class Curl:
    """One handle, and so one connection for as long as it lasts."""

    def __init__(self) -> None:
        self.lib = ctypes.CDLL("libcurl-gnutls.so.4")
        self.lib.curl_easy_init.restype = ctypes.c_void_p
        self.lib.curl_slist_append.restype = ctypes.c_void_p
        self.lib.curl_version.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p(self.lib.curl_easy_init())

    def version(self) -> str:
        return self.lib.curl_version().decode()

    def fetch(
        self,
        url: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        enough: Callable[[bytes], bool] = lambda _: False,
    ) -> Answer:
        """The whole answer, or as much of it as is `enough`."""
        received = bytearray()

        def write(data, size, count, _) -> int:
            received.extend(data[: size * count])
            return 0 if enough(bytes(received)) else size * count

        callback, slist = WRITE(write), None
        for name, value in (headers or {}).items():
            slist = self.lib.curl_slist_append(
                ctypes.c_void_p(slist), f"{name}: {value}".encode()
            )
        self.lib.curl_easy_reset(self.handle)
        self._set(OPT_URL, url.encode())
        self._set(OPT_HTTP_VERSION, ctypes.c_long(HTTP_VERSION_3_ONLY))
        self._set(OPT_SSL_VERIFYPEER, ctypes.c_long(0))
        self._set(OPT_SSL_VERIFYHOST, ctypes.c_long(0))
        self._set(OPT_TIMEOUT, ctypes.c_long(20))
        self._set(OPT_WRITEFUNCTION, callback)
        self._set(OPT_HTTPHEADER, ctypes.c_void_p(slist))
        if body is not None:
            self._set(OPT_POSTFIELDSIZE, ctypes.c_long(len(body)))
            self._set(OPT_POSTFIELDS, body)
        self._set(OPT_CUSTOMREQUEST, method.encode())
        code = self.lib.curl_easy_perform(self.handle)
        if code not in (0, ABORTED_BY_WRITE):
            raise ConnectionError(f"curl: {code}")
        status, version = ctypes.c_long(), ctypes.c_long()
        self.lib.curl_easy_getinfo(self.handle, INFO_RESPONSE_CODE, ctypes.byref(status))
        self.lib.curl_easy_getinfo(self.handle, INFO_HTTP_VERSION, ctypes.byref(version))
        self.lib.curl_slist_free_all(ctypes.c_void_p(slist))
        return Answer(status.value, version.value, bytes(received))

    def _set(self, option: int, value) -> None:
        code = self.lib.curl_easy_setopt(self.handle, option, value)
        if code != 0:
            raise ValueError(f"curl takes no option {option}: {code}")


def records(body: bytes) -> list[dict]:
    """The records in the events of a read."""
    found, name = [], ""
    for line in body.decode().splitlines():
        if line.startswith("event:"):
            name = line[6:].strip()
        elif not line:
            name = ""
        elif line.startswith("data:") and name == "batch":
            found += json.loads(line[5:])["records"]
    return found


def check(base: str, key: str) -> str:
    """Every claim about the gateway at `base` holds; answers the library's version."""
    curl = Curl()
    auth = {"authorization": f"Bearer {key}"}
    live = curl.fetch(f"{base}/live")
    assert (live.status, live.version) == (200, 30), live
    body = {
        "type": "chat.agent",
        "externalId": "curl",
        "taskIdentifier": "demo",
        "triggerConfig": {"basePayload": {"trigger": "preload", "chatId": "curl"}},
    }
    created = curl.fetch(f"{base}/api/v1/sessions", "POST", auth, json.dumps(body).encode())
    assert created.status in (200, 201), created
    out = f"{base}/realtime/v1/sessions/curl/out"
    for at in range(20):
        chunk = json.dumps({"type": "text-delta", "id": "t", "delta": f"{at} " * 2000}).encode()
        assert curl.fetch(f"{out}/append", "POST", auth, chunk).status == 200
    log = records(curl.fetch(out, "GET", auth, enough=lambda got: len(complete(got)) >= 20).body)
    assert [record["seq_num"] for record in log[:20]] == list(range(20)), log
    for cursor in range(19):
        headers = auth | {"last-event-id": str(cursor)}
        wanted = 19 - cursor
        rest = curl.fetch(out, "GET", headers, enough=lambda got: len(complete(got)) >= wanted)
        seen = complete(rest.body)
        assert [r["body"] for r in seen] == [r["body"] for r in log[cursor + 1 : 20]], cursor
    assert curl.fetch(f"{base}/nothing").status == 404
    path = f"{base}/realtime/v1/sessions/curl/in/append"
    large = curl.fetch(path, "POST", auth, b" " * 1_048_577)
    assert large.status == 413, large
    return curl.version()


def complete(body: bytes) -> list[dict]:
    """The records of the events that are whole."""
    return records(body[: body.rfind(b"\n\n") + 2])

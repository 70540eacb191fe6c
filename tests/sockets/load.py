"""Many requests at once over HTTP/2, by h2load (Debian's `nghttp2-client`; it has no HTTP/3)."""

import http.client
import json
import re
import subprocess
from pathlib import Path

from gateway import KEY

CONNECTIONS, STREAMS, REQUESTS, ROUNDS = 10, 100, 3000, 4
PATIENCE_S = 120
# What a gateway may hold more after the last round than after the first.
GROWTH_MAX_KIB = 16 * 1024


def checks(gateway):
    for name, base in [("h2", f"https://127.0.0.1:{gateway.tls}"),
                       ("h2c", f"http://127.0.0.1:{gateway.plain}")]:
        yield f"h2load, {name}: reads", lambda name=name, base=base: reads(gateway, name, base)
        yield f"h2load, {name}: appends", lambda name=name, base=base: appends(gateway, name, base)
    yield "h2load: memory does not grow with requests", lambda: memory(gateway)


def reads(gateway, name, base):
    session = created(gateway, f"reads-{name}")
    for at in range(20):
        assert call(gateway, "POST", f"{session}/append", chunk(at))[0] == 200
    load(base + "/live")
    load(f"{base}{session}/records")
    still_serves(gateway)


def appends(gateway, name, base):
    """Each that was acknowledged is a record."""
    session = created(gateway, f"appends-{name}")
    body = Path(gateway.folder.name, "append.json")
    body.write_text(json.dumps(chunk(0)), encoding="utf-8")
    load(f"{base}{session}/append", "-d", str(body), "-H", "content-type: application/json")
    found, after = 0, ""
    while True:
        _, answer = call(gateway, "GET", f"{session}/records{after}")
        if not answer["records"]:
            break
        found += len(answer["records"])
        assert answer["records"][-1]["seqNum"] == found - 1
        after = f"?afterEventId={found - 1}"
    assert found == REQUESTS, found
    still_serves(gateway)


def memory(gateway):
    session = created(gateway, "memory")
    assert call(gateway, "POST", f"{session}/append", chunk(0))[0] == 200
    held = []
    for _ in range(ROUNDS):
        for base in [f"https://127.0.0.1:{gateway.tls}", f"http://127.0.0.1:{gateway.plain}"]:
            load(f"{base}{session}/records")
        held.append(resident_kib(gateway.process.pid))
    assert held[-1] - held[0] < GROWTH_MAX_KIB, f"{held} KiB"
    still_serves(gateway)


def load(url, *more):
    """Every request is answered with a 2xx; the exit code says nothing about that."""
    command = ["h2load", f"-n{REQUESTS}", f"-c{CONNECTIONS}", f"-m{STREAMS}",
               "-H", f"authorization: Bearer {KEY}", *more, url]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    requests, codes = (numbers(said.stdout, line) for line in ("requests", "status codes"))
    assert requests == {"total": REQUESTS, "started": REQUESTS, "done": REQUESTS,
                        "succeeded": REQUESTS, "failed": 0, "errored": 0, "timeout": 0}, said
    assert codes == {"2xx": REQUESTS, "3xx": 0, "4xx": 0, "5xx": 0}, said


def numbers(output, line):
    found = re.search(rf"^{line}: (.*)$", output, re.MULTILINE)
    pairs = [part.split() for part in found[1].split(",")]
    return {name: int(number) for number, name in pairs}


def still_serves(gateway):
    assert call(gateway, "GET", "/live")[0] == 200
    assert call(gateway, "GET", "/nothing")[0] == 404


def created(gateway, name):
    """The path of a new session's `.out`."""
    base = {"trigger": "preload", "chatId": name}
    body = {"type": "chat.agent", "externalId": name, "taskIdentifier": "demo",
            "triggerConfig": {"basePayload": base}}
    assert call(gateway, "POST", "/api/v1/sessions", body)[0] == 201
    return f"/realtime/v1/sessions/{name}/out"


def chunk(number):
    return {"type": "text-delta", "id": "t", "delta": f"{number} "}


def call(gateway, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.plain, timeout=PATIENCE_S)
    connection.request(method, path, body and json.dumps(body),
                       {"authorization": f"Bearer {KEY}", "content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text.startswith(b"{") else text


def resident_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1])

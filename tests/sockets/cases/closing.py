"""7 close handling."""

from case import Case
from frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, close, frame

CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
HELLO = ("text", b"Hello World!")


def all_cases():
    hello = frame(TEXT, HELLO[1])
    yield Case("7.1.1 a message, then close", [hello], [HELLO])
    yield Case("7.1.2 close twice", [], late=close(1000))
    yield Case("7.1.3 a ping after close", [], late=frame(PING))
    yield Case("7.1.4 a message after close", [], late=hello)
    yield Case("7.1.5 the rest of a message after close", [frame(TEXT, b"fragment1", fin=False)],
               late=frame(CONTINUATION, b"fragment2"))
    big = b"BAsd7&jh23" * 26214
    yield Case("7.1.6 256 KiB and a message, then close, then a ping",
               [frame(BINARY, big), hello], [("binary", big), HELLO], late=frame(PING))
    yield Case("7.3.1 close without a code", [], bye=None)
    yield Case("7.3.2 close with one byte", [frame(CLOSE, b"a")], fails=1002)
    yield Case("7.3.3 close with a code", [close(1000)], closes=True)
    yield Case("7.3.4 close with a reason", [close(1000, b"Hello World!")], closes=True)
    yield Case("7.3.5 the longest reason", [close(1000, b"*" * 123)], closes=True)
    yield Case("7.3.6 a longer one", [close(1000, b"*" * 124)], fails=1002)
    yield Case("7.5.1 a reason that is not UTF-8", [close(1000, b"\xce\xba\xed\xa0\x80edited")],
               fails=1007)
    for index, code in enumerate(CODES, 1):
        yield Case(f"7.7.{index} code {code}", [], bye=code)
    for index, code in enumerate(INVALID, 1):
        yield Case(f"7.9.{index} code {code}", [close(code)], fails=1002)
    for index, code in enumerate([5000, 65535], 1):
        yield Case(f"7.13.{index} code {code}, which is nobody's", [close(code)], fails=1002)

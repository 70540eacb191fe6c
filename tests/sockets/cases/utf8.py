"""6 UTF-8."""

from case import Case, chopped
from frames import CONTINUATION, TEXT, fragments, frame

HELLO = "Hello-µ@ßöäüàá-UTF-8!!".encode()
GREEK = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
TOO_FAR = b"\xf4\x90\x80\x80"

# By group: what is decoded, and whether it is UTF-8. After the stress test of Markus Kuhn.
SEQUENCES = {
    "6.5 a few words": (True, [HELLO, GREEK, "日本語 🦀 e\u0301".encode(), b"\x00\x7f\x01"]),
    "6.6 a prefix of a character": (False, [
        b"\xce", GREEK[:3], GREEK[:4], b"\xf0", b"\xf0\x9f", b"\xf0\x9f\xa6"]),
    "6.7 the first of each length": (True, [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80",
                                            b"\xf0\x90\x80\x80"]),
    "6.8 the first of five and six bytes": (False, [b"\xf8\x88\x80\x80\x80",
                                                    b"\xfc\x84\x80\x80\x80\x80"]),
    "6.9 the last of each length": (True, [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf",
                                           b"\xf4\x8f\xbf\xbf"]),
    "6.10 the last of five and six bytes, and beyond": (False, [
        b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
    "6.11 other boundaries": (True, [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd",
                                     b"\xf4\x8f\xbf\xbf"]),
    "6.11 beyond the last character": (False, [TOO_FAR]),
    "6.12 continuation bytes alone": (False, [b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80",
                                              b"\x80\xbf\x80\xbf", bytes(range(0x80, 0xc0))]),
    "6.13 first bytes alone": (False, [
        b" ".join(bytes([b]) for b in range(*span)) for span in
        [(0xc0, 0xe0), (0xe0, 0xf0), (0xf0, 0xf8), (0xf8, 0xfc), (0xfc, 0xfe)]]),
    "6.14 the last byte is missing": (False, [
        b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80",
        b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"]),
    "6.15 all of these": (False, [b"\xc0\xe0\x80\xf0\x80\x80\xdf\xef\xbf\xf7\xbf\xbf"]),
    "6.16 bytes that never occur": (False, [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
    "6.17 a slash, overlong": (False, [
        b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf",
        b"\xfc\x80\x80\x80\x80\xaf"]),
    "6.18 the greatest that are overlong": (False, [
        b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf",
        b"\xfc\x83\xbf\xbf\xbf\xbf"]),
    "6.19 NUL, overlong": (False, [
        b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80\x80"]),
    "6.20 surrogates": (False, [
        b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80",
        b"\xed\xbe\x80", b"\xed\xbf\xbf"]),
    "6.21 surrogates in pairs": (False, [
        high + low for high in [b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf"]
        for low in [b"\xed\xb0\x80", b"\xed\xbf\xbf"]]),
    "6.22 noncharacters": (True, [
        chr(plane << 16 | low).encode() for plane in range(17) for low in (0xfffe, 0xffff)]),
    "6.23 specials": (True, [chr(code).encode() for code in range(0xfff9, 0xfffe)]),
}


def all_cases():
    yield Case("6.1.1 no bytes", [frame(TEXT)], [("text", b"")])
    yield Case("6.1.2 three fragments without bytes",
               [frame(TEXT, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION)],
               [("text", b"")])
    yield Case("6.1.3 one of three has some",
               [frame(TEXT, fin=False), frame(CONTINUATION, b"middle", fin=False),
                frame(CONTINUATION)], [("text", b"middle")])
    for index, (name, size) in enumerate([("whole", 99), ("in two", 12), ("byte by byte", 1)], 1):
        yield Case(f"6.2.{index} valid, {name}", [fragments(TEXT, HELLO, size)],
                   [("text", HELLO)])
    yield Case("6.2.4 valid, in fragments of a byte", [fragments(TEXT, GREEK, 1)],
               [("text", GREEK)])
    bad = GREEK + b"\xed\xa0\x80" + b"edited"
    yield Case("6.3.1 not valid", [frame(TEXT, bad)], fails=1007)
    yield Case("6.3.2 not valid, byte by byte", [fragments(TEXT, bad, 1)], fails=1007)
    # The message never ends: only who looks at each fragment ends the socket.
    for index, tail in enumerate([TOO_FAR, TOO_FAR[:2]], 1):
        yield Case(f"6.4.{index} fails within the message, at the fragment", [
            frame(TEXT, GREEK, fin=False), frame(CONTINUATION, tail, fin=False)], fails=1007)
    for index, tail in enumerate([TOO_FAR, TOO_FAR[:2]], 3):
        yield Case(f"6.4.{index} in one frame: fails when the frame is whole (not strict)",
                   chopped(frame(TEXT, GREEK + tail + b"edited"), 10), fails=1007)
    for name, (valid, sequences) in SEQUENCES.items():
        group = name.split(" ")[0]
        for index, text in enumerate(sequences, 1):
            title = f"{group}.{index}{name.removeprefix(group)}: {text[:8].hex()}"
            events, code = ([("text", text)], None) if valid else ([], 1007)
            yield Case(title, [frame(TEXT, text)], events, fails=code)

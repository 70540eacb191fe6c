"""Foreign clients of HTTP/3 and WebTransport: aioquic, libcurl (where `TIDEGATE_CURL` says that
there is one that speaks HTTP/3), Chromium, and Firefox where there is one.
`python3 tests/quic/run.py` ends with a line "N passed, N failed"; what was skipped is named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from gateway import BINARY, ECHO

HERE = Path(__file__).parent
PAGES = [("chromium_http3.mjs", BINARY), ("chromium_webtransport.mjs", ECHO)]
FIREFOX = ("firefox_webtransport.mjs", BINARY)


def main() -> int:
    suite = unittest.defaultTestLoader.discover(str(HERE))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    for test, reason in result.skipped:
        print(f"SKIPPED {test}: {reason}")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    passed = result.testsRun - failed - len(result.skipped)
    pages = list(PAGES)
    if shutil.which(os.environ.get("FIREFOX", "firefox-esr")):
        pages.append(FIREFOX)
    else:
        print(f"SKIPPED {FIREFOX[0]}: there is no firefox-esr")
    for page, binary in pages:
        status = subprocess.run(["node", str(HERE / page), binary], check=False).returncode
        print(f"{'ok' if status == 0 else 'FAILED'} {page}")
        passed, failed = (passed + 1, failed) if status == 0 else (passed, failed + 1)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

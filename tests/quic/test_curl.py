"""See `curl.py`. Skipped only where nobody installed the library; `tests/run` does."""

from __future__ import annotations

import os
import unittest

import curl
from gateway import KEY, gateway


class Libcurl(unittest.TestCase):
    @unittest.skipUnless(os.environ.get("TIDEGATE_CURL"), "TIDEGATE_CURL is not set")
    def test_http_3(self) -> None:
        with gateway() as (port, _):
            print(curl.check(f"https://127.0.0.1:{port}", KEY))


if __name__ == "__main__":
    unittest.main()

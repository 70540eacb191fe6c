"""The examples of the README, as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.gateway import KEY, Gateway

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()
EXAMPLES = re.findall(r"<!-- client example -->\n```python\n(.*?)```", README, re.S)
PRINTED = ["word-1 word-2 word-3 word-4 word-5\n2 messages\n", "word-1 word-2 word-3\n"]


@pytest.mark.parametrize("n", range(len(PRINTED)))
def test_examples(gateway: Gateway, n):
    assert len(EXAMPLES) == len(PRINTED)
    env = {**os.environ, "TIDEGATE_URL": gateway.url, "TIDEGATE_KEY": KEY}
    ran = subprocess.run(
        [sys.executable, "-c", EXAMPLES[n]], env=env, capture_output=True, text=True, timeout=60
    )
    assert (ran.stderr, ran.stdout) == ("", PRINTED[n])


def test_types():
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "-p", "tidegate.client"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr

"""What the tests of the client share."""

import os
from collections.abc import Iterator

import pytest
from harness.gateway import Gateway

SEED = int(os.environ.get("TIDEGATE_SEED", "20261127"))


@pytest.fixture(scope="session")
def gateway() -> Iterator[Gateway]:
    """One gateway for all tests that do not break it."""
    started = Gateway()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def seed() -> int:
    """Of everything random. TIDEGATE_SEED sets it; it is printed where a test fails."""
    print(f"TIDEGATE_SEED={SEED}")
    return SEED


@pytest.fixture
def chat(request: pytest.FixtureRequest) -> str:
    """An external id that no other test has."""
    return f"py/{request.node.name} ä"

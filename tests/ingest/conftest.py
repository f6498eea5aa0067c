"""A site on the loopback to fetch from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ingest.replay import Replay, replay


@pytest.fixture
def server() -> Iterator[Replay]:
    """A forum with its faults to come. A module with another forum, or less patience, has a fixture of its own."""
    with replay() as running:
        yield running

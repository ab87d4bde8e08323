"""Fixtures: a JVM with its keeper, a worker that is ready."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from jvm import TARGETS, Jvm, Link

sys.path.insert(0, str(TARGETS))


@pytest.fixture
def jvm() -> Iterator[Jvm]:
    """A JVM whose keeper has said hello."""
    stand_in = Jvm()
    try:
        stand_in.report("hello")
        yield stand_in
    finally:
        stand_in.dispose()


@pytest.fixture
def worker(jvm: Jvm) -> Link:
    """A forked worker that is ready."""
    return jvm.start()

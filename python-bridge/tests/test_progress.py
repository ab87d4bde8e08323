"""Progress: the first and the last are told, and in between as many as are worth reading."""

from __future__ import annotations

import json
import time
from typing import Any

import gorgon
from gorgon import _progress, _wire
from jvm import Link


def told(worker: Link) -> tuple[list[Any], int]:
    """What was told until the call ended, and how."""
    found: list[Any] = []
    while True:
        frame = worker.read()
        assert frame.id == worker.sequence
        if frame.kind != _wire.PROGRESS:
            return found, frame.kind
        found.append(json.loads(frame.body))


def test_outside_a_call_it_goes_nowhere() -> None:
    gorgon.progress(1, 2, "three")


def test_the_first_and_the_last_are_told(worker: Link) -> None:
    start = time.monotonic()
    worker.begin("talking:tell_progress", 50_000, "größe")
    found, kind = told(worker)
    most = (time.monotonic() - start) / _progress.INTERVAL + 2
    assert kind == _wire.RESULT
    assert found[0] == {"done": 1, "total": 50_000, "note": "größe"}
    assert found[-1] == {"done": 50_000, "total": 50_000, "note": "größe"}
    assert 2 <= len(found) <= most
    numbers = [each["done"] for each in found]
    assert numbers == sorted(set(numbers))


def test_the_last_is_told_before_a_failure_too(worker: Link) -> None:
    worker.begin("builtins:exec", "import gorgon\ngorgon.progress(1)\ngorgon.progress(2.5)\n1 / 0")
    found, kind = told(worker)
    assert [each["done"] for each in found] == [1, 2.5]
    assert kind == _wire.FAILURE


def test_only_numbers_count(worker: Link) -> None:
    code = (
        "import gorgon, decimal, fractions\n"
        "gorgon.progress(decimal.Decimal('1.5'), fractions.Fraction(5, 2), 7)\n"
        "try: gorgon.progress([])\n"
        "except TypeError: gorgon.progress(3, note='a \\ud800')\n"
        "gorgon.progress(10 ** 5000)\n"
    )
    worker.begin("builtins:exec", code)
    found, kind = told(worker)
    assert found == [{"done": 1.5, "total": 2.5, "note": "7"}]  # the last has more digits than can be told
    assert kind == _wire.RESULT


def test_each_call_tells_its_own(worker: Link) -> None:
    for _ in range(3):
        worker.begin("talking:tell_progress", 2)
        found, _ = told(worker)
        assert [each["done"] for each in found] == [1, 2]

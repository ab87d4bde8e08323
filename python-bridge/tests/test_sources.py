"""Java sources as arguments: pulled as they are read, in every sort of code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gorgon import _wire
from jvm import Link

SOURCE = {"$": "source", "n": 0}
BOTH = pytest.mark.parametrize("target", ["talking:total", "talking:total_async"])


class Supply:
    """The Java side of a source: numbers, as many as are pulled."""

    def __init__(self, worker: Link, length: int) -> None:
        self.worker = worker
        self.left = list(range(length))
        self.pulls: list[int] = []

    def run(self, kind: int = _wire.RESULT) -> Any:
        """Answer pulls until the call ends; its body."""
        while True:
            frame = self.worker.read()
            body: Any = json.loads(frame.body) if frame.body else None
            if frame.kind == kind:
                return body
            assert frame.kind == _wire.PULL, frame
            self.pulls.append(body["n"])
            items, self.left = self.left[: body["n"]], self.left[body["n"] :]
            if self.left:
                self.worker.say(_wire.ITEM, source=body["source"], values=items)
            elif items:
                self.worker.say(_wire.ITEM, source=body["source"], values=items, end=True)


@BOTH
@pytest.mark.parametrize("length", [1, 15, 16, 17, 1000])
def test_all_items_arrive(worker: Link, target: str, length: int) -> None:
    worker.begin(target, SOURCE)
    supply = Supply(worker, length)
    assert supply.run() == sum(range(length))
    assert supply.pulls[0] == 16
    assert all(8 <= pull <= 16 for pull in supply.pulls)


@BOTH
def test_an_empty_source(worker: Link, target: str) -> None:
    worker.begin(target, SOURCE)
    assert worker.hear(_wire.PULL) == {"source": 0, "n": 16}
    worker.say(_wire.ITEM, source=0, end=True)
    assert worker.hear(_wire.RESULT) == 0


def test_a_source_that_is_not_read_costs_nothing(worker: Link) -> None:
    worker.begin("talking:ignore", SOURCE)
    assert worker.hear(_wire.RESULT) == "Source"


def test_no_more_is_pulled_than_the_window(worker: Link) -> None:
    worker.begin("talking:total", SOURCE, 3)
    assert Supply(worker, 100).run() == [0, 1, 2]


def test_a_source_that_fails_gives_what_came_before(worker: Link) -> None:
    worker.begin("talking:read_each", SOURCE)
    worker.hear(_wire.PULL)
    worker.say(_wire.ITEM, source=0, values=[1, 2])
    worker.say(_wire.ITEM, source=0, values=[3], failure={"type": "java.io.IOException", "message": "disk"})
    assert worker.hear(_wire.RESULT) == [1, 2, 3, ["java.io.IOException", "disk"]]


def test_several_sources_and_a_stream_made_of_one(worker: Link) -> None:
    worker.begin("talking:total_of_both", SOURCE, {"$": "source", "n": 1})
    for number in (1, 0):
        assert worker.hear(_wire.PULL)["source"] == number
        worker.say(_wire.ITEM, source=number, values=[4, number], end=True)
    assert worker.hear(_wire.RESULT) == [4, 5]
    worker.stream(100, "double", SOURCE)
    worker.hear(_wire.PULL)
    worker.say(_wire.ITEM, source=0, values=[1, 2])
    assert [worker.hear(_wire.CHUNK) for _ in range(2)] == [2, 4]
    worker.say(_wire.ITEM, source=0, end=True)
    worker.hear(_wire.END)


@BOTH
def test_cancelled_while_it_waits_for_an_item(worker: Link, target: str) -> None:
    worker.begin(target, SOURCE)
    worker.hear(_wire.PULL)
    worker.mark_cancelled(worker.sequence)
    worker.signal("INT")
    assert worker.hear(_wire.FAILURE) == {"kind": "cancelled", "started": True}
    worker.say(_wire.ITEM, source=0, values=[1])  # late
    assert worker.call("echo", 1) == 1


def test_a_source_is_the_calls_own(worker: Link) -> None:
    worker.begin("talking:keep", SOURCE)
    assert worker.hear(_wire.RESULT) is None
    failure = worker.fail("talking:read_kept")
    assert (failure["module"], failure["type"]) == ("gorgon", "NotInCall")


@BOTH
@pytest.mark.parametrize(
    "body",
    [{"source": 1, "values": [1]}, {"values": [1]}, {"source": 0, "values": [0] * 17}, {"source": 0, "values": 3}],
)
def test_items_that_nobody_asked_for_end_the_worker(worker: Link, target: str, body: Any) -> None:
    worker.begin(target, SOURCE)
    worker.hear(_wire.PULL)
    worker.send(_wire.encode(_wire.ITEM, worker.sequence, json.dumps(body).encode()))
    assert worker.exit() == (70, None)


@BOTH
def test_the_jvm_goes_while_an_item_is_awaited(worker: Link, target: str) -> None:
    worker.begin(target, SOURCE)
    worker.hear(_wire.PULL)
    assert worker.connection is not None
    worker.connection.close()
    assert worker.exit() == (0, None)


def test_a_source_twice_or_without_a_number_is_refused(worker: Link) -> None:
    worker.begin("echo", [SOURCE, SOURCE])
    assert worker.hear(_wire.FAILURE)["kind"] == "protocol"
    worker.begin("echo", {"$": "source", "n": "x"})
    assert worker.hear(_wire.FAILURE)["kind"] == "protocol"
    assert worker.call("echo", 1) == 1

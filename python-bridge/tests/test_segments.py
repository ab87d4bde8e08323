"""Segments: shared memory as the worker and the keeper handle it."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gorgon import _memfd, _wire
from gorgon._segments import HEADER, Place, Segments
from jvm import Jvm, Link

SIZE = 1 << 20
THRESHOLD = 65_536


@pytest.fixture
def memory() -> Iterator[mmap.mmap]:
    descriptor = _memfd.make(SIZE)
    mapped = mmap.mmap(descriptor, SIZE)
    mapped[:1] = b"\1"
    _numbers.append(descriptor)
    yield mapped
    os.close(_numbers.pop())


_numbers: list[int] = []


@pytest.fixture
def segments(memory: mmap.mmap) -> Segments:
    probe = _memfd.make(_memfd.PROBE_SIZE)
    made = Segments(os.getpid(), probe, THRESHOLD)
    os.close(probe)
    assert made.works
    made.receive({"segment": 1, "descriptor": _numbers[-1], "size": SIZE})
    return made


def test_its_size_is_sealed() -> None:
    descriptor = _memfd.make(4096)
    try:
        for size in (0, 8192):
            with pytest.raises(PermissionError):
                os.ftruncate(descriptor, size)
        with pytest.raises(PermissionError):
            fcntl.fcntl(descriptor, 1033, 0)
    finally:
        os.close(descriptor)


def test_a_segment_that_nothing_holds_is_given_back(segments: Segments, memory: mmap.mmap) -> None:
    view = segments.view(1, HEADER, 100)
    segments.settle((1,))
    assert memory[0] == 1, "the view is there"
    part = view[10:20].cast("B")
    del view
    segments.settle((1,))
    assert memory[0] == 1, "a view of the view is there"
    del part
    segments.settle((1,))
    assert memory[0] == 0


def test_what_only_a_cycle_holds_is_collected(segments: Segments, memory: mmap.mmap) -> None:
    cycle: list[Any] = [segments.view(1, HEADER, 100)]
    cycle.append(cycle)
    del cycle
    segments.settle((1,))
    assert memory[0] == 0


def test_an_array_of_numpy_holds_its_segment(segments: Segments, memory: mmap.mmap) -> None:
    numpy = pytest.importorskip("numpy")
    makers: list[Callable[[memoryview], Any]] = [
        lambda view: numpy.ndarray((100,), "|u1", view),
        lambda view: numpy.frombuffer(view, "|u1")[5:],
        lambda view: numpy.asarray(view).reshape(10, 10).T,
    ]
    for make in makers:
        array = make(segments.view(1, HEADER, 100))
        segments.settle((1,))
        assert memory[0] == 1
        del array
        segments.settle((1,))
        assert memory[0] == 0
        memory[:1] = b"\1"


def test_after_a_fork_nothing_is_given_back(segments: Segments, memory: mmap.mmap) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    segments.settle((1,))
    assert memory[0] == 1


def test_what_lies_in_the_calls_own_segment_stays_there(segments: Segments) -> None:
    view = segments.view(1, HEADER + 64, 200_000)
    assert segments.place([view[7:107], b"x" * 10, view], (1,)) == [
        Place(1, HEADER + 71, 100),
        b"x" * 10,
        Place(1, HEADER + 64, 200_000),
    ]
    assert segments.place([view], ()) == [view]


def test_results_go_into_a_segment_for_results_once_at_a_time(segments: Segments) -> None:
    descriptor = _memfd.make(SIZE)
    segments.receive({"segment": 2, "descriptor": descriptor, "size": SIZE, "results": True})
    mapped = mmap.mmap(descriptor, SIZE)
    os.close(descriptor)
    first, second, third = b"a" * 100_001, b"b" * 10, b"c" * 70_000
    placed = segments.place([first, second, third], ())
    assert placed == [Place(2, HEADER, 100_001), second, Place(2, HEADER + 100_032, 70_000)]
    assert mapped[HEADER : HEADER + 100_001] == first
    assert mapped[HEADER + 100_032 : HEADER + 170_032] == third
    assert segments.place([first], ()) == [first], "the JVM has not read it yet"
    mapped[:1] = b"\0"
    assert segments.place([first], ()) == [Place(2, HEADER, 100_001)]
    assert segments.place([b"d" * SIZE], ()) == [b"d" * SIZE], "it does not fit"
    segments.receive({"forget": 2})
    mapped[:1] = b"\0"
    assert segments.place([first], ()) == [first]


@pytest.mark.parametrize(("number", "offset", "size"), [(9, 64, 1), (1, 0, 1), (1, SIZE - 1, 2), (1, SIZE, 1)])
def test_what_is_nowhere_is_refused(segments: Segments, number: int, offset: int, size: int) -> None:
    with pytest.raises(LookupError):
        segments.view(number, offset, size)


@pytest.mark.parametrize("body", [None, {}, {"segment": "1"}, {"segment": 3, "descriptor": 1}])
def test_nonsense_about_segments_is_refused(segments: Segments, body: Any) -> None:
    with pytest.raises(ValueError, match="segment"):
        segments.receive(body)


def test_where_it_cannot_be_mapped_nothing_is_shared() -> None:
    assert not Segments(os.getpid(), None, THRESHOLD).works
    assert not Segments(os.getpid(), 999, THRESHOLD).works
    probe = _memfd.make(_memfd.PROBE_SIZE)
    assert not Segments(os.getpid(), probe, None).works
    os.close(probe)


def test_the_keeper_makes_memory_and_lets_go_of_it(jvm: Jvm) -> None:
    jvm.command("segment", order=7, size=SIZE)
    made = jvm.report("segment", order=7)
    path = Path(f"/proc/{made['pid']}/fd/{made['descriptor']}")
    assert path.stat().st_size == SIZE
    jvm.command("drop", descriptor=made["descriptor"])
    jvm.command("segment", order=8, size=-1)
    assert "OSError" in jvm.report("segment", order=8)["message"]
    assert not path.exists()
    jvm.command("drop", descriptor=0)
    assert "no memory of ours" in jvm.report("error")["message"]


def test_a_worker_echoes_in_place(jvm: Jvm) -> None:
    worker = jvm.start(shared_from=THRESHOLD)
    jvm.command("segment", order=1, size=SIZE)
    made = jvm.report("segment", order=1)
    memory = _memfd.attach(made["pid"], made["descriptor"], SIZE)
    memory[0] = 1
    worker.say(_wire.SEGMENT, 0, segment=4, descriptor=made["descriptor"], size=SIZE, results=False)
    assert _ask(worker, "echo") == [Place(4, HEADER, 100_000)]
    assert memory[0] == 0
    memory[0] = 1
    assert _ask(worker, "targets:remember") == []
    assert memory[0] == 1, "user code holds it"


def _ask(worker: Link, target: str) -> list[Place]:
    """Call with an array in segment 4; the places in the answer."""
    worker.sequence += 1
    name = target if ":" in target else f"targets:{target}"
    array = {"$": "array", "i": 0, "dtype": "|u1", "shape": [1, 100_000]}
    body = json.dumps({"target": name, "args": [array]}).encode()
    frame = _wire.encode_value(_wire.REQUEST, worker.sequence, _wire.TAGGED, body, [Place(4, HEADER, 100_000)])
    assert isinstance(frame, bytes)
    worker.send(frame)
    worker.reader._segments = seen = _Seen()
    answer = worker.read(_wire.RESULT)
    assert answer.id == worker.sequence
    return seen.places


class _Seen(Segments):
    """Notes what a frame refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []

    def view(self, number: int, offset: int, size: int) -> memoryview:
        self.places.append(Place(number, offset, size))
        return memoryview(b"")

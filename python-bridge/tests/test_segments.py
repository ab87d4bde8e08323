"""Segments: shared memory as the worker and the keeper handle it."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gorgon import _memfd, _wire
from gorgon._call import Call
from gorgon._link import Link as SocketLink
from gorgon._requests import Asked
from gorgon._segments import HEADER, Place, Segments
from gorgon._several import Flight
from gorgon._sources import Source
from jvm import Jvm, Link, until

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


def test_what_a_call_had_when_somebody_forked_is_not_given_back(segments: Segments, memory: mmap.mmap) -> None:
    view = segments.view(1, HEADER, 100)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    del view
    segments.settle((1,))
    assert memory[0] == 1
    assert segments.let_go((1,)) == (1,)
    assert memory[0] == 1


def test_a_fork_before_does_not_matter(segments: Segments, memory: mmap.mmap) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    segments.view(1, HEADER, 100)
    segments.settle((1,))
    assert memory[0] == 0


@pytest.mark.parametrize("comes", ["before", "between", "never"])
def test_a_fork_under_way_in_another_thread(segments: Segments, memory: mmap.mmap, comes: str) -> None:
    if comes == "before":
        segments.view(1, HEADER, 100)
    segments._begin_fork()
    if comes == "between":
        segments.view(1, HEADER, 100)
    segments.settle((1,))
    assert memory[0] == 1, "the child may come to life with a view"
    segments._end_fork()
    segments.settle((1,))
    assert memory[0] == 1, "it may have done so"


def test_what_is_let_go_early_is_never_touched_again(segments: Segments, memory: mmap.mmap) -> None:
    view = segments.view(1, HEADER, 100)
    assert segments.let_go((1,)) == (1,)
    assert memory[0] == 1
    del view
    assert segments.let_go((1,)) == ()
    assert memory[0] == 2
    memory[:1] = b"\1"  # another worker's now
    segments.settle((1,))
    segments.let_go((1,))
    assert memory[0] == 1


def test_views_that_come_and_go_in_other_threads_cost_nothing(segments: Segments, memory: mmap.mmap) -> None:
    """Looks at whether a segment is held may come at any moment, but never find it free while a view is there."""
    segments.receive({"segment": 2, "descriptor": _numbers[-1], "size": SIZE})
    over = threading.Event()

    def settle() -> None:
        while not over.is_set():
            segments.let_go((1, 2))

    settling = [threading.Thread(target=settle) for _ in range(2)]
    for each in settling:
        each.start()
    try:
        for _ in range(200):
            view = segments.view(1, HEADER, 100)
            copies = [view[start:] for start in range(5)]
            assert memory[0] == 1
            copies.clear()
            assert memory[0] == 1
            del view
            end = time.monotonic() + 10
            while memory[0] != 2:
                assert time.monotonic() < end
                time.sleep(0)  # let the others look
            memory[:1] = b"\1"
    finally:
        over.set()
        for each in settling:
            each.join()


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


def test_who_has_a_frame_or_a_request_in_hand_holds_nothing_by_it(segments: Segments, memory: mmap.mmap) -> None:
    """Another thread may have them for an instant when the call is answered."""
    body = json.dumps({"source": 0, "values": [{**_ARRAY, "shape": [100]}]}).encode()
    frame = _wire.Frame(_wire.ITEM, 1, body, [segments.view(1, HEADER, 100)], True)
    told = SocketLink.unpack(SocketLink.__new__(SocketLink), frame)
    source = Source(Call(1, None), 0)  # type: ignore[arg-type]
    source._requested = source.window
    source.feed(told)
    flight = Flight(1, None)  # type: ignore[arg-type]
    request: Asked = ("target", [next(source)], {}, None)
    flight.request = request
    segments.settle((1,))
    assert memory[0] == 1
    flight.let_go()
    segments.settle((1,))
    assert memory[0] == 0
    assert (frame.attachments, told["values"], request[1]) == ([], [], [])


def test_threads_never_fill_the_same_segment(segments: Segments) -> None:
    mapped = {}
    for number in range(2, 8):
        descriptor = _memfd.make(SIZE)
        segments.receive({"segment": number, "descriptor": descriptor, "size": SIZE, "results": True})
        mapped[number] = mmap.mmap(descriptor, SIZE)
        os.close(descriptor)
    shared = []

    def give(byte: bytes) -> None:
        for _ in range(300):
            (placed,) = segments.place([byte * 70_000], ())
            if isinstance(placed, Place):
                memory = mapped[placed.segment]
                assert memory[placed.offset : placed.offset + placed.size] == byte * 70_000
                shared.append(placed.segment)
                memory[:1] = b"\0"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(give, [bytes([number]) for number in range(8)]))
    assert len(shared) > 8 * 300 // 2


def test_a_segment_for_results_is_given_back_if_it_is_free(segments: Segments) -> None:
    descriptor = _memfd.make(SIZE)
    segments.receive({"segment": 2, "descriptor": descriptor, "size": SIZE, "results": True})
    mapped = mmap.mmap(descriptor, SIZE)
    os.close(descriptor)
    assert segments.place([b"a" * 100_000], ()) == [Place(2, HEADER, 100_000)]
    segments.receive({"release": 2})
    assert mapped[0] == 1, "the JVM has not read it yet"
    mapped[:1] = b"\0"
    assert segments.place([b"a" * 100_000], ()) == [Place(2, HEADER, 100_000)]
    mapped[:1] = b"\0"
    segments.receive({"release": 2})
    assert mapped[0] == 2
    assert segments.place([b"a" * 100_000], ()) == [b"a" * 100_000]
    segments.receive({"release": 2})
    segments.receive({"release": 99})


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


def test_the_keeper_empties_what_nobody_wants(jvm: Jvm) -> None:
    memories = []
    for order in range(2):
        jvm.command("segment", order=order, size=SIZE)
        made = jvm.report("segment", order=order)
        memory = _memfd.attach(made["pid"], made["descriptor"], SIZE)
        memory[:] = b"x" * SIZE
        memories.append(memory)
        jvm.command("drop", descriptor=made["descriptor"], empty=order == 1)
    kept, emptied = memories
    until(lambda: emptied[:] == bytes(SIZE))
    assert kept[:] == b"x" * SIZE


def _shared(jvm: Jvm, worker: Link, number: int) -> mmap.mmap:
    """One more segment, that the worker knows."""
    jvm.command("segment", order=number, size=SIZE)
    made = jvm.report("segment", order=number)
    memory = _memfd.attach(made["pid"], made["descriptor"], SIZE)
    memory[0] = 1
    worker.say(_wire.SEGMENT, 0, segment=number, descriptor=made["descriptor"], size=SIZE, results=False)
    return memory


SEVERAL = pytest.mark.parametrize("concurrency", [1, 4])


@SEVERAL
def test_a_worker_echoes_in_place(jvm: Jvm, concurrency: int) -> None:
    worker = jvm.start(shared_from=THRESHOLD, concurrency=concurrency)
    memory = _shared(jvm, worker, 4)
    for target in ("shared:echo", "shared:echo_later"):
        assert _ask(worker, target) == [Place(4, HEADER, 100_000)]
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


def _give(worker: Link, kind: int, number: int, body: dict[str, Any]) -> None:
    """Send a frame whose ``body`` refers to an array in a segment."""
    text = json.dumps(body).encode()
    frame = _wire.encode_value(kind, worker.sequence, _wire.TAGGED, text, [Place(number, HEADER, 100_000)])
    assert isinstance(frame, bytes)
    worker.send(frame)


_ARRAY = {"$": "array", "i": 0, "dtype": "|u1", "shape": [100_000]}


@SEVERAL
@pytest.mark.parametrize("target", ["shared:of_source", "shared:of_source_async"])
def test_items_are_let_go_while_their_call_runs(jvm: Jvm, concurrency: int, target: str) -> None:
    worker = jvm.start(shared_from=THRESHOLD, concurrency=concurrency)
    memories = [_shared(jvm, worker, number) for number in range(16)]
    worker.send(worker.special({}, target, {"$": "source", "n": 0}))
    assert worker.hear(_wire.PULL) == {"source": 0, "n": 16}
    for number, memory in enumerate(memories):
        memory[HEADER : HEADER + 100_000] = bytes([number]) * 100_000
        _give(worker, _wire.ITEM, number, {"source": 0, "values": [_ARRAY]})
    assert worker.hear(_wire.PULL)["n"] >= 8
    assert all(memory[0] == 2 for memory in memories[:7])
    worker.say(_wire.ITEM, source=0, end=True)
    while (frame := worker.read()).kind == _wire.PULL:
        pass
    assert (frame.kind, json.loads(frame.body)) == (_wire.RESULT, [16, 16])
    assert all(memory[0] in (0, 2) for memory in memories)


@SEVERAL
def test_what_a_tool_gives_is_let_go_and_may_be_the_answer(jvm: Jvm, concurrency: int) -> None:
    worker = jvm.start(shared_from=THRESHOLD, concurrency=concurrency)
    memories = [_shared(jvm, worker, number) for number in range(2)]
    worker.begin("shared:of_host", 2)
    for number, memory in enumerate(memories):
        host = worker.asked("array")
        memory[HEADER : HEADER + 100_000] = bytes([number]) * 100_000
        _give(worker, _wire.HOST_REPLY, number, {"host": host, "value": _ARRAY})
    worker.reader._segments = seen = _Seen()
    worker.read(_wire.RESULT)
    assert seen.places == [Place(1, HEADER, 100_000)]
    assert [memory[0] for memory in memories] == [0, 0], "the first one was held until after the second question"


@SEVERAL
def test_what_comes_too_late_is_not_given_back(jvm: Jvm, concurrency: int) -> None:
    worker = jvm.start(shared_from=THRESHOLD, concurrency=concurrency)
    memory = _shared(jvm, worker, 0)
    worker.send(worker.special({}, "shared:first_of_source", {"$": "source", "n": 0}))
    worker.hear(_wire.PULL)
    late = _shared(jvm, worker, 1)
    _give(worker, _wire.ITEM, 0, {"source": 0, "values": [_ARRAY]})
    assert worker.hear(_wire.RESULT) == 0
    assert memory[0] == 0
    _give(worker, _wire.ITEM, 1, {"source": 0, "values": [_ARRAY]})
    assert worker.call("targets:echo", 1) == 1
    assert late[0] == 1

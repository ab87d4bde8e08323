"""Strikes on a strand, at each of its instructions in turn: they hit the call that was meant, or nobody."""

from __future__ import annotations

import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import gorgon
from gorgon import _strands
from gorgon._inbox import Inbox
from gorgon._running import RunningCall, guarded, running
from gorgon._several import Flight, Several, flight_here, here, look_closer
from gorgon._status import SIZE, StatusPage
from gorgon._strands import Strand, Strands

PACKAGE = str(Path(gorgon.__file__).parent)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[StatusPage]:
    """`running` as a worker of several calls has it; call 1 is cancelled."""
    path = tmp_path / "page"
    words = [0] * (SIZE // 8)
    words[64 + 1] = 1
    path.write_bytes(struct.pack(f"={len(words)}Q", *words))
    running.page = StatusPage(str(path))
    look_closer()
    yield running.page
    running.page.close()
    running.page = None
    running.__class__ = RunningCall


class Victim:
    """A thread that runs call 1, then call 2, and is struck at some instruction of the bridge's."""

    def __init__(self, instruction: int, delay: int) -> None:
        self.instruction = instruction
        self.delay = delay  # how many instructions of those later Python comes to raise it
        self.loaded = False  # a shot is on its way
        self.seen = 0
        self.hits = 0
        self.shielded = 0  # how often the shielded part began
        self.whole = 0  # and ended
        self.left_up = 0
        self.outcome: Any = None
        self.after: Any = None
        self.strand = Strand()
        self.first = Flight(1, Inbox(None))  # type: ignore[arg-type]
        self.second = Flight(2, Inbox(None))  # type: ignore[arg-type]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_strands, "_raise_in", self.load)
            patch.setattr(_strands, "_take_back", self.unload)
            thread = threading.Thread(target=self.run)
            thread.start()
            thread.join()

    def run(self) -> None:
        """What `ConcurrentWorker.perform` does, in short."""
        strand = here.strand = self.strand
        strand.ident = threading.get_ident()
        strand.flight = self.first
        flight_here.set(self.first)
        sys.settrace(self.trace)
        try:
            try:
                self.outcome = guarded(self.user_code)
            except gorgon.Cancelled as late:
                self.outcome = None, late
            self.left_up = strand.shield
            strand.rest()
            strand.flight = self.second
            flight_here.set(self.second)
            self.after = guarded(self.next_call)
            strand.rest()
        finally:
            sys.settrace(None)

    def user_code(self) -> str:
        """User code that calls into the bridge twice."""
        for _ in range(2):
            running.enter()
            try:
                self.shielded += 1
                sum(range(50))
                for _ in range(10):
                    pass
                self.whole += 1
            finally:
                running.leave()
        return "first"

    def next_call(self) -> str:
        """The next call of the same strand."""
        for _ in range(200):
            pass
        return "second"

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Strike, as the main thread would, just before an instruction."""
        mine = frame.f_code.co_filename
        if not (mine.startswith(PACKAGE) or frame.f_code is Victim.user_code.__code__):
            return None
        if frame.f_code.co_name in ("__init__", "strike", "is_cancelled"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.seen += 1
            if self.seen == self.instruction:
                self.hits += 1
                self.strand.strike(self.first)
            if self.loaded and self.seen >= self.instruction + self.delay:
                self.loaded = False
                raise _strands._Shot
        return self.trace

    def load(self, _ident: int, _kind: type[BaseException]) -> None:
        """Stands in for PyThreadState_SetAsyncExc."""
        self.loaded = True

    def unload(self, _ident: int, _nothing: None) -> None:
        """The same, when it takes back."""
        self.loaded = False


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 5, 8, 13, 40, 1000])
def test_a_strike_at_any_instruction_hits_its_call_or_nobody(page: StatusPage, delay: int) -> None:
    assert page.is_cancelled(1)
    assert isinstance(running, Several)
    instruction = struck = spared = 0
    while True:
        instruction += 1
        victim = Victim(instruction, delay)
        value, trouble = victim.outcome
        assert victim.after == ("second", None)
        assert victim.whole == victim.shielded
        assert victim.left_up == victim.strand.shield == 0
        assert not victim.strand.active
        assert not victim.strand.pending
        assert victim.strand.shots == victim.strand.hits
        if trouble is None:
            assert value == "first"
            spared += 1
        else:
            assert isinstance(trouble, gorgon.Cancelled)
            assert str(trouble) == "call 1 was cancelled"
            assert victim.first.struck
            struck += 1
        assert not victim.loaded
        if not victim.hits:
            break
    assert struck > 20
    assert spared > 20


def test_a_strike_from_another_thread_is_over_when_its_call_is(page: StatusPage) -> None:
    """One thread runs short calls as fast as it can, another strikes every call number 1 it can get at."""
    strand = Strand()
    over = threading.Event()
    results: list[Any] = []

    def shielded() -> None:
        running.enter()
        try:
            sum(range(20))
        finally:
            running.leave()

    def run() -> None:
        here.strand = strand
        strand.ident = threading.get_ident()
        while not over.is_set():
            for number in (1, 2):
                flight = Flight(number, Inbox(None))  # type: ignore[arg-type]
                flight_here.set(flight)
                strand.flight = flight
                try:
                    outcome = guarded(shielded)
                except gorgon.Cancelled as late:
                    outcome = None, late
                strand.rest()
                results.append((number, outcome[1]))

    thread = threading.Thread(target=run)
    thread.start()
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        flight = strand.flight
        if flight is not None and flight.id == 1:
            strand.strike(flight)
    over.set()
    thread.join()
    assert {type(trouble) for number, trouble in results if number == 2} == {type(None)}
    assert any(isinstance(trouble, gorgon.Cancelled) for number, trouble in results if number == 1)


def test_without_a_way_to_raise_in_a_thread_nothing_is_raised(
    page: StatusPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_strands, "_CAN_RAISE", False)
    for instruction in range(1, 50):
        victim = Victim(instruction, 0)
        assert victim.hits == 1
        # The bridge still raises where it looks itself.
        assert victim.outcome[0] == "first" or isinstance(victim.outcome[1], gorgon.Cancelled)
        assert victim.strand.shots == 0


def test_strands_are_used_again_and_never_more_than_allowed() -> None:
    strands = Strands(3)
    meeting = threading.Barrier(3)
    names: list[str] = []
    done = threading.Semaphore(0)

    def job(_strand: Strand) -> None:
        names.append(threading.current_thread().name)
        meeting.wait(10)
        done.release()

    for _ in range(9):
        strands.run(job)
    for _ in range(9):
        assert done.acquire(timeout=10)
    assert len(set(names)) == 3
    strands.close()

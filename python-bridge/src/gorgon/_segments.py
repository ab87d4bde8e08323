"""Segments: the memory that this worker shares with the JVM, for the big arrays of calls.

The first byte of a segment is 1 while it is in use; the side that uses it writes another one when it is done. Those
with what a call was given are the JVM's, and ours until the call's answer, if nothing holds them by then: 0. If that
is so earlier, 2 says that not even the answer will refer to them. Those for results are ours, and the JVM's from the
frame that refers to one until it has read what is in it: 0. When it wants one back, and that is free, 2 says: take it.

Several threads may be at work here, each for another call. What tells whether a segment may be given back is the
count of references to its mapping. That is exact, for it is looked at with the interpreter's lock held, and it cannot
rise from none: a view is made only of another view, or for a frame, which the JVM sends while a segment is a call's.
"""

from __future__ import annotations

import gc
import mmap
import os
import sys
from collections.abc import Iterable, Sequence
from threading import Lock
from types import SimpleNamespace
from typing import Any, NamedTuple, Union

from gorgon import _memfd
from gorgon._arrays import Buffer

HEADER = 64  # bytes before the first attachment; and attachments are aligned to as many
_FREE = 0
_USED = 1
_LET_GO = 2


class Place(NamedTuple):
    """Where the bytes of an attachment are, if they are not in the frame."""

    segment: int
    offset: int
    size: int


Attached = Union[Buffer, Place]


class Segment:
    """A piece of memory, mapped once."""

    def __init__(self, number: int, memory: mmap.mmap) -> None:
        self.number = number
        self.memory = memory
        self.size = len(memory)
        self.era: object = None  # of `Segments` when a call got this; None while no call has it
        self._turn = Lock()

    def view(self, offset: int, size: int) -> memoryview:
        """What is there. While it, or anything made of it, is referred to, the segment `is_held`."""
        return memoryview(self.memory)[offset : offset + size]

    def is_held(self) -> bool:
        """Whether anything refers to the memory: a view, or an array, as some hold on to the mapping itself."""
        return _references(self) > _OWN

    def change(self, mark: int) -> bool:
        """Mark a segment for results that is free; False if it is not. Waits for nobody.

        For a finaliser, or a signal's handler, may come here in the middle of it.
        """
        if self.memory[0] != _FREE or not self._turn.acquire(blocking=False):
            return False
        try:
            if self.memory[0] != _FREE:
                return False  # another thread was faster
            self.memory[0] = mark
            return True
        finally:
            self._turn.release()


def _references(holder: Any) -> int:
    return sys.getrefcount(holder.memory)


# How many are counted where only the holder refers to it: that differs between versions of Python.
_OWN = _references(SimpleNamespace(memory=object()))


class Segments:
    """All segments of this worker."""

    def __init__(self, keeper: int = 0, probe: int | None = None, threshold: int | None = None) -> None:
        """``probe``: a small descriptor of the keeper's, to try it out; ``threshold``: None for no sharing."""
        self.threshold = threshold or sys.maxsize
        self.works = threshold is not None and probe is not None and _can_count() and _can_attach(keeper, probe)
        self._keeper = keeper
        self._all: dict[int, Segment] = {}
        self._announced: dict[int, tuple[int, int]] = {}  # descriptor and size of what could not be mapped
        self._results: list[Segment] = []  # the smallest first; never changed, for others may go through it
        self._era = object()  # another one after each fork
        self._forking: list[None] = []  # one for each thread that is at it
        if self.works:
            os.register_at_fork(before=self._begin_fork, after_in_parent=self._end_fork)

    def _begin_fork(self) -> None:
        self._forking.append(None)

    def _end_fork(self) -> None:
        self._era = object()
        self._forking.pop()

    # ---- what the JVM says

    def receive(self, body: Any) -> None:
        """Take in a frame about a segment. Raises ValueError."""
        if type(body) is not dict:
            raise ValueError("a frame about a segment has no object in it")
        if "forget" in body:
            gone = self._all.pop(body["forget"], None)  # unmapped when nobody refers to it
            self._announced.pop(body["forget"], None)
            self._results = [each for each in self._results if each is not gone]
            return
        if "release" in body:
            self._results = [
                each for each in self._results if each.number != body["release"] or not each.change(_LET_GO)
            ]
            return
        number, descriptor, size = body.get("segment"), body.get("descriptor"), body.get("size")
        if type(number) is not int or type(descriptor) is not int or type(size) is not int:
            raise ValueError(f"no sound segment: {str(body)[:80]}")
        segment = self._all.get(number)
        if segment is None:
            try:
                segment = Segment(number, _memfd.attach(self._keeper, descriptor, size))
            except (OSError, ValueError):  # a limit of this process
                self._announced[number] = (descriptor, size)
                return
            self._all[number] = segment
        if body.get("results") is True:
            self._results = sorted([*self._results, segment], key=lambda each: each.size)

    def view(self, number: int, offset: int, size: int) -> memoryview:
        """The bytes of an attachment. Raises LookupError if there are none at that place, and OSError."""
        segment = self._all.get(number)
        if segment is None:
            descriptor, whole = self._announced[number]
            if offset < HEADER or offset + size > whole:
                raise LookupError(number)
            return self._copied(descriptor, whole, offset, size)
        if offset < HEADER or offset + size > segment.size:
            raise LookupError(number)
        era = self._era
        view = segment.view(offset, size)
        if segment.era is None:
            segment.era = era
        return view

    def _copied(self, descriptor: int, whole: int, offset: int, size: int) -> memoryview:
        memory = memoryview(bytearray(size))
        opened = _memfd.reach(self._keeper, descriptor, whole)
        try:
            done = 0
            while done < size:
                done += os.preadv(opened, [memory[done:]], offset + done)
        finally:
            os.close(opened)
        return memory

    def settle(self, numbers: Iterable[int]) -> None:
        """A call is about to be answered: give back the segments that it was given, as far as nothing holds them.

        What only cycles hold that the call has made, frames of exceptions say, is collected. The caller holds nothing
        of the call any more but, maybe, the frame of its answer.
        """
        mine = [segment for number in numbers for segment in (self._all.get(number),) if segment is not None]
        if any(segment.is_held() for segment in mine):
            gc.collect(1)
        for segment in mine:
            self._give_back(segment, _FREE)

    def let_go(self, numbers: Sequence[int]) -> Sequence[int]:
        """A call goes on: give back those of its segments that nothing holds any more; the others."""
        return tuple(
            number
            for number in numbers
            for segment in (self._all.get(number),)
            if segment is None or not self._give_back(segment, _LET_GO)
        )

    def _give_back(self, segment: Segment, mark: int) -> bool:
        """Mark a segment that a call was given, if nothing holds it, neither here nor in a child.

        A child that was forked while the call had it may hold what we let go since. So first the look whether we hold
        it: who forks later copies nothing of it.
        """
        if segment.is_held() or self._forking or segment.era is not self._era:
            return False
        segment.era = None  # before the JVM may use it for something else
        segment.memory[0] = mark
        return True

    # ---- what we say

    def place(self, attachments: Sequence[Buffer], own: Sequence[int]) -> Sequence[Attached]:
        """Put big attachments where the JVM finds them; others, and what finds no room, stay as they are.

        ``own``: segments of the call that is about to be answered; what lies in them stays there. For any thread.
        """
        placed: list[Attached] = list(attachments)
        if own:
            for position, attachment in enumerate(attachments):
                found = self._find(attachment, own)
                if found is not None:
                    placed[position] = found
        big = [
            position
            for position, attachment in enumerate(placed)
            if not isinstance(attachment, Place) and len(attachment) >= self.threshold
        ]
        if big:
            self._fill(placed, big)
        return placed

    def _fill(self, placed: list[Attached], big: list[int]) -> None:
        wanted = HEADER + sum(_aligned(len(placed[position])) for position in big)
        for segment in self._results:
            if segment.size >= wanted and segment.change(_USED):
                memory = segment.memory
                offset = HEADER
                for position in big:
                    attachment: Any = placed[position]
                    size = len(attachment)
                    memory[offset : offset + size] = attachment
                    placed[position] = Place(segment.number, offset, size)
                    offset += _aligned(size)
                return

    def _find(self, attachment: Buffer, own: Sequence[int]) -> Place | None:
        """The place of what lies in one of those segments."""
        address = _address(attachment)
        if address:
            for number in own:
                segment = self._all.get(number)
                if segment is not None:
                    start = _address(memoryview(segment.memory))
                    if start and start + HEADER <= address and address + len(attachment) <= start + segment.size:
                        return Place(number, address - start, len(attachment))
        return None


def _aligned(size: int) -> int:
    return (size + HEADER - 1) & -HEADER


def _can_count() -> bool:
    """Whether references are counted exactly: without the interpreter's lock they are not, while they change."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def _can_attach(keeper: int, probe: int) -> bool:
    try:
        _memfd.attach(keeper, probe, _memfd.PROBE_SIZE)
    except (OSError, ValueError):
        return False
    return True


def _address(buffer: Buffer) -> int:
    """Where the bytes are; 0 if that cannot be told, or cannot be in a segment."""
    if not isinstance(buffer, memoryview) or not buffer.nbytes:
        return 0
    interface = getattr(buffer.obj, "__array_interface__", None)
    if interface is not None:
        whole = getattr(buffer.obj, "nbytes", -1) == buffer.nbytes
        return int(interface["data"][0]) if whole else 0
    if not isinstance(buffer.obj, mmap.mmap) or buffer.readonly:
        return 0
    try:
        from ctypes import addressof, c_char
    except ImportError:
        return 0
    return addressof(c_char.from_buffer(buffer))

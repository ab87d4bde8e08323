"""Segments: the memory that this worker shares with the JVM, for the big arrays of calls.

The first byte of a segment is 1 while it is in use; the side that uses it puts 0 there when it is done. Those with
arguments are the JVM's, and ours until the call's answer, if nothing holds them by then. Those for results are ours,
and the JVM's from the answer on until it has read what is in them.
"""

from __future__ import annotations

import gc
import mmap
import os
import sys
from collections.abc import Sequence
from threading import Lock
from types import SimpleNamespace
from typing import Any, NamedTuple, Union

from gorgon import _memfd
from gorgon._arrays import Buffer

HEADER = 64  # bytes before the first attachment; and attachments are aligned to as many
_FREE = 0
_USED = 1


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

    def view(self, offset: int, size: int) -> memoryview:
        """What is there. While it, or anything made of it, is referred to, the segment `is_held`."""
        return memoryview(self.memory)[offset : offset + size]

    def is_held(self) -> bool:
        """Whether anything refers to the memory: a view, or an array, as some hold on to the mapping itself."""
        return _references(self) > _OWN


def _references(holder: Any) -> int:
    return sys.getrefcount(holder.memory)


# How many are counted where only the holder refers to it: that differs between versions of Python.
_OWN = _references(SimpleNamespace(memory=object()))


class Segments:
    """All segments of this worker."""

    def __init__(self, keeper: int = 0, probe: int | None = None, threshold: int | None = None) -> None:
        """``probe``: a small descriptor of the keeper's, to try it out; ``threshold``: None for no sharing."""
        self.threshold = threshold or sys.maxsize
        self.works = threshold is not None and probe is not None and _can_attach(keeper, probe)
        self._keeper = keeper
        self._all: dict[int, Segment] = {}
        self._announced: dict[int, tuple[int, int]] = {}  # descriptor and size of what could not be mapped
        self._results: list[Segment] = []  # the smallest first
        self._filling = Lock()
        self._forked = False
        if self.works:
            os.register_at_fork(after_in_parent=self._note_fork)

    def _note_fork(self) -> None:
        self._forked = True

    # ---- what the JVM says

    def receive(self, body: Any) -> None:
        """Take in a frame about a segment. Raises ValueError."""
        if type(body) is not dict:
            raise ValueError("a frame about a segment has no object in it")
        if "forget" in body:
            gone = self._all.pop(body["forget"], None)  # unmapped when nobody refers to it
            self._announced.pop(body["forget"], None)
            if gone in self._results:
                self._results.remove(gone)
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
            self._results.append(segment)
            self._results.sort(key=lambda each: each.size)

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
        return segment.view(offset, size)

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

    def settle(self, numbers: Sequence[int]) -> None:
        """A call is about to be answered: give back the segments of its arguments, as far as nothing holds them.

        A child that was forked meanwhile may hold all of them. What only cycles hold that the call has made, frames
        of exceptions say, is collected.
        """
        forked, self._forked = self._forked, False
        if forked:
            return
        mine = [segment for number in numbers for segment in (self._all.get(number),) if segment is not None]
        if any(segment.is_held() for segment in mine):
            gc.collect(1)
        for segment in mine:
            if not segment.is_held():
                segment.memory[0] = _FREE

    # ---- what we say

    def place(self, attachments: Sequence[Buffer], own: Sequence[int]) -> Sequence[Attached]:
        """Put big attachments where the JVM finds them; others, and what finds no room, stay as they are.

        ``own``: segments of the call that is about to be answered; what lies in them stays there.
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
        if big and self._filling.acquire(blocking=False):  # a finaliser may come here in the middle of it
            try:
                self._fill(placed, big)
            finally:
                self._filling.release()
        return placed

    def _fill(self, placed: list[Attached], big: list[int]) -> None:
        wanted = HEADER + sum(_aligned(len(placed[position])) for position in big)
        for segment in self._results:
            memory = segment.memory
            if segment.size >= wanted and memory[0] == _FREE:
                offset = HEADER
                memory[0] = _USED
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

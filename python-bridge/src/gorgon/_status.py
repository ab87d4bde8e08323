"""The page of memory that a worker shares with the JVM."""

from __future__ import annotations

import mmap
import os

SIZE = 4096
_WITHDRAWN = 1
_CANCELLED = 64  # the first of 256 words
_SLOTS = 255  # mask: sequences that are in flight at a time differ in these bits


class StatusPage:
    """Which call was started last, and which calls are cancelled: unsigned 64-bit words in native byte order.

    Word 0 is the sequence of the call that was started last, written here. The others are written by the JVM: word 1 is
    the last sequence that it has taken back, words 64 to 319 are cancelled ones, sequence n at word ``64 + (n & 255)``.
    """

    __slots__ = ("_memory", "_words")

    def __init__(self, path: str) -> None:
        """Map the file, which the JVM has made. Raises OSError or ValueError when that cannot be done."""
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._memory = mmap.mmap(descriptor, SIZE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        finally:
            os.close(descriptor)
        self._words = memoryview(self._memory).cast("Q")

    def start(self, sequence: int) -> bool:
        """Note that a call starts. False: the JVM had cancelled it or taken it back, so it must not run."""
        words = self._words
        words[0] = sequence
        return words[_CANCELLED + (sequence & _SLOTS)] != sequence and sequence > words[_WITHDRAWN]

    def started(self) -> int:
        """The call that was started last; 0 before the first."""
        return self._words[0]

    def is_cancelled(self, sequence: int) -> bool:
        """Whether the JVM has cancelled that call."""
        return self._words[_CANCELLED + (sequence & _SLOTS)] == sequence

    def close(self) -> None:
        """Give the mapping back; the page must not be used any more."""
        self._words.release()
        self._memory.close()

"""Memory that the keeper makes for the JVM and the workers to share.

It has no name, so nothing is left behind whoever dies; and its size is sealed, so that no process can have another one
killed by SIGBUS.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import Any

PROBE_SIZE = 4096
_SEALS = (0x1, 0x2, 0x4)  # F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW
_ADD_SEALS = getattr(fcntl, "F_ADD_SEALS", 1033)


class Kept:
    """What a keeper has made and holds open, for as long as somebody may want to map it."""

    def __init__(self) -> None:
        self.probe: int | None = None  # a small one, for workers to try whether they can map it
        self._descriptors: set[int] = set()
        try:
            self.probe = make(PROBE_SIZE)
        except OSError:
            pass

    def make(self, size: int) -> dict[str, Any]:
        """Make one more; the part of a report that tells its descriptor, or why there is none."""
        try:
            descriptor = make(size)
        except (OSError, OverflowError) as error:
            return {"message": f"{type(error).__name__}: {error}"}
        self._descriptors.add(descriptor)
        return {"descriptor": descriptor}

    def drop(self, descriptor: int, empty: bool = False) -> None:
        """Close one: it is gone when nobody has it mapped. Raises ValueError for what is none.

        ``empty``: nobody wants what is in it, so give its pages back to the system at once, whoever has it mapped
        still: the JVM does until its next garbage collection.
        """
        if descriptor not in self._descriptors:
            raise ValueError(f"descriptor {descriptor} is no memory of ours")
        self._descriptors.remove(descriptor)
        if empty:
            _empty(descriptor)
        os.close(descriptor)


def _empty(descriptor: int) -> None:
    try:
        with mmap.mmap(descriptor, 0) as memory:
            memory.madvise(mmap.MADV_REMOVE)
    except (OSError, ValueError, AttributeError):
        pass  # then it takes until nobody has it mapped


def make(size: int) -> int:
    """A descriptor of ``size`` zero bytes. Raises OSError where that cannot be, this system included."""
    if not hasattr(os, "memfd_create"):
        raise OSError("this Python, or its system, has no memfd_create")
    descriptor = os.memfd_create("gorgon", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, _ADD_SEALS, sum(_SEALS))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def attach(keeper: int, descriptor: int, size: int) -> mmap.mmap:
    """Map what a keeper has made. Raises OSError or ValueError."""
    opened = reach(keeper, descriptor, size)
    try:
        return mmap.mmap(opened, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    finally:
        os.close(opened)


def reach(keeper: int, descriptor: int, size: int) -> int:
    """A descriptor of our own of what a keeper has made. Raises OSError."""
    opened = os.open(f"/proc/{keeper}/fd/{descriptor}", os.O_RDWR | os.O_CLOEXEC)
    if os.fstat(opened).st_size != size:
        os.close(opened)
        raise OSError(f"descriptor {descriptor} of process {keeper} is something else")
    return opened

"""Strands: the threads that sync functions run on, and how a Cancelled gets to one.

Python raises an exception in another thread when that comes to its next instruction. Then the call may have ended, or
the bridge be at work in the middle of it. So the main thread says first that it aims, and looks then whether it may;
a strand changes first what it does, and looks then whether somebody aims, or whether a shot is on its way: that one it
takes back. There is no lock in this, which an exception at a bad moment could leave locked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from gorgon._running import Cancelled, running
from gorgon._several import Flight, here

try:
    import ctypes

    _FUNCTION = ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
    _raise_in = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.py_object)(_FUNCTION)
    _take_back = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)(_FUNCTION)
    _CAN_RAISE = True
except (ImportError, AttributeError):  # then a call on a thread ends by itself, or with its worker
    _CAN_RAISE = False

_STRIKES = 2  # in one call; as many as the nested tries below user code take


class _Shot(Cancelled):
    """The Cancelled that is raised in a strand. It is made there before any code can catch it, and tells that it came.

    Raised as a class: PyThreadState_SetAsyncExc takes no instance.
    """

    def __init__(self, *args: Any) -> None:
        if here.strand is not None:
            here.strand.hits = here.strand.shots
        super().__init__(*(args or running.strike().args))


_Shot.__name__ = _Shot.__qualname__ = "Cancelled"
_Shot.__module__ = "gorgon"


class Strand:
    """One thread. `strike` and `flight` are for the main thread, all else is its own."""

    def __init__(self) -> None:
        self.ident = 0
        self.flight: Flight | None = None
        self.active = False  # user code runs
        self.shield = 0
        self.pending = False  # a strike waits for the shield to come down
        self.wake: Callable[[], None] | None = None  # ends the wait that it is in
        self.aiming = False  # the main thread is about to shoot
        self.shots = 0  # by the main thread
        self.hits = 0  # those that came, or were taken back

    def strike(self, flight: Flight) -> None:
        """Raise Cancelled in user code of that call, at its next instruction, if it is still here."""
        if self.shots != self.hits:
            return  # one is on its way
        self.aiming = True
        try:
            if self.flight is flight and self.active and not self.shield:
                if _CAN_RAISE and flight.strikes < _STRIKES:
                    flight.strikes += 1
                    self.shots += 1
                    _raise_in(self.ident, _Shot)
            elif self.flight is flight:
                self.pending = self.active
        finally:
            self.aiming = False
        wake = self.wake
        if wake is not None:
            wake()

    def enter(self) -> None:
        """Raise the shield. What is on its way may still strike in here, and not behind."""
        depth = self.shield
        try:
            self.shield = depth + 1
            if self.aiming or self.shots != self.hits:
                self.pending = self._disarm()
        except Cancelled:
            self.shield = depth
            raise

    def leave(self) -> bool:
        """Take the shield down; whether a strike waited for that."""
        self.shield -= 1
        if self.shield or not self.pending:
            return False
        self.pending = False
        return self.active

    def calm(self) -> None:
        """User code has ended. What is on its way may still strike in here, and not behind."""
        self.active = False
        if self.aiming or self.shots != self.hits:
            self._disarm()
        self.pending = False

    def _disarm(self) -> bool:
        """Take back a shot; whether there was one."""
        while self.aiming:
            time.sleep(0)  # for a few instructions of the main thread
        if self.shots == self.hits:
            return self.pending
        _take_back(self.ident, None)
        self.hits = self.shots
        return True

    def rest(self) -> None:
        """Nothing of its call runs here any more. To be repeated until it raises nothing."""
        self.calm()
        self.flight = None
        self.shield = 0


class Strands:
    """Up to so many threads, made when they are needed, and used again. To be called in one thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made = 0
        self._free = threading.Semaphore(0)  # how many wait for work, as far as that is not promised
        self._jobs: SimpleQueue[Callable[[Strand], None] | None] = SimpleQueue()

    def run(self, job: Callable[[Strand], None]) -> None:
        """Run a job, which raises nothing, on one of them."""
        if not self._free.acquire(blocking=False) and self._made < self._most:
            self._made += 1
            threading.Thread(target=self._live, name=f"gorgon-{self._made}", daemon=True).start()
        self._jobs.put(job)

    def close(self) -> None:
        """Let those end that have nothing to do."""
        for _ in range(self._made):
            self._jobs.put(None)

    def _live(self) -> None:
        strand = here.strand = Strand()
        strand.ident = threading.get_ident()
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job(strand)
            del job  # its memory is not kept while there is nothing to do
            self._free.release()

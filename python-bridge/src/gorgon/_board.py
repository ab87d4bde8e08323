"""The board: who gets what came, in a worker that runs several calls. There the loop reads all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gorgon import _wire
from gorgon._errors import NotInCall
from gorgon._inbox import Inbox, Waiter
from gorgon._running import running
from gorgon._several import Flight, here
from gorgon._wire import Frame, ProtocolError

if TYPE_CHECKING:
    from gorgon._call import Call
    from gorgon._link import Link
    from gorgon._loops import LoopReader


class Board(Inbox):
    """An inbox where nobody who waits has to read, unless the wait is on the loop's own thread, and blocks it."""

    def __init__(self, link: Link, catch_up: Callable[[], None]) -> None:
        """``catch_up`` starts the calls that were read; for the main thread."""
        super().__init__(link)
        self.calls: dict[int, Flight] = {}  # those that run
        self._catch_up = catch_up
        self._whose: dict[Waiter, Call] = {}
        self._hang_bell()

    def wait(self, call: Call, waiter: Waiter, deadline: float | None = None, patient: bool = True) -> None:
        """Wait, with the shield up, until the waiter is done, the deadline is over or a strike is pending."""
        main = threading.get_ident() == running.main
        strand = here.strand
        self._note(call, waiter)
        try:
            if main:
                self._sleeper, self._roused = waiter, False
                running.wake = self._rouse
            elif strand is not None:
                strand.wake = waiter.nudge
            while not waiter.done:
                if (self._roused or running.pending) if main else (strand is not None and strand.pending):
                    break
                if not patient and running.is_cancelled():
                    break
                left = -1.0 if deadline is None else deadline - time.monotonic()
                if deadline is not None and left <= 0:
                    break
                if main:
                    self._read(left)
                    self._catch_up()
                else:
                    waiter.gate.acquire(timeout=left)
        finally:
            if main:
                running.wake = None
            elif strand is not None:
                strand.wake = None
            self._forget(waiter)

    def attend(self, call: Call, _reader: LoopReader, waiter: Waiter) -> None:
        """Let a task wait."""
        self._note(call, waiter)

    def dismiss(self, _reader: LoopReader, waiter: Waiter) -> None:
        """A task waits no more."""
        self._forget(waiter)

    def close(self, call: Call) -> None:
        """A call that talked has ended: nobody waits for it any more."""
        with self.mutex:
            for waiter, owner in self._whose.items():
                if owner is call:
                    waiter.finish(NotInCall(f"call {call.name or call.id} has ended"))

    def _note(self, call: Call, waiter: Waiter) -> None:
        with self.mutex:
            self.admit(call)
            self._waiters.append(waiter)
            self._whose[waiter] = call

    def _forget(self, waiter: Waiter) -> None:
        with self.mutex:
            if self._whose.pop(waiter, None) is not None:
                self._waiters.remove(waiter)

    def _route(self, frame: Frame) -> None:
        call = self.calls.get(frame.id)
        if call is None:
            if frame.id > self.newest:
                raise ProtocolError("id", f"a frame of kind {frame.kind} for request {frame.id}, which never came")
            # A request that was read with it may not have started yet; one that has ended is told nothing more.
            if any(each.kind == _wire.REQUEST and each.id == frame.id for each in self.backlog):
                self.backlog.append(frame)
            return
        self._tell(call, frame)

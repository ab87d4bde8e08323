"""Several calls at once: whose code is it that asks, or that a signal struck.

A task and a thread of a call have the call in their context. What they start has it too where the context is passed
on, as asyncio does for tasks and ``asyncio.to_thread``; a plain thread belongs to no call.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from gorgon._call import Call
from gorgon._running import RunningCall, running

if TYPE_CHECKING:
    import asyncio

    from gorgon._requests import Asked
    from gorgon._strands import Strand


class Flight(Call):
    """A call among others. It runs as a task of the loop, or on a strand."""

    struck = False
    active = False  # its code runs, or awaits, on the loop
    hit = False  # a signal came in the middle of that, when it had been cancelled
    strikes = 0  # on its strand
    task: asyncio.Task[Any] | None = None  # set while the task is in user code
    strand: Strand | None = None  # set while it is there
    tasks: Iterable[asyncio.Task[Any]] = ()  # those that its code made; a set, once there is one
    request: Asked
    value: Any = None  # what has come of it so far; here and nowhere else, to be let go for all threads at once
    trouble: BaseException | None = None

    def let_go(self) -> None:
        """Its answer has been made: hold nothing of what it was given and what it gave.

        Emptied, since another thread may have the request in hand for an instant.
        """
        _, args, kwargs, _ = self.request
        args.clear()
        kwargs.clear()
        self.value = self.trouble = None


class _Here(threading.local):
    strand: Strand | None = None


here = _Here()  # the strand that this thread is, if it is one
flight_here: ContextVar[Flight | None] = ContextVar("gorgon_call", default=None)


class Several(RunningCall):
    """What `running` becomes in a worker that runs several calls: it looks at who asks.

    What is a field there is found here in the call or the strand. The fields that stay (shield, pending, wake) are
    those of the main thread, where the loop runs.
    """

    __slots__ = ()

    @property
    def call(self) -> Any:
        """The call of the task or thread that asks; None in one that belongs to none, or has outlived it."""
        flight = flight_here.get()
        return None if flight is None or flight.ended else flight

    @call.setter
    def call(self, call: Any) -> None:
        flight_here.set(call)

    @property
    def struck(self) -> bool:
        """Whether that call was hit."""
        flight = self.call
        return flight is not None and flight.struck

    @struck.setter
    def struck(self, struck: bool) -> None:
        flight = self.call
        if flight is not None:
            flight.struck = struck

    @property
    def active(self) -> bool:
        """Whether user code of that call runs."""
        if here.strand is not None:
            return here.strand.active
        flight = self.call
        return flight is not None and flight.active

    @active.setter
    def active(self, active: bool) -> None:
        if here.strand is None:
            flight = self.call
            if flight is not None:
                flight.active = active
        elif active:
            here.strand.active = True
        else:
            here.strand.calm()

    def enter(self) -> None:
        """Raise the shield of this thread."""
        if here.strand is None:
            super().enter()
        else:
            here.strand.enter()

    def leave(self) -> None:
        """Take it down; raises the Cancelled that waited for it."""
        if here.strand is None:
            super().leave()
        elif here.strand.leave() and self.is_cancelled():
            raise self.strike()

    def leave_quietly(self) -> None:
        """Take it down where nothing may be raised."""
        if here.strand is None:
            super().leave_quietly()
        else:
            here.strand.shield -= 1


def look_closer() -> None:
    """Let `running`, and with it every public function, tell calls apart from now on."""
    running.__class__ = Several

"""Event loops that wait for the JVM: the worker's own, and those that user code runs."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from threading import get_ident
from typing import TYPE_CHECKING

from gorgon._inbox import Waiter
from gorgon._running import running

if TYPE_CHECKING:
    from gorgon._call import Call
    from gorgon._inbox import Inbox


class TaskWaiter(Waiter):
    """A task that waits for something that the JVM will send; made in the thread of its loop."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.done = False
        self.outcome = None
        self.loop = loop
        self.future = loop.create_future()
        self._thread = get_ident()

    def nudge(self) -> None:
        """Let the task go on."""
        if get_ident() == self._thread:
            self._release()
        else:
            try:
                self.loop.call_soon_threadsafe(self._release)
            except RuntimeError:
                pass  # the loop is closed: nobody waits

    def _release(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    async def wait(self, call: Call, timeout: float | None = None) -> None:
        """Wait until this is done, or the time (in seconds) is over. Raises NotInCall or OSError."""
        inbox = call.inbox
        reader = next((each for each in inbox.loops if each.loop is self.loop), None) or LoopReader(inbox, self.loop)
        timer = None if timeout is None else self.loop.call_later(timeout, self._release)
        try:
            running.enter()
            try:
                inbox.attend(call, reader, self)
            finally:
                running.leave()
            await self.future
        finally:
            running.enter()
            try:
                inbox.dismiss(reader, self)
                if timer is not None:
                    timer.cancel()
            finally:
                running.leave()


class LoopReader:
    """Reads the socket on an event loop, while the inbox gives it the lead."""

    def __init__(self, inbox: Inbox, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting = 0  # how many tasks
        self._inbox = inbox
        self._reading = False

    def nudge(self) -> None:
        """Look who leads now. From any thread; the look is taken on the loop."""
        try:
            self.loop.call_soon_threadsafe(self._look)
        except RuntimeError:
            pass  # the loop is closed

    def _look(self) -> None:
        leads = self._inbox.leads(self)
        if leads and not self._reading:
            self.loop.add_reader(self._inbox.link.socket, self._readable)
        elif self._reading and not leads:
            self.loop.remove_reader(self._inbox.link.socket)
        self._reading = leads
        if leads and self._inbox.link.reader.buffered():
            self._readable()

    def _readable(self) -> None:
        running.enter()
        try:
            with self._inbox.mutex:
                # What the loop saw may have been read by a thread that had the lead in between.
                if self._inbox.leads(self) and self._inbox.readable():
                    self._inbox.take()
        finally:
            running.leave_quietly()

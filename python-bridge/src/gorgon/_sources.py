"""Sources: streams of the JVM's, as arguments."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from gorgon import _wire
from gorgon._errors import host_error
from gorgon._inbox import Waiter
from gorgon._running import running
from gorgon._wire import ProtocolError

if TYPE_CHECKING:
    from gorgon._call import Call


class Source:
    """A Java source: an iterator, and an async iterator, that can be read once and while its call runs.

    Nothing flows until the first item is asked for. From then on ``window`` items are kept coming ahead of their
    reader. Raises HostError when the Java stream failed, after the items that came before.
    """

    def __init__(self, call: Call, number: int, window: int = 16) -> None:
        self.window = window  # may be set before the first item is asked for
        self._call = call
        self._number = number
        self._items: deque[Any] = deque()
        self._requested = 0
        self._received = 0
        self._over = False
        self._failure: Any = None
        self._missed = False  # an item could not be made a value here: the rest is not listened to
        self._waiters: list[Waiter] = []

    def __iter__(self) -> Source:
        return self

    def __aiter__(self) -> Source:
        return self

    def __next__(self) -> Any:
        while True:
            self._refill()
            if self._items:
                try:
                    return self._items.popleft()
                except IndexError:
                    continue  # another thread was faster
            if self._over:
                self._raise_failure()
                raise StopIteration
            waiter = Waiter()
            running.enter()
            try:
                if self._queue(waiter):
                    self._call.inbox.wait(self._call, waiter)
                    self._leave(waiter)
            finally:
                running.leave()

    async def __anext__(self) -> Any:
        from asyncio import get_running_loop

        from gorgon._loops import TaskWaiter

        while True:
            self._refill()
            if self._items:
                try:
                    return self._items.popleft()
                except IndexError:
                    continue  # the call has ended
            if self._over:
                self._raise_failure()
                raise StopAsyncIteration
            waiter = TaskWaiter(get_running_loop())
            if self._queue(waiter):
                try:
                    await waiter.wait(self._call)
                finally:
                    self._leave(waiter)

    def feed(self, body: dict[str, Any]) -> None:
        """Take in a frame of items; the inbox's mutex is held. Raises ProtocolError."""
        if self._missed:
            return
        values = body.get("values", [])
        if type(values) is not list or self._over or self._received + len(values) > self._requested:
            raise ProtocolError("body", f"items of source {self._number} that nobody asked for")
        self._received += len(values)
        self._items.extend(values)
        values.clear()  # others may have the body for a moment longer, and should not hold what is in it
        if body.get("failure") is not None:
            self._failure = body["failure"]
        self._over = self._failure is not None or body.get("end") is True
        for waiter in self._waiters:
            waiter.finish(None)

    def miss(self, failure: dict[str, Any]) -> None:
        """An item cannot be had: the source fails behind those that came. The inbox's mutex is held."""
        if not self._over:
            self._missed = self._over = True
            self._failure = failure
        for waiter in self._waiters:
            waiter.finish(None)

    def close(self) -> None:
        """The call has ended: drop what was not taken."""
        self._items.clear()

    def _refill(self) -> None:
        """Ask for more when half of the window is free. Before an item is taken, so that a strike here loses none."""
        free = self.window - len(self._items) - (self._requested - self._received)
        if self._over or free < (self.window + 1) // 2:
            return
        inbox = self._call.inbox
        running.enter()
        try:
            with inbox.mutex:
                inbox.admit(self._call)
                free = self.window - len(self._items) - (self._requested - self._received)
                if free <= 0:
                    return
                self._requested += free
                self._call.give_back()
            inbox.link.send(
                inbox.link.pack(_wire.PULL, self._call.id, {"source": self._number, "n": free}),
            )
        finally:
            running.leave()

    def _queue(self, waiter: Waiter) -> bool:
        """Note a waiter, unless there is something already."""
        running.enter()
        try:
            with self._call.inbox.mutex:
                if self._items or self._over:
                    return False
                self._waiters.append(waiter)
                return True
        finally:
            running.leave()

    def _leave(self, waiter: Waiter) -> None:
        running.enter()
        try:
            with self._call.inbox.mutex:
                self._waiters.remove(waiter)
        finally:
            running.leave()
        if isinstance(waiter.outcome, Exception):
            raise waiter.outcome

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise host_error(self._failure)


Source.__module__ = "gorgon"

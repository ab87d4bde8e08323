"""Streams: what a function yields, chunk by chunk, as fast as the JVM takes it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any

from gorgon import _failures, _wire
from gorgon._inbox import Waiter
from gorgon._link import TooLarge
from gorgon._running import Cancelled, guarded, running
from gorgon._values import NotSerializable, type_name

if TYPE_CHECKING:
    from gorgon._call import Call
    from gorgon._worker import Worker

_LOG = logging.getLogger("gorgon")
_NO_STREAMS = (str, bytes, bytearray, memoryview, dict)  # to go through them letter by letter is no one's wish

_ITERABLE = ("__iter__", "__aiter__", "__getitem__")


class NotAStream(Exception):
    """What cannot be gone through. ``type`` is its type."""

    def __init__(self, value: Any) -> None:
        self.type = type_name(type(value))
        super().__init__(
            f"{self.type} is no stream: let the function yield, or return an iterable or an async iterable "
            "(a text, bytes or a dict count as one value), or make an ordinary call"
        )


class Stream:
    """One stream on its way to the JVM. Out of credit it waits, before the next item is made.

    Everything of the user's runs in `guarded` or on the event loop; between its steps nothing can be struck, so a
    frame is always whole, and the credit is what the JVM thinks it is.
    """

    def __init__(self, worker: Worker, call: Call) -> None:
        self._worker = worker
        self._call = call
        self._link = worker.link
        self._sent = 0

    def deliver(self, value: Any) -> tuple[Any, BaseException | None]:
        """Send the items of what the function returned; what the generator returned, or why it did not get there.

        The trouble is a Cancelled when the JVM gave the stream up, a NotSerializable or TooLarge for an item that
        cannot be sent, a NotAStream, or what user code raised. Raises OSError when the JVM is gone.
        """
        kind = type(value)
        if issubclass(kind, _NO_STREAMS) or not any(hasattr(kind, name) for name in _ITERABLE):
            return None, NotAStream(value)
        if is_async(value):
            result, trouble = self._worker.run_coroutine(lambda: self.pump(value))
        else:
            result, trouble = self._pull(value)
        self._worker.end_if_forked(trouble)
        if self._link.broken is not None:
            raise self._link.broken
        return result, trouble

    def _pull(self, value: Any) -> tuple[Any, BaseException | None]:
        iterator, trouble = guarded(lambda: iter(value))
        self._worker.end_if_forked(trouble)
        if trouble is not None:
            return None, trouble
        call, worker, send, pack = self._call, self._worker, self._link.send, self._link.pack
        identity, is_cancelled, chunk = call.id, worker.page.is_cancelled, _wire.CHUNK
        advance: Callable[[], Any] = partial(next, iterator)
        while True:
            if call.credit <= self._sent:
                item = frame = None  # their memory is not kept while we wait
                self._wait()
            if is_cancelled(identity):
                return None, self._close(iterator, running.strike())
            item, trouble = guarded(advance)
            if trouble is not None:
                if isinstance(trouble, StopIteration):
                    return trouble.value, None
                return None, self._close(iterator, trouble)
            if worker.forked:
                worker.end_if_forked(None)
            try:
                frame = pack(chunk, identity, item)
            except (NotSerializable, TooLarge) as refusal:
                return None, self._close(iterator, refusal)
            self._sent += 1
            send(frame)

    def _wait(self) -> None:
        """Wait for credit. Returns without, too: when the call is cancelled."""
        call = self._call
        while call.credit <= self._sent and not running.is_cancelled():
            waiter = call.hungry = Waiter()
            if call.credit <= self._sent:  # a thread of the user's may read at this moment
                call.inbox.wait(call, waiter, patient=False)
            call.hungry = None
            if self._link.broken is not None:
                raise self._link.broken

    def _close(self, iterator: Any, why: BaseException) -> BaseException:
        if hasattr(type(iterator), "close"):
            _, trouble = guarded(lambda: iterator.close())
            self._worker.end_if_forked(trouble)
            _report(trouble)
        return why

    async def pump(self, value: Any) -> Any:
        """The same for async iterables, as a task; raises the trouble.

        Here strikes are possible, except where the shield is up.
        """
        call, worker = self._call, self._worker
        iterator: AsyncIterator[Any] = value.__aiter__()
        try:
            while True:
                if call.credit <= self._sent:
                    await self._wait_async()
                if worker.page.is_cancelled(call.id):
                    raise running.strike()
                try:
                    item = await iterator.__anext__()
                except StopAsyncIteration:
                    return None
                running.enter()
                try:
                    worker.end_if_forked(None)
                    frame = self._link.pack(_wire.CHUNK, call.id, item)
                    self._sent += 1
                    self._link.send(frame)
                finally:
                    running.leave()
        finally:
            if isinstance(iterator, AsyncGeneratorType):
                try:
                    await iterator.aclose()
                except Exception as error:
                    _report(error)

    async def _wait_async(self) -> None:
        from asyncio import get_running_loop

        from gorgon._loops import TaskWaiter

        call = self._call
        while call.credit <= self._sent and not running.is_cancelled():
            waiter = call.hungry = TaskWaiter(get_running_loop())
            try:
                if call.credit <= self._sent:
                    await waiter.wait(call)
            finally:
                call.hungry = None
            if isinstance(waiter.outcome, Exception):
                raise waiter.outcome


def is_async(value: Any) -> bool:
    """Whether that can be gone through on an event loop only."""
    return hasattr(type(value), "__aiter__") and not hasattr(type(value), "__iter__")


def _report(trouble: BaseException | None) -> None:
    """What closing raised is nobody's result any more, but it should not be lost."""
    if trouble is not None and not isinstance(trouble, (Cancelled, GeneratorExit)):
        _LOG.warning("closing a stream raised %s", type(trouble).__name__, exc_info=trouble)


def not_a_stream(error: NotAStream) -> _failures.Body:
    """The body of the failure."""
    return {"kind": "not_a_stream", "type": error.type, "message": str(error)}

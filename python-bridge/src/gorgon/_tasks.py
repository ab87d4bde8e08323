"""Async calls: the worker's event loop. Imported with the first of them, for asyncio takes its time."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine
from types import FrameType
from typing import Any

from gorgon._running import running

SWEEP_SECONDS = 1.0  # for tasks that a call left behind, to end after they were cancelled
_MACHINERY = (os.path.dirname(asyncio.__file__) + os.sep, os.path.join(os.path.dirname(__file__), "_"))
_LOG = logging.getLogger("gorgon")


class Tasks:
    """One event loop, in the main thread, for as long as it is sound. Between two calls it stands still."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine as a task, and end what it leaves behind; what it returned. Raises what it raised.

        Part of user code, as the signal handler sees it: but from here on that strikes in the steps of tasks only.
        """
        loop = self._loop
        if loop is None or loop.is_closed():
            loop = self._loop = asyncio.new_event_loop()
        running.tasks = self
        try:
            self._task = loop.create_task(coroutine)
            try:
                return loop.run_until_complete(self._task)
            except asyncio.CancelledError as error:
                if running.struck or running.is_cancelled():
                    raise running.strike() from error
                raise
            finally:
                self._sweep(loop)
        finally:
            self._task = None
            running.tasks = None

    def cancel(self, again: bool, frame: FrameType | None) -> bool:
        """Cancel the task of the call; from the signal handler. False: raise Cancelled, in the task that blocks.

        ``again``: that has been tried before. ``frame``: where the signal came. In asyncio's frames nothing is raised
        even in the step of a task: it could lose the callbacks of one that has just ended, and the loop would wait
        for ever. Nor in the bridge's coroutines: those that they wait for would be left as they are.
        """
        task, loop = self._task, self._loop
        if task is None or loop is None:
            return True
        if again and asyncio.current_task(loop) is not None and (running.shield or not is_machinery(frame)):
            return False
        try:
            loop.call_soon_threadsafe(task.cancel)
        except RuntimeError:
            pass  # user code has closed it
        return True

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop.is_closed():
            return
        left = asyncio.all_tasks(loop)
        if not left:
            return
        names = ", ".join(sorted(task_name(task) for task in left)[:10])
        for task in left:
            task.cancel()
        _, stubborn = loop.run_until_complete(asyncio.wait(left, timeout=SWEEP_SECONDS))
        _LOG.warning("the call left %d task(s) behind, which were cancelled: %s", len(left), names)
        if stubborn:
            _LOG.warning("%d of them did not end, and will not go on", len(stubborn))
            self._loop = None


def is_machinery(frame: FrameType | None) -> bool:
    """Whether that frame is asyncio's or the bridge's."""
    return frame is not None and frame.f_code.co_filename.startswith(_MACHINERY)


def task_name(task: asyncio.Task[Any]) -> str:
    """A task in a few words."""
    coroutine = task.get_coro()
    return f"{task.get_name()} ({getattr(coroutine, '__qualname__', type(coroutine).__name__)})"

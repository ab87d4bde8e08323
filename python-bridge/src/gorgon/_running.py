"""The call that runs in this worker, and its cancellation.

User code is struck by a Cancelled from the SIGINT handler, between any two of its instructions. The bridge's own code
never is, though it runs on the same thread and often in the middle of user code: there the shield is up, and what
would have struck does so when it comes down.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from gorgon._errors import NotInCall
from gorgon._status import StatusPage

if TYPE_CHECKING:
    from gorgon._call import Call
    from gorgon._tasks import Tasks


class Cancelled(BaseException):
    """Raised in the main thread while a cancelled call runs.

    Not an ``Exception``, so that ``except Exception`` in user code does not swallow it. Code that wants to clean up
    may catch it, and should raise it again.
    """


Cancelled.__module__ = "gorgon"


class RunningCall:
    """What the public functions and the SIGINT handler know about the call of the moment. One per process."""

    __slots__ = ("active", "call", "main", "page", "pending", "shells", "shield", "struck", "tasks", "wake", "worker")

    def __init__(self) -> None:
        self.active = False  # user code is running in the main thread
        self.struck = False  # the running call was hit by a Cancelled
        self.shield = 0  # how many of the bridge's functions are at work, in the main thread, below user code
        self.pending = False  # a strike waits for the shield to come down
        self.call: Call | None = None
        self.worker: str | None = None
        self.main = get_ident()
        self.page: StatusPage | None = None
        self.shells: tuple[CodeType, ...] = (guarded.__code__,)  # the functions from which user code is called
        self.tasks: Tasks | None = None  # set while the event loop runs an async call
        self.wake: Callable[[], None] | None = None  # ends the wait that the main thread is in

    def is_cancelled(self) -> bool:
        """Whether the JVM has marked the running call as cancelled."""
        call, page = self.call, self.page
        return call is not None and page is not None and page.is_cancelled(call.id)

    def enter(self) -> None:
        """Raise the shield. Always followed by a ``try`` whose ``finally`` is `leave`."""
        if get_ident() == self.main:
            self.shield += 1

    def leave(self) -> None:
        """Take the shield down; raises the Cancelled that waited for it."""
        if get_ident() == self.main:
            self.shield -= 1
            if self.pending and not self.shield:
                self.pending = False
                if self.active and self.is_cancelled():
                    raise self.strike()

    def leave_quietly(self) -> None:
        """Take the shield down where nothing may be raised; what is pending waits for the next `leave`."""
        if get_ident() == self.main:
            self.shield -= 1

    def strike(self) -> Cancelled:
        """Note that the call is hit; what is to be raised."""
        self.struck = True
        call = self.call
        return Cancelled(f"call {call and (call.name or call.id)} was cancelled")

    def interrupt(self, _signal: int, frame: FrameType | None) -> None:
        """The SIGINT handler: hits the call that is cancelled, and nothing else.

        A late signal finds another call, or none, and does nothing. In the frames that call user code, and catch what
        it raised, it strikes at most once per call, and only there two nested ``try`` are enough; so no storm of
        signals can break the loop. In user code every signal strikes, for code that swallowed the first. While the
        event loop runs, the first cancels the call's task, and none is raised in the loop's own code.
        """
        if not self.is_cancelled():
            return
        while frame is not None and frame.f_code in _HANDLER:  # a signal that came while one was handled
            frame = frame.f_back
        if self.active and self.wake is None and self.tasks is not None and self.tasks.cancel(self.struck, frame):
            self.struck = True
            return
        if self.shield or not self.active:
            self.pending = self.active
            if self.wake is not None:
                self.wake()
            return
        if self.struck and frame is not None and frame.f_code in self.shells:
            return
        raise self.strike()


def guarded(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Run a piece of user code: what it returned, or what it raised. The shield is down, signals may strike in here.

    Once per call at most: the outer ``try`` is for the one that comes just when the inner one has caught something.
    """
    try:
        try:
            running.active = True
            value = function()
            running.active = False
        except BaseException as error:
            running.active = False
            return None, error
    except Cancelled as error:
        running.active = False
        return None, error
    return value, None


running = RunningCall()
_HANDLER = (
    RunningCall.interrupt.__code__,
    RunningCall.is_cancelled.__code__,
    RunningCall.strike.__code__,
    StatusPage.is_cancelled.__code__,
)


def current() -> Call:
    """The call that the caller belongs to. Raises NotInCall.

    The one place that says which call that is; when a worker runs several at once, it has to look closer.
    """
    call = running.call
    if call is None:
        raise NotInCall("this needs a call that is running, and there is none")
    return call


def cancelled() -> bool:
    """Whether the call that is running has been cancelled. Cheap: ask often. Any thread or task may ask."""
    return running.is_cancelled()


def call_id() -> str | None:
    """The id of the call that is running, as the JVM logs it; None outside a call."""
    call = running.call
    return call.name if call is not None else None


def traceparent() -> str | None:
    """The W3C trace context that the call came with, for libraries that go on with it; None if it came without."""
    call = running.call
    return call.trace if call is not None else None


def worker() -> str | None:
    """This worker as ``pool/slot.generation``; None outside a worker."""
    return running.worker

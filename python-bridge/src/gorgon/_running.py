"""The call that runs in this worker, and its cancellation."""

from __future__ import annotations

from types import CodeType, FrameType

from gorgon._status import StatusPage


class Cancelled(BaseException):
    """Raised in the main thread while a cancelled call runs.

    Not an ``Exception``, so that ``except Exception`` in user code does not swallow it. Code that wants to clean up
    may catch it, and should raise it again.
    """


Cancelled.__module__ = "gorgon"


class RunningCall:
    """What the public functions and the SIGINT handler know about the call of the moment. One per process."""

    __slots__ = ("active", "call", "page", "sequence", "shell", "struck", "worker")

    def __init__(self) -> None:
        self.active = False  # user code is running
        self.struck = False  # the running call was hit by a Cancelled
        self.sequence = 0
        self.call: str | None = None
        self.worker: str | None = None
        self.page: StatusPage | None = None
        self.shell: CodeType | None = None  # the bridge's function from which user code is called

    def is_cancelled(self) -> bool:
        """Whether the JVM has marked the running call as cancelled."""
        page = self.page
        return self.active and page is not None and page.is_cancelled(self.sequence)

    def interrupt(self, _signal: int, frame: FrameType | None) -> None:
        """The SIGINT handler: hits the call that is cancelled, and nothing else.

        A late signal finds another sequence, or no user code, and does nothing. In the bridge's own frame, which
        catches what the user's code raised, it strikes at most once per call, and only there two nested ``try`` are
        enough; so no storm of signals can break the loop. In user code every signal strikes, for code that swallowed
        the first.
        """
        if not self.is_cancelled():
            return
        while frame is not None and frame.f_code in _HANDLER:  # a signal that came while one was handled
            frame = frame.f_back
        if self.struck and frame is not None and frame.f_code is self.shell:
            return
        self.struck = True
        raise Cancelled(f"call {self.call or self.sequence} was cancelled")


running = RunningCall()
_HANDLER = (RunningCall.interrupt.__code__, RunningCall.is_cancelled.__code__, StatusPage.is_cancelled.__code__)


def cancelled() -> bool:
    """Whether the call that is running has been cancelled. Cheap: ask often. Any thread may ask."""
    return running.is_cancelled()


def call_id() -> str | None:
    """The id of the call that is running, as the JVM logs it; None outside a call."""
    return running.call if running.active else None


def worker() -> str | None:
    """This worker as ``pool/slot.generation``; None outside a worker."""
    return running.worker

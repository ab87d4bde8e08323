"""The inbox: who reads the socket while a call runs, and who gets what came.

Nobody reads until somebody waits. Of those who wait, threads and event loops, one leads: it reads, and hands out what
is for others. When its own is there, it passes the lead on. So nobody polls, and no thread of ours is needed.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from gorgon import _wire
from gorgon._arrays import Unreceivable
from gorgon._errors import NotInCall
from gorgon._running import running
from gorgon._shelf import Shelf
from gorgon._values import decode_plain
from gorgon._wire import Frame, ProtocolError

if TYPE_CHECKING:
    from gorgon._call import Call
    from gorgon._link import Link
    from gorgon._loops import LoopReader

_OF_A_CALL = (_wire.CREDIT, _wire.HOST_REPLY, _wire.ITEM)


class Waiter:
    """A thread that waits for something that the JVM will send."""

    def __init__(self) -> None:
        self.done = False
        self.outcome: Any = None  # what came, or the exception that says why nothing will
        self.gate = threading.Lock()
        self.gate.acquire()

    def finish(self, outcome: Any) -> None:
        """Here it is; the first outcome counts."""
        if not self.done:
            self.outcome = outcome
            self.done = True
            self.nudge()

    def nudge(self) -> None:
        """Wake the thread, to look again."""
        try:
            self.gate.release()
        except RuntimeError:
            pass  # it has been woken and did not look yet


class Inbox:
    """What the JVM sends to this worker. All state is guarded by ``mutex``, which is never held while waiting."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.mutex = threading.Lock()
        self.backlog: deque[Frame] = deque()  # read during a call, and for the time after it
        self.shelf = Shelf()
        self.newest = 0  # the greatest id of a request that was read and has not been started, or never will be
        self._leader: Waiter | LoopReader | None = None
        self._threads: list[Waiter] = []
        self.loops: list[LoopReader] = []
        self._waiters: list[Waiter] = []  # all of them: those of threads, and those of tasks
        self._poll = select.poll()
        self._glance = select.poll()  # at the socket alone
        self._bell: tuple[int, int] | None = None  # a pipe that ends the leader's poll
        self._roused = False  # by a signal
        self._sleeper: Waiter | None = None  # the main thread's

    def hand_over(self, call: Call) -> None:
        """Give a call that starts what was said about it while it was waiting in the backlog."""
        for frame in [each for each in self.backlog if each.id == call.id]:
            self.backlog.remove(frame)
            self.dispatch(frame)

    def admit(self, call: Call) -> None:
        """See that a call may still wait; the mutex is held. Raises NotInCall, or OSError when the JVM is gone."""
        call.talked = True  # before the look at `ended`: the main thread sets that first, and then looks at this
        if call.ended:
            raise NotInCall(f"call {call.name or call.id} has ended")
        if self.link.broken is not None:
            raise ConnectionAbortedError("the JVM is gone") from self.link.broken
        if self._bell is None:
            self._hang_bell()

    def _hang_bell(self) -> None:
        self._bell = os.pipe()
        for end in self._bell:
            os.set_blocking(end, False)
        for poll in (self._poll, self._glance):
            poll.register(self.link.socket, select.POLLIN)
        self._poll.register(self._bell[0], select.POLLIN)

    def refuses(self, call: Call) -> bool:
        """Whether the call is cancelled and its code does not know yet: no time to begin something new."""
        return not running.struck and running.page is not None and running.page.is_cancelled(call.id)

    def wait(self, call: Call, waiter: Waiter, deadline: float | None = None, patient: bool = True) -> None:
        """Wait, with the shield up, until the waiter is done, the deadline is over or a signal strikes.

        ``patient``: stay although the call is cancelled, until a strike is pending.
        """
        main = threading.get_ident() == running.main
        with self.mutex:
            self.admit(call)
            self._threads.append(waiter)
            self._waiters.append(waiter)
            if not isinstance(self._leader, Waiter):  # a loop cannot lead while its thread is blocked in here
                self._lead(waiter)
        try:
            if main:
                self._sleeper, self._roused = waiter, False
                running.wake = self._rouse
            while not waiter.done:
                if main and (self._roused or running.pending or (not patient and running.is_cancelled())):
                    break
                left = -1.0 if deadline is None else deadline - time.monotonic()
                if deadline is not None and left <= 0:
                    break
                if self._leader is waiter:
                    self._read(left)
                else:
                    waiter.gate.acquire(timeout=left)
        finally:
            if main:
                running.wake = None
            with self.mutex:
                self._threads.remove(waiter)
                self._waiters.remove(waiter)
                if self._leader is waiter:
                    self._pass_on()

    def attend(self, call: Call, reader: LoopReader, waiter: Waiter) -> None:
        """Let a task wait, on a loop that reads if nobody else does."""
        with self.mutex:
            self.admit(call)
            self._waiters.append(waiter)
            if reader not in self.loops:
                self.loops.append(reader)
            reader.waiting += 1
            if self._leader is None:
                self._lead(reader)

    def dismiss(self, reader: LoopReader, waiter: Waiter) -> None:
        """A task waits no more."""
        with self.mutex:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                reader.waiting -= 1
            if self._leader is reader and not reader.waiting:
                self._pass_on()

    def leads(self, reader: LoopReader) -> bool:
        """Whether it is that loop's turn to read."""
        return self._leader is reader

    def _lead(self, leader: Waiter | LoopReader | None) -> None:
        before, self._leader = self._leader, leader
        for each in (before, leader):
            if each is not None:
                each.nudge()

    def _pass_on(self) -> None:
        waiting = [reader for reader in self.loops if reader.waiting]
        self._lead(self._threads[0] if self._threads else waiting[0] if waiting else None)

    def _read(self, left: float) -> None:
        """Wait for the socket, then read what is there; for the leading thread. ``left``: seconds, or negative."""
        if not self.link.reader.buffered():
            bell = self._bell[0] if self._bell is not None else -1
            ready = [descriptor for descriptor, _ in self._poll.poll(None if left < 0 else left * 1000 + 1)]
            if bell in ready:
                os.read(bell, 4096)
                ready.remove(bell)
            if not ready:
                return
        with self.mutex:
            self.take()

    def readable(self) -> bool:
        """Whether `take` would find something at once."""
        return self.link.reader.buffered() or bool(self._glance.poll(0))

    def take(self) -> None:
        """Read the frames that are there, one at least, and hand them out; the mutex is held."""
        try:
            while True:
                frame = self.link.reader.read()
                if frame is None:
                    raise ConnectionResetError("the JVM closed")
                self.dispatch(frame)
                if not self.link.reader.buffered():
                    return
        except (ProtocolError, OSError) as error:
            self.link.broken = error
            for waiter in self._waiters:
                waiter.finish(ConnectionAbortedError("the JVM is gone"))

    def dispatch(self, frame: Frame) -> None:
        """Give a frame to whom it is for. Raises ProtocolError."""
        kind = frame.kind
        if kind == _wire.REQUEST:
            self.newest = max(self.newest, frame.id)
            self.backlog.append(frame)
        elif kind == _wire.SESSION:
            try:
                self.shelf.receive(frame, self.link.unpack)
            except (ValueError, RecursionError) as error:
                raise ProtocolError("body", str(error)) from error
        elif kind in (_wire.PING, _wire.SHUTDOWN):
            self.backlog.append(frame)
        elif kind == _wire.SEGMENT:
            try:
                self.link.segments.receive(self.link.unpack(frame))
            except (ValueError, RecursionError) as error:
                raise ProtocolError("body", str(error)) from error
        elif kind not in _OF_A_CALL:
            raise ProtocolError("kind", f"{kind} is for the JVM to read, not for a worker")
        else:
            self._route(frame)

    def _route(self, frame: Frame) -> None:
        call = running.call
        if call is not None and call.id == frame.id:
            self._tell(call, frame)
            return
        started = running.page.started() if running.page is not None else 0
        if frame.id > max(self.newest, started):
            raise ProtocolError("id", f"a frame of kind {frame.kind} for request {frame.id}, which never came")
        if frame.id > started and call is not None:
            self.backlog.append(frame)
        # Else it is late: the call has ended, or was refused, while the frame was on its way.

    def _tell(self, call: Call, frame: Frame) -> None:
        """Tell a call what a frame says, and that the frame's segments are its own."""
        if frame.segments:
            call.segments = (*call.segments, *frame.segments)
        try:
            call.receive(frame.kind, self.link.unpack(frame))
        except Unreceivable as error:
            call.miss(frame.kind, decode_plain(frame.body), str(error))
        except (ValueError, RecursionError) as error:
            raise ProtocolError("body", str(error)) from error

    def close(self, call: Call) -> None:
        """A call that talked has ended: nobody waits for it any more, and only the main thread reads again."""
        mine = Waiter()
        with self.mutex:
            for waiter in self._waiters:
                waiter.finish(NotInCall(f"call {call.name or call.id} has ended"))
            self._waiters = [waiter for waiter in self._waiters if waiter in self._threads]
            for reader in self.loops:
                reader.waiting = 0
            self.loops = []
            if isinstance(self._leader, Waiter):
                self._threads.insert(0, mine)  # a thread of the user's: it passes the lead on to us
                self._ring()
            else:
                self._lead(None)
                return
        while self._leader is not mine:
            mine.gate.acquire()
        with self.mutex:
            self._threads.remove(mine)
            self._leader = None

    def _rouse(self) -> None:
        """End the main thread's wait; for the signal handler."""
        self._roused = True
        if self._sleeper is not None:
            self._sleeper.nudge()
        self._ring()

    def _ring(self) -> None:
        if self._bell is not None:
            try:
                os.write(self._bell[1], b"!")
            except BlockingIOError:
                pass  # it rings already

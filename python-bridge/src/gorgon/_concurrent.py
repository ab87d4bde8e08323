"""The worker that runs several calls at once, for programs that wait: async functions on one loop, others on strands.

The loop runs in the main thread and reads the socket whenever something is there. It starts the calls, in the order of
their requests, and hands out what the JVM says to them. Whoever ends a call writes its answer. A write may have to
wait for the JVM, even on the loop: but never for ever, for the JVM reads, whatever it has to write itself.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import signal
import weakref
from collections.abc import Callable, Coroutine
from types import CoroutineType, FrameType
from typing import Any

from gorgon import _streams, _wire
from gorgon._board import Board
from gorgon._forks import end_fork
from gorgon._running import Cancelled, running
from gorgon._several import Flight, flight_here, look_closer
from gorgon._strands import Strand, Strands
from gorgon._tasks import SWEEP_SECONDS, is_machinery, task_name
from gorgon._worker import Spec, Worker

_LOG = logging.getLogger("gorgon")
_NOTHING: Any = object()

Step = Callable[[Flight], None]


class ConcurrentWorker(Worker):
    """One process, one connection, up to ``spec["concurrency"]`` calls."""

    inbox: Board

    def __init__(self, spec: Spec) -> None:
        """Connect and map the page. Raises OSError or ValueError."""
        self.loop = asyncio.new_event_loop()
        super().__init__(spec)
        look_closer()
        self.inbox = Board(self.link, self.catch_up)
        self.strands = Strands(spec["concurrency"])
        self.context = contextvars.Context()  # what each call begins with
        self.async_targets: dict[str, bool] = {}
        self.conducting: set[asyncio.Task[None]] = set()
        self.closing = False  # the JVM said shutdown
        self.over = False
        self.crash: BaseException | None = None  # an error of the bridge's own
        self.loop.set_task_factory(self.make_task)
        signal.signal(signal.SIGINT, self.interrupt)

    def serve(self) -> None:
        """Answer until the JVM says shutdown or closes. Raises ProtocolError for garbage."""
        self.context = contextvars.copy_context()
        self.loop.add_reader(self.link.socket, self.read)
        self.loop.call_soon(self.read)  # what came with the last frame of the start
        while not self.over:
            self.turn()
        self.strands.close()
        if self.crash is not None:
            raise self.crash
        if self.link.broken is not None:
            raise self.link.broken

    def turn(self) -> None:
        """Run the loop for as long as it goes."""
        try:
            self.loop.run_forever()
        except BaseException as error:  # SystemExit, in a task that user code made
            self.end_if_forked(error)

    # ---- frames in, on the loop

    def read(self) -> None:
        """Read what is there."""
        with self.inbox.mutex:
            if self.inbox.readable():
                self.inbox.take()
        self.catch_up()

    def catch_up(self) -> None:
        """Do what was asked for by what has been read."""
        backlog = self.inbox.backlog
        while backlog and self.link.broken is None:
            frame = backlog.popleft()
            if frame.kind == _wire.REQUEST:
                self.begin(frame)
            elif frame.kind == _wire.PING:
                self.write(_wire.encode(_wire.PONG, frame.id))
            elif frame.kind == _wire.SHUTDOWN:
                self.closing = True
            else:
                with self.inbox.mutex:
                    self.inbox.dispatch(frame)
        self.end_if_over()

    def end_if_over(self) -> None:
        """Stop the loop when there is nothing more to do."""
        if self.crash is not None or self.link.broken is not None or (self.closing and not self.inbox.calls):
            self.over = True
            self.loop.stop()

    def write(self, frame: _wire.Written) -> None:
        """Send a frame; without the JVM the worker ends. For any thread."""
        try:
            self.send(frame)
        except OSError:
            self.call_loop(self.end_if_over)

    def call_loop(self, callback: Callable[..., object], *args: Any) -> None:
        """Run something on the loop, in the context of the caller. For any thread."""
        try:
            self.loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            pass  # user code has closed it; `serve` ends with that

    # ---- calls

    def begin(self, frame: _wire.Frame) -> None:
        """Start the call that a request asks for."""
        flight = Flight(frame.id, self.inbox)
        self.context.copy().run(self.launch, flight, frame)

    def launch(self, flight: Flight, frame: _wire.Frame) -> None:
        """The same, in the call's context."""
        flight_here.set(flight)
        flight.segments = frame.segments
        asked = self.admit(flight, frame)
        if isinstance(asked, bytes):
            if frame.segments:
                self.segments.settle(frame.segments)
            self.write(asked)
            return
        flight.request = asked
        self.inbox.calls[flight.id] = flight
        if self.is_async(asked[0]):
            flight.value = _NOTHING
            self.go_on(flight)
        else:
            self.on_strand(self.run_here, flight)

    def is_async(self, target: str) -> bool:
        """Whether a call of that target belongs on the loop from its first step. An unknown one is imported first."""
        known = self.async_targets.get(target)
        if known is None:
            function = self.targets.get(target)
            if function is None:
                return False
            known = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
            self.async_targets[target] = known
        return known

    def on_strand(self, step: Step, flight: Flight) -> None:
        """Let a step of a call be taken by a thread, in the context of the caller."""
        context = contextvars.copy_context()
        self.strands.run(lambda strand: context.run(self.perform, strand, step, flight))

    def perform(self, strand: Strand, step: Step, flight: Flight) -> None:
        """Take a step of a call on this strand, and what follows. Raises nothing."""
        try:
            strand.flight, flight.strand = flight, strand
            try:
                if self.page.is_cancelled(flight.id):
                    raise running.strike()
                step(flight)
            except Cancelled as late:  # it came just when `run` or `guarded` had caught another
                flight.value, flight.trouble = None, late
            flight.strand = None
            strand.rest()
            self.end_if_forked(flight.trouble)
            if type(flight.value) is CoroutineType or (flight.streams and _streams.is_async(flight.value)):
                self.call_loop(self.go_on, flight)
            elif flight.tasks:
                self.call_loop(self.start_task, self.wind_up(flight))
            else:
                self.finish(flight)
        except BaseException as error:
            self.fail(error)

    def run_here(self, flight: Flight) -> None:
        """A sync call: run its function, and send the items if it is a stream."""
        target, args, kwargs, _ = flight.request
        flight.value, flight.trouble = self.run(target, args, kwargs)
        later = type(flight.value) is CoroutineType or _streams.is_async(flight.value)
        if flight.streams and flight.trouble is None and not later:
            self.deliver_here(flight)

    def deliver_here(self, flight: Flight) -> None:
        """Send the items of what a function returned."""
        self.end_if_forked(None)
        flight.value, flight.trouble = _streams.Stream(self, flight).deliver(flight.value)

    def run_task(self, coroutine: Any) -> Any:
        """Leave what an async function gave to the loop."""
        return coroutine

    def go_on(self, flight: Flight) -> None:
        """Go on with a call on the loop, which this is."""
        self.start_task(self.conduct(flight))

    def start_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine of the bridge's as a task, which is not one of those that user code made."""
        task = asyncio.Task(coroutine, loop=self.loop)
        self.conducting.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self.conducted)

    def conducted(self, task: asyncio.Task[None]) -> None:
        """Such a task has ended."""
        self.conducting.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            self.fail(error)

    async def conduct(self, flight: Flight) -> None:
        """A call on the loop: run its function, await what that gave, and send the items if it is a stream.

        SIGINT may strike in user code, never in the frames here: see `interrupt`.
        """
        target, args, kwargs, window = flight.request
        flight.task = asyncio.current_task()
        try:
            if self.page.is_cancelled(flight.id):
                if type(flight.value) is CoroutineType:
                    flight.value.close()
                raise running.strike()
            flight.active = True
            if flight.value is _NOTHING:
                flight.value = self.targets[target](*args, **kwargs)
            if type(flight.value) is CoroutineType:
                flight.value = await flight.value
            if window is not None and _streams.is_async(flight.value):
                self.end_if_forked(None)
                flight.value = await _streams.Stream(self, flight).pump(flight.value)
            elif window is not None:
                flight.active, flight.task = False, None
                self.end_if_forked(None)
                self.on_strand(self.deliver_here, flight)
                return
        except BaseException as error:
            flight.value, flight.trouble = None, error
        flight.active, flight.task = False, None
        self.end_if_forked(flight.trouble)
        if isinstance(flight.trouble, asyncio.CancelledError) and self.page.is_cancelled(flight.id):
            cause, flight.trouble = flight.trouble, running.strike()
            flight.trouble.__cause__ = cause
            del cause
        await self.wind_up(flight)

    async def wind_up(self, flight: Flight) -> None:
        """End the tasks that a call left behind, and the call."""
        await self.sweep(flight)
        self.finish(flight)

    async def sweep(self, flight: Flight) -> None:
        """End the tasks that a call left behind."""
        left = [task for task in flight.tasks if not task.done()]
        if left:
            names = ", ".join(sorted(task_name(task) for task in left)[:10])
            for task in left:
                task.cancel()
            _, stubborn = await asyncio.wait(left, timeout=SWEEP_SECONDS)
            _LOG.warning("the call left %d task(s) behind, which were cancelled: %s", len(left), names)
            if stubborn:
                _LOG.warning("%d of them did not end, and go on without a call", len(stubborn))

    def finish(self, flight: Flight) -> None:
        """Answer a call."""
        if self.link.broken is not None:
            self.call_loop(self.end_if_over)
            return
        reply = self.conclude(flight, flight.request, flight.value, flight.trouble)
        flight.let_go()
        with self.inbox.mutex:
            del self.inbox.calls[flight.id]  # nothing is given to it behind this
        if flight.segments:
            self.segments.settle(flight.segments)
        self.write(reply)
        if self.closing:
            self.call_loop(self.end_if_over)

    def make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        """The loop's task factory: notes whose task it is."""
        task = asyncio.Task(coroutine, loop=loop, **options)
        flight = running.call
        if isinstance(flight, Flight):
            if not isinstance(flight.tasks, weakref.WeakSet):
                flight.tasks = weakref.WeakSet()
            flight.tasks.add(task)
        return task

    # ---- what goes wrong

    def interrupt(self, _signal: int, frame: FrameType | None) -> None:
        """The SIGINT handler: has the loop look for calls that are cancelled.

        Where the loop is blocked, by an async function that does not await, that would be never: so the second signal
        that comes in the middle of one that is cancelled strikes there, as it would in a worker of one call.
        """
        flight = running.call
        self.call_loop(self.strike)
        if not isinstance(flight, Flight) or not flight.active or not self.page.is_cancelled(flight.id):
            return
        if running.shield:
            running.pending = True
            if running.wake is not None:
                running.wake()
        elif not flight.hit:
            flight.hit = True
        elif asyncio.current_task() is not None and not is_machinery(frame):
            raise running.strike()

    def strike(self) -> None:
        """Strike every call that the JVM has cancelled."""
        for flight in list(self.inbox.calls.values()):
            if self.page.is_cancelled(flight.id):
                task, strand = flight.task, flight.strand
                if task is not None:
                    flight.struck = True
                    task.cancel()
                elif strand is not None:
                    strand.strike(flight)

    def fail(self, error: BaseException) -> None:
        """End the worker for an error of the bridge's own. For any thread."""
        if self.link.broken is None and self.crash is None:
            self.crash = error
        self.call_loop(self.end_if_over)

    def leave(self) -> None:
        """In a child that user code forked: let go, and see that no other call goes on here."""
        super().leave()
        ready = getattr(self.loop, "_ready", None)
        if ready is not None:
            ready.clear()
        self.loop.call_soon(end_fork, RuntimeError("a forked child cannot await anything: exec, or end in os._exit"))

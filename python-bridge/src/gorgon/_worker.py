"""The worker: reads calls off its socket, runs them one by one, writes what came out.

One thread, and it is the user's: a call costs one read and one write. User code may print, exit, fork, raise
whatever it likes; only the process's own death ends the loop before the JVM does.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import CoroutineType
from typing import Any

from gorgon import _failures, _limits, _logs, _progress, _streams, _wire
from gorgon._arrays import Unreceivable
from gorgon._call import Call
from gorgon._failures import Body
from gorgon._forks import end_fork, flush
from gorgon._inbox import Inbox
from gorgon._link import Link, TooLarge
from gorgon._requests import Asked, parse
from gorgon._running import Cancelled, guarded, running
from gorgon._segments import Segments
from gorgon._sessions import SessionOfCall
from gorgon._shelf import StateNeeded
from gorgon._status import StatusPage
from gorgon._targets import UnknownTarget, resolve
from gorgon._values import NotSerializable, text
from gorgon._wire import ProtocolError

PROTOCOL = 1
EXIT_OK = 0
EXIT_PROTOCOL = 70
EXIT_START = 71
EXIT_CONNECT = 72
EXIT_ORPHAN = 73

Spec = dict[str, Any]


class StartFailure(Exception):
    """The worker cannot become ready; its argument is the body of the frame that says so."""


class Worker:
    """One process, one connection. The methods are seams for fault injection, too."""

    def __init__(self, spec: Spec) -> None:
        """Connect and map the page. Raises OSError or ValueError."""
        self.spec = spec
        self.page = StatusPage(spec["page"])
        self.segments = Segments(spec.get("keeper", 0), spec.get("probe"), spec.get("shared_from"))
        self.given: Sequence[int] | None = None  # segments of the last call, if it may have got some while it ran
        self.link = Link(spec["socket"], spec.get("frame_limit") or _wire.DEFAULT_LIMIT, self.segments)
        self.inbox = Inbox(self.link)
        self.targets: dict[str, Callable[..., Any]] = {}
        self.logs = _logs.JvmHandler(self.link, self.spec.get("log_lines"))
        self.tasks: Any = None  # the event loop, made for the first async call
        self.forked = False
        running.page = self.page
        running.main = threading.get_ident()
        running.shells = (Worker.run.__code__, guarded.__code__)
        signal.signal(signal.SIGINT, running.interrupt)
        os.register_at_fork(before=flush, after_in_child=self.leave)

    def start(self) -> None:
        """Present the token, take on the settings, import the modules. Raises StartFailure."""
        self.send(self.link.pack(_wire.HELLO, 0, self.hello()))
        try:
            if self.spec.get("directory"):
                os.chdir(self.spec["directory"])
            _limits.apply(self.spec.get("limits") or {})
            self.logs.install(self.spec.get("log_level"))
        except (OSError, ValueError, TypeError) as error:
            raise StartFailure({"kind": "ENVIRONMENT", "message": str(error)}) from error
        for setting, module in self.modules():
            self.send(self.link.pack(_wire.IMPORTING, 0, {"module": module}))
            trouble = _import(module)
            if self.forked:
                end_fork(trouble)
            if trouble is not None:
                failure = _failures.raised(trouble)
                raise StartFailure({"kind": "IMPORT", "setting": setting, "module": module, "failure": failure})
        self.ready()

    def modules(self) -> Iterator[tuple[str, str]]:
        """What is to be imported, and which setting says so. A template has imported its part before."""
        for setting in ("imports",) if self.spec.get("preloaded") else ("preload", "imports"):
            for module in self.spec.get(setting) or ():
                yield setting, module

    def hello(self) -> Body:
        """The body of the first frame."""
        return {
            "token": self.spec["token"],
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "python": ".".join(map(str, sys.version_info[:3])),
            "shared": self.segments.works,
        }

    def ready(self) -> None:
        """Tell the JVM that calls may come."""
        self.send(_wire.encode(_wire.READY, 0, b"{}"))

    def serve(self) -> None:
        """Answer until the JVM says shutdown or closes. Raises ProtocolError for garbage."""
        read, backlog, send, answer = self.link.reader.read, self.inbox.backlog, self.send, self.answer
        while True:
            frame = backlog.popleft() if backlog else read()
            if frame is None:
                return
            if frame.kind == _wire.REQUEST:
                reply = answer(frame)
                segments = frame.segments
                del frame
                if segments or self.given:
                    self.settle(segments)
                send(reply)
                del reply  # while we wait, the memory of big calls is not kept
            elif frame.kind == _wire.PING:
                send(_wire.encode(_wire.PONG, frame.id))
            elif frame.kind == _wire.SHUTDOWN:
                return
            else:
                self.inbox.dispatch(frame)

    def settle(self, segments: Sequence[int]) -> None:
        """Give back the memory of the call that is about to be answered."""
        given, self.given = self.given, None
        self.segments.settle(segments if given is None else given)

    def send(self, frame: _wire.Written) -> None:
        """Write one frame."""
        self.link.send(frame)

    def answer(self, frame: _wire.Frame) -> _wire.Written:
        """Run the call that a request asks for; the frame that answers it."""
        call = Call(frame.id, self.inbox)
        call.segments = frame.segments
        asked = self.admit(call, frame)
        if isinstance(asked, bytes):
            return asked
        target, args, kwargs, window = asked
        value, trouble = self.run(target, args, kwargs)
        if self.forked:
            end_fork(trouble)
        if window is not None:
            self.inbox.hand_over(call)
            if trouble is None:
                value, trouble = _streams.Stream(self, call).deliver(value)
        return self.conclude(call, asked, value, trouble)

    def admit(self, call: Call, frame: _wire.Frame) -> Asked | bytes:
        """Take a request in and note that its call starts; the frame that refuses it, if it must not run."""
        if self.inbox.shelf.openings:
            try:
                opened = self.inbox.shelf.open(call.id)
            except StateNeeded:
                self.inbox.newest = max(self.inbox.newest, call.id)
                return self.failure(call.id, _failures.state_needed())
            if opened is not None:
                call.session = SessionOfCall(*opened, self.inbox.shelf)
        try:
            asked = parse(frame, self.link, call)
        except Unreceivable as error:
            self.inbox.newest = max(self.inbox.newest, call.id)
            return self.failure(call.id, _failures.unreceivable(str(error)))
        except (ValueError, RecursionError) as error:
            self.inbox.newest = max(self.inbox.newest, call.id)
            return self.failure(call.id, _failures.protocol(str(error)))
        running.struck = running.pending = False
        running.call = call
        if not self.page.start(call.id):
            running.call = None
            return self.failure(call.id, _failures.cancelled(False))
        return asked

    def conclude(self, call: Call, asked: Asked, value: Any, trouble: BaseException | None) -> _wire.Written:
        """The frame that answers a call, with what it returned or raised. The call has ended then."""
        target, args, kwargs, window = asked
        flush()
        if call.progress is not None:
            _progress.send(call, call.progress)
        if self.logs.dropped:
            self.logs.report_dropped()
        if trouble is None:
            kind = _wire.RESULT if window is None else _wire.END
            try:
                if window is None or value is not None:
                    reply: _wire.Written = self.link.pack(kind, call.id, value, call.segments)
                else:
                    reply = _wire.encode(kind, call.id)
                patch = call.session.patch(call) if call.session is not None else None
                if patch is not None:
                    reply = _wire.together(patch, reply)
            except (NotSerializable, TooLarge) as refusal:
                reply = self.refuse(call.id, refusal)
        else:
            reply = self.explain(call.id, target, args, kwargs, trouble)
        running.call = None
        call.ended = True
        if call.talked:
            self.inbox.close(call)
            call.close()
            self.given = call.segments
        return reply

    def refuse(self, identity: int, refusal: NotSerializable | TooLarge) -> bytes:
        """The frame for a call whose result cannot be sent."""
        if isinstance(refusal, TooLarge):
            return self.failure(identity, _failures.too_large(refusal.size, refusal.limit))
        return self.failure(identity, _failures.not_serializable(refusal))

    def run(self, target: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, BaseException | None]:
        """Call user code; what it returned, or what it raised.

        SIGINT may raise Cancelled between any two instructions while ``active`` is set. In this function it does so
        at most once per call (see RunningCall.interrupt): the outer ``try`` is for the one that comes just when the
        inner one has caught something else.
        """
        try:
            try:
                running.active = True
                function = self.targets.get(target)
                if function is None:
                    function = self.targets[target] = resolve(target)
                value = function(*args, **kwargs)
                if type(value) is CoroutineType:
                    value = self.run_task(value)
                running.active = False
            except BaseException as error:
                running.active = False
                return None, error
        except Cancelled as error:
            running.active = False
            return None, error
        return value, None

    def run_task(self, coroutine: Any) -> Any:
        """Run what an async function gave on the worker's event loop."""
        if self.tasks is None:
            try:
                from gorgon._tasks import Tasks

                self.tasks = Tasks()
            except BaseException:
                coroutine.close()
                raise
        return self.tasks.run(coroutine)

    def run_coroutine(self, make: Callable[[], Any]) -> tuple[Any, BaseException | None]:
        """Run a coroutine of the bridge's own, with user code in it; what it returned, or what it raised."""
        return guarded(lambda: self.run_task(make()))

    def explain(
        self, sequence: int, target: str, args: list[Any], kwargs: dict[str, Any], error: BaseException
    ) -> bytes:
        """The frame for a call that raised."""
        if isinstance(error, Cancelled) and (running.struck or self.page.is_cancelled(sequence)):
            return self.failure(sequence, _failures.cancelled(True))
        if isinstance(error, UnknownTarget):
            return self.failure(sequence, _failures.unknown_target(error))
        if isinstance(error, _streams.NotAStream):
            return self.failure(sequence, _streams.not_a_stream(error))
        if isinstance(error, (NotSerializable, TooLarge)):
            return self.refuse(sequence, error)
        # A TypeError that was raised in our own frame: maybe the call never got into the function.
        trace = error.__traceback__
        if type(error) is TypeError and trace is not None and trace.tb_next is None and target in self.targets:
            body = _failures.bad_arguments(target, self.targets[target], args, kwargs)
            if body is not None:
                return self.failure(sequence, body)
        reply = self.failure(sequence, _failures.raised(error))
        if len(reply) - 4 > self.link.limit:
            reply = self.failure(sequence, _failures.brief(error))
        return reply

    def failure(self, sequence: int, body: Body) -> bytes:
        """The bytes of a failure frame."""
        return _wire.encode(_wire.FAILURE, sequence, text(body))

    def end_if_forked(self, error: BaseException | None) -> None:
        """In a child that user code forked, and that came back, end the process."""
        if self.forked:
            end_fork(error)

    def leave(self) -> None:
        """In a child that user code forked: let go of everything that ties it to the JVM."""
        running.page = running.call = None  # first: from here on no signal can strike
        self.forked = True
        self.logs.silent = True
        self.link.abandon()
        self.page.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def close(self) -> None:
        """The worker's end of the conversation; the interpreter may take its time to exit."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        running.page = None
        self.logs.silent = True
        self.link.socket.close()


def main(spec: Spec) -> int:
    """Be a worker; the exit code. The default entry."""
    if (spec.get("concurrency") or 1) == 1:
        return live(spec, Worker)
    from gorgon._concurrent import ConcurrentWorker

    return live(spec, ConcurrentWorker)


def live(spec: Spec, make: Callable[[Spec], Worker]) -> int:
    """The life of a worker that ``make`` makes."""
    try:
        worker = make(spec)
    except (OSError, ValueError) as error:
        print(f"gorgon: cannot connect to {spec['socket']} and {spec['page']}: {error}", file=sys.stderr)
        return EXIT_CONNECT
    try:
        try:
            worker.start()
        except StartFailure as failure:
            worker.send(worker.link.pack(_wire.START_FAILED, 0, failure.args[0]))
            return EXIT_START
        worker.serve()
        return EXIT_OK
    except ProtocolError as error:
        print(f"gorgon: not a frame of protocol {PROTOCOL}: {error}", file=sys.stderr)
        return EXIT_PROTOCOL
    except ConnectionError:
        return EXIT_OK  # the JVM closed, with something of ours unread
    finally:
        worker.close()


def _import(module: str) -> BaseException | None:
    """Import a module; what that raised."""
    try:
        importlib.import_module(module)
    except BaseException as error:  # SystemExit too
        return error
    return None

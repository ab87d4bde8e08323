"""The worker: reads calls off its socket, runs them one by one, writes what came out.

One thread, and it is the user's: a call costs one read and one write. User code may print, exit, fork, raise
whatever it likes; only the process's own death ends the loop before the JVM does.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

from gorgon import _failures, _limits, _wire
from gorgon._arrays import Unreceivable
from gorgon._failures import Body
from gorgon._running import Cancelled, running
from gorgon._status import StatusPage
from gorgon._targets import UnknownTarget, resolve
from gorgon._values import NotSerializable, decode, decode_plain, encode, text
from gorgon._wire import FrameReader, ProtocolError

PROTOCOL = 1
EXIT_OK = 0
EXIT_PROTOCOL = 70
EXIT_START = 71
EXIT_CONNECT = 72
EXIT_ORPHAN = 73

_SOCKET_BUFFER = 1 << 20  # bytes; the system may grant less

Spec = dict[str, Any]


class StartFailure(Exception):
    """The worker cannot become ready; its argument is the body of the frame that says so."""


class Worker:
    """One process, one connection. The methods are seams for fault injection, too."""

    def __init__(self, spec: Spec) -> None:
        """Connect and map the page. Raises OSError or ValueError."""
        self.spec = spec
        self.limit: int = spec.get("frame_limit") or _wire.DEFAULT_LIMIT
        self.page = StatusPage(spec["page"])
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self.connection.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        self.connection.connect(spec["socket"])
        self.reader = FrameReader(self.connection, self.limit)
        self.targets: dict[str, Callable[..., Any]] = {}
        self.forked = False
        running.page = self.page
        running.shell = Worker.run.__code__
        signal.signal(signal.SIGINT, running.interrupt)
        os.register_at_fork(before=_flush, after_in_child=self.leave)

    def start(self) -> None:
        """Present the token, take on the settings, import the modules. Raises StartFailure."""
        self.send(_wire.encode(_wire.HELLO, 0, text(self.hello())))
        try:
            if self.spec.get("directory"):
                os.chdir(self.spec["directory"])
            _limits.apply(self.spec.get("limits") or {})
        except (OSError, ValueError) as error:
            raise StartFailure({"kind": "ENVIRONMENT", "message": str(error)}) from error
        for setting, module in self.modules():
            self.send(_wire.encode(_wire.IMPORTING, 0, text({"module": module})))
            trouble = _import(module)
            if self.forked:
                _end_fork(trouble)
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
        }

    def ready(self) -> None:
        """Tell the JVM that calls may come."""
        self.send(_wire.encode(_wire.READY, 0, b"{}"))

    def serve(self) -> None:
        """Answer until the JVM says shutdown or closes. Raises ProtocolError for garbage."""
        read, send, answer = self.reader.read, self.send, self.answer
        while True:
            frame = read()
            if frame is None:
                return
            if frame.kind == _wire.REQUEST:
                reply = answer(frame)
                send(reply)
                del frame, reply  # while we wait, the memory of big calls is not kept
            elif frame.kind == _wire.PING:
                send(_wire.encode(_wire.PONG, frame.id))
            elif frame.kind == _wire.SHUTDOWN:
                return
            else:
                raise ProtocolError("kind", f"{frame.kind} is for the JVM to read, not for a worker")

    def send(self, frame: _wire.Written) -> None:
        """Write one frame."""
        if isinstance(frame, bytes):
            self.connection.sendall(frame)
        else:
            _wire.send_pieces(self.connection, frame)

    def answer(self, frame: _wire.Frame) -> _wire.Written:
        """Run the call that a request asks for; the frame that answers it."""
        sequence = frame.id
        try:
            target, args, kwargs, call = _parse(frame)
        except Unreceivable as error:
            return self.failure(sequence, _failures.unreceivable(str(error)))
        except (ValueError, RecursionError) as error:
            return self.failure(sequence, _failures.protocol(str(error)))
        running.sequence = sequence
        running.call = call
        running.struck = False
        if not self.page.start(sequence):
            return self.failure(sequence, _failures.cancelled(False))
        value, trouble = self.run(target, args, kwargs)
        if self.forked:
            _end_fork(trouble)
        _flush()
        if trouble is not None:
            return self.explain(sequence, target, args, kwargs, trouble)
        try:
            codec, body, attachments = encode(value)
        except NotSerializable as refusal:
            return self.failure(sequence, _failures.not_serializable(refusal))
        size = _wire.size_of(body, attachments) if attachments else _wire.COUNTED + len(body)
        if size > self.limit:
            return self.failure(sequence, _failures.too_large(size, self.limit))
        return _wire.encode_value(_wire.RESULT, sequence, codec, body, attachments)

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
                running.active = False
            except BaseException as error:
                running.active = False
                return None, error
        except Cancelled as error:
            running.active = False
            return None, error
        return value, None

    def explain(
        self, sequence: int, target: str, args: list[Any], kwargs: dict[str, Any], error: BaseException
    ) -> bytes:
        """The frame for a call that raised."""
        if isinstance(error, Cancelled) and (running.struck or self.page.is_cancelled(sequence)):
            return self.failure(sequence, _failures.cancelled(True))
        if isinstance(error, UnknownTarget):
            return self.failure(sequence, _failures.unknown_target(error))
        # A TypeError that was raised in our own frame: maybe the call never got into the function.
        trace = error.__traceback__
        if type(error) is TypeError and trace is not None and trace.tb_next is None and target in self.targets:
            body = _failures.bad_arguments(target, self.targets[target], args, kwargs)
            if body is not None:
                return self.failure(sequence, body)
        reply = self.failure(sequence, _failures.raised(error))
        if len(reply) - 4 > self.limit:
            reply = self.failure(sequence, _failures.brief(error))
        return reply

    def failure(self, sequence: int, body: Body) -> bytes:
        """The bytes of a failure frame."""
        return _wire.encode(_wire.FAILURE, sequence, text(body))

    def leave(self) -> None:
        """In a child that user code forked: let go of everything that ties it to the JVM."""
        running.page = None  # first: from here on no signal can strike
        self.forked = True
        self.connection.close()
        self.page.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def close(self) -> None:
        """The worker's end of the conversation; the interpreter may take its time to exit."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        running.page = None
        self.connection.close()


def main(spec: Spec) -> int:
    """Be a worker; the exit code. The default entry."""
    return live(spec, Worker)


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
            worker.send(_wire.encode(_wire.START_FAILED, 0, text(failure.args[0])))
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


def _parse(frame: _wire.Frame) -> tuple[str, list[Any], dict[str, Any], str | None]:
    """Target, arguments, keyword arguments and call id of a request. Raises ValueError."""
    request = decode(frame.codec, frame.body, frame.attachments) if frame.tagged else decode_plain(frame.body)
    if type(request) is not dict:
        raise ValueError("the request is no JSON object")
    target = request.get("target")
    args = request.get("args")
    kwargs = request.get("kwargs")
    call = request.get("call")
    if type(target) is not str:
        raise ValueError("the request's target is no string")
    if args is None:
        args = []
    elif type(args) is not list:
        raise ValueError("the request's args are no list")
    if kwargs is None:
        kwargs = {}
    elif type(kwargs) is not dict:
        raise ValueError("the request's kwargs are no object")
    if call is not None and type(call) is not str:
        raise ValueError("the request's call is no string")
    return target, args, kwargs, call


def _flush() -> None:
    """Send partial lines on their way: before an answer, to come first, and before a fork, to come once."""
    try:
        sys.__stdout__.flush()  # type: ignore[union-attr]
        sys.__stderr__.flush()  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError):
        pass  # user code closed or removed them


def _end_fork(error: BaseException | None) -> None:
    """End a child that user code forked and that came back into the bridge: it has no business here."""
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    _flush()
    os._exit(code & 0xFF)

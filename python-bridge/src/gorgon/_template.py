"""The template: imports once what the workers of a pool have in common, and is then forked for each of them.

It runs user code, the imports, and so the keeper kills it whenever it likes and believes little of what it says. A
worker is forked by a process in between, which stays until the keeper knows the worker's id. Only then it ends, and
the worker becomes the keeper's child: the keeper cannot reap what it does not know, however early that dies.
"""

from __future__ import annotations

import array
import gc
import json
import os
import socket
import sys
import time
import traceback
from typing import Any, NoReturn

from gorgon import _birth, _failures, _proctable, _worker
from gorgon._forks import end_fork, flush
from gorgon._prctl import rename
from gorgon._worker import EXIT_ORPHAN, Spec

ORDER = b"o"  # from the keeper, with three descriptors: spec, stdout, stderr
GO = b"g"  # from the keeper: it knows the worker
_LONGEST = 1 << 19  # bytes of a message; the keeper takes twice as much
_LOOKS = 50  # at the threads, a millisecond apart: one that was just joined may still be seen


def run(newborn: _birth.Newborn) -> Spec:
    """Be a template until the keeper is gone. Returns in each worker that is forked from it, with the worker's spec."""
    assert newborn.channel is not None  # noqa: S101 - for the type checker
    spec: Spec | None = _birth.settle(newborn)
    assert spec is not None  # noqa: S101 - likewise
    if not _birth.belong(spec):
        os._exit(EXIT_ORPHAN)
    _birth.furnish(spec)
    template = Template(spec, newborn.channel)
    try:
        spec = template.serve() if template.prepare() else None
    except BaseException:
        traceback.print_exc()
        os._exit(_worker.EXIT_START)
    if spec is None:
        flush()
        os._exit(0)  # without what user code wants done at the end: that is for the workers
    return spec


class Template:
    """The one process. Its messages are JSON lines, written by it or, for it, by the process in between."""

    def __init__(self, spec: Spec, channel: int) -> None:
        self.pid = os.getpid()
        self._spec = spec
        self._channel = socket.socket(fileno=channel)
        self._orders = 0

    def prepare(self) -> bool:
        """Import everything. False: that did not make a template, and the keeper knows why."""
        began = time.monotonic()
        try:
            if self._spec.get("directory"):
                os.chdir(self._spec["directory"])
        except OSError as error:
            self._say("failed", failure={"kind": "ENVIRONMENT", "message": str(error)})
            return False
        guilty = []
        for module in self._spec["preload"]:
            before = _proctable.threads()
            trouble = _worker._import(module)
            if os.getpid() != self.pid:
                end_fork(trouble)  # a child that the module forked, and that came back here
            if trouble is not None:
                self._fail(module, trouble)
                return False
            if _proctable.threads() > before:
                guilty.append(module)
        flush()
        count = _threads()
        if count > 1:
            self._say("refused", threads=count, modules=guilty)
            return False
        gc.collect()
        gc.freeze()  # no collection of a worker's shall touch, and so copy, the pages that all share
        self._say("ready", milliseconds=round((time.monotonic() - began) * 1000))
        return True

    def serve(self) -> Spec | None:
        """Fork a worker for each order; None when the keeper is gone. Returns in the worker, too."""
        while True:
            message, descriptors = self._receive()
            if not message:
                return None
            if message == ORDER:  # else it is for a process in between that has died
                self._orders += 1
                spec = self._fork(*descriptors)
                if spec is not None:
                    return spec

    def _receive(self) -> tuple[bytes, list[int]]:
        space = socket.CMSG_LEN(3 * array.array("i").itemsize)
        message, ancillary, _, _ = self._channel.recvmsg(1, space)
        descriptors = array.array("i")
        for _, _, content in ancillary:
            descriptors.frombytes(content)
        return message, list(descriptors)

    def _fork(self, order: int, stdout: int, stderr: int) -> Spec | None:
        gate, latch = os.pipe()
        flush()
        try:
            middle = os.fork()
            if middle == 0:
                middle = os.getpid()
                worker = os.fork()
                if worker != 0:
                    self._hand_over(worker, latch)
                os.close(latch)
                return self._begin(middle, gate, order, stdout, stderr)
            _, status = os.waitpid(middle, 0)
            if status != 0:
                self._say("unborn", order=self._orders, message="the process between template and worker died")
        except OSError as error:
            if os.getpid() != self.pid:
                os._exit(1)
            self._say("unborn", order=self._orders, message=f"{type(error).__name__}: {error}")
        finally:
            if os.getpid() == self.pid:
                for descriptor in (gate, latch, order, stdout, stderr):
                    os.close(descriptor)
        return None

    def _hand_over(self, worker: int, latch: int) -> NoReturn:
        """In the process in between: have the keeper know the worker, and end, which makes it the keeper's child."""
        code = 1
        try:
            os.setpgid(worker, worker)
            self._say("born", order=self._orders, pid=worker)
            if self._channel.recv(1) == GO:
                os.write(latch, GO)
                code = 0
        finally:
            os._exit(code)

    def _begin(self, middle: int, gate: int, order: int, stdout: int, stderr: int) -> Spec:
        """In the worker: wait until it is the keeper's child, then let go of the template."""
        with open(order, "rb") as file:
            spec: Spec = json.loads(file.read())
        rename(_birth.process_name(spec))
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        for descriptor in (stdout, stderr):
            os.close(descriptor)
        self._channel.close()
        if os.read(gate, 1) != GO:
            os._exit(EXIT_ORPHAN)
        os.close(gate)
        while os.getppid() == middle:  # which is about to end
            time.sleep(0.0001)
        os.environ["GORGON_WORKER"] = _birth.label(spec)
        _reseed()
        spec["preloaded"] = True
        return spec

    def _fail(self, module: str, trouble: BaseException) -> None:
        failure = {"kind": "IMPORT", "setting": "preload", "module": module}
        if not self._say("failed", failure={**failure, "failure": _failures.raised(trouble)}):
            self._say("failed", failure={**failure, "failure": _failures.brief(trouble)})

    def _say(self, what: str, **fields: Any) -> bool:
        line = json.dumps({"op": what, **fields}).encode() + b"\n"
        if len(line) > _LONGEST:
            return False
        self._channel.sendall(line)
        return True


def _threads() -> int:
    for _ in range(_LOOKS):
        if _proctable.threads() == 1:
            return 1
        time.sleep(0.001)
    return _proctable.threads()


def _reseed() -> None:
    """Give this worker random numbers of its own. Python's `random` sees to itself after a fork."""
    numbers = sys.modules.get("numpy.random")
    if numbers is not None:
        try:
            numbers.seed()
        except Exception:
            traceback.print_exc()  # a generator of the user's that cannot be seeded so: let him know

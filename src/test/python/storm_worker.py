"""A worker that goes wrong when it is told to: entry ``storm_worker:main``.

A call of `journaled` whose nonce has ``fault:NAME`` in it meets that fault at that point of the protocol, once.
``kill`` is SIGKILL and ``stop`` is SIGSTOP, at ``after-header`` (nothing has started), ``before-reply``, ``mid-reply``
or ``after-reply``.
``garbage-reply``, ``flag-flip``, ``unknown-kind`` and ``oversize-reply`` are replies that are no frames.
"""

from __future__ import annotations

import os
import re
import signal

from faulty_worker import FaultyWorker
from gorgon import _wire
from gorgon._worker import Spec, live

_ASKED_FOR = re.compile(rb'"([^"]+)", ?"([0-9]+)", ?"[^"]*fault:([a-z-]+)"')
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def main(spec: Spec) -> int:
    """Be such a worker."""
    return live(spec, StormWorker)


class StormWorker(FaultyWorker):
    """A faulty worker whose fault comes with the request."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, {})
        self.fault = ""

    def answer(self, frame: _wire.Frame) -> _wire.Written:
        self.fault = _fault(bytes(frame.body))
        self.faults = {self.fault: ""} if self.fault else {}
        self.requests = 0 if self.fault else 1  # so that it is this request's, or nobody's
        self.strike("after-header")
        reply = super().answer(frame)
        self.strike("before-reply")
        return reply

    def send(self, frame: _wire.Written) -> None:
        if self.fault.endswith("mid-reply"):
            whole = b"".join(frame) if isinstance(frame, list) else frame
            super().send(whole[: len(whole) // 2])
            self.strike("mid-reply")
            frame = whole[len(whole) // 2 :]
        super().send(frame)
        self.strike("after-reply")

    def strike(self, point: str) -> None:
        """Do what is asked for at this point."""
        name, _, where = self.fault.partition("-")
        if where == point and name in _SIGNALS:
            os.kill(os.getpid(), _SIGNALS[name])


def _fault(body: bytes) -> str:
    """What this request asks for; nothing when it comes again, for one that never started does."""
    found = _ASKED_FOR.search(body)
    if found is None:
        return ""
    journal, call, name = (group.decode() for group in found.groups())
    try:
        os.close(os.open(f"{journal}-{call}", os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return ""
    return name

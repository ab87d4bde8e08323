"""The worker of the test kit: the real bridge, with the faults that a scenario asks for while it runs.

Entry ``gorgon_testkit:main``. The environment variable GORGON_TESTKIT names a directory that the kit and its workers
share. Each fault is a file in it, and strikes the worker that manages to remove that file, so it strikes once:

    start-N         the next worker that starts: ``slow-start=MS``, ``boot-exit=CODE``, ``boot-hang``, ``boot-kill``,
                    ``after-hello-kill``
    target-HEX-N    the worker that reads the next call of that target: the same as for
    call-TRACE      the worker that reads the call with that trace: what `faulty_worker` knows for a request, and

                    kill-before-start, kill-running, kill-before-answer, kill-after-patch, kill-after-answer
                                        killed by SIGKILL at that point
                    stop                stopped by SIGSTOP when the function starts
                    hang-python, hang-c hangs instead of running the function
                    flood=MB, grow=MB   writes to stderr, or takes and keeps memory, before the function
                    stubborn-hang       ignores SIGTERM and interrupts, and hangs

In ``journal`` each worker notes what it starts and answers for the calls that have a trace of the kit's: ``started
TRACE WORKER`` and ``answered TRACE CRC32`` of the body. The functions at the end are for scenarios to call.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import sys
import time
from binascii import crc32
from pathlib import Path
from typing import Any

import gorgon
from faulty_worker import FaultyWorker, hang_for_ever, kind_of
from gorgon import _wire
from gorgon._worker import Spec, live
from gorgon._worker import main as sound_main

_TARGET = re.compile(rb'\{"target":\s*"([^"\\]+)"')
_TRACE = re.compile(rb'"trace":\s*"(00-676f72676f6e[0-9a-f]{20}-[0-9a-f]{16}-01)"')
_ATTACHMENTS = slice(10, 12)  # of a frame: how many attachments it has
_ANSWERS = (_wire.RESULT, _wire.FAILURE, _wire.END)
_BODY_SIZE = slice(20, 24)  # of a frame: the size of its body
_kept: list[bytearray] = []


def main(spec: Spec) -> int:
    """Be a worker that looks for faults in the kit's directory."""
    home = os.environ.get("GORGON_TESTKIT")
    if home is None or (spec.get("concurrency") or 1) != 1:
        return sound_main(spec)
    faults = _first(Path(home), "start-*")
    if "boot-kill" in faults:
        _kill_self()
    if "boot-exit" in faults:
        os._exit(int(faults["boot-exit"]))
    if "boot-hang" in faults:
        hang_for_ever()
    if "slow-start" in faults:
        time.sleep(int(faults["slow-start"]) / 1000)
    return live(spec, lambda given: PlannedWorker(given, Path(home), faults))


class PlannedWorker(FaultyWorker):
    """The faulty worker, with other faults for each call."""

    def __init__(self, spec: Spec, home: Path, faults: dict[str, str]) -> None:
        super().__init__(spec, faults)
        self.home = home
        self.trace: str | None = None

    def ready(self) -> None:
        if "after-hello-kill" in self.faults:
            _kill_self()
        super().ready()

    def answer(self, frame: _wire.Frame) -> _wire.Written:
        body = bytes(frame.body)
        traces = _TRACE.findall(body)
        self.trace = traces[-1].decode() if traces else None
        target = _TARGET.match(body)
        self.faults = (_claim(self.home / f"call-{self.trace}") if self.trace else {}) or (
            _first(self.home, f"target-{target[1].hex()}-*") if target else {}
        )
        if "kill-before-start" in self.faults:
            _kill_self()
        if "stubborn-hang" in self.faults:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return super().answer(frame)

    def run(self, target: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, BaseException | None]:
        self.note("started", gorgon.worker())
        faults = self.faults
        if "kill-running" in faults:
            _kill_self()
        if "stop" in faults:
            print("gorgon_testkit: stops", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        if "hang-c" in faults:
            return super().run("gorgon_testkit:hang_in_c", [], {})
        if "hang-python" in faults or "stubborn-hang" in faults:
            return super().run("gorgon_testkit:hang", [], {})
        if "flood" in faults:
            _flood(int(faults["flood"]))
        if "grow" in faults:
            _kept.append(bytearray(b"x") * (int(faults["grow"]) << 20))
        value, trouble = super().run(target, args, kwargs)
        if "kill-before-answer" in faults:
            _kill_self()
        return value, trouble

    def send(self, frame: _wire.Written) -> None:
        if self.now and "kill-after-patch" in self.faults and kind_of(frame) in _ANSWERS:
            _kill_self()
        if self.trace is not None and isinstance(frame, bytes) and kind_of(frame) in _ANSWERS:
            if not any(frame[_ATTACHMENTS]):
                size = int.from_bytes(frame[_BODY_SIZE], "big")
                self.note("answered", crc32(frame[_wire.PREFIX_SIZE : _wire.PREFIX_SIZE + size]))
            self.trace = None
        super().send(frame)
        if self.now and "kill-after-answer" in self.faults and kind_of(frame) in _ANSWERS:
            _kill_self()

    def _count(self, frame: _wire.Frame) -> bool:
        del frame  # its trace has said it
        return bool(self.faults)

    def note(self, what: str, value: Any) -> None:
        """Write a line into the journal, at once: lines of different processes do not mix."""
        if self.trace is None:
            return
        descriptor = os.open(self.home / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{what} {self.trace} {value}\n".encode())
        finally:
            os.close(descriptor)


def _first(home: Path, pattern: str) -> dict[str, str]:
    for plan in sorted(home.glob(pattern)):
        faults = _claim(plan)
        if faults:
            return faults
    return {}


def _claim(plan: Path) -> dict[str, str]:
    """The faults that a file names, if it is this process that removes it."""
    try:
        text = plan.read_text()
        plan.unlink()
    except FileNotFoundError:
        return {}
    names = (part.partition("=") for part in text.split(",") if part)
    return {name.strip(): value.strip() for name, _, value in names}


def _kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    hang_for_ever()


def _flood(megabytes: int) -> None:
    line = "x" * 99 + "\n"
    for _ in range(megabytes * 10_000):
        sys.stderr.write(line)


def echo(value: Any = None) -> Any:
    """Give back what it got."""
    return value


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def add(name: str, amount: int = 1) -> int:
    """Add to a number in the state of the call's session, and give what it is then."""
    state = gorgon.session.state
    state[name] = state.get(name, 0) + amount
    return int(state[name])


def add_each(name: str, amounts: list[int]) -> int:
    """The same for each of them, with a checkpoint behind each."""
    for amount in amounts:
        add(name, amount)
        gorgon.session.checkpoint()
    return int(gorgon.session.state.get(name, 0))


def hang() -> None:
    """Never come back, in Python; a cancel ends it."""
    print("gorgon_testkit: hangs", file=sys.stderr, flush=True)
    while True:
        time.sleep(3600)


def hang_in_c() -> None:
    """Never come back from C code that holds the interpreter lock and looks at no signals."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # none may come just before
    print("gorgon_testkit: hangs in C", file=sys.stderr, flush=True)
    all(itertools.repeat(True))

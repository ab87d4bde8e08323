"""Cancellation: it hits the call that was meant, and nothing else."""

from __future__ import annotations

import os
import random
import signal
import struct
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import gorgon
from gorgon import _running, _wire
from gorgon._call import Call
from gorgon._inbox import Inbox
from gorgon._running import guarded, running
from gorgon._status import SIZE, StatusPage
from gorgon._worker import Worker
from jvm import Jvm, Link

CANCELLED = (_wire.FAILURE, {"kind": "cancelled", "started": True})


def test_outside_a_worker_nothing_is_cancelled() -> None:
    assert gorgon.cancelled() is False
    assert gorgon.call_id() is gorgon.worker() is None


def test_a_call_that_is_cancelled_before_its_start_does_not_run(worker: Link, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    worker.mark_cancelled(1)
    failure = worker.fail("journal", str(path), "a", "b")
    assert failure == {"kind": "cancelled", "started": False}
    assert not path.exists()
    assert worker.call("echo", 1) == 1


def test_user_code_sees_the_flag(worker: Link) -> None:
    worker.begin("builtins:eval", "[print('runs'), __import__('targets').cancellable(30)]")
    worker.output(worker.stdout, "runs\n")
    worker.mark_cancelled(worker.sequence)
    assert worker.outcome() == (_wire.RESULT, [None, "cancelled"])
    assert worker.call("cancellable", 0.001) == "finished"


def interrupt(worker: Link) -> None:
    """Cancel the call that runs, for sure."""
    worker.output(worker.stdout, "runs\n")
    worker.mark_cancelled(worker.sequence)
    worker.signal("INT")


@pytest.mark.parametrize("method", ["fork", "fresh"])
def test_an_interrupt_hits_the_cancelled_call(jvm: Jvm, method: str) -> None:
    worker = jvm.start(method=method)
    worker.begin("builtins:exec", "print('runs'); import time; time.sleep(30)")
    interrupt(worker)
    assert worker.outcome() == CANCELLED
    assert worker.call("echo", 1) == 1


def test_an_interrupt_reaches_asyncio(worker: Link) -> None:
    worker.begin("builtins:exec", "import asyncio; print('runs'); asyncio.run(asyncio.sleep(30))")
    interrupt(worker)
    assert worker.outcome() == CANCELLED


def test_an_interrupt_reaches_an_import(jvm: Jvm, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("print('runs')\nimport time\ntime.sleep(30)\n")
    worker = jvm.start(path=[str(tmp_path)])
    for _ in range(2):  # what was cancelled halfway is imported anew
        worker.begin("slow:f")
        interrupt(worker)
        assert worker.outcome() == CANCELLED


def test_a_cancelled_call_may_clean_up_and_say_what_it_likes(worker: Link) -> None:
    code = "import gorgon, time\ntry: print('runs'); time.sleep(30)\nexcept gorgon.Cancelled: {}"
    worker.begin("builtins:exec", code.format("pass"))
    interrupt(worker)
    assert worker.outcome() == (_wire.RESULT, None)
    worker.begin("builtins:exec", code.format("raise ValueError('instead')"))
    interrupt(worker)
    kind, body = worker.outcome()
    assert (kind, body["type"]) == (_wire.FAILURE, "ValueError")
    assert body["context"]["type"] == "Cancelled"
    assert body["context"]["module"] == "gorgon"


def test_each_further_interrupt_strikes_code_that_swallowed_one(worker: Link) -> None:
    code = (
        "import gorgon, time\nfor n in range(3):\n"
        " try: print('runs'); time.sleep(30)\n except gorgon.Cancelled: print(n)\n"
    )
    worker.begin("builtins:exec", code)
    for _ in range(3):
        interrupt(worker)
    assert worker.outcome() == (_wire.RESULT, None)


def test_a_signal_without_a_mark_hits_nobody(worker: Link) -> None:
    worker.begin("builtins:exec", "print('runs'); import time; time.sleep(0.05)")
    worker.output(worker.stdout, "runs\n")
    worker.mark_cancelled(worker.sequence + 256)  # the same word of the page, another call
    worker.signal("INT")
    assert worker.outcome() == (_wire.RESULT, None)


def test_an_idle_worker_is_not_interrupted(worker: Link) -> None:
    worker.call("echo", 1)
    worker.mark_cancelled(worker.sequence)
    for _ in range(5):
        worker.signal("INT")
    assert worker.call("echo", 2) == 2


def test_children_of_user_code_have_the_usual_interrupt(worker: Link) -> None:
    code = (
        "import os, signal, time\nr, w = os.pipe()\npid = os.fork()\n"
        "if pid == 0:\n"
        # Short sleeps: a signal that comes just before a system call does not end it, in any Python.
        " try:\n"
        "  os.write(w, b'x')\n"
        "  for _ in range(3000): time.sleep(0.01)\n"
        " except KeyboardInterrupt: os._exit(42)\n"
        "os.read(r, 1); os.kill(pid, signal.SIGINT)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42"
    )
    assert worker.call("builtins:exec", code) is None


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_of_signals_breaks_nothing(worker: Link, seed: int) -> None:
    """Signals without a pause, while calls of all sorts run and some of them are cancelled."""
    dice = random.Random(seed)
    numbers = list(range(2000))
    sorts: list[tuple[str, list[Any], Any]] = [
        ("echo", [1], (_wire.RESULT, 1)),
        ("echo", [numbers], (_wire.RESULT, numbers)),
        ("time:sleep", [0.0005], (_wire.RESULT, None)),
        ("raise_error", ["ValueError", "x"], None),
        ("swallow_interrupts", [0.0005], None),
        ("spin", [0.0005], None),
    ]
    over = threading.Event()

    def storm() -> None:
        # In bursts, with breaths between: an unbroken flood keeps the process in the kernel, and nothing runs at all.
        while not over.wait(0.0001):
            for _ in range(10):
                os.kill(worker.pid, signal.SIGINT)

    thread = threading.Thread(target=storm)
    thread.start()
    cancelled = 0
    try:
        for _ in range(1500):
            target, args, expected = dice.choice(sorts)
            doomed = dice.random() < 0.5
            early = doomed and dice.random() < 0.5
            request = worker.request(target, *args)
            if early:
                worker.mark_cancelled(worker.sequence)
            worker.send(request)
            if doomed and not early:
                worker.mark_cancelled(worker.sequence)
            kind, body = worker.outcome()
            if kind == _wire.FAILURE and body["kind"] == "cancelled":
                assert doomed
                cancelled += 1
            elif expected is not None:
                assert (kind, body) == expected
            elif target == "raise_error":
                assert body["message"] == "x"
    finally:
        over.set()
        thread.join()
    assert cancelled > 100
    assert worker.call("echo", "alive") == "alive"


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    """A worker without a connection, to call user code in this process; its call 1 is cancelled."""
    path = tmp_path / "page"
    words = [0] * (SIZE // 8)
    words[64 + 1] = 1
    path.write_bytes(struct.pack(f"={len(words)}Q", *words))
    worker = object.__new__(Worker)
    worker.targets = {}
    worker.page = running.page = StatusPage(str(path))
    running.call = Call(1, Inbox(None))  # type: ignore[arg-type]
    running.shells = (Worker.run.__code__, guarded.__code__)
    yield worker
    running.page = running.call = None
    running.active = running.struck = False
    worker.page.close()


def traced(trace: Any, shell: Worker, target: str) -> BaseException | None:
    """What a traced run raised; in a thread of its own, since a trace that raises confuses its thread for good."""
    errors = []

    def run() -> None:
        sys.settrace(trace)
        try:
            errors.append(shell.run(target, [1, 2] if target == "targets:add" else [], {})[1])
        finally:
            sys.settrace(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(errors) == 1, "it got out"
    return errors[0]


@pytest.mark.parametrize("target", ["targets:add", "targets:raise_chained", "builtins:len", "no_such_module:f"])
@pytest.mark.parametrize("repeats", [1, 3])
def test_a_strike_between_any_two_instructions_stays_inside(shell: Worker, target: str, repeats: int) -> None:
    """The signal comes at each instruction of the bridge's own frame in turn, or at that one and all later ones."""
    outcomes = set()
    instruction = 0
    while True:
        instruction += 1
        seen, hits = 0, 0

        def trace(frame: FrameType, event: str, _: Any, instruction: int = instruction) -> Any:
            nonlocal seen, hits
            if frame.f_code not in running.shells:
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                seen += 1
                if instruction <= seen < instruction + repeats:
                    hits += 1
                    running.interrupt(signal.SIGINT, frame)
            return trace

        running.struck = False
        error = traced(trace, shell, target)
        assert not running.active
        assert running.struck == isinstance(error, gorgon.Cancelled)
        outcomes.add(type(error).__name__)
        if not hits:
            break
    assert instruction > 20
    assert "Cancelled" in outcomes
    assert len(outcomes) == 2


def test_a_signal_inside_the_handler_counts_as_one_in_the_frame_below(shell: Worker) -> None:
    def run_frame() -> None:
        running.interrupt(signal.SIGINT, sys._getframe())

    running.shells = (run_frame.__code__,)
    running.active = True
    running.struck = True
    run_frame()  # in the bridge's frame the second one is ignored
    handler = _running.RunningCall.interrupt.__code__
    assert handler in _running._HANDLER
    running.struck = False
    with pytest.raises(gorgon.Cancelled):
        run_frame()
    assert running.struck

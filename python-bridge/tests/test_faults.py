"""The faulty worker is faulty in exactly the way that its flag says."""

from __future__ import annotations

import json
import os
import select
import signal
from pathlib import Path

import pytest

from gorgon import _wire
from gorgon._wire import ProtocolError
from jvm import Jvm, Link


def faulty(jvm: Jvm, fault: str, slot: int = 0, **environment: str) -> Link:
    """A worker with a fault, just spawned."""
    return jvm.spawn(slot=slot, entry="faulty_worker:main", environment={"GORGON_FAULT": fault, **environment})


def ready(jvm: Jvm, fault: str) -> Link:
    """A worker with a fault that is ready."""
    worker = faulty(jvm, fault)
    worker.accept()
    worker.read(_wire.HELLO)
    worker.read(_wire.READY)
    return worker


def silent(worker: Link, seconds: float = 0.1) -> bool:
    """Whether a worker says nothing for a while."""
    assert worker.connection is not None
    return not select.select([worker.connection], [], [], seconds)[0]


def test_without_a_fault_it_is_a_worker(jvm: Jvm) -> None:
    assert ready(jvm, "").call("echo", 1) == 1


def test_dies_or_hangs_at_boot(jvm: Jvm) -> None:
    assert faulty(jvm, "boot-exit=7").exit() == (7, None)
    hangs = faulty(jvm, "boot-hang", slot=1)
    assert not select.select([jvm.server], [], [], 0.1)[0]
    hangs.signal("KILL")
    assert hangs.exit() == (None, signal.SIGKILL)


def test_starts_slowly(jvm: Jvm) -> None:
    worker = faulty(jvm, "slow-start=100")
    assert not select.select([jvm.server], [], [], 0.05)[0]
    worker.accept()
    worker.read(_wire.HELLO)


@pytest.mark.parametrize(
    ("fault", "token", "protocol"),
    [("wrong-token", "not-token-0.1", 1), ("wrong-protocol", "token-0.1", 999)],
)
def test_says_hello_badly(jvm: Jvm, fault: str, token: str, protocol: int) -> None:
    worker = faulty(jvm, fault)
    worker.accept()
    hello = json.loads(worker.read(_wire.HELLO).body)
    assert (hello["token"], hello["protocol"]) == (token, protocol)


def test_says_garbage_for_hello(jvm: Jvm) -> None:
    worker = faulty(jvm, "garbage-hello")
    worker.accept()
    with pytest.raises(ProtocolError, match="magic"):
        worker.read()


def test_gets_no_further_than_hello(jvm: Jvm) -> None:
    worker = faulty(jvm, "after-hello-exit=8")
    worker.accept()
    worker.read(_wire.HELLO)
    assert worker.exit() == (8, None)
    worker = faulty(jvm, "ready-never", slot=1)
    worker.accept()
    worker.read(_wire.HELLO)
    assert silent(worker)


@pytest.mark.parametrize(
    ("fault", "started", "answer"),
    [("die-after-header", 0, "none"), ("die-before-reply", 1, "none"), ("die-mid-reply", 1, "half"),
     ("die-after-reply", 1, "whole")],
)  # fmt: skip
def test_dies_during_a_call(jvm: Jvm, fault: str, started: int, answer: str) -> None:
    worker = ready(jvm, fault)
    worker.begin("echo", "x")
    if answer == "whole":
        assert worker.outcome() == (_wire.RESULT, "x")
    elif answer == "half":
        with pytest.raises(ProtocolError, match="truncated"):
            worker.read()
    else:
        assert worker.reader.read() is None
    assert worker.exit() == (9, None)
    assert worker.started() == started


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("garbage-reply", "magic"), ("oversize-reply", "limit"), ("flag-flip", "check"), ("unknown-kind", "kind")],
)
def test_answers_garbage(jvm: Jvm, fault: str, reason: str) -> None:
    worker = ready(jvm, fault)
    worker.begin("echo", "x")
    with pytest.raises(ProtocolError) as refusal:
        worker.read()
    assert refusal.value.reason == reason


def test_answers_too_little_or_too_much(jvm: Jvm) -> None:
    worker = ready(jvm, "wrong-id,request=2")
    assert worker.call("echo", "sound") == "sound"
    worker.begin("echo", "x")
    assert worker.read(_wire.RESULT).id != worker.sequence
    assert worker.call("echo", "sound again") == "sound again"


def test_answers_twice(jvm: Jvm) -> None:
    worker = ready(jvm, "double-reply")
    assert worker.call("echo", "x") == "x"
    assert worker.outcome() == (_wire.RESULT, "x")


def test_does_not_answer(jvm: Jvm) -> None:
    worker = ready(jvm, "reply-withheld")
    worker.begin("echo", "x")
    worker.send(_wire.encode(_wire.PING, 5))
    assert worker.read() == _wire.Frame(_wire.PONG, 5)
    assert worker.call("echo", 2) == 2


def test_falls_silent_in_the_middle(jvm: Jvm) -> None:
    worker = ready(jvm, "partial-then-silence")
    worker.begin("echo", "x")
    assert worker.connection is not None
    assert len(worker.connection.recv(100)) == len(_wire.encode(_wire.RESULT, 1, b'"x"')) // 2
    assert silent(worker)


def test_ignores_signals(jvm: Jvm) -> None:
    worker = ready(jvm, "stubborn")
    worker.begin("builtins:eval", "[print('runs'), __import__('targets').sleep(30)]")
    worker.output(worker.stdout, "runs\n")
    worker.mark_cancelled(worker.sequence)
    worker.signal("INT")
    worker.signal("TERM")
    assert silent(worker)
    worker.signal("KILL")
    assert worker.exit() == (None, signal.SIGKILL)


def test_only_once(jvm: Jvm, tmp_path: Path) -> None:
    once = str(tmp_path / "once")
    assert faulty(jvm, "boot-exit=7", GORGON_FAULT_ONCE=once).exit() == (7, None)
    assert os.path.exists(once)
    sound = faulty(jvm, "boot-exit=7", slot=1, GORGON_FAULT_ONCE=once)
    sound.accept()
    sound.read(_wire.HELLO)
    sound.read(_wire.READY)
    assert sound.call("echo", 1) == 1

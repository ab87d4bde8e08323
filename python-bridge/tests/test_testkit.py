"""The test kit's worker suffers the faults that are asked for, once, and notes what it does."""

from __future__ import annotations

import json
import select
import signal
from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gorgon import _wire
from jvm import Jvm, Link, until

TRACE = f"00-676f72676f6e{1:020x}-{1:016x}-01"


@pytest.fixture
def spawn(jvm: Jvm, tmp_path: Path) -> Callable[..., Link]:
    """Spawn a worker of the kit's, which looks into tmp_path for faults."""
    slots = iter(range(9))

    def spawned() -> Link:
        environment = {"GORGON_TESTKIT": str(tmp_path)}
        return jvm.spawn(slot=next(slots), entry="gorgon_testkit:main", environment=environment)

    return spawned


def ready(worker: Link) -> Link:
    """The same worker when it takes calls."""
    worker.accept()
    worker.read(_wire.HELLO)
    worker.read(_wire.READY)
    return worker


def traced(worker: Link, target: str, *args: Any) -> None:
    """Send a call that carries the trace."""
    worker.send(worker.special({"trace": TRACE}, target, *args))


def in_session(worker: Link, version: int) -> None:
    """Say that the next request belongs to a session; its state is empty, or the worker has it."""
    body: dict[str, Any] = {"session": "s", "birth": 7, "version": version}
    if version == 0:
        body["names"] = []
    worker.say(_wire.SESSION, worker.sequence + 1, **body)


def journal(home: Path) -> list[list[str]]:
    """What has been noted."""
    return [line.split(" ") for line in (home / "journal").read_text().splitlines()]


def test_without_a_fault_it_is_a_worker_that_notes_the_kits_calls(spawn: Callable[[], Link], tmp_path: Path) -> None:
    worker = ready(spawn())
    assert worker.call("echo", 1) == 1
    assert not (tmp_path / "journal").exists()
    traced(worker, "echo", {"trace": "mine"})
    assert worker.outcome() == (_wire.RESULT, {"trace": "mine"})
    check = str(crc32(json.dumps({"trace": "mine"}, separators=(",", ":")).encode()))
    assert journal(tmp_path) == [["started", TRACE, "test/0.1"], ["answered", TRACE, check]]


@pytest.mark.parametrize(
    ("fault", "end"),
    [("boot-kill", (None, signal.SIGKILL)), ("boot-exit=3", (3, None)), ("after-hello-kill", (None, signal.SIGKILL))],
)
def test_one_start_fails_and_the_next_does_not(
    spawn: Callable[[], Link], tmp_path: Path, fault: str, end: tuple[int | None, int | None]
) -> None:
    (tmp_path / "start-000001").write_text(fault)
    worker = spawn()
    if fault == "after-hello-kill":
        worker.accept()
        worker.read(_wire.HELLO)
    assert worker.exit() == end
    assert ready(spawn()).call("echo", 1) == 1


def test_a_start_hangs_or_is_slow(jvm: Jvm, spawn: Callable[[], Link], tmp_path: Path) -> None:
    (tmp_path / "start-000001").write_text("boot-hang")
    (tmp_path / "start-000002").write_text("slow-start=100")
    hangs = spawn()
    until(lambda: not (tmp_path / "start-000001").exists())
    assert not select.select([jvm.server], [], [], 0.05)[0]
    hangs.signal("KILL")
    assert hangs.exit() == (None, signal.SIGKILL)
    slow = spawn()
    assert not select.select([jvm.server], [], [], 0.05)[0]
    assert ready(slow).call("echo", 1) == 1


@pytest.mark.parametrize(
    ("point", "noted"),
    [("before-start", []), ("running", ["started"]), ("before-answer", ["started"]), ("after-patch", ["started"]),
     ("after-answer", ["started", "answered"])],
)  # fmt: skip
def test_is_killed_at_a_point(spawn: Callable[[], Link], tmp_path: Path, point: str, noted: list[str]) -> None:
    (tmp_path / f"call-{TRACE}").write_text(f"kill-{point}")
    (tmp_path / "journal").touch()
    worker = ready(spawn())
    assert worker.call("echo", "somebody else's") == "somebody else's"
    traced(worker, "echo", 1)
    if point == "after-answer":
        assert worker.outcome() == (_wire.RESULT, 1)
    assert worker.reader.read() is None
    assert worker.exit() == (None, signal.SIGKILL)
    assert [line[0] for line in journal(tmp_path)] == noted
    assert worker.started() == (1 if point == "before-start" else 2)


@pytest.mark.parametrize(
    ("point", "kinds"),
    [("before-answer", []), ("after-patch", [_wire.PATCH]), ("after-answer", [_wire.PATCH, _wire.RESULT])],
)
def test_is_killed_before_or_behind_its_patch(
    spawn: Callable[[], Link], tmp_path: Path, point: str, kinds: list[int]
) -> None:
    (tmp_path / f"target-{b'gorgon_testkit:add'.hex()}-000001").write_text(f"kill-{point}")
    worker = ready(spawn())
    in_session(worker, 0)
    worker.begin("gorgon_testkit:add", "n", 2)
    for kind in kinds:
        assert worker.read(kind)
    assert worker.reader.read() is None
    assert worker.exit() == (None, signal.SIGKILL)


def test_adds_to_the_state_of_a_session(spawn: Callable[[], Link]) -> None:
    worker = ready(spawn())
    in_session(worker, 0)
    worker.begin("gorgon_testkit:add", "n", 2)
    assert worker.hear(_wire.PATCH)["set"] == ["n"]
    assert worker.outcome() == (_wire.RESULT, 2)
    in_session(worker, 1)
    worker.begin("gorgon_testkit:add_each", "n", [3, 4])
    for version in (1, 2):
        patch = worker.hear(_wire.PATCH)
        assert patch["version"] == version
        worker.say(_wire.HOST_REPLY, host=patch["host"], value=version + 1)
    assert worker.outcome() == (_wire.RESULT, 9)


def test_a_fault_of_a_target_strikes_its_next_call(spawn: Callable[[], Link], tmp_path: Path) -> None:
    (tmp_path / f"target-{b'targets:echo'.hex()}-000001").write_text("double-reply")
    worker = ready(spawn())
    assert worker.call("add", 1, 2) == 3
    assert worker.call("echo", "x") == "x"
    assert worker.outcome() == (_wire.RESULT, "x")
    assert worker.call("echo", "y") == "y"
    assert worker.call("echo", "z") == "z"


def test_a_hang_in_python_is_cancelled_and_the_others_are_not(spawn: Callable[[], Link], tmp_path: Path) -> None:
    plan = tmp_path / f"target-{b'targets:echo'.hex()}-000001"
    plan.write_text("hang-python")
    worker = ready(spawn())
    worker.begin("echo", 1)
    worker.output(worker.stderr, "gorgon_testkit: hangs")
    worker.mark_cancelled(worker.sequence)
    worker.signal("INT")
    assert worker.outcome()[1]["kind"] == "cancelled"
    for fault in ("hang-c", "stubborn-hang", "stop"):
        plan.write_text(fault)
        stuck = ready(spawn())
        stuck.begin("echo", 1)
        stuck.output(stuck.stderr, "gorgon_testkit: ")
        stuck.mark_cancelled(stuck.sequence)
        stuck.signal("INT")
        assert stuck.connection is not None
        assert not select.select([stuck.connection], [], [], 0.1)[0], (fault, stuck.read())
        stuck.signal("KILL")
        assert stuck.exit() == (None, signal.SIGKILL)


def test_writes_much_and_takes_memory_before_it_answers(spawn: Callable[[], Link], tmp_path: Path) -> None:
    plan = tmp_path / f"target-{b'targets:pid'.hex()}-000001"
    plan.write_text("grow=64")
    worker = ready(spawn())
    before = memory(worker.pid)
    worker.call("pid")
    assert memory(worker.pid) - before > 60 << 20
    plan.write_text("flood=1")
    worker.begin("pid")
    worker.output(worker.stderr, "x" * 99)


def memory(pid: int) -> int:
    """Resident bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))

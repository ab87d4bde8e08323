"""The keeper: births, deaths, and that nobody is left."""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import sys
import time
from pathlib import Path

import pytest

from gorgon import _wire
from jvm import SECONDS, Jvm, Link, ends, line, runs

METHODS = ["fork", "fresh"]
FAMILY = ["fork_child", "subprocess_child", "daemon_child", "orphan_child"]


def test_says_who_it_is() -> None:
    jvm = Jvm()
    try:
        hello = jvm.report("hello")
    finally:
        jvm.dispose()
    assert hello["pid"] == jvm.keeper.pid
    assert hello["version"] == list(sys.version_info[:3])
    assert hello["python"] == ".".join(map(str, hello["version"]))
    assert hello["executable"] == sys.executable
    assert hello["prefix"] == sys.prefix
    assert hello["implementation"] == "cpython"
    assert hello["fork"] is hello["subreaper"] is hello["pdeathsig"] is True


@pytest.mark.parametrize("method", METHODS)
def test_starts_a_worker_in_a_group_of_its_own(jvm: Jvm, method: str) -> None:
    worker = jvm.spawn(method=method, imports=["targets"])
    worker.accept()
    hello = json.loads(worker.read(_wire.HELLO).body)
    assert hello == {
        "token": "token-0.1",
        "protocol": 1,
        "pid": worker.pid,
        "python": ".".join(map(str, sys.version_info[:3])),
        "shared": False,
    }
    assert json.loads(worker.read(_wire.IMPORTING).body) == {"module": "targets"}
    assert json.loads(worker.read(_wire.READY).body) == {}
    assert os.getpgid(worker.pid) == worker.pid
    assert os.getsid(worker.pid) == jvm.keeper.pid
    assert worker.call("echo", "hello") == "hello"


def test_reports_the_start_time_that_the_system_shows(jvm: Jvm) -> None:
    spec = jvm.spec()
    jvm.command("spawn", **spec)
    report = jvm.report("spawned")
    fields = Path(f"/proc/{report['pid']}/stat").read_text().rpartition(")")[2].split()
    assert report["started"] == int(fields[19])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("code", [0, 3, 255])
def test_reports_the_exit_code(jvm: Jvm, method: str, code: int) -> None:
    worker = jvm.start(method=method)
    worker.begin("exit_now", code)
    assert worker.exit() == (code, None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM])
def test_reports_the_signal(worker: Link, number: int) -> None:
    worker.begin("kill_self", number)
    assert worker.exit() == (None, number)


def test_a_crash_in_c_leaves_the_stack_on_stderr(worker: Link) -> None:
    worker.begin("segfault")
    assert worker.exit() == (None, signal.SIGSEGV)
    text = worker.output(worker.stderr, "segfault")
    assert "Segmentation fault" in text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("child", FAMILY)
def test_kill_takes_the_whole_family(jvm: Jvm, method: str, child: str) -> None:
    worker = jvm.start(method=method)
    other = jvm.start(slot=1)
    pid = worker.call(child, 60)
    mine = other.call("daemon_child", 60)
    assert runs(pid)
    worker.begin("sleep", 60)
    worker.signal("KILL")
    assert worker.exit() == (None, signal.SIGKILL)
    assert ends(pid)
    assert runs(mine)
    assert runs(other.pid)
    assert other.call("echo", 1) == 1


@pytest.mark.parametrize("child", FAMILY)
def test_a_worker_that_dies_by_itself_takes_its_family_along(worker: Link, child: str) -> None:
    pid = worker.call(child, 60)
    worker.begin("exit_now", 1)
    assert worker.exit() == (1, None)
    assert ends(pid)


def test_kills_a_worker_that_holds_the_lock_in_c_or_is_stopped(jvm: Jvm) -> None:
    for slot, target in enumerate(["hang_in_c", "stop_self"]):
        worker = jvm.start(slot=slot)
        worker.begin(target)
        worker.signal("KILL")
        assert worker.exit() == (None, signal.SIGKILL)


def test_term_reaches_the_group(worker: Link) -> None:
    pid = worker.call("subprocess_child", 60)
    worker.signal("TERM")
    assert worker.exit() == (None, signal.SIGTERM)
    assert ends(pid)


def test_signals_for_the_dead_and_the_unborn_are_ignored(jvm: Jvm, worker: Link) -> None:
    worker.begin("exit_now", 0)
    worker.exit()
    for name in ("INT", "USR1", "TERM", "KILL"):
        worker.signal(name)
        jvm.command("signal", slot=9, generation=9, signal=name)
    assert jvm.start(generation=2).call("echo", 1) == 1
    assert not jvm.events


def test_end_of_input_kills_everything_within_a_second(jvm: Jvm) -> None:
    workers = [jvm.start(slot=slot, method=METHODS[slot % 2]) for slot in range(4)]
    pids = [worker.call(child, 60) for worker, child in zip(workers, FAMILY)]
    pids += [worker.pid for worker in workers]
    workers[0].begin("hang_in_c")
    workers[1].begin("stop_self")
    start = time.monotonic()
    assert jvm.close() == 0
    assert all(ends(pid, 0.1) for pid in pids)
    assert time.monotonic() - start < 1
    assert not jvm.directory.exists()


def test_stop_ends_as_the_end_of_input_does_and_reports(jvm: Jvm, worker: Link) -> None:
    jvm.command("stop")
    assert worker.exit() == (None, signal.SIGKILL)
    assert jvm.keeper.wait(SECONDS) == 0
    assert not jvm.directory.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_keeper_cleans_up(jvm: Jvm, worker: Link, number: int) -> None:
    jvm.keeper.send_signal(number)
    assert jvm.keeper.wait(SECONDS) == 0
    assert ends(worker.pid)
    assert not jvm.directory.exists()


def test_an_interrupted_keeper_goes_on(jvm: Jvm, worker: Link) -> None:
    jvm.keeper.send_signal(signal.SIGINT)
    jvm.keeper.send_signal(signal.SIGUSR1)
    assert jvm.start(slot=1).call("echo", 1) == worker.call("echo", 1)


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_keeper_takes_its_workers_along(jvm: Jvm, method: str) -> None:
    worker = jvm.start(method=method)
    worker.begin("hang_in_c")
    jvm.keeper.kill()
    assert ends(worker.pid, 1)


def test_leaves_a_run_directory_alone_that_is_not_private(jvm: Jvm) -> None:
    jvm.directory.chmod(0o755)
    assert jvm.close() == 0
    assert jvm.directory.exists()


def test_output_pipes_are_private_and_outlive_the_worker(jvm: Jvm, worker: Link) -> None:
    for name in ("stdout", "stderr"):
        status = os.stat(worker.spec[name])
        assert stat.S_ISFIFO(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600
    worker.call("print_lines", 3, "to stdout")
    worker.call("print_partial", "no newline")
    worker.begin("exit_now", 0)
    worker.exit()
    assert worker.output(worker.stdout, "no newline") == "0 to stdout\n1 to stdout\n2 to stdout\nno newline"
    jvm.command("release", slot=0, generation=1)
    assert select.select([worker.stdout], [], [], SECONDS)[0]
    assert os.read(worker.stdout, 1) == b""
    assert not os.path.exists(worker.spec["stdout"])


def test_output_that_nobody_has_opened_yet_is_kept(jvm: Jvm) -> None:
    spec = jvm.spec(entry="faulty_worker:main", environment={"GORGON_FAULT": "boot-exit=5"})
    jvm.command("spawn", **{**spec, "entry": "no_such_module:main"})
    assert jvm.report("exited")["code"] == 71
    descriptor = os.open(spec["stderr"], os.O_RDONLY | os.O_NONBLOCK)
    text = os.read(descriptor, 4096).decode()
    os.close(descriptor)
    assert "'no_such_module:main' cannot be called" in text


def test_says_why_a_worker_cannot_be_started(jvm: Jvm) -> None:
    jvm.command("spawn", **jvm.spec(stdout="/nowhere/out"))
    assert "/nowhere/out" in jvm.report("spawn_failed", slot=0, generation=1)["message"]
    spec = jvm.spec()
    del spec["token"]
    jvm.command("spawn", **spec)
    assert "'token'" in jvm.report("spawn_failed")["message"]
    assert not os.path.exists(spec["stdout"])
    jvm.command("spawn", **jvm.spec(method="magic"))
    assert "magic" in jvm.report("spawn_failed")["message"]
    jvm.start()
    jvm.command("spawn", **jvm.spec())
    assert "before" in jvm.report("spawn_failed")["message"]


def test_nonsense_on_the_control_pipe_is_reported_and_survived(jvm: Jvm) -> None:
    jvm.write(b"not json\n[1]\n\n" + line("dance") + line("signal") + line("signal", slot=0, generation=1, signal="HI"))
    jvm.write(b"x" * (3 << 20) + b"\n" + line("spawn"))
    messages = [jvm.report("error")["message"] for _ in range(7)]
    for message, part in zip(messages, ["no JSON", "no object", "dance", "slot", "HI", "longer", "slot"]):
        assert part in message
    assert jvm.start().call("echo", 1) == 1


def test_takes_commands_in_any_cut(jvm: Jvm) -> None:
    specs = [jvm.spec(slot=slot) for slot in range(4)]
    text = b"".join(line("spawn", **spec) for spec in specs)
    for start in range(0, len(text), 97):
        jvm.write(text[start : start + 97])
    pids = {jvm.report("spawned", slot=slot)["pid"] for slot in range(4)}
    assert len(pids) == 4


def test_takes_many_commands_in_one_write(jvm: Jvm) -> None:
    jvm.write(b"".join(line("spawn", **jvm.spec(slot=slot)) for slot in range(8)) + line("memory"))
    for slot in range(8):
        jvm.report("spawned", slot=slot)
    assert len(jvm.report("memory")["workers"]) == 8


def test_tells_the_memory_of_the_group(worker: Link) -> None:
    worker.jvm.command("memory")
    before = worker.jvm.report("memory")["workers"]
    assert [(entry["slot"], entry["generation"]) for entry in before] == [(0, 1)]
    worker.call("allocate", 64)
    worker.jvm.command("memory")
    after = worker.jvm.report("memory")["workers"]
    assert 60 << 20 < after[0]["rss"] - before[0]["rss"] < 80 << 20


def test_reports_that_nobody_reads_do_not_stop_it_from_killing(jvm: Jvm, worker: Link) -> None:
    for _ in range(40):  # more errors than the pipe takes
        jvm.write(b"".join(line("nonsense-" + "x" * 60) for _ in range(100)))
    worker.signal("KILL")
    assert ends(worker.pid)
    assert jvm.close() == 0


def test_a_worker_inherits_nothing_of_the_keeper(jvm: Jvm) -> None:
    workers = [jvm.start(slot=slot, method=method) for slot, method in enumerate(METHODS)]
    for worker in workers:
        names = {os.readlink(f"/proc/{worker.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{worker.pid}/fd")}
        files = {name for name in names if not name.startswith("socket:")}
        assert files == {"/dev/null"} | {worker.spec[name] for name in ("stdout", "stderr", "page", "dump")}
        assert len(names) == len(files) + 1


def test_random_numbers_differ_between_forks(jvm: Jvm) -> None:
    numbers = {jvm.start(slot=slot).call("random:random") for slot in range(3)}
    assert len(numbers) == 3


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_dumps_its_stacks_into_a_file_of_its_own(jvm: Jvm, method: str) -> None:
    worker = jvm.start(method=method)
    file = Path(worker.spec["dump"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == ""
    worker.signal("USR1")
    jvm.command("memory")
    jvm.report("memory")  # so it has been signalled before it reads the call
    assert worker.call("echo", 1) == 1
    assert "_worker.py" in file.read_text()
    with pytest.raises(BlockingIOError):
        os.read(worker.stderr, 1)


def test_threads_in_the_keeper_make_workers_fresh(tmp_path: Path) -> None:
    # A site module of the user's that starts a thread in every interpreter, the keeper's too.
    (tmp_path / "sitecustomize.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    jvm = Jvm(PYTHONPATH=str(tmp_path))
    try:
        assert jvm.report("hello")["fork"] is False
        assert jvm.start().call("echo", 1) == 1
        assert jvm.start(slot=1).call("echo", 1) == 1
        assert "2 threads" in jvm.report("warning")["message"]
        assert not jvm.events
    finally:
        jvm.dispose()

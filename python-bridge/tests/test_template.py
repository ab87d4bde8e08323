"""The template: one import for many workers, and nothing that a plain fork had is lost."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from gorgon import _proctable, _wire
from jvm import TARGETS, Jvm, Link, ends, runs, until

FAMILY = ["fork_child", "subprocess_child", "daemon_child", "orphan_child"]


class Library:
    """A directory of modules that tests write."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def module(self, text: str, name: str = "mine") -> dict[str, Any]:
        """Write one; what a spec says to have it preloaded."""
        (self.directory / f"{name}.py").write_text(text)
        return {"preload": [name], "path": self.path}

    @property
    def path(self) -> list[str]:
        return [str(self.directory), str(TARGETS)]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


@pytest.fixture
def worker(jvm: Jvm) -> Link:
    """A worker that was forked from a template that knows its targets."""
    return jvm.start(preload=["targets"])


def children(pid: int) -> list[_proctable.Process]:
    return [process for process in _proctable.table().values() if process.parent == pid and process.state != "Z"]


def template_of(jvm: Jvm) -> int:
    found: int = jvm.report("template")["pid"]
    return found


def await_death(jvm: Jvm, pid: int) -> None:
    """Wait until the keeper has reaped it: then it has taken note."""
    assert ends(pid)
    until(lambda: not os.path.exists(f"/proc/{pid}"))
    for _ in range(2):
        jvm.command("memory")
        jvm.report("memory")


def kinds_of_files(pid: int) -> list[str]:
    """What the process has open."""
    try:
        names = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except FileNotFoundError:  # one was closed meanwhile
        return []
    return sorted(name.partition(":")[0] for name in names)


# ---- births


def test_workers_find_the_modules_imported_and_belong_to_the_keeper(jvm: Jvm, library: Library) -> None:
    spec = library.module("import os\nwho = os.getpid()\ndef importer():\n    return who\n")
    workers = [jvm.start(slot=slot, **spec) for slot in range(3)]
    template = jvm.report("template")
    assert template["modules"] == ["mine"]
    assert {worker.call("mine:importer") for worker in workers} == {template["pid"]}
    for worker in workers:
        process = _proctable.read(worker.pid)
        assert process is not None
        assert process.parent == jvm.keeper.pid
        assert process.group == worker.pid
        assert process.name == f"py{worker.spec['slot']}.1"
        assert os.getsid(worker.pid) == jvm.keeper.pid
        assert worker.call("whoami") == f"test/{worker.spec['slot']}.1"
        assert worker.call("env", "GORGON_WORKER") == worker.call("whoami")
    assert len(children(jvm.keeper.pid)) == 4
    assert not jvm.events


def test_tells_only_what_it_has_to_import_itself(jvm: Jvm) -> None:
    worker = jvm.spawn(preload=["targets"], imports=["json"])
    worker.accept()
    worker.read(_wire.HELLO)
    assert json.loads(worker.read(_wire.IMPORTING).body) == {"module": "json"}
    worker.read(_wire.READY)


def test_the_import_finds_the_workers_surroundings(jvm: Jvm, library: Library, tmp_path: Path) -> None:
    spec = library.module(
        "from os import environ, getcwd\n"
        "seen = [getcwd(), environ.get('OMP_NUM_THREADS'), environ.get('A'), environ.get('HOME')]\n"
        "def look():\n    return seen\n"
    )
    spec["environment"] = {"A": "b", "HOME": None}
    worker = jvm.start(directory=str(tmp_path), **spec, threads=3)
    assert worker.call("mine:look") == [str(tmp_path), "3", "b", None]
    assert worker.call("cwd") == str(tmp_path)


def test_what_the_import_prints_is_told_once_and_not_by_the_workers(jvm: Jvm, library: Library) -> None:
    spec = library.module("import sys\nprint('to', 'stdout', end='')\nsys.stderr.write('to stderr')\n")
    workers = [jvm.start(slot=slot, **spec) for slot in range(2)]
    printed = jvm.report("template")["printed"]
    assert printed in ("to stdoutto stderr", "to stderrto stdout")
    for worker in workers:
        worker.call("print_lines", 1, "mine")
        worker.begin("exit_now", 0)
        worker.exit()
        assert worker.output(worker.stdout, "\n") == "0 mine\n"
        assert not select.select([worker.stderr], [], [], 0)[0]
    assert not jvm.events


def test_a_stream_that_the_import_kept_reaches_the_workers_output(jvm: Jvm, library: Library) -> None:
    spec = library.module("import logging\nlogging.basicConfig()\ndef log():\n    logging.warning('hello')\n")
    worker = jvm.start(**spec)
    worker.begin("mine:log")
    worker.hear(_wire.RESULT)
    assert "WARNING:root:hello" in worker.output(worker.stderr, "hello\n")


def test_a_worker_inherits_nothing_of_keeper_and_template(jvm: Jvm) -> None:
    for slot in range(2):
        worker = jvm.start(slot=slot, preload=["targets"])
        names = [os.readlink(f"/proc/{worker.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{worker.pid}/fd")]
        files = {name for name in names if not name.startswith("socket:")}
        assert files == {"/dev/null"} | {worker.spec[name] for name in ("stdout", "stderr", "page", "dump")}
        assert len(names) == len(files) + 1, names
    template = template_of(jvm)
    until(lambda: kinds_of_files(template) == ["/dev/null", "pipe", "pipe", "socket"])
    keeper = os.listdir(f"/proc/{jvm.keeper.pid}/fd")
    jvm.start(slot=2, preload=["targets"])
    assert len(os.listdir(f"/proc/{jvm.keeper.pid}/fd")) == len(keeper) + 2  # the two that keep its output alive


def test_random_numbers_differ_between_workers(jvm: Jvm, library: Library) -> None:
    spec = library.module(
        "import random\nimport numpy.random\nrandom.seed(1)\nnumpy.random.seed(1)\n"
        "def numbers():\n    return [random.random(), float(numpy.random.random())]\n"
    )
    pytest.importorskip("numpy")
    drawn = [jvm.start(slot=slot, **spec, threads=1).call("mine:numbers") for slot in range(3)]
    assert len({pair[0] for pair in drawn}) == len({pair[1] for pair in drawn}) == 3


def test_workers_share_the_pages_of_what_is_preloaded(jvm: Jvm) -> None:
    pytest.importorskip("numpy")
    fresh = [jvm.start(slot=slot, method="fresh", imports=["numpy"], threads=1) for slot in range(8)]
    forked = [jvm.start(slot=8 + slot, preload=["numpy"], threads=1) for slot in range(8)]
    for worker in fresh + forked:
        assert worker.call("gc:collect") >= 0
    assert sum(map(pss, forked)) <= 0.35 * sum(map(pss, fresh))


def pss(worker: Link) -> int:
    for line in Path(f"/proc/{worker.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss")


def test_memory_is_told_of_workers_only(jvm: Jvm, worker: Link) -> None:
    jvm.command("memory")
    told = jvm.report("memory")["workers"]
    assert [(entry["slot"], entry["generation"]) for entry in told] == [(0, 1)]
    assert told[0]["rss"] > 1 << 20


def test_a_user_signal_dumps_the_stack(worker: Link) -> None:
    worker.begin("builtins:exec", "import time; print('runs'); time.sleep(30)")
    worker.output(worker.stdout, "runs\n")
    worker.signal("USR1")
    until(lambda: "in enter\n" in Path(worker.spec["dump"]).read_text())


# ---- deaths


@pytest.mark.parametrize("code", [0, 3, 255])
def test_reports_the_exit_code(worker: Link, code: int) -> None:
    worker.begin("exit_now", code)
    assert worker.exit() == (code, None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_reports_the_signal(worker: Link, number: int) -> None:
    worker.begin("kill_self", number)
    assert worker.exit() == (None, number)


def test_a_crash_in_c_leaves_the_stack_on_stderr(worker: Link) -> None:
    worker.begin("segfault")
    assert worker.exit() == (None, signal.SIGSEGV)
    assert "Segmentation fault" in worker.output(worker.stderr, "segfault")


def test_no_worker_that_dies_at_once_is_lost(jvm: Jvm) -> None:
    for generation in range(1, 61):
        spec = jvm.spec(
            generation=generation,
            preload=["targets"],
            entry="faulty_worker:main",
            environment={"GORGON_FAULT": "boot-exit=5"},
        )
        jvm.command("spawn", **spec)
        pid = jvm.report("spawned", generation=generation)["pid"]
        ended = jvm.report("exited", generation=generation)
        assert (ended["pid"], ended["code"], ended["signal"]) == (pid, 5, None)
        jvm.command("release", slot=0, generation=generation)


def test_spawned_is_told_before_exited(jvm: Jvm) -> None:
    for slot in range(20):
        jvm.command("spawn", **jvm.spec(slot=slot, preload=["targets"], entry="os:_exit"))
    for slot in range(20):
        jvm.report("exited", slot=slot)
        jvm.report("spawned", slot=slot)


@pytest.mark.parametrize("child", FAMILY)
def test_kill_takes_the_whole_family(jvm: Jvm, worker: Link, child: str) -> None:
    other = jvm.start(slot=1, preload=["targets"])
    pid = worker.call(child, 60)
    mine = other.call("daemon_child", 60)
    assert runs(pid)
    worker.begin("hang_in_c")
    worker.signal("KILL")
    assert worker.exit() == (None, signal.SIGKILL)
    assert ends(pid)
    assert runs(mine)
    assert other.call("echo", 1) == 1
    assert runs(template_of(jvm))


@pytest.mark.parametrize("child", FAMILY)
def test_a_worker_that_dies_by_itself_takes_its_family_along(worker: Link, child: str) -> None:
    pid = worker.call(child, 60)
    worker.begin("exit_now", 1)
    assert worker.exit() == (1, None)
    assert ends(pid)


def test_end_of_input_kills_everything_within_a_second(jvm: Jvm, library: Library) -> None:
    workers = [jvm.start(slot=slot, preload=["targets"]) for slot in range(4)]
    pids = [worker.call(child, 60) for worker, child in zip(workers, FAMILY)]
    pids += [worker.pid for worker in workers] + [template_of(jvm)]
    jvm.command(
        "spawn", **jvm.spec(slot=9, template=1, **library.module("import threading\nthreading.Event().wait()\n"))
    )
    workers[0].begin("hang_in_c")
    start = time.monotonic()
    assert jvm.close() == 0
    assert all(ends(pid, 0.1) for pid in pids)
    assert time.monotonic() - start < 1
    assert not jvm.directory.exists()


def test_a_killed_keeper_takes_template_and_workers_along(jvm: Jvm, worker: Link) -> None:
    template = template_of(jvm)
    worker.begin("hang_in_c")
    jvm.keeper.kill()
    assert ends(worker.pid, 1)
    assert ends(template, 1)


def test_a_template_that_is_killed_takes_no_worker_along_and_is_replaced(jvm: Jvm, worker: Link) -> None:
    template = template_of(jvm)
    daemon = worker.call("orphan_child", 60)
    os.kill(template, signal.SIGKILL)
    await_death(jvm, template)
    assert jvm.start(slot=1, preload=["targets"]).call("echo", 1) == worker.call("echo", 1)
    assert template_of(jvm) != template
    assert runs(daemon)


def test_no_worker_is_lost_whose_template_is_killed_while_it_is_born(jvm: Jvm) -> None:
    first = jvm.start(preload=["targets"])
    template = template_of(jvm)
    for generation in range(2, 32):
        handle = os.pidfd_open(template)
        jvm.command("spawn", **jvm.spec(generation=generation, preload=["targets"], entry="os:_exit"))
        moment = time.monotonic() + generation * 0.0002  # anywhere between the order and the worker's end
        while time.monotonic() < moment:
            pass
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
        pid = jvm.report("spawned", generation=generation)["pid"]
        assert jvm.report("exited", generation=generation)["pid"] == pid
        await_death(jvm, template)
        jvm.start(slot=generation, preload=["targets"])  # one that has none makes another
        template = template_of(jvm)
    assert first.call("echo", 1) == 1
    alive = [process.name for process in children(jvm.keeper.pid)]
    assert len(alive) == 32, alive  # the workers, and one template
    assert not jvm.events


# ---- what can go wrong with the import


def test_a_template_with_threads_is_refused_and_workers_import_by_themselves(jvm: Jvm, library: Library) -> None:
    spec = library.module(
        "import os, threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "who = os.getpid()\ndef importer():\n    return who\n"
    )
    spec["preload"] = ["json", "mine"]
    for slot in range(2):
        worker = jvm.start(slot=slot, **spec)
        assert worker.call("mine:importer") == worker.pid
    warning = jvm.report("warning")["message"]
    assert "2 threads" in warning
    assert "started by mine" in warning
    assert not jvm.events


def test_a_thread_that_has_ended_is_no_hindrance(jvm: Jvm, library: Library) -> None:
    spec = library.module(
        "import threading\nfor _ in range(20):\n"
        "    thread = threading.Thread(target=int)\n    thread.start()\n    thread.join()\n"
    )
    jvm.start(**spec)
    assert jvm.report("template")["modules"] == ["mine"]


@pytest.mark.parametrize("module", ["no_such_module", "broken_import", "missing_dependency"])
def test_a_module_that_cannot_be_imported_fails_the_start(jvm: Jvm, module: str) -> None:
    spec = jvm.spec(preload=["json", module])
    jvm.command("spawn", **spec)
    failure = jvm.report("spawn_failed", slot=0, generation=1)["failure"]
    assert failure["kind"] == "IMPORT"
    assert failure["setting"] == "preload"
    assert failure["module"] == module
    assert module in failure["failure"]["traceback"] + failure["failure"]["message"]
    assert not os.path.exists(spec["stdout"])


def test_without_a_template_the_same_failure_comes_from_the_worker(jvm: Jvm) -> None:
    worker = jvm.spawn(method="fresh", preload=["broken_import"])
    worker.accept()
    worker.read(_wire.HELLO)
    worker.read(_wire.IMPORTING)
    failure = json.loads(worker.read(_wire.START_FAILED).body)
    assert (failure["kind"], failure["setting"], failure["module"]) == ("IMPORT", "preload", "broken_import")


def test_a_failed_template_is_tried_again(jvm: Jvm, library: Library) -> None:
    jvm.command("spawn", **jvm.spec(**library.module("raise ValueError('not yet')\n")))
    assert "not yet" in jvm.report("spawn_failed")["failure"]["failure"]["message"]
    spec = library.module("def f():\n    return 'healed'\n")
    assert jvm.start(generation=2, **spec).call("mine:f") == "healed"


def test_a_missing_directory_is_named(jvm: Jvm) -> None:
    jvm.command("spawn", **jvm.spec(preload=["json"], directory="/nowhere/at/all"))
    failure = jvm.report("spawn_failed")["failure"]
    assert failure["kind"] == "ENVIRONMENT"
    assert "/nowhere/at/all" in failure["message"]


def test_a_module_that_crashes_tells_how(jvm: Jvm, library: Library) -> None:
    spec = library.module("import ctypes\nprint('so far')\nctypes.string_at(0)\n")
    for slot in range(2):
        jvm.command("spawn", **jvm.spec(slot=slot, **spec))
    for slot in range(2):
        failure = jvm.report("spawn_failed", slot=slot)["failure"]
        assert failure["kind"] == "EXITED"
        assert "signal 11" in failure["message"]
        assert "so far" in failure["output"]
        assert "Segmentation fault" in failure["output"]


@pytest.mark.parametrize("text", ["import time\ntime.sleep(60)\n", "import targets\ntargets.hang_in_c()\n"])
def test_an_import_that_hangs_is_killed_in_time(jvm: Jvm, library: Library, text: str) -> None:
    plain = jvm.start(slot=1)
    jvm.command("spawn", **jvm.spec(**library.module(text), start_timeout=0.3))
    plain.begin("hang_in_c")
    plain.signal("KILL")  # the keeper does not wait for the import
    assert plain.exit() == (None, signal.SIGKILL)
    failure = jvm.report("spawn_failed", slot=0)["failure"]
    assert failure["kind"] == "TIMEOUT"
    assert "mine" in failure["message"]
    assert all(ends(process.pid) for process in children(jvm.keeper.pid))


def test_a_worker_that_waits_for_its_template_can_be_killed(jvm: Jvm, library: Library) -> None:
    spec = library.module("import threading\nthreading.Event().wait()\n")
    jvm.command("spawn", **jvm.spec(**spec))
    plain = jvm.start(slot=2)
    until(lambda: len(children(jvm.keeper.pid)) == 2)  # the keeper may have obeyed both orders before it forks one
    (hanging,) = [process for process in children(jvm.keeper.pid) if process.pid != plain.pid]
    jvm.command("signal", slot=0, generation=1, signal="INT")
    jvm.command("signal", slot=0, generation=1, signal="KILL")
    assert jvm.report("exited") == {
        "event": "exited", "slot": 0, "generation": 1, "pid": 0, "code": None, "signal": signal.SIGKILL,
    }  # fmt: skip
    jvm.command("release", slot=0, generation=1)
    assert jvm.start(slot=1, preload=["targets"]).call("echo", 1) == 1
    assert jvm.report("template")["modules"] == ["targets"]
    assert not jvm.events
    assert ends(hanging.pid)


def test_a_birth_that_is_stuck_ends_with_its_worker(jvm: Jvm, worker: Link) -> None:
    template = template_of(jvm)
    os.kill(template, signal.SIGSTOP)
    jvm.command("spawn", **jvm.spec(slot=1, preload=["targets"]))
    for _ in range(2):  # the keeper has been through its loop, and has given the order
        jvm.command("memory")
        jvm.report("memory")
    jvm.command("spawn", **jvm.spec(slot=2, preload=["targets"]))
    jvm.command("signal", slot=1, generation=1, signal="KILL")
    assert jvm.report("exited", slot=1)["signal"] == signal.SIGKILL
    jvm.report("spawned", slot=2)  # from another template
    assert ends(template)
    assert worker.call("echo", 1) == 1


def test_children_that_the_import_starts_end_with_the_template(jvm: Jvm, library: Library) -> None:
    spec = library.module("import targets\npid = targets.daemon_child(60)\ndef child():\n    return pid\n")
    worker = jvm.start(**spec)
    child = worker.call("mine:child")
    template = template_of(jvm)
    worker.begin("exit_now", 0)
    worker.exit()
    assert runs(child)
    os.kill(template, signal.SIGKILL)
    assert ends(child)


def test_an_import_that_forks_and_comes_back_makes_one_template(jvm: Jvm, library: Library) -> None:
    worker = jvm.start(**library.module("import os\nos.fork()\n"))
    assert worker.call("echo", 1) == 1
    jvm.report("template")
    assert not jvm.events


def test_nonsense_from_user_code_on_the_channel_harms_nobody(jvm: Jvm, library: Library) -> None:
    victim = jvm.start(slot=1)
    text = (
        "import os\n"
        "for name in os.listdir('/proc/self/fd'):\n"
        "    try:\n"
        "        if os.readlink('/proc/self/fd/' + name).startswith('socket'):\n"
        f'            os.write(int(name), b\'{{"op": "born", "order": 0, "pid": {victim.pid}}}\\nnonsense\\n\')\n'
        "    except OSError:\n"
        "        pass\n"
        "import time\ntime.sleep(60)\n"
    )
    jvm.command("spawn", **jvm.spec(**library.module(text), start_timeout=0.5))
    assert "nonsense" in jvm.report("spawn_failed", slot=0)["message"]
    assert victim.call("echo", 1) == 1


# ---- changed code


def test_a_newer_version_comes_from_a_new_template(jvm: Jvm, library: Library) -> None:
    old = jvm.start(slot=0, template=0, **library.module("def f():\n    return 'old'\n"))
    before = template_of(jvm)
    spec = library.module("def f():\n    return 'changed'\n")
    assert jvm.start(slot=1, template=0, **spec).call("mine:f") == "old"
    assert jvm.start(slot=2, template=1, **spec).call("mine:f") == "changed"
    assert template_of(jvm) != before
    await_death(jvm, before)
    assert jvm.start(slot=3, template=0, **spec).call("mine:f") == "changed"
    assert old.call("mine:f") == "old"


def test_the_old_template_stays_until_its_successor_is_ready(jvm: Jvm, library: Library) -> None:
    jvm.start(slot=0, **library.module("def f():\n    return 'old'\n"))
    before = template_of(jvm)
    pipe = library.directory / "gate"
    os.mkfifo(pipe)
    spec = library.module(f"open({str(pipe)!r}).read()\n")
    jvm.command("spawn", **jvm.spec(slot=1, template=1, **spec))
    with open(pipe, "w"):  # the successor is in its import now
        assert runs(before)
    jvm.report("spawned", slot=1)
    assert ends(before)


def test_a_refusal_is_forgotten_with_a_newer_version(jvm: Jvm, library: Library) -> None:
    jvm.start(
        **library.module("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n")
    )
    jvm.report("warning")
    jvm.start(slot=1, template=1, **library.module("pass\n"))
    jvm.report("template")


def test_a_preload_that_is_no_list_is_refused(jvm: Jvm) -> None:
    jvm.command("spawn", **jvm.spec(preload="numpy"))
    assert "'preload'" in jvm.report("spawn_failed")["message"]

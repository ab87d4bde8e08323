"""The worker: calls of every sort, and user code that tries to break the channel."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from gorgon import _wire
from jvm import Jvm, Link, ends, until


@pytest.mark.parametrize("value", [None, 0, "é🐍", [1, [2.5, {"a": None}]], {"k": {"v": []}}])
def test_values_come_back(worker: Link, value: Any) -> None:
    assert worker.call("echo", value) == value


def test_a_value_that_is_larger_than_the_buffer_comes_back(worker: Link) -> None:
    value = ["x" * 3_000_000, "ü" * 500_000]
    worker.begin("echo", value)
    assert worker.outcome() == (_wire.RESULT, value)


def test_keyword_arguments_and_dotted_targets(worker: Link) -> None:
    assert worker.call("add", a=1, b=2) == 3
    assert worker.call("nested.deep.function") == "deep"
    assert worker.call("gorgon.examples.text:analyse", "one three five")["longest"] == "three"


def test_a_batch_is_answered_in_order_each_before_the_next_starts(worker: Link, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    requests = [worker.request("journal", str(path), str(n), f"nonce-{n}") for n in range(50)]
    worker.send(*requests, _wire.encode(_wire.PING, 99))
    for n in range(50):
        frame = worker.read(_wire.RESULT)
        assert (frame.id, json.loads(frame.body)) == (n + 1, f"nonce-{n}")
    assert worker.read() == _wire.Frame(_wire.PONG, 99)
    lines = [line.split() for line in path.read_text().splitlines()]
    assert [line[:4] for line in lines] == [[str(n), f"nonce-{n}", str(worker.pid), "test/0.1"] for n in range(50)]


def test_a_reply_is_sent_before_the_next_call_starts(worker: Link) -> None:
    worker.send(worker.request("echo", "first"), worker.request("exit_now", 4))
    assert json.loads(worker.read(_wire.RESULT).body) == "first"
    assert worker.exit() == (4, None)
    assert worker.started() == 2


def test_a_request_in_any_cut(worker: Link) -> None:
    request = worker.request("echo", "cut")
    for byte in request:
        worker.send(bytes((byte,)))
    assert worker.outcome() == (_wire.RESULT, "cut")


def test_the_page_tells_what_was_started(worker: Link) -> None:
    assert worker.started() == 0
    worker.call("echo", 1)
    assert worker.started() == 1
    worker.begin("kill_self", 9)
    worker.exit()
    assert worker.started() == 2


def test_user_code_knows_where_it_is(worker: Link) -> None:
    assert worker.call("whoami") == "test/0.1"
    assert worker.call("call_id") == "call-2"


@pytest.mark.parametrize(
    ("target", "args", "kind"),
    [
        ("raise_custom", [], "CustomError"),
        ("raise_bad_str", [], "raise_bad_str.<locals>.BadStr"),
        ("sys_exit", [0], "SystemExit"),
        ("raise_error", ["KeyboardInterrupt", ""], "KeyboardInterrupt"),
        ("raise_error", ["GeneratorExit", ""], "GeneratorExit"),
        ("raise_error", ["MemoryError", ""], "MemoryError"),
        ("raise_error", ["TypeError", "inside"], "TypeError"),
        ("builtins:exec", ["import gorgon; raise gorgon.Cancelled('by myself')"], "Cancelled"),
    ],
)
def test_whatever_is_raised_is_reported_and_survived(worker: Link, target: str, args: list[Any], kind: str) -> None:
    failure = worker.fail(target, *args)
    assert (failure["kind"], failure["type"]) == ("raised", kind)
    assert all("/src/gorgon/" not in frame["file"] for frame in failure["frames"])
    assert worker.call("echo", 1) == 1


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ([], {}, "missing a required argument: 'a'"),
        ([1, 2, 3], {}, "too many positional arguments"),
        ([1], {"c": 2}, "missing a required argument: 'b'"),
        ([1, 2], {"a": 2}, "multiple values for argument 'a'"),
    ],
)
def test_arguments_that_do_not_fit(worker: Link, args: list[Any], kwargs: dict[str, Any], message: str) -> None:
    failure = worker.fail("add", *args, **kwargs)
    assert failure["kind"] == "bad_arguments"
    assert failure["target"] == "targets:add"
    assert "a: " in failure["signature"]
    assert message in failure["message"]


def test_a_type_error_of_a_c_function_is_no_matter_of_arguments(worker: Link) -> None:
    assert worker.fail("math:sqrt", "text")["type"] == "TypeError"
    assert worker.fail("math:sqrt")["kind"] in ("bad_arguments", "raised")
    assert worker.fail("add", 1, "text")["kind"] == "raised"


def test_results_that_cannot_travel(worker: Link) -> None:
    failure = worker.fail("unserializable")
    assert (failure["kind"], failure["path"], failure["type"]) == ("not_serializable", "$.a[2].b", "builtins.object")
    assert worker.call("echo", 1) == 1


def test_results_that_are_too_large(jvm: Jvm) -> None:
    worker = jvm.start(frame_limit=10_000)
    assert worker.fail("big", 20_000) == {"kind": "too_large", "size": 20_026, "limit": 10_000}
    assert worker.call("big", 10_000 - 26) == "x" * (10_000 - 26)
    assert worker.fail("big", 10_000 - 25)["kind"] == "too_large"
    failure = worker.fail("builtins:exec", "raise ValueError('y' * 50_000)")
    assert failure["type"] == "ValueError"
    assert failure["message"].startswith("yyy")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"nonsense", "Expecting value"),
        (b"[]", "no JSON object"),
        (b"{}", "target"),
        (b'{"target":1}', "target"),
        (b'{"target":"m:f","args":{}}', "args"),
        (b'{"target":"m:f","kwargs":[]}', "kwargs"),
        (b'{"target":"m:f","call":3}', "call"),
        (b'"\xff"', "utf-8"),
        (b"[" * 200_000, "recursion"),
    ],
    ids=["text", "list", "empty", "target", "args", "kwargs", "call", "encoding", "depth"],
)
def test_a_request_that_makes_no_sense(worker: Link, body: bytes, message: str) -> None:
    worker.send(_wire.encode(_wire.REQUEST, 5, body))
    frame = worker.read(_wire.FAILURE)
    failure = json.loads(frame.body)
    assert (frame.id, failure["kind"]) == (5, "protocol")
    assert message in failure["message"]
    assert worker.started() == 0
    assert worker.call("echo", 1) == 1


def test_attachments_come_and_go_however_large(worker: Link) -> None:
    for size in (0, 1, 5_000, 70_000, 300_000, 3_000_001):
        content = os.urandom(size)
        body = b'{"target":"targets:echo","args":[[1,{"$":"bytes","i":1},{"$":"bytes","i":0}]]}'
        worker.send(_bytes(_wire.encode_value(_wire.REQUEST, size + 1, _wire.TAGGED, body, (b"first", content))))
        frame = worker.read(_wire.RESULT)
        assert (frame.id, frame.codec) == (size + 1, _wire.TAGGED)
        assert json.loads(frame.body) == [1, {"$": "bytes", "i": 0}, {"$": "bytes", "i": 1}]
        assert list(map(bytes, frame.attachments)) == [content, b"first"]


def _bytes(frame: _wire.Written) -> bytes:
    return b"".join(frame) if isinstance(frame, list) else frame


def test_what_arrives_is_the_calls_own(worker: Link) -> None:
    body = b'{"target":"targets:overwrite","args":[{"$":"array","i":0,"dtype":"|u1","shape":[3]}]}'
    for sequence in (1, 2):  # the first call writes to what it got
        worker.send(_bytes(_wire.encode_value(_wire.REQUEST, sequence, _wire.TAGGED, body, (b"abc",))))
        frame = worker.read(_wire.RESULT)
        assert json.loads(frame.body) == [97, 98, 99]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (b'{"$":"set","v":[{}]}', "dict cannot be in a set"),
        (b'{"$":"datetime","v":"2026-01-01T00:00:00+00:00","zone":"Nowhere/Land"}', "Nowhere/Land"),
        (b'{"$":"pairs","v":[[1,1],[true,2]]}', "equal in Python"),
    ],
)
def test_arguments_that_this_python_cannot_make(worker: Link, argument: bytes, message: str) -> None:
    body = b'{"target":"targets:echo","args":[%s]}' % argument
    worker.send(_bytes(_wire.encode_value(_wire.REQUEST, 5, _wire.TAGGED, body, ())))
    failure = json.loads(worker.read(_wire.FAILURE).body)
    assert failure["kind"] == "bad_arguments"
    assert message in failure["message"]
    assert worker.started() == 0


@pytest.mark.parametrize(
    "argument",
    [
        b'{"$":"bytes","i":1}', b'{"$":"bytes","i":-1}', b'{"$":"bytes","i":true}', b'{"$":"bytes"}', b'{"$":"no"}',
        b'{"$":[]}', b'{"$":"array","i":0,"dtype":"<f8","shape":[1]}', b'{"$":"array","i":0,"dtype":"|O","shape":[1]}',
        b'{"$":"array","i":0,"dtype":"|u1","shape":1}', b'{"$":"array","i":0,"dtype":7,"shape":[1]}',
        b'{"$":"date","v":"today"}', b'{"$":"date","v":3}', b'{"$":"timedelta","v":[1]}', b'{"$":"decimal","v":"x"}',
        b'{"$":"timedelta","v":[1e300,0]}', b'{"$":"uuid","v":7}', b'{"$":"set","v":7}', b'{"$":"pairs","v":[[1]]}',
        b'{"$":"dict","v":[]}', b'{"$":"dict"}', b'{"$":"source"}',
    ],
)  # fmt: skip
def test_tags_that_make_no_sense(worker: Link, argument: bytes) -> None:
    body = b'{"target":"targets:echo","args":[%s]}' % argument
    worker.send(_bytes(_wire.encode_value(_wire.REQUEST, 5, _wire.TAGGED, body, (b"x",))))
    assert json.loads(worker.read(_wire.FAILURE).body)["kind"] == "protocol"
    assert worker.call("echo", 1) == 1


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2, _wire.encode(_wire.RESULT, 1, b"1")])
def test_garbage_ends_the_worker(worker: Link, garbage: bytes) -> None:
    worker.send(garbage)
    assert worker.exit() == (70, None)
    text = worker.output(worker.stderr, "\n")
    assert text.startswith("gorgon: not a frame of protocol 1: ")
    assert text.count("\n") == 1


@pytest.mark.parametrize("method", ["fork", "fresh"])
def test_shutdown_is_an_ordinary_exit(jvm: Jvm, method: str) -> None:
    worker = jvm.start(method=method)
    worker.call("builtins:exec", "import atexit; atexit.register(print, 'farewell')")
    worker.send(_wire.encode(_wire.SHUTDOWN))
    assert worker.exit() == (0, None)
    assert worker.output(worker.stdout, "farewell") == "farewell\n"


def test_the_end_of_the_connection_is_the_end(worker: Link) -> None:
    assert worker.connection is not None
    worker.connection.close()
    assert worker.exit() == (0, None)


def test_nobody_there_to_connect_to(jvm: Jvm) -> None:
    worker = jvm.spawn(socket=str(jvm.directory / "nobody"))
    assert worker.exit() == (72, None)
    assert "cannot connect" in worker.output(worker.stderr, "\n")


def start_failure(jvm: Jvm, **fields: Any) -> dict[str, Any]:
    worker = jvm.spawn(**fields)
    worker.accept()
    frame = worker.read(_wire.HELLO)
    while frame.kind != _wire.START_FAILED:
        frame = worker.read()
        assert frame.kind != _wire.READY
    assert worker.exit() == (71, None)
    body: dict[str, Any] = json.loads(frame.body)
    return body


def test_an_import_that_fails(jvm: Jvm) -> None:
    body = start_failure(jvm, imports=["targets", "missing_dependency"])
    assert (body["kind"], body["module"]) == ("IMPORT", "missing_dependency")
    assert body["failure"]["type"] == "ModuleNotFoundError"


def test_an_environment_that_cannot_be(jvm: Jvm) -> None:
    body = start_failure(jvm, directory="/no/such/directory")
    assert body["kind"] == "ENVIRONMENT"
    assert "/no/such/directory" in body["message"]
    assert "'lives'" in start_failure(jvm, slot=1, limits={"lives": 9})["message"]
    assert "'core'" in start_failure(jvm, slot=2, limits={"core": "many"})["message"]


@pytest.mark.parametrize("method", ["fork", "fresh"])
def test_environment_directory_and_limits(tmp_path: Path, method: str) -> None:
    jvm = Jvm(REMOVED="1", KEPT="2")
    try:
        worker = jvm.start(
            method=method,
            environment={"ADDED": "größe", "REMOVED": None, "MKL_NUM_THREADS": "4"},
            directory=str(tmp_path),
            threads=1,
            limits={"open_files": 77, "core": 0, "cpu_seconds": None},
        )
        names = ("ADDED", "REMOVED", "KEPT", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "GORGON_RUN", "GORGON_WORKER")
        wanted = ["größe", None, "2", "4", "1", jvm.directory.name, "test/0.1"]
        assert [worker.call("env", name) for name in names] == wanted
        assert worker.call("cwd") == str(tmp_path)
        assert worker.call("resource:getrlimit", 7)[0] == 77
        code = "import os; print(os.environ['GORGON_WORKER'], os.environ['ADDED'], flush=True)"
        assert worker.call("subprocess:check_call", [sys.executable, "-c", code]) == 0
        assert worker.output(worker.stdout, "\n") == "test/0.1 größe\n"
    finally:
        jvm.dispose()


def test_cpu_time_that_is_used_up_is_told_by_its_signal(jvm: Jvm) -> None:
    worker = jvm.start(limits={"cpu_seconds": 1})
    worker.begin("spin", 30)
    assert worker.exit() == (None, signal.SIGXCPU)


def test_stdin_is_empty_and_output_is_text(worker: Link) -> None:
    assert worker.call("builtins:exec", "assert open(0, closefd=False).read() == ''") is None
    worker.call("builtins:print", "größe", "lone \udc80")
    assert worker.output(worker.stdout, "\n") == "größe lone \\udc80\n"


def test_a_flood_on_stderr_waits_for_its_reader(worker: Link) -> None:
    worker.begin("flood_stderr", 1)
    read = 0
    while read < 1_000_000:
        read += len(worker.output(worker.stderr, "x"))
    assert worker.outcome() == (_wire.RESULT, 1_000_000)


def test_a_stack_dump_on_demand(worker: Link) -> None:
    worker.begin("builtins:exec", "import time; print('runs'); time.sleep(30)")
    worker.output(worker.stdout, "runs\n")
    worker.signal("USR1")
    dump = Path(worker.spec["dump"])
    until(lambda: "in run\n" in dump.read_text())
    assert dump.read_text().startswith("Current thread")
    worker.signal("KILL")
    assert worker.exit() == (None, 9)


def test_a_forked_child_that_returns_is_ended_quietly(worker: Link) -> None:
    code = "import os, targets; print('before', end=' '); targets.child = os.fork(); print(os.getpid())"
    worker.call("builtins:exec", code)
    child = worker.call("builtins:eval", "__import__('targets').child")
    assert child > 0
    assert worker.call("os:waitpid", child, 0) == [child, 0]
    assert sorted(worker.output(worker.stdout, f"{child}\n").split()) == sorted(["before", str(worker.pid), str(child)])
    assert [worker.call("fork_and_return", n) for n in range(20)] == list(range(20))


def test_a_forked_child_that_raises_is_ended_with_its_code(worker: Link) -> None:
    code = "import os, sys\nif os.fork() == 0: {}\nelse: assert os.waitstatus_to_exitcode(os.wait()[1]) == {}"
    worker.call("builtins:exec", code.format("sys.exit(5)", 5))
    worker.call("builtins:exec", code.format("sys.exit('no')", 1))
    worker.call("builtins:exec", code.format("1 / 0", 1))
    assert "ZeroDivisionError" in worker.output(worker.stderr, "ZeroDivisionError")


def test_a_forked_child_does_not_keep_the_connection_open(worker: Link) -> None:
    child = worker.call("orphan_child", 60)
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.reader.read() is None
    assert ends(child)


def test_a_fork_while_importing_is_ended_too(jvm: Jvm, tmp_path: Path) -> None:
    (tmp_path / "forks.py").write_text("import os\nchild = os.fork()\n")
    worker = jvm.start(imports=["forks"], path=[str(tmp_path)])
    child = worker.call("builtins:eval", "__import__('forks').child")
    assert worker.call("os:waitpid", child, 0) == [child, 0]


def test_multiprocessing_works(worker: Link) -> None:
    code = (
        "import multiprocessing as m, operator\n"
        "with m.get_context('fork').Pool(2) as pool: assert pool.map(abs, [-1, -2]) == [1, 2]\n"
    )
    assert worker.call("builtins:exec", code) is None


def test_streams_that_user_code_closed_do_no_harm(worker: Link) -> None:
    worker.call("builtins:exec", "import sys; sys.stdout.close(); sys.stderr = None; sys.__stderr__ = None")
    assert worker.call("echo", 1) == 1


def test_memory_of_a_call_is_given_back(worker: Link) -> None:
    worker.call("builtins:exec", "import weakref, targets\nclass L(list): pass\ntargets.made = L\ntargets.seen = []")
    make = "(lambda t: [t.made([1]), t.seen.append(__import__('weakref').ref(t.made()))])(__import__('targets'))[0]"
    assert worker.call("builtins:eval", make) == [1]
    assert worker.call("builtins:eval", "[r() for r in __import__('targets').seen]") == [None]

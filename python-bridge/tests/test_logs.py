"""Logs: records reach the JVM, so many a second, and never break anything."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest

from gorgon import _wire
from jvm import Jvm, Link


def records(worker: Link) -> tuple[list[dict[str, Any]], Any]:
    """The records of a call, and its result."""
    found: list[dict[str, Any]] = []
    while True:
        frame = worker.read()
        body: Any = json.loads(frame.body) if frame.body else None
        if frame.kind != _wire.LOG:
            assert frame.kind == _wire.RESULT, body
            return found, body
        found.append(body)


def test_a_record_arrives_before_the_answer(worker: Link) -> None:
    before = time.time()
    worker.begin("talking:log", 30, "größe %d \ud800", 3)
    frame = worker.read(_wire.LOG)
    body = json.loads(frame.body)
    assert frame.id == worker.sequence
    assert before - 1 < body.pop("time") < time.time() + 1
    assert body == {"level": 30, "logger": "talking", "message": "größe 3 \\ud800"}
    worker.hear(_wire.RESULT)


def test_an_exception_is_told_with_its_traceback(worker: Link) -> None:
    worker.begin("talking:log_exception")
    body = worker.hear(_wire.LOG)
    assert (body["level"], body["message"]) == (logging.ERROR, "it broke")
    assert body["exception"].rstrip().endswith("KeyError: 'lost'")


@pytest.mark.parametrize(("level", "told"), [(None, 1), ("DEBUG", 2), ("WARNING", 0), (10, 2)])
def test_the_level_is_the_specs(jvm: Jvm, level: Any, told: int) -> None:
    worker = jvm.start(log_level=level)
    worker.call("builtins:exec", "import logging") if told == 0 else None
    worker.begin("builtins:exec", "import talking\ntalking.log(10, 'debug')\ntalking.log(20, 'info')")
    assert len(records(worker)[0]) == told


def test_a_level_that_does_not_exist_is_told_at_the_start(jvm: Jvm) -> None:
    worker = jvm.spawn(log_level="LOUD")
    worker.accept()
    worker.read(_wire.HELLO)
    body = json.loads(worker.read(_wire.START_FAILED).body)
    assert body["kind"] == "ENVIRONMENT"
    assert "LOUD" in body["message"]


def test_a_flood_is_cut_and_counted(jvm: Jvm) -> None:
    worker = jvm.start(log_lines=5)
    worker.begin("talking:log_many", 50)
    found, _ = records(worker)
    assert [record["message"] for record in found] == [f"record {n}" for n in range(5)]
    worker.begin("time:sleep", 1.01)
    found, _ = records(worker)
    assert [record["message"] for record in found] == ["45 records dropped"]
    assert found[0]["level"] == logging.WARNING


def test_long_text_is_cut(worker: Link) -> None:
    worker.begin("builtins:exec", "import talking; talking.log(20, 'ü' * 100_000)")
    message = worker.hear(_wire.LOG)["message"]
    assert 8_000 < len(message.encode()) <= 8192
    assert message.endswith("ü...")


def test_a_record_that_cannot_be_formatted_breaks_nothing(worker: Link) -> None:
    worker.begin("talking:log_odd", False)
    found, _ = records(worker)
    assert [record["message"] for record in found] == ["'odd: %s' (formatting it raised ValueError)"]
    worker.begin("talking:log", 20, "%d", "text")
    found, _ = records(worker)
    assert found[0]["message"] == "'%d' (formatting it raised TypeError)"


def test_a_record_that_logs_while_it_is_formatted_ends(worker: Link) -> None:
    worker.begin("talking:log_odd", True)
    found, _ = records(worker)
    assert [record["message"] for record in found] == ["odd: logged"]


def test_user_code_may_replace_the_handler(worker: Link) -> None:
    worker.call("builtins:exec", "import logging; logging.basicConfig(force=True, level='INFO', format='%(message)s')")
    worker.begin("talking:log", 20, "mine")
    assert records(worker) == ([], None)
    worker.output(worker.stderr, "mine\n")


def test_a_record_of_an_import_belongs_to_no_call(jvm: Jvm, tmp_path: Any) -> None:
    (tmp_path / "chatty.py").write_text("import logging\nlogging.warning('hello')\n")
    worker = jvm.spawn(path=[str(tmp_path)], imports=["chatty"])
    worker.accept()
    worker.read(_wire.HELLO)
    worker.read(_wire.IMPORTING)
    frame = worker.read(_wire.LOG)
    assert (frame.id, json.loads(frame.body)["message"]) == (0, "hello")
    worker.read(_wire.READY)


def test_a_forked_child_is_silent_and_in_no_call(worker: Link) -> None:
    worker.begin("talking:log_in_child")
    assert records(worker) == ([], 7)
    assert worker.call("echo", 1) == 1


def test_threads_that_log_write_whole_frames(jvm: Jvm) -> None:
    worker = jvm.start(log_lines=1_000_000)
    worker.begin("talking:log_in_threads", 8, 200)
    found, _ = records(worker)
    assert len(found) == 1600


def test_a_finaliser_that_logs_in_the_middle_of_a_write_waits_its_turn(worker: Link) -> None:
    """The garbage collector may run user code anywhere, even where we hold the lock."""
    worker.begin("talking:log_in_finaliser", 50)
    found, _ = records(worker)
    assert len(found) > 50

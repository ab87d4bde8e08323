"""Async functions: run as tasks of the worker's loop, cancelled as tasks are."""

from __future__ import annotations

import asyncio
import select
import signal
from types import SimpleNamespace
from typing import Any

import pytest

from gorgon import _wire
from gorgon._tasks import Tasks
from jvm import Link

CANCELLED = {"kind": "cancelled", "started": True}


def strike(worker: Link) -> None:
    worker.mark_cancelled(worker.sequence)
    worker.signal("INT")


def test_an_async_function_is_a_target_like_any_other(worker: Link) -> None:
    assert worker.call("talking:sleep_async", 0) == "slept"
    assert worker.fail("talking:sleep_async")["kind"] == "bad_arguments"
    failure = worker.fail("talking:sleep_async", "text")
    assert failure["type"] == "TypeError"
    assert "run_until_complete" not in str(failure)
    assert failure["frames"][0]["function"] == "sleep_async"


def test_the_loop_lives_as_long_as_the_worker(worker: Link) -> None:
    assert [worker.call("talking:same_loop") for _ in range(3)] == [True] * 3


def test_tasks_and_threads_know_their_call(worker: Link) -> None:
    worker.send(worker.special({"trace": "00-abc-def-01"}, "talking:where"))
    assert worker.hear(_wire.RESULT) == ["call-1", "00-abc-def-01", True, "call-1", False]
    assert worker.call("talking:where") == ["call-2", None, True, "call-2", False]
    worker.send(worker.special({"trace": 7}, "talking:where"))
    assert worker.hear(_wire.FAILURE)["kind"] == "protocol"


def test_the_first_strike_cancels_the_task(worker: Link) -> None:
    worker.begin("talking:sleep_async", 30)
    worker.output(worker.stdout, "runs\n")
    strike(worker)
    assert worker.hear(_wire.FAILURE) == CANCELLED
    assert worker.call("talking:sleep_async", 0) == "slept"


def test_a_task_may_swallow_its_cancellation(worker: Link) -> None:
    worker.begin("talking:swallow_async")
    worker.output(worker.stdout, "runs\n")
    strike(worker)
    assert worker.hear(_wire.RESULT) == "swallowed True"
    assert worker.call("talking:same_loop") is True


def test_a_later_strike_reaches_a_task_that_blocks_the_loop(worker: Link) -> None:
    worker.begin("talking:block", 30)
    worker.output(worker.stdout, "runs\n")
    strike(worker)
    assert worker.connection is not None
    while not select.select([worker.connection], [], [], 0.05)[0]:  # signals that come at once may be one
        worker.signal("INT")
    assert worker.hear(_wire.FAILURE) == CANCELLED
    assert worker.call("talking:sleep_async", 0) == "slept"


def test_a_signal_without_a_mark_cancels_nothing(worker: Link) -> None:
    worker.begin("talking:sleep_async", 0.1)
    worker.output(worker.stdout, "runs\n")
    worker.signal("INT")
    assert worker.hear(_wire.RESULT) == "slept"


def test_tasks_that_are_left_behind_are_cancelled_and_reported(worker: Link) -> None:
    worker.begin("talking:leave_tasks")
    record = worker.hear(_wire.LOG)
    assert record["message"].startswith("the call left 1 task(s) behind, which were cancelled: orphan")
    assert (record["level"], record["logger"]) == (30, "gorgon")
    assert worker.hear(_wire.RESULT) == "left"
    worker.output(worker.stdout, "cancelled\n")
    assert worker.call("talking:same_loop") is True


def test_a_task_that_cannot_be_cancelled_does_not_run_in_the_next_call(worker: Link) -> None:
    worker.begin("talking:leave_tasks", True)
    worker.hear(_wire.LOG)
    assert "did not end" in worker.hear(_wire.LOG)["message"]
    assert worker.hear(_wire.RESULT) == "left"
    assert worker.call("talking:sleep_async", 0) == "slept"


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "asyncio.CancelledError", "GeneratorExit"])
def test_whatever_is_raised_is_reported_and_survived(worker: Link, name: str) -> None:
    code = f"import talking\nasync def f():\n import asyncio\n raise {name}('x')\ntalking.f = f"
    worker.call("builtins:exec", code)
    failure = worker.fail("talking:f")
    assert (failure["kind"], failure["type"]) == ("raised", name.rpartition(".")[2])
    assert worker.call("talking:sleep_async", 0) == "slept"


def test_a_loop_that_user_code_closes_is_replaced(worker: Link) -> None:
    code = (
        "import talking\nasync def f():\n import asyncio, talking\n"
        " talking.was = asyncio.get_running_loop()\ntalking.f = f"
    )
    worker.call("builtins:exec", code)
    worker.call("talking:f")
    worker.call("builtins:exec", "import talking; talking.was.close()")
    assert worker.call("talking:sleep_async", 0) == "slept"


def test_asyncio_is_not_imported_for_nothing(worker: Link) -> None:
    assert worker.call("builtins:eval", "'asyncio' in __import__('sys').modules") is False


def test_a_blocked_loop_can_be_killed(worker: Link) -> None:
    worker.begin("talking:block", 30)
    worker.output(worker.stdout, "runs\n")
    worker.signal("KILL")
    assert worker.exit() == (None, signal.SIGKILL)


def test_nothing_is_raised_in_the_frames_of_the_loop() -> None:
    """There it could lose the callbacks of a task that has just ended, and the loop would wait for ever."""
    tasks = Tasks()
    answers: list[bool] = []

    async def call() -> None:
        for code in (asyncio.BaseEventLoop.call_soon, Tasks.cancel, _then_wait):
            frame: Any = SimpleNamespace(f_code=code.__code__)
            answers.append(tasks.cancel(True, frame))

    with pytest.raises(asyncio.CancelledError):
        tasks.run(_then_wait(call()))
    assert answers == [True, True, False]
    assert tasks._loop is not None
    tasks._loop.close()


async def _then_wait(first: Any) -> None:
    await first
    await asyncio.sleep(30)

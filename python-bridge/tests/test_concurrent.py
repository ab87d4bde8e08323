"""Several calls at once in one worker: each is told apart, and none is hit by what was meant for another."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import threading
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from gorgon import _wire
from jvm import Jvm, Link

CANCELLED = (_wire.FAILURE, {"kind": "cancelled", "started": True})
WAITED = (_wire.RESULT, "waited")
N = 64


@pytest.fixture
def worker(jvm: Jvm) -> Link:
    """A worker that runs many calls at once."""
    return jvm.start(concurrency=N, log_lines=1_000_000)


def begin(worker: Link, target: str, *args: Any, **kwargs: Any) -> int:
    return worker.begin(f"waiting:{target}", *args, **kwargs)


def answer_tools(worker: Link, frame: _wire.Frame) -> None:
    """Give a tool's argument back."""
    body = json.loads(frame.body)
    worker.say(_wire.HOST_REPLY, frame.id, host=body["host"], value=body["args"][0])


_early: WeakKeyDictionary[Link, dict[int, tuple[int, Any]]] = WeakKeyDictionary()  # answers nobody waited for yet


def gather(worker: Link, wanted: Iterable[int]) -> dict[int, tuple[int, Any]]:
    """The answers of those calls, in whatever order they come; tools echo meanwhile, logs and progress are dropped."""
    left = set(wanted)
    answers = _early.setdefault(worker, {})
    while not left <= set(answers):
        frame = worker.read()
        if frame.kind == _wire.HOST_CALL:
            answer_tools(worker, frame)
        elif frame.kind not in (_wire.LOG, _wire.PROGRESS):
            assert frame.id not in answers
            answers[frame.id] = (frame.kind, json.loads(frame.body) if frame.body else None)
    return {each: answers.pop(each) for each in left}


def answer_of(worker: Link, identity: int) -> tuple[int, Any]:
    return gather(worker, [identity])[identity]


def words(worker: Link, *wanted: str) -> None:
    """Wait until all of those have been printed, in any order."""
    text = b""
    while not all(word.encode() in text.split() for word in wanted):
        assert select.select([worker.stdout], [], [], 10)[0], f"not all of {wanted} in {text!r}"
        text += os.read(worker.stdout, 65536)


def strike(worker: Link, identity: int) -> None:
    worker.mark_cancelled(identity)
    worker.signal("INT")


@pytest.mark.parametrize("target", ["wait", "wait_async"])
def test_calls_that_wait_wait_together(worker: Link, target: str) -> None:
    began = time.monotonic()
    identities = [begin(worker, target, 0.05) for _ in range(N)]
    answers = gather(worker, identities)
    assert list(answers.values()) == [WAITED] * N
    assert time.monotonic() - began < N * 0.05 / 3
    assert worker.started() == N


def test_threads_are_made_when_needed_and_used_again(worker: Link) -> None:
    for _ in range(20):
        assert answer_of(worker, begin(worker, "wait_async", 0)) == WAITED
    assert answer_of(worker, begin(worker, "threads"))[1] <= 2
    gates = [begin(worker, "gate", "g") for _ in range(N - 1)]
    opener = begin(worker, "open_gate", "g")
    gather(worker, [*gates, opener])
    assert answer_of(worker, begin(worker, "threads"))[1] <= N


def test_a_later_call_may_end_first(worker: Link) -> None:
    slow = begin(worker, "gate", "late")
    assert answer_of(worker, begin(worker, "wait_async", 0)) == WAITED
    opener = begin(worker, "open_gate", "late")
    assert gather(worker, [slow, opener]) == {slow: (_wire.RESULT, "late"), opener: (_wire.RESULT, None)}


def test_a_ping_is_answered_while_calls_run(worker: Link) -> None:
    gated = begin(worker, "gate", "p")
    worker.send(_wire.encode(_wire.PING, 7))
    frame = worker.read(_wire.PONG)
    assert frame.id == 7
    opener = begin(worker, "open_gate", "p")
    gather(worker, [gated, opener])


def test_each_call_knows_who_it_is(worker: Link) -> None:
    sequences = []
    for number in range(40):
        target = "who" if number % 2 else "who_async"
        worker.send(worker.special({"trace": f"trace-{number + 1}"}, f"waiting:{target}"))
        sequences.append(worker.sequence)
    answers: dict[int, Any] = {}
    logged: dict[int, str] = {}
    told: dict[int, str] = {}
    while len(answers) < 40:
        frame = worker.read()
        body = json.loads(frame.body)
        if frame.kind == _wire.LOG:
            logged[frame.id] = body["message"].split()[1]
        elif frame.kind == _wire.PROGRESS:
            told[frame.id] = body["note"]
        else:
            answers[frame.id] = body
    for each in sequences:
        assert answers[each] == [f"call-{each}", f"trace-{each}", f"call-{each}", False]
        assert logged[each] == told[each] == f"call-{each}"


def test_a_plain_thread_belongs_to_no_call(worker: Link) -> None:
    assert answer_of(worker, begin(worker, "in_plain_thread")) == (_wire.RESULT, [None, "not in call"])


@pytest.mark.parametrize("target", ["ask", "ask_async", "ask_blocking"])
def test_replies_of_the_jvm_are_never_crossed(worker: Link, target: str) -> None:
    identities = [begin(worker, target, 10, 1000 * number) for number in range(30)]
    held: list[_wire.Frame] = []
    answers: dict[int, Any] = {}
    dice = random.Random(5)
    assert worker.connection is not None
    while len(answers) < 30:
        if held and not select.select([worker.connection], [], [], 0)[0]:
            answer_tools(worker, held.pop(dice.randrange(len(held))))
        frame = worker.read() if not held or select.select([worker.connection], [], [], 0)[0] else None
        if frame is not None and frame.kind == _wire.HOST_CALL:
            held.append(frame)
        elif frame is not None:
            answers[frame.id] = json.loads(frame.body)
    for number, each in enumerate(identities):
        assert answers[each] == [1000 * number + n for n in range(10)]


def test_streams_flow_beside_each_other_each_with_its_credit(worker: Link) -> None:
    streams = {
        worker.stream(2, f"waiting:{'count' if number % 2 else 'count_async'}", 20, 100 * number): 100 * number
        for number in range(10)
    }
    got: dict[int, list[int]] = {each: [] for each in streams}

    def take(chunks: int) -> None:
        for _ in range(chunks):
            frame = worker.read(_wire.CHUNK)
            got[frame.id].append(json.loads(frame.body))

    take(20)
    assert all(len(items) == 2 for items in got.values())
    favourite = next(iter(streams))
    worker.say(_wire.CREDIT, favourite, n=18)
    take(18)  # and no others: they have no credit
    assert len(got[favourite]) == 20
    for each in streams:
        worker.say(_wire.CREDIT, each, n=19 if each != favourite else 1)
    ends = 0
    while ends < 10:
        frame = worker.read()
        if frame.kind == _wire.END:
            ends += 1
        else:
            got[frame.id].append(json.loads(frame.body))
    assert got == {each: list(range(first, first + 20)) for each, first in streams.items()}


def test_what_an_async_function_returns_is_streamed_too(worker: Link) -> None:
    for _ in range(2):  # at the first time nobody knows that it is async
        worker.stream(5, "waiting:list_async", 3)
        assert [worker.hear(_wire.CHUNK) for _ in range(3)] == [0, 1, 2]
        assert worker.hear(_wire.END) is None
    worker.stream(5, "waiting:wait_async", 0)
    assert worker.hear(_wire.FAILURE)["kind"] == "not_a_stream"


@pytest.mark.parametrize("target", ["endless", "endless_async"])
def test_a_stream_that_waits_for_credit_ends_when_it_is_given_up(worker: Link, target: str) -> None:
    one = worker.stream(1, f"waiting:{target}", "one")
    assert worker.read(_wire.CHUNK).id == one
    other = worker.stream(1, f"waiting:{target}", "other")
    assert worker.read(_wire.CHUNK).id == other
    worker.mark_cancelled(one)
    worker.say(_wire.CREDIT, one, n=0)
    assert answer_of(worker, one) == CANCELLED
    words(worker, "one", "closed")
    worker.say(_wire.CREDIT, other, n=1)
    assert worker.read(_wire.CHUNK).id == other


def test_sources_are_read_beside_each_other(worker: Link) -> None:
    sums = {}
    for number in range(6):
        target = "total" if number % 2 else "total_async"
        worker.begin(f"waiting:{target}", {"$": "source", "n": 0})
        sums[worker.sequence] = number
    pulled: set[int] = set()
    while pulled != set(sums):
        frame = worker.read(_wire.PULL)
        pulled.add(frame.id)
    for each, number in sums.items():
        worker.say(_wire.ITEM, each, source=0, values=[number, number], end=True)
    assert gather(worker, sums) == {each: (_wire.RESULT, 2 * number) for each, number in sums.items()}


@pytest.mark.parametrize("target", ["say_and_wait_async", "say_and_spin", "watch", "watch_async"])
def test_a_cancel_hits_one_among_many(worker: Link, target: str) -> None:
    bystanders = [begin(worker, "gate", "b"), begin(worker, "wait_async", 0.3), begin(worker, "wait", 0.3)]
    same = begin(worker, target, "same")
    victim = begin(worker, target, "victim")
    words(worker, "same", "victim")
    watching = target.startswith("watch")
    cancel = worker.mark_cancelled if watching else partial(strike, worker)
    cancel(victim)
    expected = (_wire.RESULT, "saw it") if watching else CANCELLED
    assert answer_of(worker, victim) == expected
    opener = begin(worker, "open_gate", "b")
    answers = gather(worker, [*bystanders, opener])
    assert [answers[each][0] for each in bystanders] == [_wire.RESULT] * 3
    cancel(same)
    assert answer_of(worker, same) == expected


def test_a_call_that_waits_for_java_can_be_cancelled_wherever_it_runs(worker: Link) -> None:
    for target in ("ask", "ask_async", "ask_blocking"):
        identity = begin(worker, target, 1, 0)
        assert worker.read(_wire.HOST_CALL).id == identity
        strike(worker, identity)
        assert answer_of(worker, identity) == CANCELLED
        assert answer_of(worker, begin(worker, target, 1, 5)) == (_wire.RESULT, [5])


def test_a_second_strike_reaches_code_that_swallowed_the_first(worker: Link) -> None:
    once = begin(worker, "swallow", "once", 1)
    worker.output(worker.stdout, "once 0\n")
    strike(worker, once)
    assert answer_of(worker, once) == (_wire.RESULT, "once")
    twice = begin(worker, "swallow", "twice", 2)
    worker.output(worker.stdout, "twice 0\n")
    strike(worker, twice)
    worker.output(worker.stdout, "twice 1\n")
    worker.signal("INT")
    assert answer_of(worker, twice) == (_wire.RESULT, "twice")


def test_a_later_strike_reaches_an_async_function_that_blocks_the_loop(worker: Link) -> None:
    answer_of(worker, begin(worker, "block", "known", 0))
    beside = begin(worker, "wait_async", 0.1)
    blocking = begin(worker, "block", "blocks")
    worker.output(worker.stdout, "blocks\n")
    strike(worker, blocking)
    assert worker.connection is not None
    while not select.select([worker.connection], [], [], 0.05)[0]:  # signals that come at once may be one
        worker.signal("INT")
    assert gather(worker, [beside, blocking]) == {beside: WAITED, blocking: CANCELLED}


def test_a_call_that_is_cancelled_before_its_start_does_not_run(worker: Link, tmp_path: Path) -> None:
    request = worker.request("journal", str(tmp_path / "j"), "a", "b")
    worker.mark_cancelled(worker.sequence)
    worker.send(request)
    assert worker.outcome() == (_wire.FAILURE, {"kind": "cancelled", "started": False})
    assert not (tmp_path / "j").exists()


def test_a_sync_call_in_c_code_ends_with_its_sleep_and_its_strike_hits_nobody_else(worker: Link) -> None:
    identity = begin(worker, "say_and_wait", "sleeps", 0.3)
    worker.output(worker.stdout, "sleeps\n")
    strike(worker, identity)
    assert answer_of(worker, identity) == CANCELLED
    assert [answer_of(worker, begin(worker, "wait", 0)) for _ in range(20)] == [WAITED] * 20


def test_tasks_left_behind_are_cancelled_with_their_call_and_no_others(worker: Link) -> None:
    staying = begin(worker, "say_and_wait_async", "stays", 0.5)
    worker.output(worker.stdout, "stays\n")
    leaving = begin(worker, "leave_task", "mine")
    record = worker.read(_wire.LOG)
    assert record.id == leaving
    assert "left 1 task(s) behind, which were cancelled: mine" in json.loads(record.body)["message"]
    answers = gather(worker, [leaving, staying])
    assert answers == {leaving: (_wire.RESULT, "mine"), staying: (_wire.RESULT, "stays")}
    words(worker, "mine", "ended")


def test_a_task_that_cannot_be_cancelled_is_reported_and_belongs_to_no_call(worker: Link) -> None:
    leaving = begin(worker, "leave_task", "mine", True)
    worker.read(_wire.LOG)
    assert "did not end" in json.loads(worker.read(_wire.LOG).body)["message"]
    assert answer_of(worker, leaving) == (_wire.RESULT, "mine")
    assert answer_of(worker, begin(worker, "wait_async", 0)) == WAITED


@pytest.mark.parametrize("code", ["import sys; sys.exit(3)", "raise KeyboardInterrupt", "raise GeneratorExit"])
def test_whatever_is_raised_is_reported_and_survived(worker: Link, code: str) -> None:
    beside = begin(worker, "wait", 0.2)
    failing = worker.begin("builtins:exec", code)
    worker.begin("builtins:exec", f"import waiting\nasync def f():\n {code}\nwaiting.f = f")
    assert answer_of(worker, worker.sequence) == (_wire.RESULT, None)
    failing_async = [worker.begin("waiting:f") for _ in range(2)]
    answers = gather(worker, [beside, failing, *failing_async])
    assert [answers[each][1]["kind"] for each in (failing, *failing_async)] == ["raised"] * 3
    assert answers[beside] == WAITED


def test_an_exit_in_a_task_or_a_stopped_loop_leaves_the_worker_as_it_was(worker: Link) -> None:
    beside = begin(worker, "wait_async", 0.2)
    assert answer_of(worker, begin(worker, "exit_in_task")) == (_wire.RESULT, "exit 3")
    assert answer_of(worker, begin(worker, "stop_loop")) == (_wire.RESULT, "goes on")
    assert answer_of(worker, beside) == WAITED


def test_bad_requests_and_arguments_are_told_as_ever(worker: Link) -> None:
    for _ in range(2):
        assert worker.fail("waiting:wait_async")["kind"] == "bad_arguments"
        assert worker.fail("waiting:wait")["kind"] == "bad_arguments"
        assert worker.fail("waiting:no_such")["kind"] == "unknown_target"
        assert worker.fail("unserializable")["kind"] == "not_serializable"
    worker.send(worker.special({"trace": 7}, "waiting:wait", 0))
    assert worker.hear(_wire.FAILURE)["kind"] == "protocol"
    assert answer_of(worker, begin(worker, "returns_coroutine", 0)) == WAITED
    failure = worker.fail("waiting:wait_async", "text")
    assert failure["type"] == "TypeError"
    assert failure["frames"][0]["function"] == "wait_async"


def test_a_forked_child_that_comes_back_ends(worker: Link) -> None:
    beside = [begin(worker, "wait", 0.2), begin(worker, "wait_async", 0.2)]
    forking = begin(worker, "fork_and_return", "parent")
    answers = gather(worker, [*beside, forking])
    assert answers == {beside[0]: WAITED, beside[1]: WAITED, forking: (_wire.RESULT, "parent")}


def test_a_forked_child_that_awaits_ends_and_runs_nobody_elses_task(worker: Link, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    writers = [begin(worker, "write_later", str(journal)) for _ in range(10)]
    forking = begin(worker, "fork_and_await", str(journal))
    answers = gather(worker, [*writers, forking])
    assert answers[forking] == (_wire.RESULT, 1)
    assert journal.read_text().split() == [str(worker.pid)] * 10


def test_large_values_pass_while_others_wait(worker: Link) -> None:
    text = "x" * 5_000_000
    identities = [worker.begin("echo", text + str(number)) for number in range(8)]
    waiting = begin(worker, "wait_async", 0)
    answers = gather(worker, [*identities, waiting])
    assert [answers[each][1] for each in identities] == [text + str(number) for number in range(8)]


def test_a_shutdown_waits_for_calls(worker: Link) -> None:
    identity = begin(worker, "wait", 0.2)
    worker.send(_wire.encode(_wire.SHUTDOWN))
    assert answer_of(worker, identity) == WAITED
    assert worker.exit() == (0, None)


def test_a_jvm_that_closes_ends_a_worker_that_waits(worker: Link) -> None:
    begin(worker, "wait_async", 30)
    begin(worker, "ask", 1, 0)
    worker.read(_wire.HOST_CALL)
    assert worker.connection is not None
    worker.connection.close()
    assert worker.exit() == (0, None)


def test_garbage_ends_the_worker(worker: Link) -> None:
    begin(worker, "wait_async", 30)
    worker.send(b"GET / HTTP/1.1\r\nHost: somewhere.else\r\n\r\n")
    assert worker.exit() == (70, None)


def test_a_frame_for_a_call_that_never_was_ends_the_worker(worker: Link) -> None:
    worker.say(_wire.CREDIT, 99, n=1)
    assert worker.exit() == (70, None)


def test_a_frame_that_comes_too_late_is_dropped(worker: Link) -> None:
    identity = begin(worker, "wait", 0)
    answer_of(worker, identity)
    worker.say(_wire.CREDIT, identity, n=1)
    worker.say(_wire.HOST_REPLY, identity, host=1, value=1)
    assert answer_of(worker, begin(worker, "wait", 0)) == WAITED


def test_a_worker_with_many_in_flight_can_be_killed(worker: Link) -> None:
    for _ in range(N):
        begin(worker, "wait", 30)
    worker.signal("KILL")
    assert worker.exit() == (None, signal.SIGKILL)


@pytest.mark.parametrize("seed", range(3))
def test_late_strikes_never_hit_another_call(worker: Link, seed: int) -> None:
    """Signals without a pause, while calls of all sorts run and some of them are cancelled at random moments."""
    dice = random.Random(seed)
    over = threading.Event()

    def storm() -> None:
        while not over.wait(0.0005):
            os.kill(worker.pid, signal.SIGINT)

    sorts: list[tuple[str, list[Any], Any]] = [
        ("wait", [0.001], "waited"),
        ("wait", [0], "waited"),
        ("wait_async", [0.002], "waited"),
        ("everything", [0.003], None),
        ("say_and_spin", ["x", 0.002], "x"),
        ("ask", [3, 7], [7, 8, 9]),
        ("ask_async", [3, 7], [7, 8, 9]),
    ]
    doomed: set[int] = set()
    expected: dict[int, Any] = {}
    cancelled = finished = begun = 0
    drain = threading.Thread(target=lambda: [os.read(worker.stdout, 65536) for _ in _readable(worker.stdout, over)])
    thread = threading.Thread(target=storm)
    thread.start()
    drain.start()
    try:
        while finished + cancelled < 1500:
            while len(expected) < 16 and begun < 1500:
                begun += 1
                target, args, value = dice.choice(sorts)
                each = begin(worker, target, *args)
                expected[each] = f"call-{each}" if target == "everything" else value
                if dice.random() < 0.4:
                    doomed.add(each)
            alive = [each for each in doomed if each in expected]
            if alive:
                victim = dice.choice(alive)
                worker.mark_cancelled(victim)
            frame = worker.read()
            if frame.kind == _wire.HOST_CALL:
                answer_tools(worker, frame)
            elif frame.kind not in (_wire.LOG, _wire.PROGRESS):
                body = json.loads(frame.body)
                value = expected.pop(frame.id)
                if frame.kind == _wire.FAILURE:
                    assert body["kind"] == "cancelled", body
                    assert frame.id in doomed
                    cancelled += 1
                else:
                    assert body == value
                    finished += 1
    finally:
        over.set()
        thread.join()
        drain.join()
    assert cancelled > 100
    assert finished > 100
    assert answer_of(worker, begin(worker, "wait", 0)) == WAITED


def _readable(descriptor: int, over: threading.Event) -> Iterable[int]:
    while not over.is_set():
        if select.select([descriptor], [], [], 0.05)[0]:
            yield descriptor

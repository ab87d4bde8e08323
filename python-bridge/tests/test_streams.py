"""Streams: chunk by chunk, no faster than the JVM wants, ended in every way there is."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from gorgon import _wire
from jvm import Jvm, Link

CANCELLED = {"kind": "cancelled", "started": True}
BOTH = pytest.mark.parametrize("target", ["count", "count_async"])


def alive(worker: Link) -> bool:
    return bool(worker.call("echo", "alive") == "alive")


def collect(worker: Link, grant: int = 0) -> tuple[list[Any], int, Any]:
    """The chunks, and the kind and body of what ended them; each chunk is answered with that much credit."""
    chunks = []
    while True:
        frame = worker.read()
        assert frame.id == worker.sequence
        body = json.loads(frame.body) if frame.body else None
        if frame.kind == _wire.CHUNK:
            chunks.append(body)
            if grant:
                worker.credit(grant)
        elif frame.kind != _wire.LOG:
            return chunks, frame.kind, body


@BOTH
def test_items_arrive_in_order_and_then_the_end(worker: Link, target: str) -> None:
    worker.stream(100, target, 50)
    assert collect(worker) == (list(range(50)), _wire.END, None)
    assert alive(worker)


@BOTH
def test_a_slow_reader_is_never_outrun(worker: Link, target: str) -> None:
    worker.stream(2, target, 5)
    assert [worker.hear(_wire.CHUNK) for _ in range(2)] == [0, 1]
    worker.output(worker.stdout, "made 1\n")
    for number in range(2, 5):
        worker.send(_wire.encode(_wire.PING, 77))  # answered after the stream: it does not read for that
        worker.credit(1)
        assert worker.hear(_wire.CHUNK) == number
    worker.credit(1)
    assert worker.hear(_wire.END) is None
    assert "made 5" not in worker.output(worker.stdout, "closed\n")
    assert [worker.read() for _ in range(3)] == [_wire.Frame(_wire.PONG, 77)] * 3


@BOTH
def test_credit_comes_while_it_runs(worker: Link, target: str) -> None:
    worker.stream(1, target, 500)
    assert collect(worker, grant=1) == (list(range(500)), _wire.END, None)
    assert alive(worker)  # one credit came after the end: it is dropped


def test_the_end_carries_what_the_generator_returned(worker: Link) -> None:
    worker.stream(9, "count", 2, {"sum": 1})
    assert collect(worker) == ([0, 1], _wire.END, {"sum": 1})


@pytest.mark.parametrize("target", ["async_of_list", "builtins:range", "builtins:list"])
def test_any_iterable_is_a_stream(worker: Link, target: str) -> None:
    worker.stream(9, target, [0, 1, 2] if target.endswith("list") and ":" in target else 3)
    assert collect(worker) == ([0, 1, 2], _wire.END, None)


@pytest.mark.parametrize(("value", "kind"), [(3, "int"), ("text", "str"), ({"a": 1}, "dict"), (None, "NoneType")])
def test_what_cannot_be_gone_through_is_told(worker: Link, value: Any, kind: str) -> None:
    worker.stream(9, "targets:echo", value)
    failure = worker.hear(_wire.FAILURE)
    assert (failure["kind"], failure["type"]) == ("not_a_stream", f"builtins.{kind}")
    assert "yield" in failure["message"]
    assert alive(worker)


@BOTH
def test_a_plain_call_of_a_generator_says_what_to_do(worker: Link, target: str) -> None:
    failure = worker.fail(f"talking:{target}", 3)
    assert failure["kind"] == "not_serializable"
    assert "call it as a stream" in failure["message"]


def test_an_exception_ends_the_stream_after_what_came_before(worker: Link) -> None:
    worker.stream(9, "failing", 2)
    chunks, kind, failure = collect(worker)
    assert (chunks, kind) == ([0, 1], _wire.FAILURE)
    assert (failure["kind"], failure["type"], failure["message"]) == ("raised", "LookupError", "no more")
    assert failure["frames"][-1]["function"] == "failing"
    assert failure["mro"][:2] == ["builtins.LookupError", "builtins.Exception"]


def test_failures_of_the_call_itself(worker: Link) -> None:
    worker.stream(9, "no_such_function")
    assert worker.hear(_wire.FAILURE)["kind"] == "unknown_target"
    worker.stream(9, "count")
    assert worker.hear(_wire.FAILURE)["kind"] == "bad_arguments"
    for window in (0, -1, "many", True):
        worker.send(worker.special({"stream": window}, "talking:count", 1))
        assert worker.hear(_wire.FAILURE)["kind"] == "protocol"
        worker.say(_wire.CREDIT, n=1)  # it may have been on its way
    assert alive(worker)


@pytest.mark.parametrize(("item", "kind"), [("set", "not_serializable"), ("big", "too_large")])
def test_an_item_that_cannot_be_sent_closes_the_generator(jvm: Jvm, item: str, kind: str) -> None:
    worker = jvm.start(frame_limit=50_000)
    worker.stream(9, "odd_item", item)
    chunks, _, failure = collect(worker)
    assert (chunks, failure["kind"]) == ([1], kind)
    worker.output(worker.stdout, "closed\n")


@BOTH
def test_cancelled_while_it_waits_for_credit(worker: Link, target: str) -> None:
    worker.stream(1, target, 5)
    worker.hear(_wire.CHUNK)
    worker.mark_cancelled(worker.sequence)
    worker.credit(0)
    assert worker.hear(_wire.FAILURE) == CANCELLED
    assert "made 1" not in worker.output(worker.stdout, "closed\n")
    assert alive(worker)


@BOTH
def test_cancelled_while_it_waits_for_credit_by_a_signal_alone(worker: Link, target: str) -> None:
    worker.stream(1, target, 5)
    worker.hear(_wire.CHUNK)
    worker.mark_cancelled(worker.sequence)
    worker.signal("INT")
    assert worker.hear(_wire.FAILURE) == CANCELLED
    assert alive(worker)


@BOTH
def test_cancelled_between_two_chunks(worker: Link, target: str) -> None:
    worker.stream(100_000_000, target, 100_000_000)
    for _ in range(100):
        worker.hear(_wire.CHUNK)
    worker.mark_cancelled(worker.sequence)
    drain(worker)
    assert collect(worker)[1:] == (_wire.FAILURE, CANCELLED)
    assert alive(worker)


def drain(worker: Link) -> None:
    """Let the output be read, for a worker that prints more than a pipe takes."""
    import os
    import threading

    def read() -> None:
        os.set_blocking(worker.stdout, True)
        while b"closed\n" not in os.read(worker.stdout, 1 << 16)[-100:]:
            pass

    threading.Thread(target=read, daemon=True).start()


@pytest.mark.parametrize("target", ["slow_item", "slow_item_async"])
def test_cancelled_while_an_item_is_made(worker: Link, target: str) -> None:
    worker.stream(9, target)
    worker.hear(_wire.CHUNK)
    worker.output(worker.stdout, "runs\n")
    worker.mark_cancelled(worker.sequence)
    worker.signal("INT")
    assert worker.hear(_wire.FAILURE) == CANCELLED
    worker.output(worker.stdout, "closed\n")
    assert alive(worker)


def test_cancelled_before_its_start(worker: Link) -> None:
    worker.mark_cancelled(1)
    worker.stream(1, "count", 5)
    worker.credit(0)
    assert worker.hear(_wire.FAILURE) == {"kind": "cancelled", "started": False}
    assert alive(worker)


def test_a_close_that_hangs_can_be_struck_or_killed(worker: Link) -> None:
    for last in ("INT", "KILL"):
        worker.stream(1, "stubborn")
        worker.hear(_wire.CHUNK)
        worker.mark_cancelled(worker.sequence)
        worker.credit(0)
        worker.output(worker.stdout, "closing\n")
        worker.signal(last)
        if last == "INT":
            assert worker.hear(_wire.FAILURE) == CANCELLED
    assert worker.exit() == (None, signal.SIGKILL)


def test_what_closing_raises_is_logged(worker: Link) -> None:
    worker.stream(1, "unclosable")
    worker.hear(_wire.CHUNK)
    worker.mark_cancelled(worker.sequence)
    worker.credit(0)
    record = worker.hear(_wire.LOG)
    assert "closing a stream raised ValueError" in record["message"]
    assert "not like that" in record["exception"]
    assert worker.hear(_wire.FAILURE) == CANCELLED


def test_an_early_credit_for_a_stream_that_waits_its_turn_is_kept(worker: Link) -> None:
    """While the first call reads for its tool's reply, the second one's request and credit come by."""
    first = worker.special({}, "talking:ask", "echo")
    worker.send(first)
    number = worker.asked("echo")
    asking = worker.sequence
    worker.stream(1, "count", 3)
    worker.credit(5)
    worker.send(_wire.encode(_wire.PING, 9))
    worker.say(_wire.HOST_REPLY, asking, host=number, value=1)
    assert worker.read(_wire.RESULT).id == asking
    assert collect(worker) == ([0, 1, 2], _wire.END, None)
    assert worker.read() == _wire.Frame(_wire.PONG, 9)


@pytest.mark.parametrize(
    ("identity", "body"),
    [(1, {"n": -1}), (1, {"n": "x"}), (1, {}), (1, [1]), (7, {"n": 1}), (7, {"n": 0})],
)
def test_credit_that_makes_no_sense_ends_the_worker(worker: Link, identity: int, body: Any) -> None:
    worker.stream(1, "count", 3)
    worker.hear(_wire.CHUNK)
    worker.send(_wire.encode(_wire.CREDIT, identity, json.dumps(body).encode()))
    assert worker.exit() == (70, None)
    assert "not a frame of protocol 1" in worker.output(worker.stderr, "\n")


def test_credit_for_a_plain_call_ends_the_worker(worker: Link) -> None:
    worker.begin("talking:ask", "echo")
    worker.asked("echo")
    worker.credit(0)  # that one only says: look at the page
    worker.credit(1)
    assert worker.exit() == (70, None)


@BOTH
def test_the_jvm_goes_while_it_waits_for_credit(worker: Link, target: str) -> None:
    worker.stream(1, target, 3)
    worker.hear(_wire.CHUNK)
    assert worker.connection is not None
    worker.connection.close()
    assert worker.exit() == (0, None)


def test_the_jvm_goes_while_chunks_are_sent(worker: Link) -> None:
    worker.stream(1 << 40, "builtins:range", 1 << 40)
    worker.hear(_wire.CHUNK)
    assert worker.connection is not None
    worker.connection.close()
    assert worker.exit() == (0, None)


def test_a_fork_in_a_generator_does_not_write_twice(worker: Link) -> None:
    code = "(__import__('os').fork() * 0 for _ in range(2))"
    worker.stream(9, "builtins:eval", code)
    assert collect(worker) == ([0, 0], _wire.END, None)
    assert alive(worker)

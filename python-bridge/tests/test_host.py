"""Calls into Java: from every sort of code, several at once, and everything that may go wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from types import SimpleNamespace
from typing import Any

import pytest

import gorgon
from gorgon import _wire
from gorgon._call import Call
from gorgon._inbox import Inbox
from gorgon._loops import LoopReader
from gorgon._reader import FrameReader
from jvm import Jvm, Link


def serve(worker: Link, n: int, *, backwards: bool = False) -> None:
    """Answer n calls of the tool `echo`, which are all made before the first is answered, or one by one."""
    asked = []
    for _ in range(n):
        body = worker.hear(_wire.HOST_CALL)
        assert body["name"] == "echo"
        if backwards:
            asked.append(body)
        else:
            worker.say(_wire.HOST_REPLY, host=body["host"], value=body["args"][0])
    for body in reversed(asked):
        worker.say(_wire.HOST_REPLY, host=body["host"], value=body["args"][0])


def test_outside_a_call_there_is_nobody_to_ask() -> None:
    with pytest.raises(gorgon.NotInCall, match="call"):
        gorgon.host.call("echo")
    with pytest.raises(RuntimeError):
        gorgon.host.tools.echo(1)
    with pytest.raises(AttributeError):
        _ = gorgon.host.tools.__wrapped__


def test_arguments_arrive_and_the_value_comes_back(worker: Link) -> None:
    worker.begin("talking:ask", "weather", "Rome", 3, days=2)
    body = worker.hear(_wire.HOST_CALL)
    assert body == {"host": 1, "name": "weather", "args": ["Rome", 3], "kwargs": {"days": 2}}
    worker.say(_wire.HOST_REPLY, host=1, value={"sun": [True, None]})
    assert worker.hear(_wire.RESULT) == {"sun": [True, None]}


def tell(worker: Link, kind: int, body: dict[str, Any]) -> None:
    """Say something with tags about the last call."""
    frame = _wire.encode_value(kind, worker.sequence, _wire.TAGGED, json.dumps(body).encode(), ())
    assert isinstance(frame, bytes)
    worker.send(frame)


EQUAL = {"$": "pairs", "v": [[1, 0], [True, 0]]}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_what_this_python_cannot_make_a_value_of_fails_the_question_only(jvm: Jvm, concurrency: int) -> None:
    worker = jvm.start(concurrency=concurrency)
    worker.begin("talking:ask_and_describe", "odd")
    tell(worker, _wire.HOST_REPLY, {"host": worker.asked("odd"), "value": EQUAL})
    assert "two keys that are equal" in str(worker.hear(_wire.RESULT))
    worker.send(worker.special({}, "talking:read_each", {"$": "source", "n": 0}))
    worker.hear(_wire.PULL)
    worker.say(_wire.ITEM, source=0, values=[7])
    tell(worker, _wire.ITEM, {"source": 0, "values": [EQUAL]})
    worker.say(_wire.ITEM, source=0, values=[8], end=True)
    told = worker.hear(_wire.RESULT)
    assert told[0] == 7
    assert "two keys that are equal" in str(told[1])
    assert 8 not in told


def test_as_an_attribute_every_keyword_is_the_tools(worker: Link) -> None:
    worker.begin("talking:ask_by_attribute", "Rome", timeout="of a match", name="n")
    body = worker.hear(_wire.HOST_CALL)
    assert body["kwargs"] == {"timeout": "of a match", "name": "n"}
    assert "timeout" not in body
    worker.say(_wire.HOST_REPLY, host=1, value=None)
    assert worker.hear(_wire.RESULT) is None


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ({"kind": "raised", "type": "java.io.IOException", "message": "disk"}, ["HostError", "java.io.IOException"]),
        ({"kind": "unknown", "message": "no tool", "names": ["a", "b"]}, ["UnknownTool", ""]),
        ({"kind": "timeout", "message": "late"}, ["HostTimeout", ""]),
        ({"kind": "too_deep", "message": "8"}, ["NestedTooDeep", ""]),
        ({"kind": "bad_arguments", "type": "T", "message": "2 for 1"}, ["BadToolArguments", "T"]),
        ({"kind": "something new"}, ["HostError", ""]),
        ("nonsense", ["HostError", ""]),
    ],
)
@pytest.mark.parametrize("how", ["ask", "ask_async"])
def test_failures_are_exceptions_of_their_own(worker: Link, failure: Any, told: list[str], how: str) -> None:
    worker.begin("talking:ask_and_describe", "tool")
    worker.say(_wire.HOST_REPLY, host=worker.asked("tool"), failure=failure)
    found = worker.hear(_wire.RESULT)
    assert found[:2] == told
    assert found[3] == "tool"
    if told[0] == "UnknownTool":
        assert found[4] == ["a", "b"]
    worker.begin(f"talking:{how}", "tool")  # and uncaught, they travel back
    worker.say(_wire.HOST_REPLY, host=worker.asked("tool"), failure=failure)
    body = worker.hear(_wire.FAILURE)
    assert (body["kind"], body["module"], body["type"]) == ("raised", "gorgon", told[0])
    assert "gorgon.HostError" in body["mro"]
    assert body["frames"][-1]["function"] == how
    assert "_host.py" not in body["traceback"]


def test_the_tree_is_what_it_says() -> None:
    assert issubclass(gorgon.HostTimeout, TimeoutError)
    assert issubclass(gorgon.BadToolArguments, TypeError)
    for each in (gorgon.UnknownTool, gorgon.HostTimeout, gorgon.NestedTooDeep, gorgon.BadToolArguments):
        assert issubclass(each, gorgon.HostError)
        assert each.__module__ == "gorgon"


@pytest.mark.parametrize("how", ["ask", "ask_async"])
def test_a_tool_that_gives_no_answer_in_time(worker: Link, how: str) -> None:
    worker.begin(f"talking:{how}", "slow", timeout=0.02)
    body = worker.hear(_wire.HOST_CALL)
    assert body["timeout"] == 0.02
    failure = worker.hear(_wire.FAILURE)
    assert failure["type"] == "HostTimeout"
    worker.say(_wire.HOST_REPLY, host=body["host"], value="late")  # it is dropped
    assert worker.call("echo", 1) == 1


def test_arguments_that_cannot_travel(jvm: Jvm) -> None:
    worker = jvm.start(frame_limit=5_000)
    for code in ("gorgon.host.call('t', [1, object()])", "gorgon.host.call('t', 'x' * 5000)"):
        worker.begin("builtins:exec", f"import gorgon\n{code}")
        failure = worker.hear(_wire.FAILURE)
        assert (failure["kind"], failure["type"]) == ("raised", "BadToolArguments")
    assert worker.call("echo", 1) == 1


@pytest.mark.parametrize("backwards", [False, True])
def test_threads_may_ask_at_once(worker: Link, backwards: bool) -> None:
    worker.begin("talking:ask_in_threads", 8)
    serve(worker, 8, backwards=backwards)
    assert worker.hear(_wire.RESULT) == list(range(8))


@pytest.mark.parametrize("target", ["ask_at_once", "ask_from_own_loop"])
@pytest.mark.parametrize("backwards", [False, True])
def test_tasks_may_ask_at_once(worker: Link, target: str, backwards: bool) -> None:
    for _ in range(3):
        worker.begin(f"talking:{target}", 20)
        serve(worker, 20, backwards=backwards)
        assert worker.hear(_wire.RESULT) == list(range(20))


def test_tasks_threads_and_blocked_loops_may_ask_at_once(worker: Link) -> None:
    for _ in range(20):
        worker.begin("talking:ask_every_way", 12)
        serve(worker, 12)
        assert worker.hear(_wire.RESULT) == list(range(12))


def test_a_value_that_is_larger_than_the_buffer_comes_back(worker: Link) -> None:
    text = "x" * 1_000_000
    for how in ("ask", "ask_async"):
        worker.begin(f"talking:{how}", "echo", text)
        serve(worker, 1)
        assert worker.hear(_wire.RESULT) == text


@pytest.mark.parametrize("how", ["ask", "ask_async"])
def test_a_reply_in_any_cut(worker: Link, how: str) -> None:
    worker.begin(f"talking:{how}", "echo")
    number = worker.asked("echo")
    reply = _wire.encode(_wire.HOST_REPLY, worker.sequence, json.dumps({"host": number, "value": "cut"}).encode())
    for byte in reply:
        worker.send(bytes((byte,)))
    assert worker.hear(_wire.RESULT) == "cut"


def test_requests_that_come_meanwhile_are_served_afterwards(worker: Link) -> None:
    worker.begin("talking:ask", "echo")
    number = worker.asked("echo")
    asking = worker.sequence
    others = [worker.request("echo", n) for n in range(3)]
    worker.send(*others, _wire.encode(_wire.PING, 5))
    worker.say(_wire.HOST_REPLY, asking, host=number, value="mine")
    for wanted in ("mine", 0, 1, 2):
        assert json.loads(worker.read(_wire.RESULT).body) == wanted
    assert worker.read() == _wire.Frame(_wire.PONG, 5)


def test_shutdown_waits_for_the_call(worker: Link) -> None:
    worker.begin("talking:ask", "echo")
    number = worker.asked("echo")
    worker.send(_wire.encode(_wire.SHUTDOWN))
    worker.say(_wire.HOST_REPLY, host=number, value=1)
    assert worker.hear(_wire.RESULT) == 1
    assert worker.exit() == (0, None)


@pytest.mark.parametrize("how", ["ask", "ask_async", "ask_in_threads", "ask_from_own_loop"])
def test_cancelled_while_it_waits_for_a_tool(worker: Link, how: str) -> None:
    worker.begin(f"talking:{how}", 2 if how in ("ask_in_threads", "ask_from_own_loop") else "echo")
    first = worker.hear(_wire.HOST_CALL)
    if how in ("ask_in_threads", "ask_from_own_loop"):
        worker.hear(_wire.HOST_CALL)
    worker.mark_cancelled(worker.sequence)
    if how != "ask_in_threads":
        worker.signal("INT")
    else:  # the executor waits for its threads, whatever happens
        os.kill(worker.pid, signal.SIGINT)  # not through the keeper: it must be there before the replies are
        for number in (1, 2):
            worker.say(_wire.HOST_REPLY, host=number, value=number)
    assert worker.hear(_wire.FAILURE) == {"kind": "cancelled", "started": True}
    worker.say(_wire.HOST_REPLY, host=first["host"], value="late")
    assert worker.call("echo", 1) == 1


def test_a_call_that_is_cancelled_asks_for_nothing_new(worker: Link) -> None:
    code = "import gorgon\nprint('runs')\nwhile not gorgon.cancelled(): pass\ngorgon.host.call('x')"
    worker.begin("builtins:exec", code)
    worker.output(worker.stdout, "runs\n")
    worker.mark_cancelled(worker.sequence)
    assert worker.hear(_wire.FAILURE) == {"kind": "cancelled", "started": True}


def test_a_call_that_was_struck_may_still_clean_up(worker: Link) -> None:
    worker.begin("talking:swallow_and_ask")
    worker.asked("slow")
    worker.mark_cancelled(worker.sequence)
    worker.signal("INT")
    worker.say(_wire.HOST_REPLY, host=worker.asked("clean"), value="done")
    assert worker.hear(_wire.RESULT) == ["cleaned", "done"]


def test_a_thread_that_still_waits_when_the_call_ends(worker: Link) -> None:
    for _ in range(10):
        worker.begin("talking:leave_a_thread")
        frame = worker.read()
        late = frame.kind == _wire.RESULT  # the thread may come too late even to ask
        if not late:
            assert frame.kind == _wire.HOST_CALL
            assert worker.hear(_wire.RESULT) == "left"
        ended = worker.call("talking:ended_threads")
        assert ended
        assert all("ended" in text or "none" in text for text in ended)


@pytest.mark.parametrize("body", [{"host": 2, "value": 1}, {"host": 0}, {"host": "1"}, {}, [], {"host": True}])
def test_a_reply_to_what_was_never_asked_ends_the_worker(worker: Link, body: Any) -> None:
    worker.begin("talking:ask", "echo")
    worker.asked("echo")
    worker.send(_wire.encode(_wire.HOST_REPLY, worker.sequence, json.dumps(body).encode()))
    assert worker.exit() == (70, None)


@pytest.mark.parametrize("how", ["ask", "ask_async", "ask_in_threads", "ask_from_own_loop"])
@pytest.mark.parametrize("garbage", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2, _wire.encode(_wire.CHUNK, 1, b"1")])
def test_the_jvm_goes_or_sends_garbage_while_a_tool_is_awaited(worker: Link, how: str, garbage: bytes) -> None:
    worker.begin(f"talking:{how}", 2 if how in ("ask_in_threads", "ask_from_own_loop") else "echo")
    worker.hear(_wire.HOST_CALL)
    assert worker.connection is not None
    if garbage:
        worker.send(garbage)
    else:
        worker.connection.close()
    assert worker.exit() == (70 if garbage else 0, None)


def test_the_jvm_goes_in_the_middle_of_a_reply(worker: Link) -> None:
    worker.begin("talking:ask", "echo")
    worker.asked("echo")
    worker.send(_wire.encode(_wire.HOST_REPLY, worker.sequence, b'{"host":1,"value":1}')[:-3])
    assert worker.connection is not None
    worker.connection.close()
    assert worker.exit() == (70, None)
    assert "truncated" in worker.output(worker.stderr, "\n")


def test_late_frames_for_calls_that_are_over_are_dropped(worker: Link) -> None:
    worker.call("echo", 1)
    worker.say(_wire.HOST_REPLY, host=3, value=1)
    worker.say(_wire.ITEM, source=0, end=True)
    worker.say(_wire.CREDIT, n=1)
    assert worker.call("echo", 1) == 1
    worker.say(_wire.CREDIT, worker.sequence + 1, n=0)
    assert worker.exit() == (70, None)


def test_a_loop_that_is_woken_for_nothing_does_not_wait() -> None:
    """A thread may have taken the lead, read what the loop saw, and given the lead back."""
    here, there = socket.socketpair()
    loop = asyncio.new_event_loop()
    try:
        here.settimeout(0.01)  # a read that waits would break the link
        link: Any = SimpleNamespace(socket=here, reader=FrameReader(here), broken=None, unpack=None)
        inbox = Inbox(link)
        reader = LoopReader(inbox, loop)
        with inbox.mutex:
            inbox.admit(Call(1, inbox))
            inbox._lead(reader)
        reader._readable()
        assert link.broken is None
        there.sendall(_wire.encode(_wire.PING, 3))
        reader._readable()
        assert list(inbox.backlog) == [_wire.Frame(_wire.PING, 3)]
    finally:
        loop.close()
        here.close()
        there.close()

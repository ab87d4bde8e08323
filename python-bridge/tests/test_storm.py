"""Signals at random moments, while the bridge works in the middle of user code: no frame breaks, no call errs."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import talking

import gorgon
from gorgon import _wire
from gorgon._call import Call
from gorgon._reader import FrameReader
from gorgon._running import guarded, running
from gorgon._status import SIZE
from gorgon._worker import Worker
from jvm import Jvm, Link

SECONDS = 0.02  # that a call of the storm takes


class Partner:
    """Answers whatever a call asks for, and checks every frame."""

    def __init__(self, worker: Link, dice: random.Random) -> None:
        self.worker = worker
        self.dice = dice

    def run(self, doomed: bool) -> tuple[int, Any]:
        """Until the call ends: how, and with what. A doomed call is cancelled at a random frame."""
        worker, dice = self.worker, self.dice
        asked: set[int] = set()
        chunks = 0
        fate = dice.randint(0, 40) if doomed else -1
        frames = 0
        while True:
            if frames == fate:
                worker.mark_cancelled(worker.sequence)
            frame = worker.read()
            frames += 1
            body: Any = json.loads(frame.body) if frame.body else None
            assert frame.id == worker.sequence, frame
            if frame.kind == _wire.HOST_CALL:
                assert body["host"] not in asked
                asked.add(body["host"])
                worker.say(_wire.HOST_REPLY, host=body["host"], value=body["args"][0])
            elif frame.kind == _wire.CHUNK:
                chunks += 1
                assert body == chunks
                worker.credit(1)
            elif frame.kind not in (_wire.LOG, _wire.PROGRESS):
                return frame.kind, body


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_signals_breaks_no_frame(jvm: Jvm, seed: int) -> None:
    worker = jvm.start(log_lines=1_000_000, path=[str(Path(talking.__file__).parent)])
    dice = random.Random(seed)
    over = threading.Event()

    def storm() -> None:
        chance = random.Random(seed)
        while not over.wait(chance.random() * 0.001):
            for _ in range(chance.randint(1, 10)):
                os.kill(worker.pid, signal.SIGINT)

    thread = threading.Thread(target=storm)
    thread.start()
    cancelled = finished = 0
    try:
        for _ in range(120):
            doomed = dice.random() < 0.6
            target = dice.choice(["everything", "everything_async", "everything_in_call", "ask_every_way"])
            if target == "ask_every_way":
                worker.begin("talking:ask_every_way", 9)
                doomed = False
            elif target == "everything_in_call":
                worker.begin("talking:everything_in_call", SECONDS)
            else:
                worker.stream(dice.randint(1, 4), target, SECONDS)
            kind, body = Partner(worker, dice).run(doomed)
            if kind == _wire.FAILURE:
                assert body["kind"] == "cancelled", body
                assert doomed
                cancelled += 1
            else:
                assert kind == (_wire.END if target in ("everything", "everything_async") else _wire.RESULT)
                finished += 1
    finally:
        over.set()
        thread.join()
    assert cancelled > 30
    assert finished > 30
    assert worker.call("echo", "alive") == "alive"


class Bridge:
    """A worker in this process, whose JVM is a thread that answers, and checks what it reads."""

    def __init__(self, directory: Path) -> None:
        page = directory / "page"
        page.write_bytes(bytes(SIZE))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(directory / "s"))
            server.listen()
            self.worker = Worker({"socket": str(directory / "s"), "page": str(page), "log_lines": 1 << 30})
            self.peer, _ = server.accept()
        self.kinds: list[int] = []
        self.thread = threading.Thread(target=self.answer)
        self.thread.start()

    def answer(self) -> None:
        reader = FrameReader(self.peer)
        while True:
            frame = reader.read()
            if frame is None:
                return
            self.kinds.append(frame.kind)
            if frame.kind == _wire.HOST_CALL:
                number = json.loads(frame.body)["host"]
                self.peer.sendall(_wire.encode(_wire.HOST_REPLY, frame.id, b'{"host":%d,"value":5}' % number))
            elif frame.kind == _wire.PULL:
                self.peer.sendall(_wire.encode(_wire.ITEM, frame.id, b'{"source":0,"values":[5],"end":true}'))

    def close(self) -> None:
        self.worker.link.socket.shutdown(socket.SHUT_WR)
        self.thread.join()
        running.page = running.call = None
        running.active = running.struck = running.pending = False
        running.main = threading.get_ident()
        self.worker.link.socket.close()
        self.worker.page.close()
        self.peer.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(os, "register_at_fork", lambda **_: None)
    made = Bridge(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("what", ["host", "progress", "log", "source"])
def test_a_strike_between_any_two_instructions_of_the_bridge_waits_for_its_end(bridge: Bridge, what: str) -> None:
    """The signal comes at each instruction of the bridge's frames in turn; locks and counts are right afterwards."""
    worker = bridge.worker
    record = talking.LOG.makeRecord("n", 20, "f", 1, "text", (), None)
    package = str(Path(gorgon.__file__).parent)
    skipped = (running.interrupt.__code__, guarded.__code__)
    instruction, struck = 0, 0
    while True:
        instruction += 1
        call = Call(instruction, worker.inbox)
        source = call.source(0)
        running.call = call
        running.struck = running.pending = False
        worker.page.start(call.id)
        worker.page._words[64 + (call.id & 255)] = call.id
        hits, seen = 0, 0

        def act(source: Any = source) -> Any:
            if what == "host":
                return gorgon.host.call("echo")
            if what == "progress":
                return gorgon.progress(1)
            if what == "log":
                return worker.logs.handle(record)
            return next(source)

        def trace(frame: FrameType, event: str, _: Any, instruction: int = instruction) -> Any:
            nonlocal hits, seen
            if not frame.f_code.co_filename.startswith(package) or frame.f_code in skipped:
                return None
            if frame.f_code.co_name in ("is_cancelled", "strike", "refuses", "_rouse", "_ring", "nudge"):
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                seen += 1
                if seen == instruction:
                    hits += 1
                    running.interrupt(signal.SIGINT, frame)
            return trace

        outcomes: list[Any] = []

        def run(outcomes: list[Any] = outcomes, act: Any = act, trace: Any = trace) -> None:
            running.main = threading.get_ident()
            if what == "host":
                running.struck = True  # so that it does not refuse at once
            sys.settrace(trace)
            try:
                outcomes.append(guarded(act))
            finally:
                sys.settrace(None)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        ((value, trouble),) = outcomes
        assert trouble is None or isinstance(trouble, gorgon.Cancelled), trouble
        struck += trouble is not None
        assert running.shield == 0
        assert running.wake is None
        assert not worker.inbox.mutex.locked()
        assert worker.inbox._leader is None
        assert not worker.inbox._waiters
        assert not worker.logs._busy
        assert worker.link.broken is None
        if trouble is None and what in ("host", "source"):
            assert value == 5
        call.ended = True
        running.call = None
        # What the struck call left unread is dropped here, as after any call.
        while not worker.link.reader.buffered() and _readable(worker):
            worker.inbox.take()
        if not hits:
            break
    assert instruction > 30
    assert struck > 20


def _readable(worker: Worker) -> bool:
    import select

    return bool(select.select([worker.link.socket], [], [], 0)[0])

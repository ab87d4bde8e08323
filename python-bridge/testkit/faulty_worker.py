"""A worker with a fault: the real bridge, spoilt at one point. Entry ``faulty_worker:main``.

GORGON_FAULT names the faults, separated by commas, each ``name`` or ``name=value``. Times are milliseconds.

At the start
    boot-exit=N          exits with code N before it connects
    boot-hang            never connects
    slow-start=MS        connects that much later
    wrong-token, wrong-protocol, garbage-hello
                         says hello badly
    after-hello-exit=N   exits with code N after its hello
    ready-never          hangs instead of becoming ready

At the n-th request (request=N, the first by default), and only there; at=TEXT counts only requests with TEXT in their
body, so that the fault is for the call that asks for it and for nobody who passes by
    die-after-header     dies with the request read, and nothing started
    die-before-reply     dies with the call run
    die-mid-reply        dies in the middle of its reply
    die-after-reply      dies right after its reply
    partial-then-silence sends half of its reply, then nothing more
    garbage-reply, oversize-reply, flag-flip, unknown-kind
                         sends a reply that is no frame
    wrong-id             answers a request that never was
    double-reply         answers twice
    reply-withheld       does not answer, but goes on reading

All the time
    ignore-sigterm       ignores SIGTERM
    stubborn             ignores SIGTERM and SIGINT

With GORGON_FAULT_ONCE=PATH only the process that manages to create the file PATH is faulty; its successor is sound.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import threading
import time
from binascii import crc32
from typing import Any

from gorgon import _wire
from gorgon._worker import Spec, Worker, live

DEATH = 9  # the exit code of a worker that dies on purpose
GARBAGE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
_LENGTH = struct.Struct(">I")
_NO_SUCH_KIND = 99
_NEVER = 1 << 40
_NO_ANSWERS = (_wire.PONG, _wire.PATCH)  # what is sent before the answer of a call, maybe


def main(spec: Spec) -> int:
    """Be a worker with the faults of the environment."""
    faults = _faults()
    if "boot-exit" in faults:
        os._exit(int(faults["boot-exit"]))
    if "boot-hang" in faults:
        hang_for_ever()
    if "slow-start" in faults:
        time.sleep(int(faults["slow-start"]) / 1000)
    if "ignore-sigterm" in faults or "stubborn" in faults:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return live(spec, lambda given: FaultyWorker(given, faults))


class FaultyWorker(Worker):
    """The real worker with its seams overridden."""

    def __init__(self, spec: Spec, faults: dict[str, str]) -> None:
        super().__init__(spec)
        self.faults = faults
        self.requests = 0
        self.now = False
        if "stubborn" in faults:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def hello(self) -> dict[str, Any]:
        body = super().hello()
        if "garbage-hello" in self.faults:
            self.link.socket.sendall(GARBAGE)
            hang_for_ever()
        if "wrong-token" in self.faults:
            body["token"] = "not-" + body["token"]
        if "wrong-protocol" in self.faults:
            body["protocol"] = 999
        return body

    def ready(self) -> None:
        if "after-hello-exit" in self.faults:
            os._exit(int(self.faults["after-hello-exit"]))
        if "ready-never" in self.faults:
            hang_for_ever()
        super().ready()

    def answer(self, frame: _wire.Frame) -> _wire.Written:
        self.now = self._count(frame)
        if self.now and "die-after-header" in self.faults:
            os._exit(DEATH)
        patch, reply = apart(super().answer(frame))
        if patch is not None:
            self.send(patch)
        if self.now:
            return self._spoil(frame.id, b"".join(reply) if isinstance(reply, list) else reply)
        return reply

    def send(self, frame: _wire.Written) -> None:
        super().send(frame)
        if not self.now or kind_of(frame) in _NO_ANSWERS:
            return
        if "die-mid-reply" in self.faults or "die-after-reply" in self.faults:
            os._exit(DEATH)
        if "partial-then-silence" in self.faults:
            hang_for_ever()

    def _spoil(self, identity: int, reply: bytes) -> bytes:
        faults = self.faults
        if "die-before-reply" in faults:
            os._exit(DEATH)
        if "die-mid-reply" in faults or "partial-then-silence" in faults:
            return reply[: len(reply) // 2]
        if "garbage-reply" in faults:
            return GARBAGE
        if "oversize-reply" in faults:
            return with_check(_LENGTH.pack(0xFFFFFFFF) + reply[4:])
        if "flag-flip" in faults:
            return reply[:9] + bytes((reply[9] ^ 1,)) + reply[10:]
        if "unknown-kind" in faults:
            return with_check(reply[:6] + bytes((_NO_SUCH_KIND,)) + reply[7:])
        if "wrong-id" in faults:
            return _wire.encode(_wire.RESULT, identity + _NEVER, json.dumps("for nobody").encode())
        if "double-reply" in faults:
            return reply + reply
        if "reply-withheld" in faults:
            return b""
        return reply

    def _count(self, frame: _wire.Frame) -> bool:
        if self.faults.get("at", "").encode() not in bytes(frame.body):
            return False
        self.requests += 1
        return self.requests == int(self.faults.get("request", "1"))


def with_check(frame: bytes) -> bytes:
    """The frame with the check that fits its prefix, so that something else is what is wrong."""
    head = frame[: _wire.COUNTED]
    return head + _LENGTH.pack(crc32(head)) + frame[_wire.PREFIX_SIZE :]


def apart(reply: _wire.Written) -> tuple[bytes | None, _wire.Written]:
    """The patch that goes ahead of an answer, and the answer: so that faults strike between the two."""
    if kind_of(reply) != _wire.PATCH:
        return None, reply
    both = reply if isinstance(reply, bytes) else b"".join(reply)
    size = _LENGTH.size + _LENGTH.unpack_from(both)[0]
    return both[:size], both[size:]


def kind_of(frame: _wire.Written) -> int:
    """The kind of a frame; of what is no frame, anything."""
    head = frame if isinstance(frame, bytes) else frame[0]
    return head[6] if len(head) > 6 else 0


def _faults() -> dict[str, str]:
    once = os.environ.get("GORGON_FAULT_ONCE")
    if once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return {}
    names = (part.partition("=") for part in os.environ.get("GORGON_FAULT", "").split(",") if part)
    return {name.strip(): value.strip() for name, _, value in names}


def hang_for_ever() -> None:
    """Do nothing, and never come back; no signal that has a handler ends it."""
    while True:
        threading.Event().wait()

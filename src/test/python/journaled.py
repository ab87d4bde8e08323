"""User code that writes down what it does, for the checker that joins it with what the JVM saw.

One line a fact, ``KIND TIME CALL ...``; times are nanoseconds of the monotonic clock, which the JVM's nanoTime is too:

    S TIME CALL NONCE PID WORKER ID   it starts
    E TIME CALL WORKER                it has ended, however
    Q TIME CALL NUMBER                it asks Java
    A TIME CALL NUMBER ANSWER         Java has answered
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from typing import Any

import gorgon

_files: dict[str, int] = {}


def note(path: str, kind: str, call: str, *more: Any) -> None:
    """Append one line, by one write: lines of different processes do not mix."""
    descriptor = _files.get(path)
    if descriptor is None:
        descriptor = _files[path] = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(descriptor, " ".join(map(str, (kind, time.monotonic_ns(), call, *more))).encode() + b"\n")


def start(path: str, call: str, nonce: str) -> None:
    """Note that a call starts."""
    note(path, "S", call, nonce, os.getpid(), gorgon.worker(), gorgon.call_id())


def call(path: str, id: str, nonce: str, seconds: float = 0.0) -> str:
    """Give the nonce back, after a while."""
    start(path, id, nonce)
    try:
        if seconds:
            time.sleep(seconds)
        return nonce
    finally:
        note(path, "E", id, gorgon.worker())


def stream(path: str, id: str, nonce: str, last: int, fail_at: int = -1) -> Generator[str, None, str]:
    """Yield the nonce with a number, so many times, or fail there; the reply is the nonce."""
    start(path, id, nonce)
    try:
        for number in range(last):
            if number == fail_at:
                raise LookupError(nonce)
            yield f"{nonce}/{number}"
    finally:
        note(path, "E", id, gorgon.worker())
    return nonce


def ask(path: str, id: str, nonce: str, questions: int) -> str:
    """Ask Java so many times, give the nonce back."""
    start(path, id, nonce)
    try:
        for number in range(questions):
            note(path, "Q", id, number)
            answer = gorgon.host.call("answer", id, number, f"{nonce}/{number}")
            note(path, "A", id, number, answer)
        return nonce
    finally:
        note(path, "E", id, gorgon.worker())

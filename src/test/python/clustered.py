"""User code of the cluster's proof: it writes down what it does, one line a fact, ``KIND TIME NODE PID ID KEY``.

    B  it begins
    E  it has ended, however

Times are nanoseconds of the monotonic clock, which all processes of a machine share. ``KEY`` is the session, or ``-``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from gorgon import session

_files: dict[str, int] = {}


def node() -> str:
    """The node that this process belongs to, as its JVM was told."""
    return os.environ["GORGON_PROOF_NODE"]


def _note(path: str, kind: str, id: str) -> None:
    """By one write: lines of different processes do not mix."""
    file = _files.get(path)
    if file is None:
        file = _files[path] = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    words = (kind, time.monotonic_ns(), node(), os.getpid(), id, session.id or "-")
    os.write(file, " ".join(map(str, words)).encode() + b"\n")


def once(path: str, id: str, seconds: float) -> str:
    """Run, for a while; where."""
    _note(path, "B", id)
    try:
        time.sleep(seconds)
        return node()
    finally:
        _note(path, "E", id)


def enter(path: str, id: str, seconds: float) -> str:
    """Add the id to those that the session has, and count; where."""
    _note(path, "B", id)
    try:
        session.state.setdefault("ids", []).append(id)
        time.sleep(seconds)
        session.state["count"] = session.state.get("count", 0) + 1
        return node()
    finally:
        _note(path, "E", id)


def numbers(path: str, id: str, last: int) -> Iterator[int]:
    """Yield so many."""
    _note(path, "B", id)
    try:
        for number in range(last):
            yield number
            time.sleep(0.005)
    finally:
        _note(path, "E", id)


def work(rounds: int) -> int:
    """Keep a processor busy with always the same."""
    total = 0
    for number in range(rounds):
        total += number * number % 7
    return total

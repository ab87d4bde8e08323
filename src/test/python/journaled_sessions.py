"""Calls of sessions that write down what they see in the state and do to it, as `journaled` does.

    V TIME CALL SESSION OWNER COUNT SIZE LAST   what the state holds: whose it is, its count, its list's size and end
    W TIME CALL CHANGE                          it makes a change, which is not kept yet
    C TIME CALL                                 it asks for a checkpoint
    K TIME CALL VERSION                         which was kept
    X TIME CALL FAILURE                         which was refused: the Java class of the failure

A change is ``CALL.NUMBER``. Each commit has one of them, so the state's version counts them too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from journaled import note, start

import gorgon
from gorgon import session

_NOTHING = "-"


@contextmanager
def _noted(path: str, id: str, nonce: str) -> Iterator[None]:
    start(path, id, nonce)
    try:
        state = session.state
        log: list[str] = state.get("log", [])
        seen = (state.get("owner", _NOTHING), state.get("count", 0), len(log), log[-1] if log else _NOTHING)
        note(path, "V", id, session.id, *seen)
        yield
    finally:
        note(path, "E", id, gorgon.worker())


def _change(path: str, id: str, number: int = 0) -> None:
    note(path, "W", id, f"{id}.{number}")
    state = session.state
    state["owner"] = session.id
    state["count"] = state.get("count", 0) + 1
    log: list[str] = state.setdefault("log", [])
    log.append(f"{id}.{number}")


def _checkpoint(path: str, id: str) -> None:
    note(path, "C", id)
    try:
        version = session.checkpoint()
    except gorgon.HostError as refused:
        note(path, "X", id, refused.type or type(refused).__name__)
        raise
    note(path, "K", id, version)


def _end(how: str) -> None:
    state: Any = session.state
    if how == "raise":
        raise LookupError(how)
    if how == "exit":
        os._exit(3)
    if how == "unsendable":
        state["box"] = object()
    if how == "too-large":
        state["big"] = "x" * (1 << 20)


def look(path: str, id: str, nonce: str) -> str:
    """Change nothing; the nonce."""
    with _noted(path, id, nonce):
        return nonce


def change(path: str, id: str, nonce: str, how: str = "", seconds: float = 0.0) -> str:
    """Make one change, wait, and end that way; the nonce."""
    with _noted(path, id, nonce):
        _change(path, id)
        if seconds:
            time.sleep(seconds)
        _end(how)
        return nonce


def checkpoints(path: str, id: str, nonce: str, times: int, how: str = "") -> str:
    """Make so many changes and have each kept, make one more, and end that way; the nonce."""
    with _noted(path, id, nonce):
        for number in range(times):
            _change(path, id, number)
            _checkpoint(path, id)
        _change(path, id, times)
        _end(how)
        return nonce


def stream(path: str, id: str, nonce: str, last: int, keep: bool, how: str = "") -> Generator[str, None, str]:
    """Yield the nonce with a number so many times, with a change and a checkpoint at each, or one change at the end."""
    with _noted(path, id, nonce):
        for number in range(last):
            if keep:
                _change(path, id, number)
                _checkpoint(path, id)
            yield f"{nonce}/{number}"
        _change(path, id, last)
        _end(how)
        return nonce

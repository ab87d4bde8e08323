"""What the tests of sessions call."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

import gorgon
from gorgon import session


def increment(by: int = 1) -> int:
    """Count."""
    session.state["count"] = session.state.get("count", 0) + by
    return int(session.state["count"])


def increment_then(what: str, seconds: float = 0.0) -> int:
    """Count, and then fail, sleep or die."""
    count = increment()
    if what == "raise":
        raise ValueError(f"after {count}")
    if what == "exit":
        os._exit(3)
    time.sleep(seconds)
    return count


def append(item: Any) -> list[Any]:
    """Change a list that is in the state, without assigning it."""
    items: list[Any] = session.state.setdefault("items", [])
    items.append(item)
    return items


def put(name: str, value: Any) -> None:
    """Put a value."""
    session.state[name] = value


def get(name: str) -> Any:
    """The value of a name."""
    return session.state.get(name)


def remove(name: str) -> None:
    """Delete a name."""
    del session.state[name]


def everything() -> dict[str, Any]:
    """All of it."""
    return dict(session.state)


def who() -> str | None:
    """The session's key."""
    return session.id


def pid_and_cached() -> list[int]:
    """This process, and how often it has served this session."""
    session.cache["served"] = session.cache.get("served", 0) + 1
    return [os.getpid(), session.cache["served"]]


def unsendable() -> int:
    """Leave something in the state that cannot travel."""
    session.state["fine"] = 1
    session.state["box"] = {"inner": [1, object()]}
    return 1


async def increment_async() -> int:
    """Count in a coroutine."""
    await asyncio.sleep(0)
    return increment()


def counting(until: int, checkpoint: bool = False, fail: bool = False) -> Iterator[int]:
    """A stream that counts in the state."""
    for _ in range(until):
        yield increment()
        if checkpoint:
            session.checkpoint()
    if fail:
        raise ValueError("at the end")


def checkpoint_then(what: str) -> int:
    """Count, have that kept, count again, and then raise or exit."""
    increment()
    session.checkpoint()
    increment()
    if what == "raise":
        raise ValueError("afterwards")
    if what == "exit":
        os._exit(3)
    return int(session.state["count"])


def outside() -> str:
    """What state raises in a call of no session."""
    try:
        return str(session.state)
    except gorgon.NotInSession as refused:
        return str(refused)


def nested(key: str) -> int:
    """Call another session through Java."""
    return int(gorgon.host.call("in_session", key))


def checkpoint_versions() -> list[int]:
    """What checkpoints say: of nothing, of a change, and of nothing more."""
    versions = [session.checkpoint()]
    increment()
    return [*versions, session.checkpoint(), session.checkpoint()]

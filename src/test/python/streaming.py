"""Streams and calls into Java, for the tests of the data path."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import gorgon


def count(last: int, pause: float = 0.0) -> Iterator[int]:
    """Yield 0 to last - 1; return how many."""
    for number in range(last):
        yield number
        if pause:
            time.sleep(pause)
    return last


async def count_async(last: int) -> AsyncIterator[int]:
    """The same, asynchronously."""
    for number in range(last):
        await asyncio.sleep(0)
        yield number


def count_and_note(last: int, note: str) -> Iterator[int]:
    """Count, and write to the file how many were made and that it was closed."""
    made = 0
    try:
        for number in range(last):
            made += 1
            yield number
    finally:
        with open(note, "a") as file:
            file.write(f"{made} closed\n")


def fail_after(good: int) -> Iterator[int]:
    """Yield some, then raise."""
    yield from range(good)
    raise ValueError("no more")


def die_after(good: int) -> Iterator[int]:
    """Yield some, then be gone."""
    yield from range(good)
    time.sleep(0.2)
    os._exit(7)


def odd_one(good: int) -> Iterator[Any]:
    """Yield some, then something that cannot travel."""
    yield from range(good)
    yield {"deep": [object()]}


def never() -> Iterator[int]:
    """Take for ever to make the first element."""
    while True:
        time.sleep(0.01)
    yield 0


def stubborn(note: str) -> Iterator[int]:
    """A generator whose clean-up never ends."""
    try:
        while True:
            yield 1
    finally:
        with open(note, "a") as file:
            file.write("closing\n")
        while True:
            try:
                time.sleep(1)
            except BaseException:
                continue


def ask(tool: str, *args: Any, **kwargs: Any) -> Any:
    """Call a Java tool and return what it gave."""
    return gorgon.host.call(tool, *args, **kwargs)


async def ask_async(tool: str, *values: Any) -> list[Any]:
    """Call a Java tool for each value, all at once."""
    return list(await asyncio.gather(*(gorgon.host.call_async(tool, value) for value in values)))


def ask_and_tell(tool: str, *args: Any, **kwargs: Any) -> list[str]:
    """Call a Java tool that fails; the exception's class and text."""
    try:
        gorgon.host.call(tool, *args, **kwargs)
    except gorgon.HostError as error:
        return [type(error).__name__, error.type, error.message]
    return ["nothing was raised"]


def total(numbers: Any) -> int:
    """Sum up whatever can be gone through."""
    return sum(numbers)


def first(numbers: Any, how_many: int) -> list[Any]:
    """Take only a few."""
    return [number for _, number in zip(range(how_many), numbers)]


def take_and_die(numbers: Any) -> None:
    """Take one, then be gone."""
    next(iter(numbers))
    os._exit(3)


def doubled(numbers: Any) -> Iterator[int]:
    """A stream of a stream."""
    for number in numbers:
        yield 2 * number


def work(steps: int) -> int:
    """Tell the progress of some steps."""
    for step in range(steps):
        gorgon.progress(step + 1, steps, f"step {step + 1}")
        time.sleep(0.02)
    return steps


def say(level: int, text: str) -> str | None:
    """Log a record; the call's traceparent."""
    logging.getLogger("shop.orders").log(level, "%s!", text)
    return gorgon.traceparent()


async def nap(seconds: float) -> float:
    """Sleep on the loop."""
    await asyncio.sleep(seconds)
    return seconds


def nap_in_thread(seconds: float) -> float:
    """Sleep on a thread."""
    time.sleep(seconds)
    return seconds

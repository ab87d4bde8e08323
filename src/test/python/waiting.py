"""User code for tests of workers that run several calls at once: what waits, and what tells calls apart."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import gorgon

_gates: dict[str, threading.Event] = {}


def wait(seconds: float) -> str:
    """Sleep."""
    time.sleep(seconds)
    return "waited"


async def wait_async(seconds: float) -> str:
    """Sleep, asynchronously."""
    await asyncio.sleep(seconds)
    return "waited"


def say_and_wait(word: str, seconds: float = 30) -> str:
    """Print a word, then sleep in C for long: a strike does not get there before the end."""
    print(word)
    time.sleep(seconds)
    return word


async def say_and_wait_async(word: str, seconds: float = 30) -> str:
    """Print a word, then sleep."""
    print(word)
    await asyncio.sleep(seconds)
    return word


def say_and_spin(word: str, seconds: float = 30) -> str:
    """Print a word, then sleep in short naps: a strike gets there."""
    print(word)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.001)
    return word


async def block(word: str, seconds: float = 30) -> str:
    """Print a word, then block the loop."""
    print(word)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.001)
    return word


def swallow(word: str, times: int) -> str:
    """Swallow so many strikes."""
    for number in range(times):
        try:
            print(word, number)
            while True:
                time.sleep(0.001)
        except gorgon.Cancelled:
            pass
    return word


def watch(word: str) -> str:
    """Look whether the call is cancelled, until it is."""
    print(word)
    while not gorgon.cancelled():
        time.sleep(0.001)
    return "saw it"


async def watch_async(word: str) -> str:
    """The same, asynchronously."""
    print(word)
    while not gorgon.cancelled():
        await asyncio.sleep(0.001)
    return "saw it"


def gate(name: str) -> str:
    """Wait until it is opened."""
    _gates.setdefault(name, threading.Event()).wait()
    return name


def open_gate(name: str) -> None:
    """Open it."""
    _gates.setdefault(name, threading.Event()).set()


def who() -> list[Any]:
    """What the call knows of itself, on a thread, after a pause in which others run."""
    before = [gorgon.call_id(), gorgon.traceparent()]
    time.sleep(0.005)
    logging.getLogger("waiting").info("sync %s", gorgon.call_id())
    gorgon.progress(1, note=gorgon.call_id())
    return [*before, gorgon.call_id(), gorgon.cancelled()]


async def who_async() -> list[Any]:
    """The same in tasks, and in a thread that has their context."""
    before = [gorgon.call_id(), gorgon.traceparent()]
    await asyncio.sleep(0.005)
    logging.getLogger("waiting").info("async %s", gorgon.call_id())
    gorgon.progress(1, note=gorgon.call_id())
    in_task = await asyncio.create_task(_later_id())
    in_thread = await asyncio.to_thread(gorgon.call_id)
    assert in_task == in_thread
    return [*before, in_task, gorgon.cancelled()]


async def _later_id() -> str | None:
    await asyncio.sleep(0)
    return gorgon.call_id()


def in_plain_thread() -> list[Any]:
    """What a thread sees that has no context."""
    seen: list[Any] = []

    def look() -> None:
        seen.append(gorgon.call_id())
        try:
            gorgon.host.call("echo", 1)
        except gorgon.NotInCall:
            seen.append("not in call")

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return seen


def ask(n: int, first: int) -> list[Any]:
    """Call a tool so many times, one after the other."""
    return [gorgon.host.call("echo", first + number) for number in range(n)]


async def ask_async(n: int, first: int) -> list[Any]:
    """Call a tool so many times at once, from tasks."""
    return list(await asyncio.gather(*(gorgon.host.call_async("echo", first + number) for number in range(n))))


async def ask_blocking(n: int, first: int) -> list[Any]:
    """Call a tool so many times from async code that blocks the loop."""
    return [gorgon.host.call("echo", first + number) for number in range(n)]


def count(n: int, first: int) -> Iterator[int]:
    """Yield numbers."""
    for number in range(n):
        print("made", first + number)
        yield first + number


async def count_async(n: int, first: int) -> AsyncIterator[int]:
    """The same, asynchronously."""
    for number in range(n):
        print("made", first + number)
        yield first + number


def endless(word: str) -> Iterator[int]:
    """Yield for ever."""
    try:
        number = 0
        while True:
            yield number
            number += 1
    finally:
        print(word, "closed")


async def endless_async(word: str) -> AsyncIterator[int]:
    """The same, asynchronously."""
    try:
        number = 0
        while True:
            yield number
            number += 1
    finally:
        print(word, "closed")


async def list_async(n: int) -> list[int]:
    """An async function that returns an iterable."""
    await asyncio.sleep(0)
    return list(range(n))


async def leave_task(word: str, stubborn: bool = False) -> str:
    """Leave a task behind."""

    async def orphan() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            while stubborn:
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    continue
            print(word, "ended")

    task = asyncio.create_task(orphan(), name=word)
    await asyncio.sleep(0)
    return task.get_name()


async def exit_in_task() -> str:
    """Start a task that exits the process, it thinks."""

    async def leaving() -> None:
        await asyncio.sleep(0)
        sys.exit(3)

    try:
        await asyncio.create_task(leaving())
    except SystemExit as error:
        return f"exit {error.code}"
    return "no exit"


async def stop_loop() -> str:
    """Stop the loop that it runs on."""
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)
    return "goes on"


def returns_coroutine(seconds: float) -> Any:
    """An ordinary function that gives a coroutine."""
    return wait_async(seconds)


def fork_and_return(value: Any) -> Any:
    """Fork; both processes come back from here, the child after a while."""
    pid = os.fork()
    if pid == 0:
        time.sleep(0.05)
        return "child"
    os.waitpid(pid, 0)
    return value


async def fork_and_await(journal: str) -> int:
    """Fork, and let the child await; the parent gets its exit code."""
    pid = os.fork()
    if pid == 0:
        await asyncio.sleep(0.01)
        with open(journal, "a") as file:
            file.write("the child went on\n")
        return -1
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


async def write_later(journal: str) -> str:
    """Write a line after many steps of the loop."""
    for _ in range(50):
        await asyncio.sleep(0.001)
    with open(journal, "a") as file:
        file.write(f"{os.getpid()}\n")
    return "written"


def threads() -> int:
    """How many threads there are for calls."""
    return sum(thread.name.startswith("gorgon-") for thread in threading.enumerate())


def total(source: Any) -> Any:
    """Add up a source."""
    return sum(source)


async def total_async(source: Any) -> Any:
    """The same, asynchronously."""
    return sum([item async for item in source])


def everything(seconds: float, fail: bool = False) -> str:
    """Whatever the bridge offers, in a loop; a strike may come at any time."""
    end = time.monotonic() + seconds
    mine = gorgon.call_id()
    number = 0
    while time.monotonic() < end:
        number += 1
        assert gorgon.call_id() == mine
        assert gorgon.host.call("echo", f"{mine}/{number}") == f"{mine}/{number}"
        gorgon.progress(number)
        logging.getLogger("waiting").info("%s", mine)
        if number % 7 == 0:
            time.sleep(0.001)
    if fail:
        raise ValueError(mine)
    return str(mine)


_arrived: dict[str, int] = {}
_arrival = threading.Condition()


def arrive(name: str, seconds: float = 30) -> str:
    """Be counted, then sleep."""
    with _arrival:
        _arrived[name] = _arrived.get(name, 0) + 1
        _arrival.notify_all()
    time.sleep(seconds)
    return name


async def arrive_async(name: str, seconds: float = 30) -> str:
    """The same, asynchronously."""
    with _arrival:
        _arrived[name] = _arrived.get(name, 0) + 1
        _arrival.notify_all()
    await asyncio.sleep(seconds)
    return name


def await_arrivals(name: str, n: int) -> int:
    """Wait until so many have been counted; which process that is."""
    with _arrival:
        _arrival.wait_for(lambda: _arrived.get(name, 0) >= n)
    return os.getpid()


def arrive_and_spin(name: str, seconds: float = 30) -> str:
    """Be counted, then sleep in short naps."""
    arrive(name, 0)
    return say_and_spin(name, seconds)


async def journal_async(path: str, id: str, nonce: str) -> str:
    """Note in a file that it ran, between two awaits; gives back the nonce."""
    await asyncio.sleep(0)
    line = f"{id} {nonce} {os.getpid()} {gorgon.worker()} {time.monotonic()}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)
    await asyncio.sleep(0.001)
    return nonce

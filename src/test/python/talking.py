"""User code for tests that talks with the JVM while it runs: streams, tools, sources, progress, logs, tasks."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gorgon

LOG = logging.getLogger("talking")


def count(n: int, result: Any = None) -> Generator[int, None, Any]:
    """Yield numbers, and print each when it is made; returns something."""
    try:
        for number in range(n):
            print("made", number)
            yield number
    finally:
        print("closed")
    return result


async def count_async(n: int) -> AsyncIterator[int]:
    """The same, asynchronously."""
    try:
        for number in range(n):
            print("made", number)
            yield number
            await asyncio.sleep(0)
    finally:
        print("closed")


def slow_item() -> Iterator[int]:
    """Yield one number, then take long."""
    try:
        yield 1
        print("runs")
        time.sleep(30)
        yield 2
    finally:
        print("closed")


async def slow_item_async() -> AsyncIterator[int]:
    """Yield one number, then take long."""
    try:
        yield 1
        print("runs")
        await asyncio.sleep(30)
        yield 2
    finally:
        print("closed")


def stubborn() -> Iterator[int]:
    """Take long to be closed."""
    try:
        yield 1
        yield 2
    finally:
        print("closing")
        time.sleep(30)


def unclosable() -> Iterator[int]:
    """Raise when it is closed."""
    try:
        yield 1
        yield 2
    finally:
        raise ValueError("not like that")


def failing(n: int) -> Iterator[int]:
    """Yield numbers, then raise."""
    yield from range(n)
    raise LookupError("no more")


def odd_item(item: str) -> Iterator[Any]:
    """Yield something that cannot be sent."""
    try:
        yield 1
        yield {1j} if item == "set" else "x" * 100_000
    finally:
        print("closed")


async def async_of_list(n: int) -> Any:
    """An async function that returns an iterable."""
    await asyncio.sleep(0)
    return list(range(n))


def ask(name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a tool."""
    return gorgon.host.call(name, *args, **kwargs)


def ask_by_attribute(*args: Any, **kwargs: Any) -> Any:
    """Call a tool as a function."""
    return gorgon.host.tools.weather(*args, **kwargs)


def ask_and_describe(name: str, timeout: float | None = None) -> Any:
    """Call a tool that fails, and tell how."""
    try:
        return gorgon.host.call(name, timeout=timeout)
    except gorgon.HostError as error:
        names = getattr(error, "names", None)
        return [type(error).__name__, error.type, error.message, error.tool, list(names) if names is not None else None]


def ask_in_threads(n: int) -> list[Any]:
    """Call a tool from several threads at once."""
    with ThreadPoolExecutor(n) as threads:
        return list(threads.map(lambda number: gorgon.host.call("echo", number), range(n)))


async def ask_async(name: str, *args: Any, timeout: float | None = None) -> Any:
    """Call a tool from async code."""
    return await gorgon.host.call_async(name, *args, timeout=timeout)


async def ask_at_once(n: int) -> list[Any]:
    """Call a tool several times at once, from tasks."""
    return list(await asyncio.gather(*(gorgon.host.call_async("echo", number) for number in range(n))))


async def ask_every_way(n: int) -> list[Any]:
    """Call a tool from tasks, from threads, and from a task that blocks the loop, all at once."""
    loop = asyncio.get_running_loop()

    async def blocking(number: int) -> Any:
        await asyncio.sleep(0)
        return gorgon.host.call("echo", number)

    calls: list[Any] = []
    for number in range(0, n, 3):
        calls.append(gorgon.host.call_async("echo", number))
        calls.append(loop.run_in_executor(None, gorgon.host.call, "echo", number + 1))
        calls.append(blocking(number + 2))
    return list(await asyncio.gather(*calls))


def ask_from_own_loop(n: int) -> list[Any]:
    """Call tools from an event loop of the user's own."""
    return asyncio.run(ask_at_once(n))


def swallow_and_ask() -> Any:
    """Wait for a tool; when that is cancelled, call another one to clean up."""
    try:
        return gorgon.host.call("slow")
    except gorgon.Cancelled:
        return ["cleaned", gorgon.host.call("clean")]


def leave_a_thread() -> str:
    """Return while a thread still waits for a tool."""
    thread = threading.Thread(target=_wait_for_tool, name="left")
    thread.start()
    _asked.acquire()
    return "left"


_asked = threading.Semaphore(0)
_ended: list[str] = []


def _wait_for_tool() -> None:
    _asked.release()
    try:
        gorgon.host.call("never")
    except gorgon.NotInCall as error:
        _ended.append(str(error))


def ended_threads() -> list[str]:
    """What was raised in the threads of `leave_a_thread`, once they have ended."""
    for thread in threading.enumerate():
        if thread.name == "left":
            thread.join()
    return _ended


def total(source: Any, take: int | None = None) -> Any:
    """Add up a source, or its first items."""
    if take is None:
        return sum(source)
    return [next(source) for _ in range(take)]


def total_of_both(one: Any, other: Any) -> list[Any]:
    """Add up two sources, the second one first."""
    second = sum(other)
    return [sum(one), second]


async def total_async(source: Any) -> Any:
    """The same, asynchronously."""
    return sum([item async for item in source])


def ignore(source: Any) -> str:
    """Do not read a source."""
    return type(source).__name__


def read_each(source: Any) -> list[Any]:
    """Read one by one, so that what came before a failure is kept."""
    items: list[Any] = []
    try:
        for item in source:
            items.append(item)  # noqa: PERF402 - extend would lose them
    except gorgon.HostError as error:
        items.append([error.type, error.message])
    return items


def double(source: Any) -> Iterator[Any]:
    """A stream made of a source."""
    for item in source:
        yield item * 2


_kept: list[Any] = []


def keep(source: Any) -> None:
    """Keep a source for later."""
    _kept.append(source)


def read_kept() -> Any:
    """Read a source of a call that is over."""
    return list(_kept.pop())


def tell_progress(n: int, note: str | None = None) -> int:
    """Tell progress in a tight loop."""
    for number in range(1, n + 1):
        gorgon.progress(number, n, note)
    return n


def log(level: int, text: str, *args: Any) -> None:
    """Log something."""
    LOG.log(level, text, *args)


def log_many(n: int) -> None:
    """Log a lot."""
    for number in range(n):
        LOG.info("record %d", number)


def log_in_threads(threads: int, n: int) -> None:
    """Log from several threads at once."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(log_many, [n] * threads))


class Talkative:
    """Logs when it is collected, which may be anywhere."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        LOG.info("bye")


def log_in_finaliser(n: int) -> None:
    """Log, and make garbage that logs too."""
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    for number in range(n):
        Talkative()
        LOG.info("record %d", number)
    gc.collect()
    gc.set_threshold(*threshold)


class Unprintable:
    """Raises, or logs, when it is turned into text."""

    def __init__(self, logs: bool) -> None:
        self.logs = logs

    def __str__(self) -> str:
        if self.logs:
            LOG.info("inside")
            return "logged"
        raise ValueError("no text")


def log_odd(logs: bool) -> None:
    """Log something that raises or logs while it is formatted."""
    LOG.info("odd: %s", Unprintable(logs))


def log_exception() -> None:
    """Log an exception."""
    try:
        raise KeyError("lost")
    except KeyError:
        LOG.exception("it broke")


def log_in_child() -> int:
    """Log in a forked child; its exit code."""
    import os

    pid = os.fork()
    if pid == 0:
        LOG.warning("from the child")
        gorgon.progress(1)
        try:
            gorgon.host.call("echo", 1)
        except gorgon.NotInCall:
            os._exit(7)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


async def sleep_async(seconds: float) -> str:
    """Wait."""
    print("runs")
    await asyncio.sleep(seconds)
    return "slept"


async def block(seconds: float) -> str:
    """Block the loop, as async code should not."""
    print("runs")
    time.sleep(seconds)
    return "blocked"


async def swallow_async() -> str:
    """Go on when cancelled."""
    try:
        print("runs")
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        return "swallowed " + str(gorgon.cancelled())
    return "not cancelled"


async def leave_tasks(stubborn: bool = False) -> str:
    """Return while a task still runs."""

    async def left() -> None:
        while True:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                print("cancelled")
                if not stubborn:
                    raise

    _tasks.append(asyncio.get_running_loop().create_task(left(), name="orphan"))
    await asyncio.sleep(0)
    return "left"


_tasks: list[Any] = []
_loops: list[Any] = []


async def same_loop() -> bool:
    """Whether this loop is the one of the call before; True for the first."""
    _loops.append(asyncio.get_running_loop())
    return _loops[-1] is _loops[max(0, len(_loops) - 2)]


async def where() -> list[Any]:
    """What async code, a task and a thread know of their call."""
    task = asyncio.current_task()
    found = [gorgon.call_id(), gorgon.traceparent(), task is not None]
    return found + await asyncio.get_running_loop().run_in_executor(
        None, lambda: [gorgon.call_id(), gorgon.cancelled()]
    )


def everything(seconds: float) -> Iterator[int]:
    """Progress, logs, tools and chunks, without a pause."""
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        number += 1
        gorgon.progress(number)
        LOG.info("number %d", number)
        assert gorgon.host.call("echo", number) == number
        yield number


async def everything_async(seconds: float) -> AsyncIterator[int]:
    """The same, asynchronously."""
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        number += 1
        gorgon.progress(number)
        LOG.info("number %d", number)
        assert await gorgon.host.call_async("echo", number) == number
        yield number


def everything_in_call(seconds: float) -> int:
    """Progress, logs and tools in an ordinary call."""
    return sum(1 for _ in everything(seconds))

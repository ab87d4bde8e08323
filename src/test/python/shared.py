"""Targets for big data: where it is, what is in it, and who keeps it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from typing import Any

_kept: list[Any] = []


def where(value: Any) -> bool:
    """Whether the bytes of an array are in memory that is shared with the JVM."""
    address = _address(value)
    with open("/proc/self/maps") as maps:
        for line in maps:
            low, high = (int(part, 16) for part in line.split()[0].split("-"))
            if low <= address < high:
                return "memfd:gorgon" in line
    return False


def echo(value: Any) -> Any:
    """Give it back."""
    return value


async def echo_later(value: Any) -> Any:
    """Give it back after a turn of the event loop."""
    await asyncio.sleep(0)
    return value


def part(value: Any, start: int, end: int) -> Any:
    """A part of an array, as a view."""
    return value[start:end]


def add(value: Any, number: int) -> Any:
    """Add to each byte of an array in place; the same array."""
    if hasattr(value, "dtype"):
        value += number
        return value
    for position, byte in enumerate(value):
        value[position] = (byte + number) & 0xFF
    return value


def fresh(size: int, byte: int) -> Any:
    """New bytes, all the same."""
    return bytes([byte]) * size


def chunks(count: int, size: int) -> Any:
    """As many of them, each of its own number."""
    for number in range(count):
        yield bytes([number]) * size


def keep(value: Any) -> int:
    """Hold on to an array; its first byte."""
    _kept.append(value)
    return int(value[0])


def keep_and_give(value: Any) -> Any:
    """Hold on to an array, and give it back."""
    _kept.append(value)
    return value


def kept() -> list[list[int]]:
    """What different bytes are in each array that is held."""
    return [sorted(set(bytes(value))) for value in _kept]


def let_go() -> int:
    """Hold nothing any more; how many there were."""
    count = len(_kept)
    _kept.clear()
    return count


def fail(value: Any) -> None:
    """Raise, with the array in the traceback's frames."""
    raise ValueError(f"of {len(value)} bytes")


def kill_self(value: Any) -> None:
    """Die with an array in hand."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    print(len(value))


def scribble(value: Any, seconds: float, byte: int) -> int:
    """Write into an array for a while, whoever has given the call up, deaf to cancels."""
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        try:
            while time.monotonic() < end:
                value[rounds % len(value)] = byte
                rounds += 1
        except BaseException:
            continue
    return rounds


def fork_and_scribble(value: Any, byte: int) -> int:
    """Leave a child behind that writes into the array; its pid."""
    pid = os.fork()
    if pid == 0:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for position in range(0, len(value), 4096):
                value[position] = byte
        os._exit(0)
    return pid


def mappings() -> int:
    """How many segments this process has mapped."""
    with open("/proc/self/maps") as maps:
        return sum("memfd:gorgon" in line for line in maps)


def call_host(size: int) -> Any:
    """Give a tool big bytes; the length of what it gives back, which is to be the same."""
    import gorgon

    sent = bytes(range(256)) * (size // 256)
    back = gorgon.host.call("same", sent)
    return len(back) if back == sent else "something else"


def of_host(count: int) -> list[Any]:
    """Ask a tool for that many arrays, one by one: how many came in shared memory, and what is in the last one."""
    import gorgon

    shared = 0
    array: Any = None
    for number in range(count):
        array = gorgon.host.call("array", number)
        assert _only(array, number % 256), number
        shared += where(array)
    return [shared, array]


def of_source(source: Any, keeps_each: int = 0) -> list[int]:
    """Read arrays, each of its own number, and keep some: how many there were, and how many in shared memory."""
    return _looked_at([_look(number, array, keeps_each) for number, array in enumerate(source)])


async def of_source_async(source: Any, keeps_each: int = 0) -> list[int]:
    """The same, asynchronously."""
    looks = []
    async for array in source:
        looks.append(_look(len(looks), array, keeps_each))
        del array
    return _looked_at(looks)


def _look(number: int, array: Any, keeps_each: int) -> bool:
    assert _only(array, number % 256), number
    if keeps_each and number % keeps_each == 0:
        _keep(array, number % 256)
    return where(array)


def _looked_at(looks: list[bool]) -> list[int]:
    return [len(looks), sum(looks)]


def first_of_source(source: Any) -> int:
    """Take one array, and leave what else came."""
    return int(next(source)[0])


def _only(array: Any, byte: int) -> bool:
    return bytes(array).count(byte) == len(array)


# ---- several calls at once

_marked: list[tuple[Any, int]] = []  # arrays that are held on to, each with the one byte that it is full of
_lock = threading.Lock()
_running: dict[object, Any] = {}
_gate = threading.Event()


def _keep(array: Any, byte: int) -> None:
    with _lock:
        _marked.append((array, byte))
        if len(_marked) > 40:
            del _marked[0]


def pass_on(array: Any, byte: int, way: str) -> Any:
    """Look at an array twice, some time between; then give it back, a part or something new, keep it or fail."""
    assert _only(array, byte), "not what was sent"
    time.sleep(0.001)
    return _end(array, byte, way)


async def pass_on_async(array: Any, byte: int, way: str) -> Any:
    """The same, asynchronously."""
    assert _only(array, byte), "not what was sent"
    await asyncio.sleep(0.001)
    return _end(array, byte, way)


def _end(array: Any, byte: int, way: str) -> Any:
    assert _only(array, byte), "it changed"
    if way == "fail":
        raise ValueError(f"of {len(array)} bytes")
    if way == "keep":
        _keep(array, byte)
    if way == "new":
        return bytes([byte]) * len(array)
    if way == "part":
        return array[1000:]
    return array


def strange() -> int:
    """How many of the arrays that are held on to have another byte in them than they had."""
    with _lock:
        return sum(not _only(array, byte) for array, byte in _marked)


def release() -> None:
    """Hold on to none of them any more."""
    with _lock:
        _marked.clear()
    gc.collect()


def hold_at_gate(array: Any) -> bool:
    """Wait with an array in hand until the gate is open."""
    me = object()
    _running[me] = array
    _gate.wait()
    del _running[me]
    return True


def fork_and_scribble_at_all(calls: int, byte: int) -> int:
    """When so many wait at the gate, leave a child behind that writes into their arrays, and open it; its pid."""
    while len(_running) < calls:
        time.sleep(0.001)
    pid = os.fork()
    if pid == 0:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for array in _running.values():
                for position in range(0, len(array), 4096):
                    array[position] = byte
        os._exit(0)
    _gate.set()
    return pid


def _address(value: Any) -> int:
    if hasattr(value, "ctypes"):
        return int(value.ctypes.data)
    import ctypes

    return ctypes.addressof(ctypes.c_char.from_buffer(value)) if sys.platform == "linux" else 0

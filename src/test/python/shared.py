"""Targets for big data: where it is, what is in it, and who keeps it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
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


def _address(value: Any) -> int:
    if hasattr(value, "ctypes"):
        return int(value.ctypes.data)
    import ctypes

    return ctypes.addressof(ctypes.c_char.from_buffer(value)) if sys.platform == "linux" else 0

"""Streams: a function that yields, or an async one, is delivered item by item."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator


def count_down(start: int) -> Iterator[int]:
    """Count from ``start`` to 1. The next number is made when the reader wants it, and not before."""
    yield from range(start, 0, -1)


async def ticks(seconds: float, times: int) -> AsyncIterator[int]:
    """Number the ticks of a clock that ticks every so many seconds."""
    for number in range(1, times + 1):
        await asyncio.sleep(seconds)
        yield number


def running_totals(words: Iterable[str]) -> Iterator[dict[str, int]]:
    """The counts so far, after each word. ``words`` may be a stream that Java sends: one goes in, one comes out."""
    counts: Counter[str] = Counter()
    for word in words:
        counts[word] += 1
        yield dict(counts)

"""Calls into Java: a tool of the application's is called like a function."""

from __future__ import annotations

import asyncio
from typing import Any

import gorgon


def trip(cities: list[str]) -> dict[str, Any]:
    """Ask the tool ``weather`` about each city; None where it has no answer."""
    found: dict[str, Any] = {}
    for city in cities:
        try:
            found[city] = gorgon.host.call("weather", city, timeout=5)
        except gorgon.HostError:  # what the Java method threw; UnknownTool and HostTimeout are HostErrors, too
            found[city] = None
    return found


async def trip_at_once(cities: list[str]) -> dict[str, Any]:
    """The same, with all questions asked at once."""
    answers = await asyncio.gather(*(gorgon.host.call_async("weather", city) for city in cities))
    return dict(zip(cities, answers))

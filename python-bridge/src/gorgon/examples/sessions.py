"""Sessions: a basket that is kept between calls."""

from __future__ import annotations

import re

from gorgon import session


def add(item: str, count: int = 1) -> int:
    """Put something into the basket; how many things are in it then."""
    basket: dict[str, int] = session.state.setdefault("basket", {})
    basket[item] = basket.get(item, 0) + count  # seen, though nothing is assigned to the state
    return sum(basket.values())


def buy(limit: int) -> dict[str, int]:
    """Empty the basket; if there is too much in it this fails, and nothing is changed."""
    bought: dict[str, int] = session.state.pop("basket", {})
    if sum(bought.values()) > limit:
        raise ValueError(f"more than {limit}")
    return bought


def matches(text: str) -> bool:
    """Whether the pattern that the session has fits; compiled once in each worker that it comes to."""
    pattern = session.cache.get("pattern")
    if pattern is None:
        pattern = session.cache["pattern"] = re.compile(session.state.get("pattern", ".*"))
    return pattern.fullmatch(text) is not None


def note(size: int, number: int) -> int:
    """Keep a text of that size: what the bench measures."""
    session.state["note"] = _text(size, number)
    return number


def no_note(size: int, number: int) -> int:
    """Make the same text and keep nothing."""
    return len(_text(size, number)) and number


def _text(size: int, number: int) -> str:
    return f"{number:08d}" + "x" * (size - 8)

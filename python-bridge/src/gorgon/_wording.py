"""Wording: how a value that cannot travel is shown, and where it is."""

from __future__ import annotations

import json
from inspect import isasyncgen, iscoroutine, isgenerator
from typing import Any


def hint(value: Any) -> str:
    """What to do instead, if that is known."""
    if iscoroutine(value):
        return " (await it first)"
    generates = isgenerator(value) or isasyncgen(value)
    return " (call it as a stream, or return a list of the items)" if generates else ""


def step_text(step: int | str) -> str:
    """One step of a path: an index or a key."""
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() else f"[{json.dumps(step)}]"


def short(value: Any) -> str:
    """A value in at most 80 characters of ASCII."""
    try:
        text = ascii(value)
    except Exception:  # a __repr__ of the user's
        return "(its repr raises)"
    return text if len(text) <= 80 else text[:77] + "..."

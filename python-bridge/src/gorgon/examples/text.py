"""Counts what is in a text: the target of the demo."""

from __future__ import annotations

from collections import Counter
from typing import Any


def analyse(line: str) -> dict[str, Any]:
    """Count the words and characters of a line.

    Returns ``words`` and ``characters`` (counts), ``longest`` (the first of the longest words, or ``""``) and
    ``letters`` (the three commonest letters, lower case, with their counts, commonest first).
    """
    words = line.split()
    letters = Counter(character for character in line.lower() if character.isalpha())
    return {
        "words": len(words),
        "characters": len(line),
        "longest": max(words, key=len, default=""),
        "letters": dict(letters.most_common(3)),
    }

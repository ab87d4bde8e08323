"""Progress, logs and a clean end: what a long call owes to those who wait for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import gorgon

log = logging.getLogger(__name__)


def mean_length(lines: Sequence[str]) -> float:
    """The mean length of the lines. Tells how far it is; gives what it has when it is cancelled."""
    characters = 0
    for number, line in enumerate(lines, 1):
        if gorgon.cancelled():
            log.warning("cancelled at line %d of %d", number, len(lines))
            return characters / max(1, number - 1)
        characters += len(line)
        gorgon.progress(number, len(lines), "lines")
    return characters / max(1, len(lines))

"""Forks that user code makes, and that come back into the bridge."""

from __future__ import annotations

import os
import sys


def flush() -> None:
    """Send partial lines on their way: before an answer, to come first, and before a fork, to come once."""
    try:
        sys.__stdout__.flush()  # type: ignore[union-attr]
        sys.__stderr__.flush()  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError):
        pass  # user code closed or removed them


def end_fork(error: BaseException | None) -> None:
    """End a child that user code forked and that came back into the bridge: it has no business here."""
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    flush()
    os._exit(code & 0xFF)

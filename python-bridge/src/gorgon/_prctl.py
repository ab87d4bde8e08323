"""What Linux offers a process about its relatives. Elsewhere every request is declined."""

from __future__ import annotations

import sys

_SET_PDEATHSIG = 1
_SET_NAME = 15
_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> bool:
    """Have descendants whose parent has died become this process's children. Whether that worked."""
    return _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal: int) -> bool:
    """Have this process sent a signal when its parent's thread dies; 0 takes that back. Whether that worked."""
    return _prctl(_SET_PDEATHSIG, signal)


def rename(name: str) -> bool:
    """Give this process the name that ``ps`` and ``top`` show, cut to 15 bytes. Forked children inherit it."""
    return _prctl(_SET_NAME, name.encode()[:15])


def _prctl(option: int, argument: int | bytes) -> bool:
    if sys.platform != "linux":
        return False
    try:
        import ctypes  # not every build has it

        function = ctypes.CDLL(None).prctl
        value = ctypes.c_char_p(argument) if isinstance(argument, bytes) else ctypes.c_ulong(argument)
        zero = ctypes.c_ulong(0)
        return bool(function(option, value, zero, zero, zero) == 0)
    except (ImportError, OSError, AttributeError):
        return False

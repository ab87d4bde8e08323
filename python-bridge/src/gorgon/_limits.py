"""Limits that the operating system sets a worker."""

from __future__ import annotations

import resource
from collections.abc import Mapping

_NAMES = {
    "memory": "RLIMIT_AS",
    "open_files": "RLIMIT_NOFILE",
    "processes": "RLIMIT_NPROC",
    "cpu_seconds": "RLIMIT_CPU",
    "core": "RLIMIT_CORE",
    "file_size": "RLIMIT_FSIZE",
}


def apply(limits: Mapping[str, int | None]) -> None:
    """Set limits for this process and its children: bytes, counts or seconds of CPU time; None leaves one alone.

    Raises ValueError, with the name, for a limit that is unknown here or that the system refuses.
    """
    for name, wanted in limits.items():
        if wanted is None:
            continue
        number = getattr(resource, _NAMES.get(name, ""), None)
        if number is None:
            raise ValueError(f"the limit {name!r} is unknown on this system")
        # One second between the limits of CPU time: SIGXCPU says why the worker died, SIGKILL would not.
        hard = wanted + 1 if name == "cpu_seconds" else wanted
        try:
            resource.setrlimit(number, (wanted, hard))
        except (OSError, ValueError, OverflowError, TypeError) as error:
            raise ValueError(f"the limit {name!r} cannot be set to {wanted}: {error}") from error

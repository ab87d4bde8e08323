"""The processes of this machine, as /proc shows them. Where there is no /proc, there seem to be none."""

from __future__ import annotations

import os
import signal
from typing import NamedTuple


class Process(NamedTuple):
    """One line of the table."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    started: int  # clock ticks since boot; with the pid, this names a process for ever
    resident: int  # bytes


_PAGE = os.sysconf("SC_PAGE_SIZE")


def read(pid: int) -> Process | None:
    """One process; None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            line = file.read().decode(errors="replace")
    except OSError:
        return None
    head, _, tail = line.rpartition(")")  # the name may contain anything, parentheses too
    fields = tail.split()
    name = head.partition("(")[2]
    return Process(pid, name, fields[0], int(fields[1]), int(fields[2]), int(fields[19]), int(fields[21]) * _PAGE)


def table() -> dict[int, Process]:
    """All processes, by pid."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return {}
    processes = (read(pid) for pid in pids)
    return {process.pid: process for process in processes if process is not None}


def descendants(processes: dict[int, Process], root: int) -> list[Process]:
    """Children, grandchildren and so on of a process, parents before children."""
    children: dict[int, list[Process]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process)
    found = list(children.get(root, ()))
    for process in found:  # grows while it is walked
        found.extend(children.get(process.pid, ()))
    return found


def carries(pid: int, entry: bytes) -> bool:
    """Whether a process was started with ``NAME=value`` in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return entry in file.read().split(b"\0")
    except OSError:
        return False


def kill(process: Process) -> None:
    """Send SIGKILL to exactly this process, even if its pid has gone to another one meanwhile."""
    try:
        handle = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # an old kernel; or it is gone, then the next look says so
        handle = None
    try:
        now = read(process.pid)
        if now is None or now.started != process.started:
            return
        if handle is None:
            os.kill(process.pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        pass
    finally:
        if handle is not None:
            os.close(handle)


def threads() -> int:
    """How many threads this process has, those that C libraries started included; 1 if that is not known."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1

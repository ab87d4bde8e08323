"""A child of the keeper with its family: whatever comes from it ends with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Container

from gorgon import _proctable

_ROUNDS = 20  # against code that forks as fast as it is killed
_DEAD = ("Z", "X")


class Kin:
    """One child process of the keeper, with a process group of its own."""

    def __init__(self, name: str, mark: bytes) -> None:
        """``name`` is the process name that its forks inherit, ``mark`` the environment entry of its programs."""
        self.name = name
        self.mark = mark
        self.pid = 0

    def copy(self) -> bool:
        """Fork the keeper. Returns in both processes: True in the copy, where all signals are still blocked.

        None may reach it before it is no keeper any more. Raises OSError.
        """
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            raise
        if pid == 0:
            return True
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self.born(pid)
        return False

    def born(self, pid: int) -> None:
        """Take note of the process id; from here on signals reach it."""
        self.pid = pid
        try:
            os.setpgid(pid, pid)  # the child does the same: whoever comes first
        except OSError:
            pass

    def signal(self, number: int) -> None:
        """Signal the process alone."""
        try:
            os.kill(self.pid, number)
        except OSError:
            pass  # user code has taken another identity

    def signal_group(self, number: int) -> None:
        """Signal the process group: as long as the process is not reaped, no other group can have its id."""
        try:
            os.killpg(self.pid, number)
        except OSError:
            pass  # it has left its group, or all of them are gone

    def kill(self, others: Container[int]) -> None:
        """Kill the process, its group, and every process that comes from it. To be called before it is reaped.

        ``others`` are the keeper's living workers, which are nobody else's family.
        """
        for _ in range(_ROUNDS):
            family = self._family(others)
            self.signal(signal.SIGKILL)
            self.signal_group(signal.SIGKILL)
            if not family:
                return
            for process in family:
                _proctable.kill(process)

    def _family(self, others: Container[int]) -> list[_proctable.Process]:
        """The living descendants, those included that lost their parent and were handed to the keeper."""
        processes = _proctable.table()
        found = _proctable.descendants(processes, self.pid)
        keeper = os.getpid()
        for process in processes.values():
            pid = process.pid
            if process.parent == keeper and pid != self.pid and pid not in others and self._lost(process):
                found += [process, *_proctable.descendants(processes, pid)]
        return [process for process in found if process.state not in _DEAD]

    def _lost(self, process: _proctable.Process) -> bool:
        """Whether a child of the keeper comes from this one: a fork has its name, a program has its mark."""
        return process.name == self.name or _proctable.carries(process.pid, self.mark)

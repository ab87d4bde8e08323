"""One worker, as the keeper sees it: a process, its output pipes, its group."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import Any

from gorgon import _birth, _proctable

_ROUNDS = 20  # against code that forks as fast as it is killed
_DEAD = ("Z", "X")
_HERE = os.path.dirname(os.path.abspath(__file__))
_HOME = os.path.dirname(_HERE)


class Offspring:
    """A worker process from before its start until the JVM has read all of its output."""

    def __init__(self, spec: dict[str, Any]) -> None:
        """Make the pipes. Raises OSError, KeyError or TypeError, and leaves nothing behind then."""
        self.slot: int = spec["slot"]
        self.generation: int = spec["generation"]
        self.mark = b"GORGON_WORKER=" + os.fsencode(_birth.label(spec))
        self.name = _birth.process_name(spec)
        self.pid = 0
        self._paths: list[str] = []
        self._held: list[int] = []  # keeps the pipes alive, with their contents, while nobody else has them open
        self._ends: list[int] = []  # for the worker
        try:
            for path in (spec["stdout"], spec["stderr"]):
                _make_pipe(path)
                self._paths.append(path)
                self._held.append(os.open(path, os.O_RDWR | os.O_CLOEXEC))
                self._ends.append(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
        except BaseException:
            self.release()
            raise

    def fork(self, spec: dict[str, Any]) -> _birth.Newborn | None:
        """Start the worker as a copy of the keeper; in the copy, what it needs next. Raises OSError.

        Returns in both processes! In the copy, signals are blocked: none may reach it before it is no keeper any more.
        """
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            raise
        if pid == 0:
            return _birth.Newborn(spec, *self._ends)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self._born(pid)
        return None

    def start_fresh(self, spec: dict[str, Any], run_directory: str) -> None:
        """Start the worker as an interpreter of its own. Raises OSError."""
        path = os.path.join(run_directory, f".spec-{self.slot}.{self.generation}")
        # A file without a name, not a pipe: a pipe that is full would block the keeper.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.unlink(path)
            with open(descriptor, "wb", closefd=False) as file:
                file.write(json.dumps(spec).encode() + b"\n")
            os.lseek(descriptor, 0, os.SEEK_SET)
            stdout, stderr = self._ends
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-X", "utf8", "-u", *_program(), "worker"],
                _birth.environment(spec, os.environ),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, descriptor, 0),
                    (os.POSIX_SPAWN_DUP2, stdout, 1),
                    (os.POSIX_SPAWN_DUP2, stderr, 2),
                ],
                setpgroup=0,
                setsigmask=(),
            )
        finally:
            os.close(descriptor)
        self._born(pid)

    def _born(self, pid: int) -> None:
        self.pid = pid
        try:
            os.setpgid(pid, pid)  # the worker does the same: whoever comes first
        except OSError:
            pass
        for end in self._ends:
            os.close(end)
        self._ends = []

    def signal(self, number: int) -> None:
        """Signal the worker's process alone."""
        try:
            os.kill(self.pid, number)
        except OSError:
            pass  # user code has taken another identity

    def signal_group(self, number: int) -> None:
        """Signal the worker's process group: as long as the worker is not reaped, no other group can have its id."""
        try:
            os.killpg(self.pid, number)
        except OSError:
            pass  # it has left its group, or all of them are gone

    def kill(self) -> None:
        """Kill the worker, its group, and every process that comes from it. To be called before it is reaped."""
        for _ in range(_ROUNDS):
            family = self._family()
            self.signal(signal.SIGKILL)
            self.signal_group(signal.SIGKILL)
            if not family:
                return
            for process in family:
                _proctable.kill(process)

    def _family(self) -> list[_proctable.Process]:
        """The worker's living descendants, those included that lost their parent and were handed to the keeper."""
        processes = _proctable.table()
        found = _proctable.descendants(processes, self.pid)
        keeper = os.getpid()
        for process in processes.values():
            if process.parent == keeper and process.pid != self.pid and self._lost(process):
                found += [process, *_proctable.descendants(processes, process.pid)]
        return [process for process in found if process.state not in _DEAD]

    def _lost(self, process: _proctable.Process) -> bool:
        """Whether a child of the keeper comes from this worker: a fork has its name, a program has its mark."""
        return process.name == self.name or _proctable.carries(process.pid, self.mark)

    @property
    def released(self) -> bool:
        """Whether the JVM needs nothing of it any more."""
        return not self._held

    def release(self) -> None:
        """Close and remove the pipes: the JVM has read everything, or nobody ever will."""
        for path in self._paths:
            with contextlib.suppress(OSError):
                os.unlink(path)
        for descriptor in self._held + self._ends:
            os.close(descriptor)
        self._paths, self._held, self._ends = [], [], []


def _make_pipe(path: str) -> None:
    try:
        os.mkfifo(path, 0o600)
    except OSError as error:  # mkfifo does not say which
        raise OSError(error.errno, error.strerror, path) from error


def _program() -> list[str]:
    """How an interpreter is told to run the bridge that runs now: as a directory, or as an installed package."""
    return [_HOME] if os.path.exists(os.path.join(_HOME, "__main__.py")) else ["-m", "gorgon"]

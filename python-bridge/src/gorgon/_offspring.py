"""One worker, as the keeper sees it: a process, its output pipes, its group."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any

from gorgon import _birth
from gorgon._kin import Kin

_HERE = os.path.dirname(os.path.abspath(__file__))
_HOME = os.path.dirname(_HERE)


class Offspring(Kin):
    """A worker process from before its start until the JVM has read all of its output."""

    def __init__(self, spec: dict[str, Any]) -> None:
        """Make the pipes. Raises OSError, KeyError or TypeError, and leaves nothing behind then."""
        self.slot: int = spec["slot"]
        self.generation: int = spec["generation"]
        super().__init__(_birth.process_name(spec), _birth.mark(spec))
        self._paths: list[str] = []
        self._held: list[int] = []  # keeps the pipes alive, with their contents, while nobody else has them open
        self.ends: list[int] = []  # for the worker
        try:
            for path in (spec["stdout"], spec["stderr"]):
                _make_pipe(path)
                self._paths.append(path)
                self._held.append(os.open(path, os.O_RDWR | os.O_CLOEXEC))
                self.ends.append(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
        except BaseException:
            self.release()
            raise

    def fork(self, spec: dict[str, Any]) -> _birth.Newborn | None:
        """Start the worker as a copy of the keeper; in the copy, what it needs next. Raises OSError."""
        return _birth.Newborn(spec, *self.ends) if self.copy() else None

    def start_fresh(self, spec: dict[str, Any], run_directory: str) -> None:
        """Start the worker as an interpreter of its own. Raises OSError."""
        descriptor = self.write_down(spec, run_directory)
        try:
            stdout, stderr = self.ends
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
        self.born(pid)

    def write_down(self, spec: dict[str, Any], run_directory: str) -> int:
        """The spec as a JSON line in a file without a name, for a process to read that is not trusted to read at once.

        A pipe that is full would block the keeper. Gives the descriptor. Raises OSError.
        """
        path = os.path.join(run_directory, f".spec-{self.slot}.{self.generation}")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.unlink(path)
            with open(descriptor, "wb", closefd=False) as file:
                file.write(json.dumps(spec).encode() + b"\n")
            os.lseek(descriptor, 0, os.SEEK_SET)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def born(self, pid: int) -> None:
        """Take note of the process id, and leave the pipes' ends to the worker."""
        super().born(pid)
        for end in self.ends:
            os.close(end)
        self.ends = []

    @property
    def released(self) -> bool:
        """Whether the JVM needs nothing of it any more."""
        return not self._held

    def release(self) -> None:
        """Close and remove the pipes: the JVM has read everything, or nobody ever will."""
        for path in self._paths:
            with contextlib.suppress(OSError):
                os.unlink(path)
        for descriptor in self._held + self.ends:
            os.close(descriptor)
        self._paths, self._held, self.ends = [], [], []


def _make_pipe(path: str) -> None:
    try:
        os.mkfifo(path, 0o600)
    except OSError as error:  # mkfifo does not say which
        raise OSError(error.errno, error.strerror, path) from error


def _program() -> list[str]:
    """How an interpreter is told to run the bridge that runs now: as a directory, or as an installed package."""
    return [_HOME] if os.path.exists(os.path.join(_HOME, "__main__.py")) else ["-m", "gorgon"]

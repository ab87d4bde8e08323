"""The keeper: starts the workers, signals them, reaps them, and kills them all when the JVM is gone.

One thread, no user code, nothing that can block: it is the process that everything else is cleaned up by.
"""

from __future__ import annotations

import fcntl
import gc
import os
import select
import signal
import sys
import time
import traceback
from typing import Any

from gorgon import _memfd, _prctl, _proctable, _run_directory
from gorgon._birth import Newborn
from gorgon._commands import Commands
from gorgon._nursery import Nursery, Outcomes
from gorgon._offspring import Offspring
from gorgon._reports import Reports

_SIGNALS = {
    "INT": signal.SIGINT,
    "USR1": signal.SIGUSR1,
    "TERM": signal.SIGTERM,
    "KILL": signal.SIGKILL,
}
_TO_THE_GROUP = ("TERM", "KILL")
_END_SECONDS = 2.0
_LOOK_SECONDS = 0.02  # while everything is being killed: children may appear that no signal tells of


class Keeper:
    """The keeper of one pool. Made once per process: it takes over stdin, stdout and the signals."""

    def __init__(self, run_directory: str) -> None:
        self._run_directory = run_directory
        self._pid = os.getpid()
        self._offspring: dict[tuple[int, int], Offspring] = {}  # until released
        self._living: dict[int, Offspring] = {}  # by pid, until reaped
        self._terminated = False
        self._warned = False
        self._memory = _memfd.Kept()
        self._commands = Commands(fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3))
        self._reports = Reports(fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3))
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)  # a stray print must not look like a report
        try:
            os.setsid()
        except OSError:
            pass  # a shell has made us the leader of a group already
        self._wakeup, wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _wake)
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGHUP, self._terminate)
        # Ignored here and so in each worker, until it has its own handlers.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        self._subreaper = _prctl.become_subreaper()
        # A process that Java started dies with the Java *thread* that did, if this is set: see that it is not.
        self._pdeathsig = _prctl.die_with_parent(0)
        outcomes = Outcomes(self._announce, self._start_fresh, self._fail, self._reports.send)
        self._nursery = Nursery(run_directory, outcomes, self._living)
        _prctl.rename("gorgon keeper")

    def run(self) -> Newborn | None:
        """Serve until the JVM says stop or is gone, then end everything. Returns None then.

        In a process that was forked, as a worker or as a template, it returns what that is to become.
        """
        gc.collect()
        gc.freeze()  # the workers share this memory, and no collection of theirs shall touch and so copy it
        self._reports.send("hello", **self._hello())
        try:
            newborn = self._loop()
        except BaseException:
            if os.getpid() == self._pid:
                traceback.print_exc()
                self._end()
            raise
        if newborn is None:
            self._end()
        return newborn

    def _hello(self) -> dict[str, Any]:
        return {
            "pid": self._pid,
            "python": ".".join(map(str, sys.version_info[:3])),
            "version": sys.version_info[:3],
            "executable": sys.executable,
            "prefix": sys.prefix,
            "base_prefix": sys.base_prefix,
            "implementation": sys.implementation.name,
            "platform": sys.platform,
            "fork": _fork_is_safe(),
            "subreaper": self._subreaper,
            "pdeathsig": self._pdeathsig,
            "memfd": self._memory.probe is not None,
        }

    def _loop(self) -> Newborn | None:
        while not self._terminated:
            newborn = self._nursery.advance()
            if newborn is not None:
                return newborn
            poll = select.poll()
            for descriptor in (self._commands.descriptor, self._wakeup, *self._nursery.descriptors):
                poll.register(descriptor, select.POLLIN)
            if self._reports.waiting:
                poll.register(self._reports.descriptor, select.POLLOUT)
            ready = {descriptor for descriptor, _ in poll.poll(self._nursery.timeout)}
            if not ready.isdisjoint(self._nursery.descriptors):
                self._nursery.read()
            if self._reports.descriptor in ready:
                self._reports.flush()
            if self._wakeup in ready:
                _drain(self._wakeup)
                self._reap()
            if self._commands.descriptor in ready:
                for command in self._commands.read():
                    if isinstance(command, str):
                        self._reports.send("error", message=command)
                    elif command.get("op") == "stop":
                        return None
                    else:
                        newborn = self._obey(command)
                        if newborn is not None:
                            return newborn
                if self._commands.ended:
                    self._reports.close()
                    return None
        return None

    def _obey(self, command: dict[str, Any]) -> Newborn | None:
        operation = command.get("op")
        try:
            if operation == "spawn":
                return self._spawn(command)
            if operation == "memory":
                self._reports.send("memory", workers=self._resident())
            elif operation == "signal":
                self._signal(command["slot"], command["generation"], command["signal"])
            elif operation == "segment":
                self._reports.send(
                    "segment", order=command["order"], pid=self._pid, **self._memory.make(command["size"])
                )
            elif operation == "drop":
                self._memory.drop(command["descriptor"], command.get("empty") is True)
            elif operation == "release":
                self._release(command["slot"], command["generation"])
            else:
                self._reports.send("error", message=f"there is no command {str(operation)[:80]!r}")
        except (KeyError, TypeError, ValueError, OSError) as error:
            self._reports.send("error", message=f"{operation}: {type(error).__name__}: {error}")
        return None

    def _spawn(self, spec: dict[str, Any]) -> Newborn | None:
        slot, generation = spec["slot"], spec["generation"]
        if type(slot) is not int or type(generation) is not int:
            raise TypeError("slot and generation are integers")
        offspring = None
        try:
            if (slot, generation) in self._offspring:
                raise ValueError("this generation has been started before")
            for name in ("pool", "token", "socket", "page"):
                if not isinstance(spec.get(name), str):
                    raise ValueError(f"{name!r} is missing or no string")
            offspring = Offspring(spec)
            spec["keeper"] = self._pid
            spec["probe"] = self._memory.probe
            fork = self._method(spec.get("method", "auto")) == "fork"
            if fork and not spec.get("preload"):
                newborn = offspring.fork(spec)
                if newborn is not None:
                    return newborn
            elif fork and self._subreaper and self._nursery.order(offspring, spec):
                self._offspring[slot, generation] = offspring
                return None
            else:
                offspring.start_fresh(spec, self._run_directory)
        except (KeyError, TypeError, ValueError, OSError) as error:
            if offspring is not None:
                offspring.release()
            message = f"{type(error).__name__}: {error}"
            self._reports.send("spawn_failed", slot=slot, generation=generation, message=message)
            return None
        self._announce(offspring, offspring.pid)
        return None

    def _announce(self, offspring: Offspring, pid: int) -> None:
        """A worker exists: from here on it can be signalled, and its end is reported."""
        if offspring.pid == 0:
            offspring.born(pid)
        self._offspring[offspring.slot, offspring.generation] = offspring
        self._living[pid] = offspring
        process = _proctable.read(pid)
        started = process.started if process is not None else None
        slot, generation = offspring.slot, offspring.generation
        self._reports.send("spawned", slot=slot, generation=generation, pid=pid, started=started)

    def _start_fresh(self, offspring: Offspring, spec: dict[str, Any]) -> None:
        """Start a worker for which there is no template after all."""
        try:
            offspring.start_fresh(spec, self._run_directory)
        except OSError as error:
            self._fail(offspring, f"{type(error).__name__}: {error}", None)
        else:
            self._announce(offspring, offspring.pid)

    def _fail(self, offspring: Offspring, message: str, failure: dict[str, Any] | None) -> None:
        """A worker that was waiting for its template will not be born."""
        offspring.release()
        slot, generation = offspring.slot, offspring.generation
        del self._offspring[slot, generation]
        self._reports.send("spawn_failed", slot=slot, generation=generation, message=message, failure=failure)

    def _method(self, wanted: str) -> str:
        if wanted not in ("auto", "fork", "fresh"):
            raise ValueError(f"there is no method {wanted!r}")
        if wanted == "fresh" or (wanted == "auto" and sys.platform != "linux"):
            return "fresh"
        if _fork_is_safe():
            return "fork"
        if not self._warned:
            self._warned = True
            message = f"{_proctable.threads()} threads in the keeper: forking is not safe, workers are started fresh"
            self._reports.send("warning", message=message)
        return "fresh"

    def _signal(self, slot: int, generation: int, name: str) -> None:
        number = _SIGNALS[name]
        offspring = self._offspring.get((slot, generation))
        if offspring is None or offspring.pid not in self._living:
            # It has ended, and its pid may be anybody's; or it waits for its template.
            if offspring is not None and name in _TO_THE_GROUP and self._nursery.cancel(offspring):
                self._reports.send("exited", slot=slot, generation=generation, pid=0, code=None, signal=int(number))
            return
        if number == signal.SIGKILL:
            offspring.kill(self._living)
        elif name in _TO_THE_GROUP:
            offspring.signal_group(number)
        else:
            offspring.signal(number)

    def _release(self, slot: int, generation: int) -> None:
        offspring = self._offspring.get((slot, generation))
        if offspring is not None:
            offspring.release()
            if offspring.pid not in self._living:
                del self._offspring[slot, generation]

    def _resident(self) -> list[dict[str, int]]:
        groups: dict[int, int] = {}
        for process in _proctable.table().values():
            groups[process.group] = groups.get(process.group, 0) + process.resident
        return [
            {"slot": offspring.slot, "generation": offspring.generation, "rss": groups.get(offspring.pid, 0)}
            for offspring in self._living.values()
        ]

    def _reap(self) -> bool:
        """Reap what has ended. False: there are no children at all."""
        while True:
            try:
                pid, status = _ended_child()
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            offspring = self._living.pop(pid, None)
            kin = offspring or self._nursery.kin(pid)
            if kin is not None:
                kin.kill(self._living)  # what is left of its family; the zombie still holds the ids
            if status is None:
                status = os.waitpid(pid, 0)[1]
            if offspring is None:
                self._nursery.on_exit(pid, status)  # or it is an orphan that was handed to us
                continue
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
            slot, generation = offspring.slot, offspring.generation
            self._reports.send("exited", slot=slot, generation=generation, pid=pid, code=code, signal=number)
            if offspring.released:
                del self._offspring[slot, generation]

    def _end(self) -> None:
        """Kill and reap all descendants, whatever they are, and remove what is on the disk."""
        deadline = time.monotonic() + _END_SECONDS
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        while True:
            for offspring in self._living.values():
                offspring.signal_group(signal.SIGKILL)
                offspring.signal(signal.SIGKILL)
            for process in _proctable.descendants(_proctable.table(), self._pid):
                if process.state != "Z":
                    _proctable.kill(process)
            if not self._reap() or time.monotonic() > deadline:
                break
            poll.poll(_LOOK_SECONDS * 1000)
            _drain(self._wakeup)
        self._reports.flush()
        _run_directory.remove(self._run_directory)

    def _terminate(self, *_: object) -> None:
        self._terminated = True


def _wake(*_: object) -> None:
    """Only so that the signal is caught, and written to the wake-up pipe."""


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass


def _ended_child() -> tuple[int, int | None]:
    """A child that has ended: its pid, and its status if it had to be reaped to find out. The pid is 0 if none has.

    Raises ChildProcessError if there are no children.
    """
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return os.waitpid(-1, os.WNOHANG)
    ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return (ended.si_pid if ended is not None else 0), None


def _fork_is_safe() -> bool:
    return hasattr(os, "fork") and _proctable.threads() == 1

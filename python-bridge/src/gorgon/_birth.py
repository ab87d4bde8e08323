"""The first steps of a worker process, forked or fresh: from the keeper's spec to the entry."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from gorgon import _prctl
from gorgon._running import running
from gorgon._targets import UnknownTarget, resolve
from gorgon._worker import EXIT_ORPHAN, EXIT_START, Spec

DEFAULT_ENTRY = "gorgon._worker:main"
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class Newborn(NamedTuple):
    """What the keeper's loop hands to the process that it has just forked. All signals are still blocked there."""

    spec: Spec
    stdout: int
    stderr: int
    channel: int | None = None  # a template's, to the keeper; None in a worker


def label(spec: Mapping[str, Any]) -> str:
    """The name of a worker: ``pool/slot.generation``."""
    return f"{spec['pool']}/{spec['slot']}.{spec['generation']}"


def mark(spec: Mapping[str, Any]) -> bytes:
    """What the programs that a worker starts have in their environment."""
    return b"GORGON_WORKER=" + os.fsencode(label(spec))


def process_name(spec: Mapping[str, Any]) -> str:
    """What ``ps`` shows. It also tells the keeper which worker a daemonised child came from."""
    return f"py{spec['slot']}.{spec['generation']}"


def environment(spec: Mapping[str, Any], inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker: what it inherits, changed by its spec."""
    merged = dict(inherited)
    if spec.get("threads") is not None:
        merged.update(dict.fromkeys(_THREADS, str(spec["threads"])))
    for name, value in (spec.get("environment") or {}).items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    merged["GORGON_WORKER"] = label(spec)
    return merged


def settle(newborn: Newborn) -> Spec:
    """Turn a fork of the keeper into a process of its own: group, descriptors, signals, environment."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    # INT and USR1 stay ignored, as in the keeper, until the worker has handlers for them: an early one does no harm.
    os.setpgid(0, 0)
    os.dup2(newborn.stdout, 1)
    os.dup2(newborn.stderr, 2)
    _close_from(3, newborn.channel)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    wanted = environment(newborn.spec, os.environ)
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)
    time.tzset()  # TZ may be among the changes
    return newborn.spec


def read_spec() -> Spec:
    """The spec of a fresh interpreter: one JSON line on stdin, which then becomes /dev/null."""
    parts = []
    while True:
        part = os.read(0, 65536)
        parts.append(part)
        if not part or part.endswith(b"\n"):
            break
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    spec: Spec = json.loads(b"".join(parts))
    return spec


def furnish(spec: Spec) -> None:
    """Make the interpreter ready for user code: the path, the streams, and what a crash leaves to read."""
    sys.path[:0] = spec.get("path") or ()
    sys.stdout = sys.__stdout__ = _stream(1)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2)  # type: ignore[misc]
    faulthandler.enable(2)


def answer_dumps(spec: Spec) -> None:
    """Have USR1 write the stacks of all threads into a file for the JVM, whatever Python is doing then."""
    if not hasattr(faulthandler, "register"):
        return
    descriptor = 2
    if spec.get("dump"):
        # Appending: the JVM cuts the file before it asks again.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(spec["dump"], flags, 0o600)
        except OSError as error:
            print(f"gorgon: no file for dumps of stacks: {error}", file=sys.stderr)
    faulthandler.register(signal.SIGUSR1, descriptor, all_threads=True, chain=False)


def belong(spec: Spec) -> bool:
    """Die with the keeper from here on, and take the name that ``ps`` shows. False: the keeper is dead already."""
    _prctl.die_with_parent(signal.SIGKILL)
    if os.getppid() != spec["keeper"]:
        return False  # it died before we could ask to die with it
    _prctl.rename(process_name(spec))
    return True


def enter(spec: Spec) -> int:
    """Run the entry; the exit code."""
    if not belong(spec):
        return EXIT_ORPHAN
    running.worker = label(spec)
    if not spec.get("preloaded"):  # a template was furnished before its imports
        furnish(spec)
    answer_dumps(spec)
    try:
        entry = resolve(spec.get("entry") or DEFAULT_ENTRY)
    except UnknownTarget as error:
        print(f"gorgon: the entry {error.target!r} cannot be called: {error}", file=sys.stderr)
        return EXIT_START
    code = entry(spec)
    return code if isinstance(code, int) else 0


def _stream(descriptor: int) -> Any:
    # `-u` made the interpreter's own streams unbuffered: each print would be two writes, and lines could mix.
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _close_from(lowest: int, kept: int | None) -> None:
    """Close what the keeper had open, but ``kept``: its pipes to the JVM and the other workers' output."""
    try:
        descriptors = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        descriptors = list(range(lowest, 1024))
    for descriptor in descriptors:
        if descriptor >= lowest and descriptor != kept:
            try:
                os.close(descriptor)
            except OSError:
                pass  # the one that listed the directory

"""What a worker may hang in, for dumps of its stacks. Each tells by a file that it has begun."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import threading
import time


def in_python(path: str) -> None:
    """Spin for ever."""
    _touch_and_turn(path)


def _touch_and_turn(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))  # no frame of its own
    while True:
        pass


def in_c(path: str) -> None:
    """Never come back from C code that holds the interpreter lock."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))  # no frame of its own
    re.match(r"(a+)+$", "a" * 64 + "b")


def in_c_without_lock(path: str) -> None:
    """Be very long in C code that lets other threads run."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))  # no frame of its own
    hashlib.pbkdf2_hmac("sha512", b"secret", b"salt", 2_000_000_000)


def in_threads(path: str, count: int) -> None:
    """Sleep in many threads, each in a function of its own depth."""
    for number in range(count):
        threading.Thread(target=_nap, args=(number,), daemon=True).start()
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))  # no frame of its own
    time.sleep(3600)


def _nap(depth: int) -> None:
    if depth > 0:
        _nap(depth - 1)
    else:
        time.sleep(3600)


def stop(path: str) -> None:
    """Be stopped, as by a debugger."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))  # no frame of its own
    os.kill(os.getpid(), signal.SIGSTOP)


def signal_child() -> str:
    """A child of the user's dumps its stacks, too; the signal's usual handler is none of its business."""
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGUSR1)
        os._exit(0)
    os.waitpid(pid, 0)
    return "well"

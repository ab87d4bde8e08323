"""The directory that the JVM has made for one keeper, with its sockets, pages and pipes."""

from __future__ import annotations

import os
import shutil
import stat


def remove(directory: str) -> None:
    """Remove it with all that is in it, if it is what it should be: a real directory, made for us, and private."""
    try:
        status = os.lstat(directory)
    except OSError:
        return
    if (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.getuid()
        and stat.S_IMODE(status.st_mode) == 0o700
        and os.path.basename(os.path.abspath(directory)).startswith("gorgon-")
    ):
        shutil.rmtree(directory, ignore_errors=True)

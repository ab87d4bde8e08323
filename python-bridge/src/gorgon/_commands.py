"""Commands: what the JVM tells the keeper, as JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

_LONGEST = 1 << 20  # bytes of a line


class Commands:
    """Reads the control pipe as far as it has something, and cuts it into commands."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.ended = False
        self._rest = b""
        self._skipping = False  # in a line that is too long

    def read(self) -> Iterator[dict[str, Any] | str]:
        """Read once; the commands that are complete by then, a string for each line that is none.

        Sets ``ended`` at the end of the pipe, which means that the JVM is gone.
        """
        part = os.read(self.descriptor, 1 << 16)
        if not part:
            self.ended = True
            return
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif len(line) > _LONGEST:
                yield _too_long()
            elif line.strip():
                yield _parse(line)
        if len(self._rest) > _LONGEST:
            if not self._skipping:
                yield _too_long()
            self._skipping = True
        if self._skipping:
            self._rest = b""


def _parse(line: bytes) -> dict[str, Any] | str:
    try:
        command = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"a command is no JSON: {error}"
    return command if isinstance(command, dict) else f"a command is no object: {str(command)[:80]}"


def _too_long() -> str:
    return f"a command is longer than {_LONGEST} bytes"

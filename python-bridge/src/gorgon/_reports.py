"""Reports: what the keeper tells the JVM, as JSON lines."""

from __future__ import annotations

import json
import os
from typing import Any

_MOST = 4 << 20  # bytes that wait; a JVM that lets so much wait is gone


class Reports:
    """Writes to the JVM without ever waiting for it: the keeper must be able to kill at any time."""

    def __init__(self, descriptor: int) -> None:
        """``descriptor``: a pipe of our own; it is made non-blocking."""
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._waiting = b""
        self._closed = False

    @property
    def waiting(self) -> bool:
        """Whether `flush` has something to do once the pipe can be written to."""
        return bool(self._waiting)

    def send(self, event: str, **fields: Any) -> None:
        """Report an event: one line, and one write unless the pipe is full."""
        if self._closed:
            return
        line = json.dumps({"event": event, **fields}).encode() + b"\n"
        if len(self._waiting) + len(line) > _MOST:
            self.close()
            return
        self._waiting += line
        self.flush()

    def flush(self) -> None:
        """Write what the pipe takes."""
        try:
            while self._waiting:
                written = os.write(self.descriptor, self._waiting)
                self._waiting = self._waiting[written:]
        except BlockingIOError:
            pass
        except OSError:  # the JVM has closed its end
            self.close()

    def close(self) -> None:
        """Drop what waits and what comes: nobody reads any more."""
        self._waiting = b""
        self._closed = True

"""Logs: what user code logs goes to the JVM, where the rest of the application's log is."""

from __future__ import annotations

import logging
import traceback
from threading import get_ident
from time import monotonic, time
from typing import Any

from gorgon import _wire
from gorgon._link import Link
from gorgon._running import running

LINES = 100  # records a second, unless the spec says another number
_LONGEST = 8192  # bytes of a text


class JvmHandler(logging.Handler):
    """Sends records to the JVM, so many a second; of those above, it tells the number.

    It has no lock of its own (frames are written whole), and never raises. What is logged while a record is turned
    into text is dropped: a ``__str__`` that logs would never end.
    """

    def __init__(self, link: Link, lines: int | None = None) -> None:
        """``lines``: records a second, at most."""
        super().__init__()
        self.silent = False  # for good: in a child that user code forked
        self.dropped = 0
        self._link = link
        self._lines = LINES if lines is None else lines
        self._window = 0.0  # when the running second began
        self._count = 0
        self._busy: set[int] = set()  # threads that are in here

    def install(self, level: str | int | None = None) -> None:
        """Put it on the root logger, and set that to a level. Raises ValueError for one that does not exist."""
        root = logging.getLogger()
        root.addHandler(self)
        root.setLevel("INFO" if level is None else level)

    def createLock(self) -> None:  # noqa: N802 - the name is logging's
        """None: a Cancelled that strikes in logging's own code must not leave one locked."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit a record, without the lock that logging would take here."""
        passed: Any = self.filter(record)  # from Python 3.12 on, a filter may give another record
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record, from any thread."""
        thread = get_ident()
        if self.silent or thread in self._busy:
            return
        running.enter()
        try:
            self._busy.add(thread)
            if self._may():
                self._send(record.levelno, record.name, _text(record), record.created, _exception(record))
            else:
                self.dropped += 1
        except Exception:
            pass  # the JVM is gone: who logs is not who should learn of it
        finally:
            self._busy.discard(thread)
            running.leave()

    def report_dropped(self) -> None:
        """Tell how many were dropped, once their second is over; the worker asks after each call."""
        if not self.silent and monotonic() - self._window >= 1:
            self._may()

    def _may(self) -> bool:
        now = monotonic()
        if now - self._window >= 1:
            self._window, self._count = now, 0
            dropped, self.dropped = self.dropped, 0
            if dropped:
                self._send(logging.WARNING, "gorgon", f"{dropped} records dropped", None, None)
        self._count += 1
        return self._count <= self._lines

    def _send(self, level: int, logger: str, message: str, created: float | None, exception: str | None) -> None:
        call = running.call
        body: dict[str, Any] = {"level": level, "logger": _cut(str(logger)), "message": message}
        body["time"] = created if created is not None else time()
        if exception:
            body["exception"] = exception
        self._link.send(self._link.pack(_wire.LOG, call.id if call is not None else 0, body))


def _text(record: logging.LogRecord) -> str:
    try:
        return _cut(record.getMessage())
    except BaseException as error:
        message = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        return _cut(f"{message[:200]!r} (formatting it raised {type(error).__name__})")


def _exception(record: logging.LogRecord) -> str | None:
    try:
        if record.exc_info and record.exc_info[0] is not None:
            return _cut_middle("".join(traceback.format_exception(*record.exc_info)))
        return _cut_middle(record.exc_text) if record.exc_text else None
    except BaseException as error:
        return f"(formatting it raised {type(error).__name__})"


def _cut(text: str) -> str:
    """The text in at most 8 KiB of UTF-8. Of a long one the end is what is left out."""
    data = text[: _LONGEST + 1].encode(errors="backslashreplace")
    if len(data) > _LONGEST:
        data = data[: _LONGEST - 3] + b"..."
    return data.decode(errors="ignore")


def _cut_middle(text: str) -> str:
    """The same for a traceback, whose last lines say most."""
    data = text.encode(errors="backslashreplace")
    if len(data) > _LONGEST:
        half = _LONGEST // 2 - 5
        data = data[:half] + b"\n...\n" + data[-half:]
    return data.decode(errors="ignore")

"""Progress: how far a call has come."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from gorgon import _wire
from gorgon._link import TooLarge
from gorgon._running import running
from gorgon._values import NotSerializable

if TYPE_CHECKING:
    from gorgon._call import Call

INTERVAL = 0.05  # seconds between two frames of a call
_NUMBERS = frozenset((int, float, bool))
_LONGEST = 8192  # characters of a note


class Progress:
    """What a call told, and when it may tell again."""

    __slots__ = ("due", "latest")

    def __init__(self) -> None:
        self.due = 0.0
        self.latest: tuple[Any, Any, str | None] | None = None  # not sent yet


def progress(done: float, total: float | None = None, note: str | None = None) -> None:
    """Tell the caller how far this call has come: ``done`` of ``total``, in any unit, and a word about it.

    Cheap in a tight loop: at most one message in 50 ms is sent, and the last one before the call ends. Any thread or
    task of the call may tell. Outside a call it does nothing. Raises TypeError for what is no number.
    """
    call = running.call
    if call is None:
        return
    if type(done) not in _NUMBERS:
        done = float(done)
    if total is not None and type(total) not in _NUMBERS:
        total = float(total)
    state = call.progress
    if state is None:
        state = call.progress = Progress()
    state.latest = (done, total, note)
    now = monotonic()
    if now >= state.due:
        state.due = now + INTERVAL
        running.enter()
        try:
            send(call, state)
        finally:
            running.leave()


def send(call: Call, state: Progress) -> None:
    """Send what has not been sent; with the shield up, or outside user code."""
    latest, state.latest = state.latest, None
    if latest is None or call.ended:
        return
    done, total, note = latest
    if note is not None:
        note = str(note)[:_LONGEST].encode(errors="backslashreplace").decode()
    link = call.inbox.link
    try:
        link.send(link.pack(_wire.PROGRESS, call.id, {"done": done, "total": total, "note": note}))
    except (NotSerializable, TooLarge):
        pass  # a number of more digits than Python turns into text

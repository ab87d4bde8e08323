"""Sessions: the state that the calls of one key share, and the objects that this worker keeps for them.

The JVM owns the state. A worker has a copy of what the JVM has kept last, as bytes; a call opens the values that it
touches, and what differs at its end travels back as a patch. So a call that fails leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from gorgon import _wire
from gorgon._errors import NotInSession, host_error
from gorgon._inbox import Waiter
from gorgon._link import TooLarge
from gorgon._running import current, running
from gorgon._shelf import Copy, Shelf, pack_value, unpack_value
from gorgon._values import NotSerializable, text

if TYPE_CHECKING:
    from gorgon._call import Call

Changes = tuple[dict[str, bytes], list[str]]  # new values by name, and names that are gone


MOST_NAMES = 0xFFFF  # each value is an attachment of its own, and a frame has room for so many


class State(MutableMapping[str, Any]):
    """The state as a call sees it: a mapping of texts to whatever can travel to Java.

    A value that was read counts as touched, and is compared with what was kept when the call ends; so a change deep
    inside of it is seen.
    """

    def __init__(self, values: dict[str, bytes]) -> None:
        self._kept = values
        self._open: dict[str, Any] = {}
        self._gone: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name in self._open:
            return self._open[name]
        if name in self._gone:
            raise KeyError(name)
        value = self._open[name] = unpack_value(self._kept[name])
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        if type(name) is not str:
            raise TypeError(f"the names in a session's state are texts, not {type(name).__name__}")
        self._open[name] = value
        self._gone.discard(name)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._open.pop(name, None)
        if name in self._kept:
            self._gone.add(name)

    def __contains__(self, name: object) -> bool:
        return name in self._open or (name in self._kept and name not in self._gone)

    def __iter__(self) -> Iterator[str]:
        for name in list(self._kept):
            if name not in self._gone:
                yield name
        for name in list(self._open):
            if name not in self._kept:
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"State({', '.join(self)})"

    def changes(self) -> Changes:
        """What differs from what was kept. Raises NotSerializable."""
        new: dict[str, bytes] = {}
        for name, value in self._open.items():
            try:
                packed = pack_value(value)
            except NotSerializable as refused:
                path = f"gorgon.session.state[{name!r}]{refused.path[1:]}"
                raise NotSerializable(path, value, refused.message) from None
            if packed != self._kept.get(name):
                new[name] = packed
        # The first length is no less than the second, and known at once.
        if new and len(self._kept) + len(self._open) > MOST_NAMES and len(self) > MOST_NAMES:
            message = f"it has {len(self)} names, and {MOST_NAMES} may be: put them into one value, as a dictionary"
            raise NotSerializable("gorgon.session.state", self, message)
        return new, [name for name in self._gone if name not in self._open]

    def keep(self, values: dict[str, bytes]) -> None:
        """These were kept: what is open stays so, and is compared with them."""
        self._kept = values
        self._gone.clear()


class SessionOfCall:
    """A session, as one of its calls sees it."""

    def __init__(self, key: str, copy: Copy, shelf: Shelf) -> None:
        self.id = key
        self._state: State | None = None
        self._copy = copy
        self._shelf = shelf

    @property
    def state(self) -> State:
        """Made at its first use: many calls only belong to a session."""
        state = self._state
        if state is None:
            state = self._state = State(self._copy.values)
        return state

    @property
    def cache(self) -> dict[Any, Any]:
        """What this worker keeps for the session."""
        return self._copy.cache

    def patch(self, call: Call) -> _wire.Written | None:
        """The frame that tells what the call has changed, if anything. Raises NotSerializable or TooLarge."""
        if self._state is None:
            return None
        new, gone = self._state.changes()
        return self._pack(call, new, gone, 0) if new or gone else None

    def _pack(self, call: Call, new: dict[str, bytes], gone: list[str], host: int) -> _wire.Written:
        """The frame for a patch. The copy goes on to what it will be if the JVM keeps that.

        Should the JVM not keep it, the next request tells a version that this copy does not have.
        """
        copy, limit = self._copy, call.inbox.link.limit
        body: dict[str, Any] = {"version": copy.version, "set": list(new), "gone": gone}
        if host:
            body["host"] = host
        frame = _wire.encode_value(_wire.PATCH, call.id, _wire.JSON, text(body), list(new.values()))
        size = (len(frame) if isinstance(frame, bytes) else sum(map(len, frame))) - 4
        if size > limit:
            raise TooLarge(size, limit)
        values = {**copy.values, **new}
        for name in gone:
            values.pop(name, None)
        self._shelf.change(copy, values)
        return frame

    def checkpoint(self, call: Call) -> int:
        """Have what was changed so far kept, and wait for that; the version that is kept then."""
        new, gone = self.state.changes()
        if not new and not gone:
            return self._copy.version
        waiter = Waiter()
        running.enter()
        try:
            number = call.await_reply(waiter, lambda host: self._pack(call, new, gone, host))
            call.inbox.wait(call, waiter)
            call.forget(number)
        finally:
            running.leave()
        outcome = waiter.outcome
        if isinstance(outcome, Exception):
            raise outcome
        if "failure" in outcome:
            raise host_error(outcome["failure"], "checkpoint")
        self.state.keep(self._copy.values)
        return self._copy.version


class CurrentSession:
    """The session of the call that runs. Any thread or task of the call may use it, one at a time."""

    @property
    def id(self) -> str | None:
        """Its key; None if the call belongs to no session."""
        call = running.call
        return call.session.id if call is not None and call.session is not None else None

    @property
    def state(self) -> State:
        """What the session's calls share, whichever worker runs them: a mapping of texts to values.

        Changes are kept when the call has returned, before the JVM is answered. They are dropped if it raises, is
        cancelled, or its worker dies. Raises NotInSession.
        """
        return _session().state

    @property
    def cache(self) -> dict[Any, Any]:
        """A dictionary for live objects (models, connections) that this worker keeps between calls of the session.

        It may be empty at any call: another worker may run it, or this one may have needed the room. Raises
        NotInSession.
        """
        return _session().cache

    def checkpoint(self) -> int:
        """Have what the call has changed so far kept now, whatever becomes of the rest of it.

        Returns the version of what is kept then, which counts the session's commits; 0 if nothing ever was. Waits
        for that, and blocks the loop of an async call meanwhile. Raises HostError if it cannot be kept: the call's
        further changes cannot be kept either then. Raises NotInSession.
        """
        return _session().checkpoint(current())


def _session() -> SessionOfCall:
    session = current().session
    if session is None:
        raise NotInSession("this call belongs to no session: make it with pool.session(key).call(...)")
    return session


session = CurrentSession()

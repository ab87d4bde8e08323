"""One call: what Java and Python say to each other while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gorgon import _wire
from gorgon._sources import Source
from gorgon._wire import ProtocolError

if TYPE_CHECKING:
    from gorgon._inbox import Inbox, Waiter
    from gorgon._progress import Progress


class Call:
    """The state of a call. Made for each, so what most do not need comes into being at its first use only."""

    name: str | None = None  # its id, as the JVM logs it
    trace: str | None = None
    streams = False
    credit = 0  # how many chunks may be sent in all; written by who reads, while the sender counts what it sent
    hungry: Waiter | None = None  # waits for credit
    asked = 0  # the number of the last host call
    awaited: dict[int, Waiter] | None = None  # those who wait for the replies to host calls
    sources: dict[int, Source] | None = None
    progress: Progress | None = None
    segments: Sequence[int] = ()  # of shared memory, with what it was given; changed with the inbox's mutex held
    talked = False  # it has waited for frames
    ended = False

    def __init__(self, identity: int, inbox: Inbox) -> None:
        self.id = identity
        self.inbox = inbox

    def ask(self, waiter: Waiter, body: dict[str, Any]) -> int:
        """Send a host call whose reply is for the waiter; its number. Raises NotSerializable or TooLarge."""
        link = self.inbox.link
        with self.inbox.mutex:
            self.inbox.admit(self)
            number = self.asked + 1
            frame = link.pack(_wire.HOST_CALL, self.id, {"host": number, **body})
            self.give_back()
            self.asked = number
            if self.awaited is None:
                self.awaited = {}
            self.awaited[number] = waiter
        link.send(frame)
        return number

    def give_back(self) -> None:
        """Let the JVM use those segments again that nothing holds any more. The inbox's mutex is held."""
        if self.segments:
            self.segments = self.inbox.link.segments.let_go(self.segments)

    def close(self) -> None:
        """It has ended, and is told nothing more: drop what came and was not taken."""
        for source in (self.sources or {}).values():
            source.close()

    def forget(self, number: int) -> None:
        """Nobody waits for that reply any more. It is dropped when it comes."""
        if self.awaited is not None:
            self.awaited.pop(number, None)

    def source(self, number: Any) -> Source:
        """The Java source of that number in the arguments. Raises ValueError."""
        if type(number) is not int or (self.sources and number in self.sources):
            raise ValueError(f"{str(number)[:40]} is not the number of a source, or not the only one")
        if self.sources is None:
            self.sources = {}
        source = self.sources[number] = Source(self, number)
        return source

    def receive(self, kind: int, body: Any) -> None:
        """Take in what the JVM says about this call. The inbox's mutex is held. Raises ProtocolError."""
        if type(body) is not dict:
            raise ProtocolError("body", f"a frame of kind {kind} has no object in it")
        if kind == _wire.CREDIT:
            self._credit(body.get("n"))
        elif kind == _wire.HOST_REPLY:
            self._reply(body.get("host"), body)
        else:
            self._source(body.get("source")).feed(body)

    def miss(self, kind: int, body: Any, why: str) -> None:
        """The same for what makes sense, but cannot be made a value here: who waits for it is told why.

        ``body`` is the frame's text as it stands there. Raises ProtocolError.
        """
        failure = {"type": "", "message": why}
        if kind == _wire.HOST_REPLY:
            self._reply(body.get("host"), {"failure": failure})
        else:
            self._source(body.get("source")).miss(failure)

    def _source(self, number: Any) -> Source:
        source = self.sources.get(number) if self.sources is not None and type(number) is int else None
        if source is None:
            raise ProtocolError("body", f"call {self.id} has no source {str(number)[:40]}")
        return source

    def _credit(self, more: Any) -> None:
        if type(more) is not int or more < 0 or (more and not self.streams):
            raise ProtocolError("body", f"credit of {str(more)[:40]} for call {self.id}")
        self.credit += more
        if self.hungry is not None:
            self.hungry.finish(None)

    def _reply(self, number: Any, body: dict[str, Any]) -> None:
        """A reply that comes too late is dropped; one to what was never asked is the end."""
        if type(number) is not int or not 0 < number <= self.asked:
            raise ProtocolError(
                "body", f"a reply to host call {str(number)[:40]} of call {self.id}, which was never made"
            )
        waiter = self.awaited.pop(number, None) if self.awaited is not None else None
        if waiter is not None:
            waiter.finish(body)

"""What goes wrong between user code and the JVM: one tree, on one page.

::

    RuntimeError
      NotInCall            there is no call that could be asked for anything
      NotInSession         the call belongs to no session
    Exception
      HostError            the Java tool threw; base of all that a call into Java may end with
        UnknownTool        no tool has that name
        HostTimeout        no answer in time (a TimeoutError, too)
        NestedTooDeep      a tool called Python, which called a tool, and so on
        BadToolArguments   the arguments cannot travel, or do not fit the tool (a TypeError, too)

A failure that user code does not catch travels back to the JVM as what the call raised.
"""

from __future__ import annotations

from typing import Any


class NotInCall(RuntimeError):
    """Asked outside a call, or after the call had ended: only a call has somebody at the other end."""


class NotInSession(RuntimeError):
    """The call belongs to no session, so there is no state."""


class HostError(Exception):
    """A call into Java that failed, or a Java source that did.

    ``tool`` is what was called (None for a source), ``type`` the class of the Java exception (``""`` if there was
    none), ``message`` its message.
    """

    def __init__(self, message: str, *, tool: str | None = None, type: str = "") -> None:  # noqa: A002
        super().__init__(f"{type}: {message}" if type else message)
        self.message = message
        self.tool = tool
        self.type = type


class UnknownTool(HostError):
    """No tool has that name. ``names`` are those that exist, as far as the JVM told."""

    names: tuple[str, ...] = ()


class HostTimeout(HostError, TimeoutError):
    """The tool gave no answer in time. It may still be running."""


class NestedTooDeep(HostError):
    """Tools and Python functions call each other, deeper than the JVM allows."""


class BadToolArguments(HostError, TypeError):
    """The arguments cannot travel, are too large, or do not fit the tool's parameters."""


_KINDS: dict[Any, type[HostError]] = {
    "unknown": UnknownTool,
    "timeout": HostTimeout,
    "too_deep": NestedTooDeep,
    "bad_arguments": BadToolArguments,
}

for _each in (NotInCall, NotInSession, HostError, UnknownTool, HostTimeout, NestedTooDeep, BadToolArguments):
    _each.__module__ = "gorgon"


def host_error(failure: Any, tool: str | None = None) -> HostError:
    """The exception for the failure that a frame of the JVM's tells of."""
    body: dict[str, Any] = failure if type(failure) is dict else {}
    java = body.get("type")
    error = _KINDS.get(body.get("kind"), HostError)(
        str(body.get("message") or "no message"), tool=tool, type=java if type(java) is str else ""
    )
    names = body.get("names")
    if isinstance(error, UnknownTool) and type(names) is list:
        error.names = tuple(map(str, names))
    return error

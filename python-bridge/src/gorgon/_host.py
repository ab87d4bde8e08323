"""Calls into Java: the tools that the JVM offers to the call that runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gorgon._errors import BadToolArguments, HostTimeout, host_error
from gorgon._inbox import Waiter
from gorgon._link import TooLarge
from gorgon._running import current, running
from gorgon._values import NotSerializable

if TYPE_CHECKING:
    from gorgon._call import Call


class Tools:
    """The same as functions: ``gorgon.host.tools.weather("Rome", days=3)``. Every keyword goes to the tool."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def tool(*args: Any, **kwargs: Any) -> Any:
            return _call(name, None, args, kwargs)

        tool.__name__ = tool.__qualname__ = name
        return tool


class Host:
    """The JVM, as the running call sees it. Any thread or task of the call may use it, several at once."""

    tools = Tools()

    def call(self, name: str, /, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Call a Java tool and wait for what it returns.

        ``timeout``: seconds, after which HostTimeout is raised; by default as long as the call itself may take.
        Raises HostError, or one of its subclasses, when it fails, and NotInCall outside a call.
        """
        return _call(name, timeout, args, kwargs)

    async def call_async(self, name: str, /, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """The same for async code: other tasks run while this one waits."""
        from asyncio import CancelledError, get_running_loop

        from gorgon._loops import TaskWaiter

        call = current()
        if call.inbox.refuses(call):
            raise CancelledError
        waiter = TaskWaiter(get_running_loop())
        running.enter()
        try:
            number = _ask(call, waiter, name, timeout, args, kwargs)
        finally:
            running.leave()
        try:
            await waiter.wait(call, timeout)
        finally:
            call.forget(number)
        return _outcome(waiter, name, timeout)


def _call(name: str, timeout: float | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    call = current()
    if call.inbox.refuses(call):
        raise running.strike()
    waiter = Waiter()
    running.enter()
    try:
        deadline = None if timeout is None else time.monotonic() + timeout
        number = _ask(call, waiter, name, timeout, args, kwargs)
        call.inbox.wait(call, waiter, deadline)
        call.forget(number)
    finally:
        running.leave()
    return _outcome(waiter, name, timeout)


def _ask(
    call: Call, waiter: Waiter, name: str, timeout: float | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> int:
    body: dict[str, Any] = {"name": name, "args": args, "kwargs": kwargs}
    if timeout is not None:
        body["timeout"] = timeout
    try:
        return call.ask(waiter, body)
    except (NotSerializable, TooLarge) as error:
        where = f" ({error.path})" if isinstance(error, NotSerializable) else ""
        raise BadToolArguments(f"{error}{where}", tool=name) from None


def _outcome(waiter: Waiter, name: str, timeout: float | None) -> Any:
    if not waiter.done:
        raise HostTimeout(f"no answer within {timeout} s", tool=name)
    outcome = waiter.outcome
    if isinstance(outcome, Exception):
        raise outcome
    if "failure" in outcome:
        raise host_error(outcome["failure"], name)
    return outcome.pop("value", None)  # who handed it out may have the body for a moment longer


host = Host()

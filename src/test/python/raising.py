"""Exceptions of every sort, for tests of how they reach Java."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterator
from typing import Any


class ShopError(Exception):
    """The base of a family."""


class OutOfStock(ShopError, LookupError):
    """A class of the user's that is one of Python's own, too."""


class SoldOut(OutOfStock):
    """Two steps from the base."""


class Mute(Exception):
    """It cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError("no text for you")


class Talkative(Exception):
    """It says something that is no text, and cannot be sent as it is."""

    def __str__(self) -> str:
        return "lone \udc80 and " + "long " * 100_000


class Hostile(type):
    """A metaclass that makes a secret of its classes."""

    @property
    def __module__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("where it lives is secret")


def sell(kind: str, message: str = "nothing left") -> None:
    """Raise a class of this module's."""
    raise globals()[kind](message)


def sell_some(count: int) -> Iterator[int]:
    """Yield numbers, then raise."""
    yield from range(count)
    raise SoldOut("nothing left")


def secretive() -> None:
    """Raise an exception whose class raises when it is asked where it lives."""
    raise Hostile("Secret", (Exception,), {})("psst")


def noted() -> None:
    """Raise with notes, of one line and of two."""
    error: Any = ValueError("with notes")
    error.add_note("first note")
    error.add_note("second note\nin two lines")
    raise error


def grouped() -> None:
    """Raise a group that holds a group, because of something else."""
    members: list[Exception] = []
    for kind in (KeyError, OutOfStock):
        try:
            raise kind("a member")
        except Exception as error:
            members.append(error)
    try:
        int("none")
    except ValueError as error:
        group: Any = vars(builtins)["ExceptionGroup"]  # from Python 3.11 on
        inner = group("inner", [TypeError("deep")])
        raise group("outer", [*members, inner]) from error


def chained(depth: int) -> None:
    """Raise because of an exception that was raised because of another one, and so on."""
    if depth == 0:
        raise KeyError("the root")
    try:
        chained(depth - 1)
    except Exception as error:
        raise ShopError(f"step {depth}") from error


def in_context(suppressed: bool) -> None:
    """Raise while another exception is handled."""
    try:
        raise KeyError("first")
    except KeyError:
        if suppressed:
            raise ValueError("second") from None
        raise ValueError("second")  # noqa: B904 - so that the first is its context


def circular() -> None:
    """Raise an exception that is its own cause's cause."""
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    raise one


def recurse(depth: int = 0) -> int:
    """Never come to an end."""
    return recurse(depth + 1) + 1


def compile_nonsense() -> Any:
    """Raise a syntax error."""
    return compile("def f(:\n  pass", "nonsense.py", "exec")


def in_thread() -> None:
    """Raise what was raised in another thread."""
    caught: list[BaseException] = []

    def work() -> None:
        try:
            sell("OutOfStock")
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    raise caught[0]

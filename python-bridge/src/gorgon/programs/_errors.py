"""What a command on programs fails with: one tree, on one page.

::

    Exception
      ProgramError              base of all
        NotInstalled            DSPy, or something that a kind of program needs, is not in this environment
        SignatureRefused        a signature, or a definition, is wrong; tells where
        DuplicateProgram        a program of that name is there already
        UnknownProgram          there is no program of that name; tells which there are
        ProgramChanged          it is another one than it was when the optimization began
        InputsRefused           inputs are missing, unknown, or of a wrong type
        StateRefused            a saved state does not fit the program, or is none
        LanguageModelFailed     the language model gave no usable answer; tells why

What Java reads of them beside the message stands in a note, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

NOTE = "gorgon.programs "  # what such a note begins with


_LETTERS = 300
_NAME = 50
_ITEMS = 12


def _short(value: Any) -> Any:
    """The same, so short that the note is not cut on its way: long texts and lists lose their ends."""
    if isinstance(value, str):
        return value[:_LETTERS]
    if isinstance(value, list):
        return [each[:_NAME] if isinstance(each, str) else each for each in value[:_ITEMS]]
    if isinstance(value, dict):
        return {str(key)[:_NAME]: each[: 2 * _NAME] for key, each in list(value.items())[:_ITEMS]}
    return value


class ProgramError(Exception):
    """A command on programs could not be carried out. Everything about programs is as it was before."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details
        # What add_note does, from Python 3.11 on.
        short = {name: _short(value) for name, value in details.items()}
        self.__notes__ = [NOTE + json.dumps(short, ensure_ascii=False)]


class NotInstalled(ProgramError):
    """Something is missing in the workers' Python environment."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} is not installed for this Python: {remedy}", what=what, remedy=remedy)


class SignatureRefused(ProgramError):
    """A definition is wrong. ``position`` counts the characters of ``text`` before the fault, from 0."""

    def __init__(self, message: str, where: str, text: str = "", position: int = 0) -> None:
        shown = f" at character {position + 1} of {text!r}" if text else ""
        super().__init__(f"{where}{shown}: {message}", where=where, text=text, position=position, reason=message)


class DuplicateProgram(ProgramError):
    """The name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a program {name!r} already: delete it, or take another name", name=name)


class UnknownProgram(ProgramError):
    """There is no such program."""

    def __init__(self, name: str, names: Iterable[str]) -> None:
        known = sorted(names)
        shown = ", ".join(map(repr, known[:20])) or "none at all"
        super().__init__(f"there is no program {name!r}; there is {shown}", name=name, names=known)


class ProgramChanged(ProgramError):
    """Somebody changed or deleted it meanwhile."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"program {name!r} was changed or deleted while it was optimized; the result was dropped", name=name
        )


class InputsRefused(ProgramError):
    """Inputs do not fit. ``missing`` and ``unknown`` are names, ``wrong`` tells by name what is wrong."""

    def __init__(self, program: str, missing: list[str], unknown: list[str], wrong: dict[str, str]) -> None:
        parts = []
        if missing:
            parts.append(f"missing {', '.join(missing)}")
        if unknown:
            parts.append(f"unknown {', '.join(unknown)}")
        parts += [f"{name} {why}" for name, why in wrong.items()]
        message = f"inputs of program {program!r}: {'; '.join(parts)}"
        super().__init__(message, program=program, missing=missing, unknown=unknown, wrong=wrong)


class StateRefused(ProgramError):
    """A saved state cannot be loaded."""


class LanguageModelFailed(ProgramError):
    """The language model did not do its part. ``kind`` says why in one word."""

    def __init__(
        self,
        kind: str,
        model: str,
        message: str,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{model}: {kind}: {message}", kind=kind, model=model, status=status, retry_after=retry_after)


for _each in (ProgramError, *ProgramError.__subclasses__()):
    _each.__module__ = "gorgon.programs"

"""Values: what user code takes and gives, as JSON text and back.

Strict where the json module is not: keys that are no str, lone surrogates and values that contain themselves are
refused, with the path to the culprit. The check of a value that has nothing odd is made by C loops; the careful
search for the culprit runs only after that check, or the encoder, has stumbled.
"""

from __future__ import annotations

import json
import json.encoder
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from inspect import iscoroutine
from typing import Any, NoReturn

MAX_DEPTH = 500
_SCALARS = frozenset((str, int, float, bool, type(None)))
_KEYS = frozenset((str,))
_DICTS = frozenset((dict, OrderedDict, defaultdict, Counter))
_DIGITS_SAFE = 2_000  # bits; more may have more digits than Python turns into text


class NotSerializable(Exception):
    """A value that cannot travel. ``path`` leads to it from the result, which is ``$``."""

    def __init__(self, path: str, culprit: Any, message: str) -> None:
        super().__init__(message)
        self.path = path if len(path) <= 1_000 else path[:500] + "..." + path[-497:]
        self.type = type_name(type(culprit))
        self.message = message


def type_name(kind: type) -> str:
    """``module.Class``, as ``builtins.set``."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _refuse(value: Any) -> NoReturn:
    raise TypeError(f"{type_name(type(value))} is not JSON")


def _chunk_maker() -> Callable[[Any, int], Iterable[str]]:
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the C part
        encoder = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_refuse)
        return lambda value, _indent: encoder.iterencode(value)
    # What JSONEncoder.iterencode makes anew for each value. No markers: `_plain` and `_search` find the circles.
    chunks: Callable[[Any, int], Iterable[str]] = make(
        None, _refuse, json.encoder.encode_basestring, None, ":", ",", False, False, True
    )
    return chunks


_chunks = _chunk_maker()
_join = "".join
_decoder = json.JSONDecoder()
# The scanner in C itself: `decode` would look for blanks with regular expressions first.
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]


def encode(value: Any) -> bytes:
    """The JSON text of a value in UTF-8. Tuples become lists; NaN and the infinities keep their JavaScript names.

    Raises NotSerializable, and nothing else, for everything that would not arrive as what it is.
    """
    try:
        if type(value) not in _SCALARS and not _plain(value, MAX_DEPTH):
            _search(value, "$", 0, set())
        return _join(_chunks(value, 0)).encode()
    except NotSerializable:
        raise
    except BaseException as error:  # also what a subclass of dict or list of the user's raises
        raise _culprit(value, error) from None


def _culprit(value: Any, error: BaseException) -> NotSerializable:
    try:
        _search(value, "$", 0, set())
    except NotSerializable as found:
        return found
    except BaseException as another:
        error = another
    if isinstance(error, RecursionError):
        return NotSerializable("$", value, "it is nested too deep for the recursion limit that is set")
    return NotSerializable("$", value, f"encoding it raised {type(error).__name__}")


def decode(text: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises ValueError, or RecursionError for text that is nested too deep."""
    string = str(text, "utf-8")
    try:
        value, end = _scan(string, 0)
    except StopIteration:
        return _decoder.decode(string)  # blanks before the value, or an error worth a message
    if end != len(string):
        return _decoder.decode(string)
    return value


def _plain(value: Any, depth: int) -> bool:
    """Whether a value is made of ordinary parts only, and not too deep. Fast; False means: look closer."""
    kind = type(value)
    items: Iterable[Any]
    if kind in _DICTS:
        if not _KEYS.issuperset(map(type, value)):
            return False
        items = value.values()
    elif kind is list or kind is tuple:
        items = value
    else:
        return False
    if _SCALARS.issuperset(map(type, items)):
        return depth > 0
    if depth <= 0:
        return False
    for item in items:
        if type(item) not in _SCALARS and not _plain(item, depth - 1):
            return False
    return True


def _search(value: Any, path: str, depth: int, parents: set[int]) -> None:
    """Raise NotSerializable for the first part of a value that cannot travel."""
    if value is None or isinstance(value, float):
        return
    if isinstance(value, str):
        _search_text(value, path, value)
        return
    if isinstance(value, int):
        _search_digits(value, path)
        return
    if not isinstance(value, (dict, list, tuple)):
        hint = " (an async function was called: wrap it in asyncio.run)" if iscoroutine(value) else ""
        raise NotSerializable(path, value, f"{type_name(type(value))} has no JSON form{hint}")
    if id(value) in parents:
        raise NotSerializable(path, value, "it contains itself")
    if depth >= MAX_DEPTH:
        raise NotSerializable(path, value, f"it is nested deeper than {MAX_DEPTH}")
    parents.add(id(value))
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                message = f"a key is {type_name(type(key))}, not str: {_short(key)}"
                raise NotSerializable(path, value, message)
            _search_text(key, path, value)
            _search(item, _step(path, key), depth + 1, parents)
    else:
        for position, item in enumerate(value):
            _search(item, f"{path}[{position}]", depth + 1, parents)
    parents.discard(id(value))


def _search_text(text: str, path: str, culprit: Any) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"{_short(text)} has a lone surrogate at index {error.start}"
        raise NotSerializable(path, culprit, message) from None


def _search_digits(number: int, path: str) -> None:
    if number.bit_length() > _DIGITS_SAFE:
        try:
            int.__repr__(number)
        except ValueError as error:
            raise NotSerializable(path, number, str(error)) from None


def _step(path: str, key: str) -> str:
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"


def _short(value: Any) -> str:
    try:
        text = ascii(value)
    except Exception:  # a __repr__ of the user's
        return "(its repr raises)"
    return text if len(text) <= 80 else text[:77] + "..."

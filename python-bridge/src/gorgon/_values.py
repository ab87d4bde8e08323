"""Values: what user code takes and gives, as JSON text with attachments, and back.

A value of ordinary parts becomes plain JSON, by C loops only. Anything else goes the careful way of `_outgoing`,
which tags what JSON has no form for, and refuses, with the path to the culprit, what would not arrive as what it is.
"""

from __future__ import annotations

import json
import json.encoder
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gorgon._arrays import Buffer
from gorgon._incoming import tagged
from gorgon._outgoing import MAX_DEPTH, SCALARS, NotSerializable, Outgoing, type_name
from gorgon._wire import JSON, TAGGED

__all__ = ["MAX_DEPTH", "NotSerializable", "decode", "decode_plain", "encode", "text", "type_name"]

_KEYS = frozenset((str,))
_DICTS = frozenset((dict, OrderedDict, defaultdict, Counter))


def _refuse(value: Any) -> Any:
    raise TypeError(f"{type_name(type(value))} is not JSON")


def _chunk_maker() -> Callable[[Any, int], Iterable[str]]:
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the C part
        encoder = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_refuse)
        return lambda value, _indent: encoder.iterencode(value)
    # What JSONEncoder.iterencode makes anew for each value. No markers: `_plain` and `Outgoing` find the circles.
    chunks: Callable[[Any, int], Iterable[str]] = make(
        None, _refuse, json.encoder.encode_basestring, None, ":", ",", False, False, True
    )
    return chunks


_chunks = _chunk_maker()
_join = "".join
_decoder = json.JSONDecoder()
# The scanner in C itself: `decode` would look for blanks with regular expressions first.
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]


def encode(value: Any) -> tuple[int, bytes, Sequence[Buffer]]:
    """The codec, the JSON text in UTF-8 and the attachments of a value.

    Attachments are views of the value's own memory where that has the right layout: send them before the value
    changes. Tuples become lists; NaN and the infinities keep their JavaScript names.

    Raises NotSerializable, and nothing else, for everything that would not arrive as what it is.
    """
    try:
        if type(value) in SCALARS or _plain(value, MAX_DEPTH):
            return JSON, _join(_chunks(value, 0)).encode(), ()
        outgoing = Outgoing()
        form = outgoing.form(value, 0)
        body = _join(_chunks(form, 0)).encode()
        return TAGGED if outgoing.tagged else JSON, body, outgoing.attachments
    except NotSerializable:
        raise
    except BaseException as error:  # also what a subclass of dict or list of the user's raises
        raise _culprit(value, error) from None


def text(value: Any) -> bytes:
    """The JSON text of a value that is known to be plain: a body of the bridge's own."""
    return _join(_chunks(value, 0)).encode()


def _culprit(value: Any, error: BaseException) -> NotSerializable:
    try:
        Outgoing(checking=True).form(value, 0)
    except NotSerializable as found:
        return found
    except BaseException as another:
        error = another
    if isinstance(error, RecursionError):
        return NotSerializable("$", value, "it is nested too deep for the recursion limit that is set")
    return NotSerializable("$", value, f"encoding it raised {type(error).__name__}")


def decode(
    codec: int,
    body: bytes,
    attachments: Sequence[memoryview] = (),
    source: Callable[[Any], Any] | None = None,
) -> Any:
    """The value of a body; ``source`` makes the JVM's sources in it, by their numbers.

    Raises ValueError, or RecursionError for text that is nested too deep; Unreceivable, which is a ValueError, if
    the text makes sense, and this Python cannot make the value.
    """
    if codec == TAGGED:
        return tagged(str(body, "utf-8"), attachments, source)
    return decode_plain(body)


def decode_plain(body: bytes) -> Any:
    """The value of a body without tags; raises as `decode`."""
    string = str(body, "utf-8")
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
    if SCALARS.issuperset(map(type, items)):
        return depth > 0
    if depth <= 0:
        return False
    for item in items:
        if type(item) not in SCALARS and not _plain(item, depth - 1):
            return False
    return True

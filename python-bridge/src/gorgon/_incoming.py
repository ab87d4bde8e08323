"""Incoming: tagged values, as Java or this bridge wrote them, become what they stand for.

A tag names one of the types below, never a class to look up. The scanner calls back from the inside out, for each
object; only text in which an escaped map may be takes the slow way, from the outside in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from gorgon._arrays import Unreceivable, arrive

Tag = dict[str, Any]


def tagged(text: str, attachments: Sequence[memoryview], source: Callable[[Any], Any] | None = None) -> Any:
    """The value of a JSON text with tags. Raises ValueError, Unreceivable included, and RecursionError."""
    arrival = _Arrival(attachments, source)
    if '"dict"' in text:
        return arrival.walk(json.loads(text))
    return json.JSONDecoder(object_hook=arrival.object).decode(text)


class _Arrival:
    """One value on its way in, with its attachments."""

    def __init__(self, attachments: Sequence[memoryview], source: Callable[[Any], Any] | None) -> None:
        self._attachments = attachments
        self.source = source

    def object(self, item: Tag) -> Any:
        """What an object, whose parts have arrived, stands for."""
        if "$" not in item:
            return item
        name = item["$"]
        make = _TAGS.get(name) if isinstance(name, str) else None
        if make is None:
            raise ValueError(f"the tag {name!r} is unknown")
        try:
            return make(self, item)
        except ValueError:
            raise
        except Exception as error:  # what the types raise for a value of another type
            raise ValueError(f"a tag {name!r} that makes no sense: {type(error).__name__}: {error}") from error

    def walk(self, value: Any) -> Any:
        """The same from the outside in, so that what an escaped map holds is not taken for a tag."""
        if type(value) is list:
            for position, item in enumerate(value):
                if type(item) is list or type(item) is dict:
                    value[position] = self.walk(item)
            return value
        if type(value) is not dict:
            return value
        if value.get("$") == "dict":
            value = value.get("v")
            if type(value) is not dict:
                raise ValueError("an escaped map that is none")
            escaped = True
        else:
            escaped = False
        for key, item in value.items():
            if type(item) is list or type(item) is dict:
                value[key] = self.walk(item)
        return value if escaped else self.object(value)

    def attachment(self, item: Tag) -> memoryview:
        """The attachment that a tag names."""
        number = item["i"]
        if type(number) is not int or not 0 <= number < len(self._attachments):
            raise ValueError(f"there is no attachment {number!r} among {len(self._attachments)}")
        return self._attachments[number]


def _bytes(arrival: _Arrival, item: Tag) -> Any:
    return bytes(arrival.attachment(item))


def _array(arrival: _Arrival, item: Tag) -> Any:
    return arrive(arrival.attachment(item), item["dtype"], item["shape"])


def _datetime(_arrival: _Arrival, item: Tag) -> Any:
    from datetime import datetime

    value = datetime.fromisoformat(item["v"])
    name = item.get("zone")
    if name is None:
        return value
    from zoneinfo import ZoneInfo

    try:
        zone = ZoneInfo(name)
    except Exception as error:  # ZoneInfoNotFoundError, and what strange names raise
        raise Unreceivable(f"the zone {name!r} is not known here: install the package tzdata") from error
    return value.astimezone(zone)  # sets `fold`, and keeps the instant if the two sides know other rules


def _date(_arrival: _Arrival, item: Tag) -> Any:
    from datetime import date

    return date.fromisoformat(item["v"])


def _time(_arrival: _Arrival, item: Tag) -> Any:
    from datetime import time

    return time.fromisoformat(item["v"])


def _timedelta(_arrival: _Arrival, item: Tag) -> Any:
    from datetime import timedelta

    seconds, nanoseconds = item["v"]
    return timedelta(seconds=seconds, microseconds=nanoseconds // 1_000)


def _decimal(_arrival: _Arrival, item: Tag) -> Any:
    from decimal import Decimal

    return Decimal(item["v"])


def _uuid(_arrival: _Arrival, item: Tag) -> Any:
    from uuid import UUID

    return UUID(item["v"])


def _set(_arrival: _Arrival, item: Tag) -> Any:
    return set(map(_hashable, item["v"]))


def _frozenset(_arrival: _Arrival, item: Tag) -> Any:
    return frozenset(map(_hashable, item["v"]))


def _pairs(_arrival: _Arrival, item: Tag) -> Any:
    pairs = item["v"]
    result = {_hashable(key): value for key, value in pairs}
    if len(result) != len(pairs):
        raise Unreceivable("a map has two keys that are equal in Python")
    return result


def _source(arrival: _Arrival, item: Tag) -> Any:
    if arrival.source is None:
        raise ValueError("a source that is no argument of a call")
    return arrival.source(item["n"])


def _hashable(value: Any) -> Any:
    """A value as an element of a set or a key: a list becomes a tuple, a set a frozenset."""
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, set):
        return frozenset(value)
    try:
        hash(value)
    except TypeError:
        raise Unreceivable(f"{type(value).__name__} cannot be in a set, nor a key: it has no hash") from None
    return value


_TAGS: dict[str, Callable[[_Arrival, Tag], Any]] = {
    "bytes": _bytes,
    "array": _array,
    "datetime": _datetime,
    "date": _date,
    "time": _time,
    "timedelta": _timedelta,
    "decimal": _decimal,
    "uuid": _uuid,
    "set": _set,
    "frozenset": _frozenset,
    "pairs": _pairs,
    "source": _source,
}

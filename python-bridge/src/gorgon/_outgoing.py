"""Outgoing: the careful way of a value into JSON, for what is not made of ordinary parts only.

What JSON has no form for is tagged, as ``{"$": tag, ...}``; bytes and arrays become attachments. Nothing is looked up
by importing it: a value of a library's type can only be there if that library is loaded already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import Enum, Flag
from typing import Any, Union

from gorgon import _arrays
from gorgon._arrays import Buffer
from gorgon._wording import hint, short, step_text

MAX_DEPTH = 500
SCALARS = frozenset((str, int, float, bool, type(None)))
MAX_DIGITS = 4_300
_DIGITS_SAFE = 2_000  # bits; more may have more digits than Python turns into text
_MAX_EXPONENT = 999_999_999
_MAX_OFFSET = 18 * 3_600  # seconds; Java's ZoneOffset knows no more
_MAX_ATTACHMENTS = 0xFFFF

# What a value is opened into: a form that is finished, or parts to go through.
LEAF, LIST, MAP, SET, PAIRS = range(5)
_LEVELS = (0, 1, 1, 2, 3)  # of JSON text

Step = Union[int, str]
Opened = tuple[int, Any]
Way = Callable[["Outgoing", Any], Opened]


class NotSerializable(Exception):
    """A value that cannot travel. ``path`` leads to it from the result, which is ``$``."""

    def __init__(self, path: str, culprit: Any, message: str) -> None:
        super().__init__(message)
        self.path = path if len(path) <= 1_000 else path[:500] + "..." + path[-497:]
        self.type = type_name(type(culprit))
        self.message = message


_MODULE = type.__dict__["__module__"].__get__
_QUALNAME = type.__dict__["__qualname__"].__get__


def type_name(kind: type) -> str:
    """``module.Class``, as ``builtins.set``, whatever its metaclass makes of these attributes."""
    return f"{_MODULE(kind)}.{_QUALNAME(kind)}"


class Outgoing:
    """One value on its way out: the attachments that it has, and whether anything in it is tagged."""

    def __init__(self, checking: bool = False) -> None:
        """``checking``: look at each text and number too, to find the one that the encoder stumbled over."""
        self.attachments: list[Buffer] = []
        self.tagged = False
        self._checking = checking
        self._trail: list[Step] = []
        self._parents: set[int] = set()
        self._ways: dict[type, Way] = {}

    def form(self, value: Any, depth: int) -> Any:
        """What the json module makes the text of. One Python frame per level, so that deep values fit the stack.

        Raises NotSerializable, and whatever the value's own code raises.
        """
        shape, parts = self.open(value)
        if shape == LEAF:
            return parts
        if id(value) in self._parents:
            raise self.refusal(value, "it contains itself")
        depth += _LEVELS[shape]
        if depth > MAX_DEPTH:
            raise self.refusal(value, f"it is nested deeper than {MAX_DEPTH}")
        self._parents.add(id(value))
        trail = self._trail
        result: Any
        if shape == MAP:
            result = {}
            for key, item in parts.items():
                trail.append(key)
                if self._checking:
                    self._check(key)
                result[key] = self.form(item, depth)
                trail.pop()
            if "$" in result:
                self.tagged = True
                result = {"$": "dict", "v": result}
        elif shape == PAIRS:
            pairs = []
            for key, item in parts.items():
                trail.append(short(key))
                pairs.append([self.form(key, depth), self.form(item, depth)])
                trail.pop()
            result = self.tag("pairs", v=pairs)
        else:
            if SCALARS.issuperset(map(type, parts)) and not self._checking:
                result = list(parts)
            else:
                result = []
                for position, item in enumerate(parts):
                    trail.append(position)
                    result.append(self.form(item, depth))
                    trail.pop()
            if shape == SET:
                result = self.tag("frozenset" if isinstance(value, frozenset) else "set", v=result)
        self._parents.discard(id(value))
        return result

    def open(self, value: Any) -> Opened:
        """What a value is made of."""
        kind = type(value)
        if kind in SCALARS:
            if self._checking:
                self._check(value)
            return LEAF, value
        way = self._ways.get(kind)
        if way is None:
            way = self._ways[kind] = _way(kind)
        return way(self, value)

    def tag(self, name: str, **fields: Any) -> dict[str, Any]:
        """The form of a value that JSON has none for."""
        self.tagged = True
        return {"$": name, **fields}

    def attach(self, value: Any, buffer: Buffer) -> int:
        """Take bytes beside the text; their number."""
        if len(self.attachments) == _MAX_ATTACHMENTS:
            raise self.refusal(value, f"there are more than {_MAX_ATTACHMENTS} arrays and bytes in one value")
        self.attachments.append(buffer)
        return len(self.attachments) - 1

    def refusal(self, value: Any, message: str) -> NotSerializable:
        """The exception that names the value that is being looked at."""
        return NotSerializable("$" + "".join(map(step_text, self._trail)), value, message)

    def _check(self, value: Any) -> None:
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise self.refusal(value, f"{short(value)} has a lone surrogate at index {error.start}") from None
        elif isinstance(value, int) and value.bit_length() > _DIGITS_SAFE:
            try:
                int.__repr__(value)
            except ValueError as error:
                raise self.refusal(value, str(error)) from None


# ---- ways: how a value of some kind opens


def _scalar(plain: Callable[[Any], Any]) -> Way:
    # Not by the value's own __str__ or __int__, which may say anything.
    return lambda out, value: out.open(plain(value))


def _enum(out: Outgoing, value: Enum) -> Opened:
    return out.open(value.value if issubclass(type(value), (int, float, str, Flag)) else value.name)


def _list(_out: Outgoing, value: Any) -> Opened:
    return LIST, value


def _set(_out: Outgoing, value: Any) -> Opened:
    return SET, value


def _map(out: Outgoing, value: Any) -> Opened:
    plain: dict[str, Any] = {}
    count = 0
    for key, item in value.items():
        count += 1
        if isinstance(key, str):
            plain[str.__str__(key)] = item
        elif isinstance(key, Enum) and not isinstance(key, (int, float, Flag)):
            plain[key.name] = item
        else:
            return PAIRS, dict(value.items())
    if len(plain) != count:
        raise out.refusal(value, "the name of an enum is the key of something else, too")
    return MAP, plain


def _dataclass(_out: Outgoing, value: Any) -> Opened:
    fields = sys.modules["dataclasses"].fields(value)
    return MAP, {field.name: getattr(value, field.name) for field in fields}


def _bytes(out: Outgoing, value: Any) -> Opened:
    return LEAF, out.tag("bytes", i=out.attach(value, value))


def _datetime(out: Outgoing, value: Any) -> Opened:
    fields = {"v": value.isoformat()}
    if _offset(out, value) is not None:
        zone = getattr(sys.modules.get("zoneinfo"), "ZoneInfo", None)
        if zone is not None and isinstance(value.tzinfo, zone) and value.tzinfo.key:
            fields["zone"] = value.tzinfo.key
    return LEAF, out.tag("datetime", **fields)


def _date(out: Outgoing, value: Any) -> Opened:
    return LEAF, out.tag("date", v=value.isoformat())


def _time(out: Outgoing, value: Any) -> Opened:
    if _offset(out, value) is None and value.tzinfo is not None:
        raise out.refusal(value, "its zone has no offset without a date: send a datetime")
    return LEAF, out.tag("time", v=value.isoformat())


def _offset(out: Outgoing, value: Any) -> Any:
    offset = value.utcoffset()
    if offset is not None and (offset.microseconds or abs(offset.total_seconds()) > _MAX_OFFSET):
        raise out.refusal(value, f"its offset of {offset} is no whole number of seconds within 18 hours")
    return offset


def _timedelta(out: Outgoing, value: Any) -> Opened:
    nanoseconds = value.microseconds * 1_000 + getattr(value, "nanoseconds", 0)  # pandas counts them
    return LEAF, out.tag("timedelta", v=[value.days * 86_400 + value.seconds, nanoseconds])


def _decimal(out: Outgoing, value: Any) -> Opened:
    if not value.is_finite():
        raise out.refusal(value, f"{value} is no number, and Java's decimals are")
    parts = value.as_tuple()
    if len(parts.digits) > MAX_DIGITS or abs(parts.exponent) > _MAX_EXPONENT:
        raise out.refusal(value, f"it has more than {MAX_DIGITS} digits, or an exponent beyond {_MAX_EXPONENT}")
    return LEAF, out.tag("decimal", v=str(value))


def _uuid(out: Outgoing, value: Any) -> Opened:
    return LEAF, out.tag("uuid", v=str(value))


def _array(out: Outgoing, value: Any) -> Opened:
    try:
        dtype, shape, buffer = _arrays.of_numpy(value)
    except TypeError as error:
        raise out.refusal(value, str(error)) from None
    return LEAF, out.tag("array", i=out.attach(value, buffer), dtype=dtype, shape=shape)


def _numpy_scalar(out: Outgoing, value: Any) -> Opened:
    item = value.item()
    if type(item).__module__ == "datetime" or (type(item) in SCALARS and value.dtype.kind not in "mM"):
        return out.open(item)
    hint = ": astype('datetime64[us]') or astype('timedelta64[us]')" if value.dtype.kind in "mM" else ""
    raise out.refusal(value, f"a NumPy scalar of dtype {value.dtype.str} has no form in Java{hint}")


def _frame(out: Outgoing, value: Any) -> Opened:
    if not value.columns.is_unique:
        raise out.refusal(value, "two of its columns have the same name")
    return _map(out, value.to_dict(orient="list"))


def _series(_out: Outgoing, value: Any) -> Opened:
    return LIST, value.tolist()


def _model(out: Outgoing, value: Any) -> Opened:
    return out.open(value.model_dump() if hasattr(value, "model_dump") else value.dict())


def _nothing(_out: Outgoing, _value: Any) -> Opened:
    return LEAF, None


def _buffer(out: Outgoing, value: Any) -> Opened:
    """Anything with the buffer protocol; everything else is refused."""
    try:
        view = memoryview(value)
    except Exception:
        raise out.refusal(value, f"{type_name(type(value))} has no JSON form{hint(value)}") from None
    if view.format in ("B", "c", "<B", "<c") and view.ndim == 1:
        return LEAF, out.tag("bytes", i=out.attach(value, _arrays.flat(view)))
    try:
        dtype, shape, buffer = _arrays.of_view(view)
    except TypeError as error:
        raise out.refusal(value, str(error)) from None
    return LEAF, out.tag("array", i=out.attach(value, buffer), dtype=dtype, shape=shape)


# Found only if their modules are loaded; the first that fits.
_LIBRARIES: Sequence[tuple[str, str, Way]] = (
    ("numpy", "ndarray", _array),
    ("numpy", "generic", _numpy_scalar),
    ("pandas", "DataFrame", _frame),
    ("pandas", "Series", _series),
    ("pandas", "Index", _series),
    ("datetime", "datetime", _datetime),
    ("datetime", "date", _date),
    ("datetime", "time", _time),
    ("datetime", "timedelta", _timedelta),
    ("decimal", "Decimal", _decimal),
    ("uuid", "UUID", _uuid),
    ("pydantic", "BaseModel", _model),
)


def _way(kind: type) -> Way:
    if issubclass(kind, Enum):
        return _enum
    for builtin, way in _BUILTINS:
        if issubclass(kind, builtin):
            return way
    if kind.__name__ in ("NaTType", "NAType") and kind.__module__.startswith("pandas."):
        return _nothing
    for module, name, way in _LIBRARIES:
        base = getattr(sys.modules.get(module), name, None)
        if isinstance(base, type) and issubclass(kind, base):
            return way
    if hasattr(kind, "__dataclass_fields__"):
        return _dataclass
    return _buffer


_BUILTINS: Sequence[tuple[type, Way]] = (
    (dict, _map),
    (list, _list),
    (tuple, _list),
    (str, _scalar(str.__str__)),
    (int, _scalar(int.__index__)),
    (float, _scalar(float.__float__)),
    (set, _set),
    (frozenset, _set),
    (bytes, _bytes),
    (bytearray, _bytes),
)

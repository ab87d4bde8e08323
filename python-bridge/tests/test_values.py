"""Values: what travels, and the path to what does not."""

from __future__ import annotations

import array
import collections
import enum
import json
import math
import re
import sys
from collections.abc import Iterator
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gorgon import _values
from gorgon._values import MAX_DEPTH, NotSerializable, decode, encode
from gorgon._wire import JSON


class Colour(enum.IntEnum):
    RED = 1


class Plain(enum.Enum):
    ONE = 1


class Spiteful(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise SystemExit("not today")


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**70, 0.1, 1e300, -0.0, "", "text", "größe 🐍\u2028\u0000", [], {},
        [1, [2.5, ["three", [None]]]], {"a": {"b": [{"c": {}}]}}, {"": 1, "two words": [True]}, ["\ud7ff"],
    ],
)  # fmt: skip
def test_arrives_as_it_left(value: Any) -> None:
    codec, text, attachments = encode(value)
    assert (codec, attachments) == (JSON, ())
    assert decode(codec, text) == value
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ((1, (2,)), [1, [2]]),
        (Point(1, 2), [1, 2]),
        (Colour.RED, 1),
        ({"colour": Colour.RED}, {"colour": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
    ],
)
def test_has_a_plain_form(value: Any, arrives: Any) -> None:
    assert decode(*encode(value)[:2]) == arrives


def test_floats_without_a_number() -> None:
    text = encode([math.nan, math.inf, -math.inf])[1]
    assert text == b"[NaN,Infinity,-Infinity]"
    assert math.isnan(decode(JSON, text)[0])
    assert decode(JSON, text)[1:] == [math.inf, -math.inf]


def circle() -> list[Any]:
    found: list[Any] = [1]
    found.append({"again": found})
    return found


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def iter_nothing() -> Iterator[None]:
    yield from ()


async def coroutine() -> None:
    pass


@pytest.mark.parametrize(
    ("value", "path", "kind", "message"),
    [
        ({"a": [0, 1, 2, re.compile("")]}, "$.a[3]", "re.Pattern", "no JSON form"),
        ([1j], "$[0]", "builtins.complex", "no JSON form"),
        ({"a": iter_nothing()}, "$.a", "builtins.generator", "stream"),
        ({b"k": [{1: object()}]}, '$["b\'k\'"][0]["1"]', "builtins.object", "no JSON form"),
        ({"two words": {"b": (1, object())}}, '$["two words"].b[1]', "builtins.object", "no JSON form"),
        ({"a": {Plain.ONE: 1, "ONE": 2}}, "$.a", "builtins.dict", "key of something else"),
        ([Decimal("NaN")], "$[0]", "decimal.Decimal", "no number"),
        (Decimal("1E1000000000"), "$", "decimal.Decimal", "exponent"),
        (Decimal("1" * 4_301), "$", "decimal.Decimal", "4300 digits"),
        ([b"", {"n": 10**5000}], "$[1].n", "builtins.int", "digits"),
        ([b"", {"lone \udc80": 1}], '$[1]["lone \\udc80"]', "builtins.str", "surrogate"),
        (time(1, tzinfo=ZoneInfo("Europe/Berlin")), "$", "datetime.time", "send a datetime"),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(microseconds=1))), "$", "datetime.datetime", "offset"),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=20))), "$", "datetime.datetime", "18 hours"),
        (array.array("u", "x"), "$", "array.array", "format"),
        ({"a": ["fine", "lone \udc80"]}, "$.a[1]", "builtins.str", "surrogate at index 5"),
        ({"\ud800": 1}, '$["\\ud800"]', "builtins.str", "surrogate"),
        ("\udfff", "$", "builtins.str", "surrogate"),
        (circle(), "$[1].again", "builtins.list", "contains itself"),
        (nested(MAX_DEPTH + 1), None, "builtins.list", f"deeper than {MAX_DEPTH}"),
        (nested(100_000), None, "builtins.list", f"deeper than {MAX_DEPTH}"),
        ([object], "$[0]", "builtins.type", "no JSON form"),
        ([Spiteful(a=1)], "$", "builtins.list", "raised SystemExit"),
        (range(3), "$", "builtins.range", "no JSON form"),
    ],
)
def test_names_the_culprit(value: Any, path: str | None, kind: str, message: str) -> None:
    with pytest.raises(NotSerializable) as refusal:
        encode(value)
    if path is not None:
        assert refusal.value.path == path
    assert refusal.value.type == kind
    assert message in refusal.value.message


def test_depth_up_to_the_limit_arrives() -> None:
    assert decode(*encode(nested(MAX_DEPTH))[:2]) == nested(MAX_DEPTH)
    mixed: Any = 0
    for _ in range(MAX_DEPTH // 2):
        mixed = {"a": [mixed]}
    assert decode(*encode(mixed)[:2]) == mixed


def test_an_async_function_gets_advice() -> None:
    promise = coroutine()
    with pytest.raises(NotSerializable, match="await it"):
        encode({"a": promise})
    promise.close()


@pytest.mark.skipif(not hasattr(sys, "get_int_max_str_digits"), reason="this Python has no limit of digits")
def test_integers_with_more_digits_than_python_prints() -> None:
    with pytest.raises(NotSerializable, match="digits") as refusal:
        encode({"n": 10**5000})
    assert refusal.value.path == "$.n"
    with pytest.raises(ValueError, match="digits"):
        decode(JSON, b"1" * 5000)


@pytest.mark.parametrize("text", [b"", b" ", b"{", b"[1,]", b"nul", b"1 2", b'"\xff"', b"\xef\xbb\xbf1", b"{'a':1}"])
def test_text_that_is_no_json(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        decode(JSON, text)


def test_blanks_around_a_value() -> None:
    assert decode(JSON, b' \n[1, {"a" : 2}] \t') == [1, {"a": 2}]


def test_the_pure_python_encoder_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    monkeypatch.setattr(_values, "_chunks", _values._chunk_maker())
    assert encode({"a": [1, 2.5, "é", None, math.nan]})[1] == '{"a":[1,2.5,"é",null,NaN]}'.encode()
    with pytest.raises(NotSerializable):
        encode([object()])

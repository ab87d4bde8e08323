"""Fidelity: values that JSON has no form for come back equal, or as what the documentation says."""

from __future__ import annotations

import array
import collections
import ctypes
import dataclasses
import enum
import mmap
import random
import sys
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from gorgon import _arrays
from gorgon._arrays import Unreceivable
from gorgon._values import MAX_DEPTH, NotSerializable, decode, encode
from gorgon._wire import JSON, TAGGED

BERLIN = ZoneInfo("Europe/Berlin")


def there_and_back(value: Any) -> Any:
    codec, body, attachments = encode(value)
    return decode(codec, body, [memoryview(bytearray(attachment)) for attachment in attachments])


class Plain(enum.Enum):
    ONE = 1


class Number(enum.IntEnum):
    ONE = 1


class Text(str, enum.Enum):
    ONE = "one"


class Bits(enum.Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Point:
    kind: ClassVar[str] = "not a field"
    x: int
    tags: set[str]


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


SAME = [
    b"", b"bytes\x00\xff", [b"a", {"b": b"c"}], {1, 2}, set(), frozenset("ab"), {frozenset((1,)), b"x", None},
    {1: "int"}, {None: 1, "text": 2, 2.5: 3, (1, (2, 3)): 4, b"k": 5, date(2026, 1, 1): 6}, {"": {(): {}}},
    datetime(2026, 11, 25, 21, 0, 0, 123456), datetime.min, datetime.max, date.min, date.max, time(0), time.max,
    datetime(2026, 1, 1, tzinfo=timezone.utc), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    datetime(1890, 1, 1, tzinfo=BERLIN), datetime(2026, 7, 1, 12, tzinfo=BERLIN), time(1, 2, tzinfo=timezone.utc),
    timedelta(0), timedelta.min, timedelta.max, timedelta(microseconds=-1), Decimal("0.10"), Decimal("-1E+400"),
    Decimal(0), Decimal("1" * 4_300), uuid.UUID(int=0), uuid.UUID(int=2**128 - 1),
    {"$": 1}, {"$": {"$": "decimal", "v": "1"}, "b": b""}, [{"$": "bytes", "i": 0}, b"x"],
    {"$": "dict", "v": {"$": {1}}},
    [{"dict": {"$": "dict"}}, {1}],
]  # fmt: skip


@pytest.mark.parametrize("value", SAME, ids=[ascii(value)[:40] for value in SAME])
def test_comes_back_equal(value: Any) -> None:
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (bytearray(b"ab"), b"ab"), (memoryview(b"abcdef")[::2], b"ace"), (memoryview(b"ab").cast("c"), b"ab"),
        (array.array("B", b"ab"), b"ab"),
        (Plain.ONE, "ONE"), (Number.ONE, 1), (Text.ONE, "one"), (Bits.A | Bits.B, 3), ({Plain.ONE: 1}, {"ONE": 1}),
        ({Number.ONE: 1}, {1: 1}), ({Text.ONE: Plain.ONE}, {"one": "ONE"}), (Loud("quiet"), "quiet"),
        ({Loud("quiet"): 1}, {"quiet": 1}), (Point(1, {"a"}), {"x": 1, "tags": {"a"}}), ({(1, 2)}, {(1, 2)}),
        (collections.UserString, None), ({1: [(2,)]}, {1: [[2]]}),
        (collections.OrderedDict({1: 2}), {1: 2}), (collections.deque, None),
    ],
    ids=ascii,
)  # fmt: skip
def test_arrives_as_documented(value: Any, arrives: Any) -> None:
    if arrives is None:
        with pytest.raises(NotSerializable):
            encode(value)
    else:
        assert there_and_back(value) == arrives


def test_zones_and_the_hour_that_comes_twice_are_kept() -> None:
    for fold in (0, 1):
        at = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold)
        back = there_and_back(at)
        assert (back.fold, back.tzinfo, back.utcoffset()) == (fold, BERLIN, at.utcoffset())


def test_an_hour_that_a_zone_skips_arrives_as_the_moment_that_it_means() -> None:
    skipped = datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN)
    assert there_and_back(skipped) == datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN)
    assert there_and_back(skipped).timestamp() == skipped.timestamp()


def test_a_plain_value_is_plain_also_on_the_careful_way() -> None:
    for value in (Number.ONE, Point, [Loud("a")], {"a": Plain.ONE}):
        if value is not Point:
            assert encode(value)[0] == JSON
    assert encode({"$": [Number.ONE]})[0] == TAGGED


def test_bytes_go_out_without_a_copy() -> None:
    content = bytearray(b"abc")
    _, _, attachments = encode([content, content])
    content[0] = 0
    assert [bytes(attachment) for attachment in attachments] == [b"\x00bc", b"\x00bc"]


def test_more_attachments_than_a_frame_counts_are_refused() -> None:
    with pytest.raises(NotSerializable, match="65535") as refusal:
        encode([b""] * 65_536)
    assert refusal.value.path == "$[65535]"


def test_depth_counts_the_levels_of_the_text() -> None:
    value: Any = frozenset()
    for _ in range(MAX_DEPTH // 2 - 1):
        value = frozenset((value,))
    assert there_and_back(value) == value
    with pytest.raises(NotSerializable, match="deeper"):
        encode(frozenset((value,)))


def test_circles_through_any_container_are_found() -> None:
    pairs: dict[Any, Any] = {}
    pairs[1] = [pairs]
    point = Point(1, set())
    point.x = point  # type: ignore[assignment]
    for circle, path in ((pairs, '$["1"][0]'), (point, "$.x")):
        with pytest.raises(NotSerializable, match="contains itself") as refusal:
            encode(circle)
        assert refusal.value.path == path


# ---- anything with the buffer protocol, without NumPy


@pytest.fixture
def no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_arrays, "_numpy", lambda: None)


class Struct(ctypes.Structure):
    _fields_: ClassVar = [("a", ctypes.c_int)]


@pytest.mark.usefixtures("no_numpy")
@pytest.mark.parametrize("code", "bhHiIlLqQfd")  # memory of unsigned bytes is bytes
def test_arrays_arrive_as_memoryviews(code: str) -> None:
    value = array.array(code, [1, 2, 3])
    back = there_and_back(value)
    assert isinstance(back, memoryview)
    assert back.tolist() == [1, 2, 3]
    assert not back.readonly
    assert there_and_back(value[:0]).tolist() == []


@pytest.mark.usefixtures("no_numpy")
def test_memoryviews_keep_their_shape() -> None:
    view = memoryview(array.array("i", range(6))).cast("B").cast("i", (2, 3))
    assert there_and_back(view).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert there_and_back(memoryview(array.array("h", range(6)))[::-2]).tolist() == [5, 3, 1]


@pytest.mark.usefixtures("no_numpy")
def test_foreign_memory() -> None:
    assert there_and_back((ctypes.c_double * 2)(1, 2)).tolist() == [1, 2]
    assert there_and_back((ctypes.c_int32.__ctype_be__ * 2)(1, -2)).tolist() == [1, -2]
    with mmap.mmap(-1, 4) as memory:
        assert there_and_back(memory) == bytes(4)
    with pytest.raises(NotSerializable, match="format"):
        encode(Struct(1))


@pytest.mark.usefixtures("no_numpy")
def test_what_only_numpy_has_a_type_for_cannot_be_received() -> None:
    for dtype, size in (("<f2", 2), ("<c16", 16), ("<M8[ns]", 8)):
        body = f'{{"$":"array","i":0,"dtype":"{dtype}","shape":[1]}}'
        with pytest.raises(Unreceivable, match="needs NumPy"):
            decode(TAGGED, body.encode(), [memoryview(bytearray(size))])


# ---- any value


def _any(dice: random.Random, depth: int) -> Any:
    scalars: list[Any] = [
        None, True, 0, -1, dice.getrandbits(80), dice.random(), "é🐍", "$", "dict", dice.randbytes(dice.randint(0, 9)),
        date.fromordinal(dice.randint(1, 3_000_000)), timedelta(microseconds=dice.getrandbits(60)),
        datetime(2026, 4, 1, tzinfo=BERLIN) + timedelta(minutes=dice.randint(0, 300_000)),
        Decimal(dice.getrandbits(70)).scaleb(-dice.randint(0, 30)), uuid.UUID(int=dice.getrandbits(128)),
    ]  # fmt: skip
    if depth == 0 or dice.random() < 0.3:
        return dice.choice(scalars)
    items = [_any(dice, depth - 1) for _ in range(dice.randint(0, 4))]
    keys = [dice.choice(scalars) for _ in items]
    kind = dice.randrange(4)
    if kind == 0:
        return items
    if kind == 1:
        return set(keys)
    if kind == 2:
        return dict(zip(keys, items))
    return {dice.choice(["$", "v", "i", "key", ""]): item for item in items}


def test_any_value_comes_back_equal() -> None:
    dice = random.Random(4)
    for _ in range(3_000):
        value = _any(dice, 5)
        assert there_and_back(value) == value


def test_damaged_tags_are_nothing_but_value_errors() -> None:
    dice = random.Random(5)
    sound = encode([value for value in SAME if value != Decimal("1" * 4_300)])
    views = [memoryview(bytearray(attachment)) for attachment in sound[2]]
    for _ in range(4_000):
        body = bytearray(sound[1])
        for _ in range(dice.randint(1, 3)):
            body[dice.randrange(len(body))] = dice.choice(b'"$:[]{}0v19ivx')
        try:
            decode(TAGGED, bytes(body), views)
        except ValueError:
            pass


def test_no_library_is_loaded_for_plain_values() -> None:
    import subprocess

    script = (
        "import sys; from gorgon import _values; _values.decode(*_values.encode([1, {2}])[:2]);"
        "print([name for name in ('numpy', 'pandas', 'decimal', 'uuid', 'zoneinfo') if name in sys.modules])"
    )
    path = str(__import__("pathlib").Path(_arrays.__file__).parents[1])
    printed = subprocess.run(
        [sys.executable, "-S", "-c", script], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert printed.stdout == "[]\n"

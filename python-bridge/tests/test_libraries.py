"""Values of NumPy, pandas and pydantic; skipped where they are not installed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from gorgon._values import NotSerializable, decode, encode
from gorgon._wire import JSON, TAGGED

np = pytest.importorskip("numpy")


def there_and_back(value: Any) -> Any:
    codec, body, attachments = encode(value)
    return decode(codec, body, [memoryview(bytearray(attachment)) for attachment in attachments])


GRID = np.arange(24).reshape(2, 3, 4)
LITTLE = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]
BIG = ["i2", "u4", "i8", "f2", "f4", "f8", "c16"]
ARRAYS = {
    **{code: np.array([0, 1, 100]).astype(code) for code in LITTLE},
    **{f"big endian {code}": np.array([0, 1, 100]).astype(f">{code}") for code in BIG},
    "nan": np.array([np.nan, np.inf, -np.inf, -0.0]), "0-d": np.array(5.5), "0-d big endian": np.array(5, ">i4"),
    "empty": np.zeros((0, 3)), "empty 1-d": np.array([], "i4"), "3-d": GRID, "Fortran": np.asfortranarray(GRID),
    "transposed": GRID.T, "slice": GRID[:, 1:, ::2], "backwards": GRID[::-1], "broadcast": np.broadcast_to(1, (2, 2)),
    "times": np.array(["2026-01-01", "NaT"], "M8[ns]"), "spans": np.array([1, -1], "m8[s]"),
    "big endian times": np.array(["2026-01-01"], ">M8[D]"), "read only": np.frombuffer(b"abcd", "u1"),
}  # fmt: skip


@pytest.mark.parametrize("value", ARRAYS.values(), ids=ARRAYS.keys())
def test_arrays_come_back_equal(value: Any) -> None:
    back = there_and_back(value)
    assert type(back) is np.ndarray
    assert back.shape == value.shape
    assert back.dtype == value.dtype.newbyteorder("=")
    assert np.array_equal(back, value, equal_nan=value.dtype.kind in "fcmM")
    assert back.flags.writeable


def test_an_array_of_the_right_layout_goes_out_without_a_copy() -> None:
    value = np.zeros((2, 2))
    _, _, attachments = encode({"a": [value]})
    value[0, 0] = 1
    assert bytes(attachments[0]) == value.tobytes()


def test_an_array_is_a_view_of_what_arrived() -> None:
    memory = bytearray(8)
    back = decode(TAGGED, b'{"$":"array","i":0,"dtype":"<i4","shape":[2]}', [memoryview(memory)])
    back[1] = -1
    assert memory == b"\x00\x00\x00\x00\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (np.int64(-5), -5), (np.uint64(2**64 - 1), 2**64 - 1), (np.float64(0.1), 0.1), (np.float32(0.5), 0.5),
        (np.float16(0.5), 0.5), (np.bool_(True), True), (np.str_("é"), "é"), (np.bytes_(b"ab"), b"ab"),
        (np.datetime64("2026-01-01T01:02:03", "us"), datetime(2026, 1, 1, 1, 2, 3)),
        (np.timedelta64(5, "s"), timedelta(0, 5)),
        ({"a": [np.int8(1), (np.float64(2),)]}, {"a": [1, [2.0]]}), ({np.int64(3): 1}, {3: 1}), ({np.int64(3)}, {3}),
    ],
    ids=ascii,
)  # fmt: skip
def test_scalars_arrive_as_pythons_own(value: Any, arrives: Any) -> None:
    back = there_and_back(value)
    assert back == arrives
    assert type(back) is type(arrives)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([1, "a", None], object), r"dtype \|O .* send array.tolist"), (np.array(["a"]), "dtype <U1"),
        (np.array([b"a"]), r"dtype \|S1"), (np.zeros(2, [("a", "i4")]), r"dtype \|V4"),
        (np.ma.array([1, 2], mask=[0, 1]), "mask"), (np.zeros(1, "g"), "dtype <f16"), (np.longdouble(1), "<f16"),
        (np.complex128(1), "<c16"), (np.datetime64("2026-01-01", "ns"), "datetime64.us"), (np.datetime64("NaT"), "M8"),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_has_no_form_is_refused_with_its_path(value: Any, message: str) -> None:
    with pytest.raises(NotSerializable, match=message) as refusal:
        encode({"a": [0, value]})
    assert refusal.value.path == "$.a[1]"


def test_frames_and_series_of_pandas() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, None], "s": ["a", "b"], "t": pd.to_datetime(["2026-01-01", None])})
    back = there_and_back({"frame": frame})["frame"]
    assert back["n"] == [1, 2]
    assert back["s"] == ["a", "b"]
    assert back["t"] == [datetime(2026, 1, 1), None]
    assert back["x"][0] == 0.5
    assert back["x"][1] != back["x"][1]
    assert there_and_back(pd.DataFrame([[1, 2]])) == {0: [1], 1: [2]}
    assert there_and_back(pd.Series([1, None], dtype="Int64")) == [1, None]
    assert there_and_back(pd.Index(["a"])) == ["a"]
    assert there_and_back([pd.NaT, pd.NA, pd.Timedelta(1, "s")]) == [None, None, timedelta(0, 1)]
    at = pd.Timestamp("2026-07-01 12:00", tz="Europe/Berlin")
    assert there_and_back(at) == at
    assert b"00.000000001" in encode(pd.Timestamp("2026-01-01T00:00:00.000000001"))[1]
    with pytest.raises(NotSerializable, match="same name"):
        encode(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(NotSerializable, match="no JSON form") as refusal:
        encode(pd.DataFrame({"a": [object()]}))
    assert refusal.value.path == "$.a[0]"


def test_models_of_pydantic() -> None:
    pydantic = pytest.importorskip("pydantic")
    inner = pydantic.create_model("Inner", when=(datetime, ...), tags=(set[str], ...))
    outer = pydantic.create_model("Outer", inner=(inner, ...), n=(int, ...))
    root = pydantic.RootModel[list[int]]
    at = datetime(2026, 1, 1)
    assert there_and_back(outer(inner=inner(when=at, tags={"a"}), n=1)) == {
        "inner": {"when": at, "tags": {"a"}},
        "n": 1,
    }
    assert there_and_back([root([1, 2])]) == [[1, 2]]
    assert encode(root([1]))[0] == JSON

"""Arrays: the memory of what has the buffer protocol, with a dtype and a shape as NumPy writes them.

On the wire an array is in C order and little endian. Java and this file know the same dtypes: booleans, integers of
1 to 8 bytes, floats of 2 to 8, complex numbers, and NumPy's datetime64 and timedelta64 as counts of their unit.
"""

from __future__ import annotations

import math
import re
import sys
from typing import Any, Union

Buffer = Union[bytes, bytearray, memoryview]

_DTYPE = re.compile(r"\|[biu]1|<[iu][248]|<f[248]|<c(?:8|16)|<[mM]8(?:\[\d*[A-Za-z]+\])?")
_FORMATS = {
    "|b1": "?", "|i1": "b", "|u1": "B", "<i2": "h", "<u2": "H", "<i4": "i", "<u4": "I", "<i8": "q", "<u8": "Q",
    "<f4": "f", "<f8": "d",
}  # fmt: skip
_KINDS = {"?": "b", "e": "f", "f": "f", "d": "f", **dict.fromkeys("bhilqn", "i"), **dict.fromkeys("BHILQN", "u")}
_BIG = (">", "!") if sys.byteorder == "little" else ("@", "=", ">", "!")  # byte orders of memoryviews
_MOST_DIMENSIONS = 64  # what a memoryview has, and NumPy


class Unreceivable(ValueError):
    """An argument that is sound, and that this Python cannot make a value of."""


def of_numpy(array: Any) -> tuple[str, list[int], Buffer]:
    """dtype, shape and memory of a NumPy array; a copy is made only of another layout. Raises TypeError."""
    if hasattr(array, "mask") and hasattr(array, "filled"):
        raise TypeError("a masked array would lose its mask: send array.filled(value)")
    dtype = array.dtype
    if dtype.str[0] == ">":
        array = array.astype(dtype.newbyteorder("<"))
        dtype = array.dtype
    if not _DTYPE.fullmatch(dtype.str):
        raise TypeError(f"an array of dtype {dtype.str} has no form in Java: send array.tolist()")
    shape = list(array.shape)
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    # Through bytes, since datetime64 has no buffer protocol; flat, since 0-d arrays have no other view.
    flat = sys.modules["numpy"].asarray(array).reshape(-1)
    return dtype.str, shape, flat.view("u1").data if flat.size else b""


def of_view(view: memoryview) -> tuple[str, list[int], Buffer]:
    """dtype, shape and memory of anything else that has the buffer protocol. Raises TypeError."""
    order, letter = (view.format[0], view.format[1:]) if view.format[:1] in tuple("@=<>!") else ("@", view.format)
    kind = _KINDS.get(letter)
    if kind is None:
        raise TypeError(f"memory of format {view.format!r} has no form in Java")
    dtype = f"{'|' if view.itemsize == 1 else '<'}{kind}{view.itemsize}"
    swapped = order in _BIG and view.itemsize > 1
    shape = list(view.shape or ())
    if not view.nbytes:
        return dtype, shape, b""
    if not swapped:
        return dtype, shape, flat(view)
    raw = view.tobytes()
    turned = bytearray(len(raw))
    for position in range(view.itemsize):
        turned[position :: view.itemsize] = raw[view.itemsize - 1 - position :: view.itemsize]
    return dtype, shape, turned


def flat(view: memoryview) -> Buffer:
    """The bytes of a memoryview, in C order; a copy only where no view is possible."""
    try:
        return view.cast("B")
    except (TypeError, ValueError):  # strides, or a format with a byte order
        return view.tobytes()


def arrive(memory: memoryview, dtype: Any, shape: Any) -> Any:
    """An array over that memory, without a copy: NumPy's if it can be imported, else a memoryview.

    Raises ValueError if the three do not fit each other; Unreceivable for what only NumPy has a type for.
    """
    if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype):
        raise ValueError(f"the dtype {dtype!r} is unknown")
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"the shape {shape!r} is no list of lengths")
    if len(shape) > _MOST_DIMENSIONS:
        raise ValueError(f"an array has at most {_MOST_DIMENSIONS} dimensions, not {len(shape)}")
    itemsize = int(dtype[2:].partition("[")[0])
    if math.prod(shape) * itemsize != memory.nbytes:
        raise ValueError(f"{memory.nbytes} bytes are no array of dtype {dtype} and shape {shape}")
    numpy = _numpy()
    if numpy is not None:
        return numpy.ndarray(tuple(shape), dtype, memory)  # holds the memory, or what that is a view of
    form: Any = _FORMATS.get(dtype)
    if form is None or sys.byteorder != "little":
        raise Unreceivable(f"an array of dtype {dtype} needs NumPy, which this Python does not have")
    if not memory.nbytes:
        return memory.cast(form)  # a memoryview of no bytes has one dimension
    return memory.cast(form, shape)


def _numpy() -> Any:
    """NumPy, or None: imported when the first array comes, and not before."""
    try:
        import numpy
    except Exception:  # missing, or broken
        return None
    return numpy

"""Damaged bodies, and frames cut anywhere: nothing escapes but what is promised, and memory stays in proportion.

``GORGON_FUZZ_BODIES`` and ``GORGON_FUZZ_CUTS`` say how many (20 000 and 10 000), ``GORGON_FUZZ_SEED`` which (19).
"""

from __future__ import annotations

import os
import random
import struct
import tracemalloc

from gorgon import _wire
from gorgon._reader import FrameReader
from gorgon._values import decode
from gorgon._wire import Frame, ProtocolError
from make_golden import DIRECTORY

BODIES = int(os.environ.get("GORGON_FUZZ_BODIES", "20000"))
CUTS = int(os.environ.get("GORGON_FUZZ_CUTS", "10000"))
SEED = int(os.environ.get("GORGON_FUZZ_SEED", "19"))
LIMIT = 1 << 20

SEEDS = [
    b'[1,2.5,"three",null,NaN,Infinity,-Infinity,12345678901234567890]',
    b'{"target":"m:f","args":[{"$":"bytes","i":0}],"kwargs":{"k":{"$":"dict","v":{"$":"x"}}},"call":"c"}',
    b'{"$":"array","i":1,"dtype":"<f8","shape":[2,2]}',
    b'[{"$":"array","i":0,"dtype":"|u1","shape":[4]},{"$":"array","i":3,"dtype":"<M8[ns]","shape":[]}]',
    b'{"$":"datetime","v":"2024-02-29T12:30:00.000001+01:00","zone":"Europe/Berlin"}',
    b'[{"$":"date","v":"2024-02-29"},{"$":"time","v":"12:30:00"},{"$":"timedelta","v":[-1,999999000]}]',
    b'[{"$":"decimal","v":"1E+600"},{"$":"uuid","v":"12345678-1234-5678-1234-567812345678"}]',
    b'{"$":"set","v":[1,"a",{"$":"frozenset","v":[2,[3]]}]}',
    b'{"$":"pairs","v":[[1,"a"],[[2],{"$":"set","v":[]}]]}',
]
PIECES = (
    b'{"$":"set","v":[',
    b'{"$":"dict","v":{',
    b"]}",
    b"}}",
    b"[[[[[[[[",
    b"1e999999999",
    b"-9223372036854775809",
    b"4294967296",
    b"1000000000,0",
    b'"\\ud800"',
    b'"\xed\xa0\x80"',
    b"9" * 5000,
    b'"$"',
    b'"v":',
    b"null",
    b"",
)
ATTACHMENTS = (b"abcd", struct.pack("<4d", 1, 2, 3, 4), b"", b"12345678")


def damaged(dice: random.Random) -> bytes:
    """A body with up to four damages."""
    body = bytearray(dice.choice(SEEDS))
    for _ in range(dice.randrange(5)):
        at = dice.randrange(len(body) + 1)
        how = dice.randrange(5)
        if how == 0 and at < len(body):
            body[at] = dice.randrange(256)
        elif how == 1:
            body[at:at] = dice.choice(PIECES) * (1 + dice.randrange(3))
        elif how == 2:
            del body[at : at + 1 + dice.randrange(6)]
        elif how == 3:
            other = dice.choice(SEEDS)
            body[at:at] = other[dice.randrange(len(other)) :]
        else:
            body[at:at] = dice.choice((b"[", b'{"a":')) * dice.choice((1, 50, 2000))
    return bytes(body)


def decoded(codec: int, body: bytes, attachments: list[memoryview]) -> tuple[str, int]:
    """What comes of a body, and how much memory that took at most."""
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        decode(codec, body, attachments)
        what = "value"
    except ValueError:
        what = "ValueError"
    except RecursionError:
        what = "RecursionError"
    return what, tracemalloc.get_traced_memory()[1] - before


def test_a_damaged_body_is_a_value_or_a_value_error_and_costs_in_proportion() -> None:
    dice = random.Random(SEED)
    attachments = [memoryview(bytearray(each)) for each in ATTACHMENTS]
    counts = {"value": 0, "ValueError": 0, "RecursionError": 0}
    for body in SEEDS:  # what is imported or made once is nobody's
        decode(_wire.TAGGED, body, attachments)
    tracemalloc.start()
    try:
        for _ in range(BODIES):
            body = damaged(dice)
            codec = _wire.TAGGED if dice.randrange(4) else _wire.JSON
            most = (256 << 10) + 512 * len(body)
            what, cost = decoded(codec, body, attachments)
            if cost > most:  # now and then a table of the interpreter's own grows: that is no body's
                what, cost = decoded(codec, body, attachments)
            counts[what] += 1
            assert cost <= most, body
    finally:
        tracemalloc.stop()
    print(f"[fuzz] {BODIES} bodies: {counts}")
    assert all(count > BODIES // 1000 for count in counts.values()), counts


class Pieces:
    """A connection that gives what it has in pieces of any size, then ends."""

    def __init__(self, content: bytes, dice: random.Random) -> None:
        self._content = content
        self._dice = dice

    def recv_into(self, buffer: memoryview, _size: int = 0, _flags: int = 0) -> int:
        most = min(len(buffer), self._dice.choice((1, 3, 28, 29, 4096)))
        piece, self._content = self._content[:most], self._content[most:]
        buffer[: len(piece)] = piece
        return len(piece)


def read_all(content: bytes, dice: random.Random) -> tuple[list[Frame], str]:
    """The frames in it, and how it ended."""
    reader = FrameReader(Pieces(content, dice), LIMIT)  # type: ignore[arg-type]
    frames: list[Frame] = []
    try:
        while True:
            frame = reader.read()
            if frame is None:
                return frames, "end"
            frames.append(frame)
    except ProtocolError as refusal:
        return frames, refusal.reason


def whole(made: _wire.Written) -> bytes:
    """The bytes of a frame in one piece."""
    return made if isinstance(made, bytes) else b"".join(made)


def written(frames: list[Frame]) -> bytes:
    """The bytes of frames that lie in no shared memory."""
    return b"".join(
        whole(_wire.encode_value(frame.kind, frame.id, frame.codec, frame.body, frame.attachments)) for frame in frames
    )


def test_it_makes_no_difference_how_frames_are_cut() -> None:
    dice = random.Random(SEED)
    golden = [path.read_bytes() for path in sorted(DIRECTORY.glob("*.bin"))]
    big = [
        _wire.encode(_wire.REQUEST, 7, b"1" * 300_000),
        whole(_wire.encode_value(_wire.REQUEST, 8, _wire.JSON, b"2", [b"x" * 270_000, b"", b"y" * 9_000])),
    ]
    ends: dict[str, int] = {}
    for number in range(CUTS):
        parts = [dice.choice(golden) for _ in range(1 + dice.randrange(4))]
        if number % 100 == 0:
            parts.insert(dice.randrange(len(parts)), dice.choice(big))
        content = bytearray(b"".join(parts))
        if dice.randrange(2):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        frames, end = read_all(bytes(content), dice)
        again, end_again = read_all(bytes(content), dice)
        assert (frames, end) == (again, end_again)
        assert content.startswith(written(frames))
        ends[end] = ends.get(end, 0) + 1
    print(f"[fuzz] {CUTS} cut streams: {ends}")
    assert {"end", "truncated", "check", "magic"} <= set(ends)

"""Damaged frames: nothing escapes but a ProtocolError, and no size that a frame claims is believed.

``GORGON_FUZZ_FRAMES`` says how many (20 000). Half of the damaged prefixes get a fitting check, so that what lies
behind it is reached.
"""

from __future__ import annotations

import os
import random
import struct
import tracemalloc
from binascii import crc32

from gorgon import _wire
from gorgon._reader import FrameReader
from gorgon._wire import ProtocolError
from make_golden import DIRECTORY

FRAMES = int(os.environ.get("GORGON_FUZZ_FRAMES", "20000"))
LIMIT = 1 << 20
EDGES = (
    0,
    1,
    23,
    24,
    25,
    28,
    LIMIT - 1,
    LIMIT,
    LIMIT + 1,
    0x7FFF,
    0x7FFFFFFF,
    0xFFFFFFFF,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


class Whole:
    """A connection that gives what it has, then ends."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def recv_into(self, buffer: memoryview, _size: int = 0, _flags: int = 0) -> int:
        piece, self._content = self._content[: len(buffer)], self._content[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def fuzzed(dice: random.Random, golden: list[bytes]) -> bytes:
    """A golden frame or noise, with up to four damages."""
    frame = bytearray(dice.randbytes(dice.randrange(200)) if dice.randrange(8) == 0 else dice.choice(golden))
    for _ in range(dice.randrange(5) if len(frame) > 8 else 0):
        how = dice.randrange(3)
        if how == 0:
            frame[dice.randrange(len(frame))] ^= 1 << dice.randrange(8)
        elif how == 1:
            struct.pack_into(">Q", frame, dice.randrange(len(frame) - 7), dice.choice(EDGES))
        else:
            at = dice.randrange(min(len(frame), _wire.PREFIX_SIZE) - 3)
            struct.pack_into(">I", frame, at, dice.choice(EDGES) & 0xFFFFFFFF)
    if len(frame) >= _wire.PREFIX_SIZE and dice.randrange(2):
        struct.pack_into(">H", frame, 4, _wire.MAGIC)
        struct.pack_into(">I", frame, 24, crc32(frame[:24]))
    return bytes(frame)


def test_damage_is_a_protocol_error_and_never_more_memory_than_the_limit() -> None:
    dice = random.Random(19)
    golden = [path.read_bytes() for path in sorted(DIRECTORY.glob("*.bin"))]
    counts = {"read": 0, "end": 0}
    tracemalloc.start()
    try:
        for _ in range(FRAMES):
            content = fuzzed(dice, golden)
            reader = FrameReader(Whole(content), LIMIT)  # type: ignore[arg-type]
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                frame = reader.read()
                what = "end" if frame is None else "read"
                if frame is not None:
                    again = _wire.encode_value(frame.kind, frame.id, frame.codec, frame.body, frame.attachments)
                    assert content.startswith(again if isinstance(again, bytes) else b"".join(again))
            except ProtocolError as refusal:
                what = refusal.reason
            counts[what] = counts.get(what, 0) + 1
            # One buffer of a claimed size within the limit, and what is made of the bytes that came.
            assert tracemalloc.get_traced_memory()[1] - before <= LIMIT + 4 * len(content) + (64 << 10)
    finally:
        tracemalloc.stop()
    print(f"[fuzz] {FRAMES} frames: {counts}")
    reasons = {"magic", "check", "limit", "flags", "kind", "codec", "body", "attachments", "truncated"}
    assert set(counts) == reasons | {"read", "end"}

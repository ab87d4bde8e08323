"""Frames: golden files, any cut, any damage."""

from __future__ import annotations

import json
import random
import socket
from typing import Any

import pytest

from gorgon import _wire
from gorgon._wire import Frame, FrameReader, ProtocolError
from make_golden import DIRECTORY, golden

INDEX = json.loads((DIRECTORY / "golden.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in INDEX["frames"]}


class Cut:
    """A connection that gives some bytes in pieces of any size."""

    def __init__(self, content: bytes, sizes: Any) -> None:
        self._content = content
        self._sizes = sizes

    def recv_into(self, buffer: memoryview) -> int:
        size = min(self._sizes(), len(buffer))
        piece, self._content = self._content[:size], self._content[size:]
        buffer[: len(piece)] = piece
        return len(piece)


def reader(content: bytes, sizes: Any = lambda: 1 << 30, limit: int = _wire.DEFAULT_LIMIT) -> FrameReader:
    return FrameReader(Cut(content, sizes), limit)  # type: ignore[arg-type]


def bytes_of(name: str) -> bytes:
    return (DIRECTORY / f"{name}.bin").read_bytes()


def test_golden_files_are_what_the_script_writes() -> None:
    for name, (content, description) in golden().items():
        assert bytes_of(name) == content
        assert CASES[name] == {"name": name, "valid": "error" not in description, **description}
    assert {path.stem for path in DIRECTORY.glob("*.bin")} == set(golden()) == set(CASES)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["valid"]])
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_reads_and_writes_golden_frames(name: str, piece: int) -> None:
    case = CASES[name]
    attachments = tuple(bytes.fromhex(attachment) for attachment in case["attachments"])
    expected = Frame(case["kind"], case["id"], case["body"].encode(), attachments)
    source = reader(bytes_of(name), lambda: piece)
    assert source.read() == expected
    assert source.read() is None
    assert _wire.encode(*expected) == bytes_of(name)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case["valid"]])
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_refuses_golden_garbage(name: str, piece: int) -> None:
    with pytest.raises(ProtocolError) as refusal:
        reader(bytes_of(name), lambda: piece).read()
    assert refusal.value.reason == CASES[name]["error"]


def test_every_single_bit_of_a_prefix_counts() -> None:
    sound = bytes_of("request")
    for bit in range(_wire.PREFIX_SIZE * 8):
        broken = bytearray(sound)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProtocolError):
            reader(bytes(broken)).read()


def test_every_truncation_is_told_from_an_end() -> None:
    sound = bytes_of("two_attachments")
    assert reader(b"").read() is None
    for size in range(1, len(sound)):
        with pytest.raises(ProtocolError) as refusal:
            reader(sound[:size]).read()
        assert refusal.value.reason == "truncated"


def test_any_frames_arrive_in_any_cut() -> None:
    dice = random.Random(1)
    for _ in range(60):
        frames = [_any_frame(dice) for _ in range(dice.randint(1, 12))]
        largest = dice.choice([1 << 10, 1 << 16, 1 << 20])
        source = reader(
            b"".join(_wire.encode(*frame) for frame in frames),
            lambda largest=largest: dice.randint(1, largest),
        )
        assert [source.read() for _ in frames] == frames
        assert source.read() is None


def _any_frame(dice: random.Random) -> Frame:
    sizes = [0, 1, 100, 5_000, 262_116, 262_117, 400_000]
    size = dice.choice(sizes)
    attachments = tuple(dice.randbytes(dice.choice(sizes[:4])) for _ in range(dice.choice([0, 0, 1, 3])))
    return Frame(dice.choice(sorted(_wire.KINDS)), dice.getrandbits(63), b"x" * size, attachments)


def test_damage_is_nothing_but_a_protocol_error() -> None:
    dice = random.Random(2)
    sound = b"".join(bytes_of(name) for name in ("request", "two_attachments", "ping", "unicode"))
    for _ in range(3_000):
        broken = bytearray(sound)
        for _ in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] = dice.getrandbits(8)
        source = reader(bytes(broken[: dice.randint(1, len(broken))]))
        try:
            while source.read() is not None:
                pass
        except ProtocolError:
            pass


def test_the_limit_counts_what_length_counts() -> None:
    frame = _wire.encode(_wire.RESULT, 1, b"x" * 100)
    assert reader(frame, limit=124).read() is not None
    with pytest.raises(ProtocolError, match="limit"):
        reader(frame, limit=123).read()


def test_reads_from_a_socket() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.sendall(bytes_of("ping") + bytes_of("pong")[:10])
        here.close()
        source = FrameReader(there)
        assert source.read() == Frame(_wire.PING, 42)
        with pytest.raises(ProtocolError, match="truncated"):
            source.read()

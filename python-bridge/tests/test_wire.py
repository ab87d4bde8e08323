"""Frames: golden files, any cut, any damage."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import zlib
from collections.abc import Sequence
from typing import Any

import pytest

from gorgon import _link, _wire
from gorgon._arrays import Buffer
from gorgon._reader import _NOWHERE, FrameReader
from gorgon._segments import Attached, Place, Segments
from gorgon._wire import Frame, ProtocolError
from make_golden import DIRECTORY, golden

INDEX = json.loads((DIRECTORY / "golden.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in INDEX["frames"]}


class Cut:
    """A connection that gives some bytes in pieces of any size."""

    def __init__(self, content: bytes, sizes: Any) -> None:
        self._content = content
        self._sizes = sizes

    def recv_into(self, buffer: memoryview, _size: int = 0, _flags: int = 0) -> int:
        size = min(self._sizes(), len(buffer))
        piece, self._content = self._content[:size], self._content[size:]
        buffer[: len(piece)] = piece
        return len(piece)


class Shared(Segments):
    """The memory that a golden frame refers to."""

    def __init__(self, case: dict[str, Any]) -> None:
        super().__init__()
        self.places = [place and tuple(place) for place in case.get("places", ())]
        self._bytes = dict(zip(self.places, map(bytes.fromhex, case.get("attachments", ()))))

    def view(self, number: int, offset: int, size: int) -> memoryview:
        return memoryview(self._bytes[number, offset][:size])


def reader(
    content: bytes,
    sizes: Any = lambda: 1 << 30,
    limit: int = _wire.DEFAULT_LIMIT,
    segments: Segments = _NOWHERE,
) -> FrameReader:
    return FrameReader(Cut(content, sizes), limit, segments)  # type: ignore[arg-type]


def written(frame: Frame, places: Sequence[tuple[int, int] | None] = ()) -> bytes:
    attachments: list[Attached] = list(frame.attachments)
    for number, place in enumerate(places):
        if place:
            attachments[number] = Place(*place, len(frame.attachments[number]))
    result = _wire.encode_value(frame.kind, frame.id, frame.codec, frame.body, attachments)
    return b"".join(result) if isinstance(result, list) else result


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
    attachments = [bytes.fromhex(attachment) for attachment in case["attachments"]]
    shared = Shared(case)
    source = reader(bytes_of(name), lambda: piece, segments=shared)
    frame = source.read()
    assert frame is not None
    assert frame[:3] == (case["kind"], case["id"], case["body"].encode())
    assert [bytes(attachment) for attachment in frame.attachments] == attachments
    assert frame.codec == case["codec"]
    assert frame.segments == tuple(place[0] for place in shared.places if place)
    assert source.read() is None
    assert written(frame, shared.places) == bytes_of(name)


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
            b"".join(map(written, frames)),
            lambda largest=largest: dice.randint(1, largest),
        )
        for frame in frames:
            got = source.read()
            assert got is not None
            assert [bytes(attachment) for attachment in got.attachments] == list(frame.attachments)
            assert got._replace(attachments=()) == frame._replace(attachments=())
        assert source.read() is None


def _any_frame(dice: random.Random) -> Frame:
    sizes = [0, 1, 100, 5_000, 262_116, 262_117, 400_000]
    size = dice.choice(sizes)
    attachments = [memoryview(dice.randbytes(dice.choice(sizes))) for _ in range(dice.choice([0, 0, 1, 3]))]
    tagged = size > 0 and dice.random() < 0.5
    return Frame(dice.choice(sorted(_wire.KINDS)), dice.getrandbits(63), b"x" * size, attachments, tagged)


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


def test_a_big_frame_whose_attachments_do_not_fit_is_refused_before_they_are_read() -> None:
    for size, follows in ((2**40, b""), (2**63 | 8, b""), (300_000, b"more" * 10)):
        lie = struct.pack(">Q", size) + bytes(300_000) + follows
        head = struct.pack(">IHBBHHQI", 24 + 2 + len(lie), 0x4752, 32, 2, 0, 1, 1, 2)
        with pytest.raises(ProtocolError, match="attachments"):
            reader(head + struct.pack(">I", zlib.crc32(head)) + b"{}" + lie).read()


def test_attachments_of_a_big_frame_are_aligned_and_each_in_its_own_memory() -> None:
    frame = Frame(_wire.RESULT, 1, b"123", [memoryview(b"x" * 5), memoryview(b"y" * 300_000)], True)
    got = reader(written(frame)).read()
    assert got is not None
    assert got.attachments[0].obj is not got.attachments[1].obj
    assert all(not attachment.readonly for attachment in got.attachments)


def test_pieces_arrive_as_one_frame_through_a_full_socket() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        pieces: list[Buffer] = [b"a" * 10, b"b" * 100_000, b"c", b"", memoryview(b"d" * 9_000), b"e" * 20]
        sender = threading.Thread(target=_link.send_pieces, args=(here, pieces))
        sender.start()
        wanted = b"".join(pieces)
        got = b""
        while len(got) < len(wanted):
            got += there.recv(1_000)
        sender.join()
        assert got == wanted


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

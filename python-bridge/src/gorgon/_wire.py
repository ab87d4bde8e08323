"""Frames: how messages look on the socket. The mirror of the JVM's FrameCodec; both read the same golden files.

Big endian. A prefix of 28 bytes, a body, then the attachments, each as its size (u64) and its bytes::

    u32 length       the bytes that follow this field
    u16 magic        0x4752, "GR"
    u8  kind
    u8  codec        0 = empty body, 1 = JSON in UTF-8, 2 = JSON in which some values are tagged
    u16 flags        none defined: 0
    u16 attachments  how many
    u64 id           the request's sequence on this connection, 0 where a frame is not about a request
    u32 body length
    u32 check        CRC-32 of the 24 bytes before it

An attachment whose size has its top bit set is in memory that both sides share: instead of its bytes follow u32
segment and u64 offset.
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Sequence
from typing import NamedTuple, Union

from gorgon._arrays import Buffer
from gorgon._segments import Attached, Place

MAGIC = 0x4752
EMPTY = 0
JSON = 1
TAGGED = 2

HELLO = 1
IMPORTING = 2
READY = 3
START_FAILED = 4
REQUEST = 16
PING = 17
SHUTDOWN = 18
CREDIT = 19
HOST_REPLY = 20
ITEM = 21
SEGMENT = 22
SESSION = 23
RESULT = 32
FAILURE = 33
PONG = 34
CHUNK = 35
END = 36
HOST_CALL = 37
PROGRESS = 38
PULL = 39
LOG = 40
PATCH = 41
KINDS = frozenset((*range(HELLO, START_FAILED + 1), *range(REQUEST, SESSION + 1), *range(RESULT, PATCH + 1)))

DEFAULT_LIMIT = 64 << 20
PREFIX_SIZE = 28
COUNTED = 24  # the part of the prefix that `length` counts, and, by chance, the size of what `check` covers
_GATHERED = 64 << 10  # frames over this size are written piece by piece
SMALL = 8 << 10  # pieces up to this size are put together
_HEAD = struct.Struct(">IHBBHHQI")
_CHECK = struct.Struct(">I")
_pack_head = _HEAD.pack
_pack_check = _CHECK.pack
SIZE = struct.Struct(">Q")
SHARED = 1 << 63  # set in the size of an attachment that is not in the frame
PLACE = struct.Struct(">IQ")


class ProtocolError(Exception):
    """Bytes that are no frame.

    ``reason`` is one word: magic, check, limit, flags, kind, codec, body, attachments or truncated.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


class Frame(NamedTuple):
    """One message. ``body`` is JSON text in UTF-8, or empty; attachments are memory that nobody else has.

    ``segments`` are those that attachments lie in; ``trouble`` tells why one of them could not be reached.
    """

    kind: int
    id: int = 0
    body: bytes = b""
    attachments: Sequence[memoryview] = ()
    tagged: bool = False
    segments: Sequence[int] = ()
    trouble: str = ""

    @property
    def codec(self) -> int:
        """What the body is: EMPTY, JSON or TAGGED."""
        return TAGGED if self.tagged else JSON if self.body else EMPTY

    def empty(self) -> None:
        """Its value has been made: who still has this frame, in whatever thread, holds none of that memory by it."""
        if isinstance(self.attachments, list):
            self.attachments.clear()


# A frame to send: its bytes, or the pieces that make it up.
Written = Union[bytes, list[Buffer]]


def encode(kind: int, identity: int = 0, body: bytes = b"") -> bytes:
    """The bytes of a frame with a plain body. The caller has checked its size."""
    size = len(body)
    head = _pack_head(COUNTED + size, MAGIC, kind, JSON if body else EMPTY, 0, 0, identity, size)
    return head + _pack_check(crc32(head)) + body


def encode_value(kind: int, identity: int, codec: int, body: bytes, attachments: Sequence[Attached]) -> Written:
    """The frame that carries a value. Big attachments are not copied into it; the caller has checked its size."""
    size = len(body)
    length = COUNTED + size
    for attachment in attachments:
        length += SIZE.size + (PLACE.size if isinstance(attachment, Place) else len(attachment))
    head = _pack_head(length, MAGIC, kind, codec if body else EMPTY, 0, len(attachments), identity, size)
    if not attachments:
        return head + _pack_check(crc32(head)) + body
    pieces: list[Buffer] = [head, _pack_check(crc32(head)), body]
    for attachment in attachments:
        if isinstance(attachment, Place):
            pieces += (SIZE.pack(attachment.size | SHARED), PLACE.pack(attachment.segment, attachment.offset))
        else:
            pieces += (SIZE.pack(len(attachment)), attachment)
    return pieces if length > _GATHERED else b"".join(pieces)


def together(first: Written, second: Written) -> Written:
    """Two frames that go out one behind the other, and in one write if they are small."""
    if isinstance(first, bytes) and isinstance(second, bytes):
        return first + second
    return [*([first] if isinstance(first, bytes) else first), *([second] if isinstance(second, bytes) else second)]


def size_of(body: bytes, attachments: Sequence[Buffer]) -> int:
    """What `length` says of a frame with everything in it, in bytes."""
    length = COUNTED + len(body)
    for attachment in attachments:
        length += SIZE.size + len(attachment)
    return length

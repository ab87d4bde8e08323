"""Frames: how messages look on the socket. The mirror of the JVM's FrameCodec; both read the same golden files.

Big endian. A prefix of 28 bytes, a body, then the attachments, each as its size (u64) and its bytes::

    u32 length       the bytes that follow this field
    u16 magic        0x4752, "GR"
    u8  kind
    u8  codec        0 = empty body, 1 = JSON in UTF-8, 2 = JSON with tagged values
    u16 flags        none defined: 0
    u16 attachments  how many
    u64 id           the request's sequence on this connection, 0 where a frame is not about a request
    u32 body length
    u32 check        CRC-32 of the 24 bytes before it
"""

from __future__ import annotations

import socket
import struct
from binascii import crc32
from collections.abc import Sequence
from typing import NamedTuple

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
RESULT = 32
FAILURE = 33
PONG = 34
CHUNK = 35
END = 36
HOST_CALL = 37
PROGRESS = 38
PULL = 39
LOG = 40
KINDS = frozenset((*range(HELLO, START_FAILED + 1), *range(REQUEST, ITEM + 1), *range(RESULT, LOG + 1)))

DEFAULT_LIMIT = 64 << 20
PREFIX_SIZE = 28
COUNTED = 24  # the part of the prefix that `length` counts, and, by chance, the size of what `check` covers
_BUFFER = 256 << 10
_HEAD = struct.Struct(">IHBBHHQI")
_CHECK = struct.Struct(">I")
_pack_head = _HEAD.pack
_pack_check = _CHECK.pack
_PREFIX = struct.Struct(">IHBBHHQII")
_SIZE = struct.Struct(">Q")


class ProtocolError(Exception):
    """Bytes that are no frame.

    ``reason`` is one word: magic, check, limit, flags, kind, codec, body, attachments or truncated.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


class Frame(NamedTuple):
    """One message. ``body`` is JSON text in UTF-8, or empty."""

    kind: int
    id: int = 0
    body: bytes = b""
    attachments: tuple[bytes, ...] = ()
    tagged: bool = False


_new = tuple.__new__  # what Frame's own __new__, which is written in Python, comes to


def encode(
    kind: int, identity: int = 0, body: bytes = b"", attachments: Sequence[bytes] = (), tagged: bool = False
) -> bytes:
    """The bytes of a frame. The caller has checked its size."""
    size = len(body)
    codec = (TAGGED if tagged else JSON) if size else EMPTY
    if not attachments:
        head = _pack_head(COUNTED + size, MAGIC, kind, codec, 0, 0, identity, size)
        return head + _pack_check(crc32(head)) + body
    length = COUNTED + size + sum(_SIZE.size + len(attachment) for attachment in attachments)
    head = _pack_head(length, MAGIC, kind, codec, 0, len(attachments), identity, size)
    parts = [head, _pack_check(crc32(head)), body]
    for attachment in attachments:
        parts += (_SIZE.pack(len(attachment)), attachment)
    return b"".join(parts)


class FrameReader:
    """Takes frames off a blocking socket, through one buffer that is made once."""

    def __init__(self, connection: socket.socket, limit: int = DEFAULT_LIMIT) -> None:
        """``limit``: the greatest value of `length`, in bytes."""
        self._receive = connection.recv_into
        self._limit = limit
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = 0  # the unread bytes are buffer[start:end]
        self._end = 0

    def read(self) -> Frame | None:
        """The next frame, however the bytes were cut; waits for it. None: the other side closed between two frames.

        Raises ProtocolError for anything that is no frame, and OSError when the connection broke.
        """
        while self._end - self._start < PREFIX_SIZE:
            if not self._fill(PREFIX_SIZE):
                if self._start == self._end:
                    return None
                raise ProtocolError("truncated", f"{self._end - self._start} of {PREFIX_SIZE} bytes of a prefix")
        start = self._start
        length, magic, kind, codec, flags, attachments, identity, size, check = _PREFIX.unpack_from(self._buffer, start)
        # One test for the frames of every day; `_refuse` finds out what is wrong with the others.
        if (
            magic != MAGIC
            or crc32(self._view[start : start + COUNTED]) != check
            or length > self._limit
            or flags
            or kind not in KINDS
            or (codec != JSON and codec != TAGGED if size else codec != EMPTY)
            or length < COUNTED + size + attachments * _SIZE.size
            or (not attachments and length != COUNTED + size)
        ):
            self._refuse(start, length, magic, kind, codec, flags, attachments, size, check)
        total = length + 4
        if total <= _BUFFER:
            while self._end - self._start < total:
                if not self._fill(total):
                    raise ProtocolError("truncated", f"{self._end - self._start} of {total} bytes of a frame")
            start = self._start
            self._start = start + total
            frame = self._view[start : start + total]
        else:
            frame = self._read_big(total)
        body = bytes(frame[PREFIX_SIZE : PREFIX_SIZE + size])
        if not attachments:
            return _new(Frame, (kind, identity, body, (), codec == TAGGED))
        return Frame(kind, identity, body, _split(frame[PREFIX_SIZE + size :], attachments), codec == TAGGED)

    def buffered(self) -> bool:
        """Whether a frame, or its beginning, has been read already: the socket may never become readable for it."""
        return self._end - self._start >= PREFIX_SIZE

    def _fill(self, wanted: int) -> int:
        """Read once, so that at last ``wanted`` bytes of one frame fit; 0 at the end of the stream."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + wanted > _BUFFER:
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        got = self._receive(self._view[self._end :])
        self._end += got
        return got

    def _read_big(self, total: int) -> memoryview:
        """Read a frame that is larger than the buffer into memory of its own."""
        frame = memoryview(bytearray(total))
        got = self._end - self._start
        frame[:got] = self._view[self._start : self._end]
        self._start = self._end = 0
        while got < total:
            more = self._receive(frame[got:])
            if not more:
                raise ProtocolError("truncated", f"{got} of {total} bytes of a frame")
            got += more
        return frame

    def _refuse(
        self,
        start: int,
        length: int,
        magic: int,
        kind: int,
        codec: int,
        flags: int,
        attachments: int,
        size: int,
        check: int,
    ) -> None:
        if magic != MAGIC:
            first = bytes(self._view[start : start + PREFIX_SIZE]).hex()
            raise ProtocolError("magic", f"{magic:#06x} is not {MAGIC:#06x}; the frame begins {first}")
        if crc32(self._view[start : start + COUNTED]) != check:
            raise ProtocolError("check", f"{check:#010x} does not fit the prefix")
        if length > self._limit:
            raise ProtocolError("limit", f"{length} bytes are more than the limit of {self._limit}")
        if flags:
            raise ProtocolError("flags", f"{flags:#06x} has no meaning")
        if kind not in KINDS:
            raise ProtocolError("kind", f"{kind} is unknown")
        if codec not in (EMPTY, JSON, TAGGED):
            raise ProtocolError("codec", f"{codec} is unknown")
        if codec == EMPTY and size:
            raise ProtocolError("body", f"{size} bytes of body with the codec of an empty one")
        if codec != EMPTY and not size:
            raise ProtocolError("body", "an empty body is not JSON")
        if length < COUNTED + size:
            raise ProtocolError("body", f"{size} bytes of body do not fit a frame with length {length}")
        raise ProtocolError("attachments", f"{attachments} do not fit a frame with length {length} and body {size}")


def _split(part: memoryview, count: int) -> tuple[bytes, ...]:
    attachments = []
    position = 0
    for _ in range(count):
        if position + _SIZE.size > len(part):
            raise ProtocolError("attachments", "the frame ends before the last one")
        size = _SIZE.unpack_from(part, position)[0]
        position += _SIZE.size
        if size > len(part) - position:
            raise ProtocolError("attachments", f"one of {size} bytes does not fit the frame")
        attachments.append(bytes(part[position : position + size]))
        position += size
    if position != len(part):
        raise ProtocolError("attachments", f"{len(part) - position} bytes follow the last one")
    return tuple(attachments)

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

import socket
import struct
from binascii import crc32
from collections.abc import Sequence
from typing import NamedTuple, Union

from gorgon._arrays import Buffer
from gorgon._segments import Attached, Place, Segments

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
RESULT = 32
FAILURE = 33
PONG = 34
CHUNK = 35
END = 36
HOST_CALL = 37
PROGRESS = 38
PULL = 39
LOG = 40
KINDS = frozenset((*range(HELLO, START_FAILED + 1), *range(REQUEST, SEGMENT + 1), *range(RESULT, LOG + 1)))

DEFAULT_LIMIT = 64 << 20
PREFIX_SIZE = 28
COUNTED = 24  # the part of the prefix that `length` counts, and, by chance, the size of what `check` covers
_BUFFER = 256 << 10
_REUSED = 8 << 20  # memory of frames up to this size is used again
_GATHERED = 64 << 10  # frames over this size are written piece by piece
SMALL = 8 << 10  # pieces up to this size are put together
_HEAD = struct.Struct(">IHBBHHQI")
_CHECK = struct.Struct(">I")
_pack_head = _HEAD.pack
_pack_check = _CHECK.pack
_unpack_prefix = struct.Struct(">IHBBHHQII").unpack_from
_SIZE = struct.Struct(">Q")
_SHARED = 1 << 63  # set in the size of an attachment that is not in the frame
_PLACE = struct.Struct(">IQ")
_NOWHERE = Segments()


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


_new = tuple.__new__  # what Frame's own __new__, which is written in Python, comes to

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
        length += _SIZE.size + (_PLACE.size if isinstance(attachment, Place) else len(attachment))
    head = _pack_head(length, MAGIC, kind, codec if body else EMPTY, 0, len(attachments), identity, size)
    if not attachments:
        return head + _pack_check(crc32(head)) + body
    pieces: list[Buffer] = [head, _pack_check(crc32(head)), body]
    for attachment in attachments:
        if isinstance(attachment, Place):
            pieces += (_SIZE.pack(attachment.size | _SHARED), _PLACE.pack(attachment.segment, attachment.offset))
        else:
            pieces += (_SIZE.pack(len(attachment)), attachment)
    return pieces if length > _GATHERED else b"".join(pieces)


def size_of(body: bytes, attachments: Sequence[Buffer]) -> int:
    """What `length` says of a frame with everything in it, in bytes."""
    length = COUNTED + len(body)
    for attachment in attachments:
        length += _SIZE.size + len(attachment)
    return length


class _Shared:
    """What one frame has in shared memory."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self.used: tuple[int, ...] = ()
        self.trouble = ""

    def view(self, segment: int, offset: int, size: int) -> memoryview:
        try:
            view = self._segments.view(segment, offset, size)
        except LookupError:
            raise ProtocolError("attachments", f"none of {size} bytes is in segment {segment} at {offset}") from None
        except OSError as error:
            self.trouble = f"the memory of an array cannot be opened ({error}): see limits.open-files"
            return memoryview(b"")
        if segment not in self.used:
            self.used += (segment,)
        return view


class FrameReader:
    """Takes frames off a blocking socket, through one buffer that is made once."""

    def __init__(self, connection: socket.socket, limit: int = DEFAULT_LIMIT, segments: Segments = _NOWHERE) -> None:
        """``limit``: the greatest value of `length`, in bytes; ``segments``: what frames may refer to."""
        self._segments = segments
        self._receive = connection.recv_into
        self._limit = limit
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = 0  # the unread bytes are buffer[start:end]
        self._end = 0
        # The C library returns freed memory to the system, page by page taken anew by the next big frame, unless it
        # has seen a block of that size freed before (mallopt(3), "dynamic adjustment"). This one touches no page.
        bytes(_REUSED)

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
        length, magic, kind, codec, flags, attachments, identity, size, check = _unpack_prefix(self._buffer, start)
        # One test for the frames of every day; `_refuse` finds out what is wrong with the others.
        if (
            magic != MAGIC
            or crc32(self._view[start : start + COUNTED]) != check
            or length > self._limit
            or flags
            or kind not in KINDS
            or codec > TAGGED
            or (codec == EMPTY) is (size != 0)
            or length < COUNTED + size + attachments * _SIZE.size
            or (not attachments and length != COUNTED + size)
        ):
            self._refuse(start, length, magic, kind, codec, flags, attachments, size, check)
        total = length + 4
        if total > _BUFFER:
            return self._read_big(kind, identity, codec, size, attachments, length)
        while self._end - self._start < total:
            if not self._fill(total):
                raise ProtocolError("truncated", f"{self._end - self._start} of {total} bytes of a frame")
        start = self._start
        self._start = start + total
        at = start + PREFIX_SIZE
        body = bytes(self._view[at : at + size])
        if not attachments:
            return _new(Frame, (kind, identity, body, (), codec == TAGGED, (), ""))
        # One copy for all: the buffer is read into again, and these belong to the call.
        rest = memoryview(bytearray(self._view[at + size : start + total]))
        shared = _Shared(self._segments)
        views = _split(rest, attachments, shared)
        return Frame(kind, identity, body, views, codec == TAGGED, shared.used, shared.trouble)

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

    def _read_big(self, kind: int, identity: int, codec: int, size: int, attachments: int, length: int) -> Frame:
        """Read a frame that is larger than the buffer: body and attachments each into memory of its own.

        So no attachment is copied again, nor keeps another alive, and each is aligned as arrays should be.
        """
        self._start += PREFIX_SIZE
        left = length - COUNTED - size
        body = bytes(self._exactly(size))
        views: list[memoryview] = []
        shared = _Shared(self._segments)
        for position in range(attachments, 0, -1):
            left -= _SIZE.size
            if left < (position - 1) * _SIZE.size:
                raise ProtocolError("attachments", "the frame ends before the last one")
            wanted = _SIZE.unpack(self._exactly(_SIZE.size))[0]
            if wanted & _SHARED and left >= _PLACE.size:
                left -= _PLACE.size
                segment, offset = _PLACE.unpack(self._exactly(_PLACE.size))
                views.append(shared.view(segment, offset, wanted ^ _SHARED))
                continue
            if wanted > left:
                raise ProtocolError("attachments", f"one of {wanted} bytes does not fit the frame")
            left -= wanted
            views.append(self._exactly(wanted))
        if left:
            raise ProtocolError("attachments", f"{left} bytes follow the last one")
        return Frame(kind, identity, body, views, codec == TAGGED, shared.used, shared.trouble)

    def _exactly(self, size: int) -> memoryview:
        """The next bytes, in memory of their own; what is in the buffer first, then right off the socket."""
        memory = memoryview(bytearray(size))
        got = min(size, self._end - self._start)
        memory[:got] = self._view[self._start : self._start + got]
        self._start += got
        if size - got < SMALL:  # no read for a few bytes alone: more may be there
            while got < size:
                if not self._fill(1):
                    raise ProtocolError("truncated", f"{got} of {size} bytes of a part of a frame")
                more = min(size - got, self._end - self._start)
                memory[got : got + more] = self._view[self._start : self._start + more]
                self._start += more
                got += more
        while got < size:
            count = self._receive(memory[got:], 0, socket.MSG_WAITALL)  # one wake-up, if it can be
            if not count:
                raise ProtocolError("truncated", f"{got} of {size} bytes of a part of a frame")
            got += count
        return memory

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


def _split(part: memoryview, count: int, shared: _Shared) -> list[memoryview]:
    attachments = []
    position = 0
    for _ in range(count):
        if position + _SIZE.size > len(part):
            raise ProtocolError("attachments", "the frame ends before the last one")
        size = _SIZE.unpack_from(part, position)[0]
        position += _SIZE.size
        if size & _SHARED and len(part) - position >= _PLACE.size:
            segment, offset = _PLACE.unpack_from(part, position)
            attachments.append(shared.view(segment, offset, size ^ _SHARED))
            position += _PLACE.size
            continue
        if size > len(part) - position:
            raise ProtocolError("attachments", f"one of {size} bytes does not fit the frame")
        attachments.append(part[position : position + size])
        position += size
    if position != len(part):
        raise ProtocolError("attachments", f"{len(part) - position} bytes follow the last one")
    return attachments
